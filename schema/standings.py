"""Why is this member blocked, or how much is left?

The effective limit is the tightest of those that bear on a member, shown with all of them: what each allows, what is
spent and held against it, and who can raise it. A member sees this about themself whatever their role.
"""

from datetime import datetime

import strawberry

from billing import limits as rules
from billing.limits import LimitKind, SpendLevel, TierScope
from billing.windows import Interval
from models.organizations import Organization
from schema import ids
from schema.access import field
from schema.context import Info
from schema.money import Money
from schema.parties import Contact
from services.standings import Standing


@strawberry.type(description="One of the limits that a member's spend must pass.")
class SpendLimitLink:
    limit_id: strawberry.ID = strawberry.field(description="The limit: give it to `requestLimitIncrease`.")
    level: SpendLevel = strawberry.field(description="Whose spend the limit caps.")
    subject: str = strawberry.field(
        description="The organization's id, the group's id, the seat tier's key or the member's id."
    )
    scope: TierScope | None = strawberry.field(description="What a limit on a seat tier means; null at other levels.")
    kind: LimitKind = strawberry.field(description="What the limit does when it is reached.")
    interval: Interval = strawberry.field(description="After how long its spend starts again from zero.")
    cap: Money | None = strawberry.field(
        description="What may be spent in the interval; null where it says that there is no limit."
    )
    spent: Money = strawberry.field(description="What has been spent against this limit in the running interval.")
    held: Money = strawberry.field(description="What is reserved against this limit and not spent yet.")
    remaining: Money | None = strawberry.field(description="What may still be spent here; null for no limit.")
    resets_at: datetime = strawberry.field(description="When the interval ends and spend starts again from zero.")
    binds: bool = strawberry.field(description="Whether it is the one that binds now: of the hard ones, the tightest.")

    @classmethod
    def of(cls, gate: rules.Gate, standing: Standing, owner: Organization) -> "SpendLimitLink":
        """Return the link for one gate."""
        currency, locale = owner.currency, owner.locale
        binding = standing.effective.binding
        return cls(
            limit_id=ids.text(ids.Kind.SPEND_LIMIT, owner.organization_id, gate.limit.id),
            level=gate.level,
            subject=subject_text(owner, gate.level, gate.subject),
            scope=gate.limit.scope if gate.level is SpendLevel.SEAT_TIER else None,
            kind=gate.limit.kind,
            interval=gate.limit.interval,
            cap=Money.of_nanos_or_none(gate.limit.cap_nanos, currency, locale),
            spent=Money.of_nanos(gate.counter.spent_nanos, currency, locale),
            held=Money.of_nanos(gate.counter.held_nanos, currency, locale),
            remaining=Money.of_nanos_or_none(gate.headroom_nanos, currency, locale),
            resets_at=standing.windows[gate.limit.interval].end,
            binds=binding is not None and binding.limit.id == gate.limit.id,
        )


@strawberry.type(description="The limit that binds a member now: the one with the least left.")
class EffectiveSpendLimit:
    owner: strawberry.Private[Organization]
    standing: strawberry.Private[Standing]

    @field(description="Which level binds; null for no limit.", requires=None)
    def binding_level(self) -> SpendLevel | None:
        binding = self.standing.effective.binding
        return binding.level if binding else None

    @field(description="The interval of the limit that binds.", requires=None)
    def binding_interval(self) -> Interval | None:
        binding = self.standing.effective.binding
        return binding.limit.interval if binding else None

    @field(description="When the interval of the limit that binds ends; the month where none does.", requires=None)
    def resets_at(self) -> datetime:
        return self.standing.resets_at

    @field(description="What the binding limit allows in its interval; null for no limit.", requires=None)
    def amount(self) -> Money | None:
        binding = self.standing.effective.binding
        return self._money(binding.limit.cap_nanos if binding else None)

    @field(description="What the member may still spend; null for no limit.", requires=None)
    def remaining(self) -> Money | None:
        return self._money(self.standing.effective.remaining_nanos)

    @field(description="Every limit that bears on the member, from the organization's to their own.", requires=None)
    def chain(self) -> list[SpendLimitLink]:
        return [SpendLimitLink.of(gate, self.standing, self.owner) for gate in self.standing.gates]

    @field(description="Those who may raise a limit: ask one of them.", requires=None)
    async def who_can_raise(self, info: Info) -> list[Contact]:
        found = await info.context.loaders.raisers.load(self.owner.organization_id)
        return [Contact(name=row.name, email=row.email) for row in found]

    def _money(self, nanos: int | None) -> Money | None:
        return Money.of_nanos_or_none(nanos, self.owner.currency, self.owner.locale)


def subject_text(owner: Organization, level: SpendLevel, subject: str) -> str:
    """Return the subject of a limit as clients know it: global ids, and a tier's key."""
    match level:
        case SpendLevel.ORGANIZATION:
            return ids.organization(owner.organization_id)
        case SpendLevel.GROUP:
            return ids.text(ids.Kind.GROUP, owner.organization_id, subject)
        case SpendLevel.SEAT_TIER:
            return subject
        case SpendLevel.MEMBER:
            return ids.text(ids.Kind.MEMBER, owner.organization_id, subject)
