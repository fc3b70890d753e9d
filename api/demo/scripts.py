"""How is an organization's past written down before it is played?

A script opens an organization and lists what its people do to it, in order: a step is one command to one service, at
one instant, by one person. Scripts are made from dates alone. What only the services know, the ids of members and of
invoices, the cast fills in when a step is played.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from billing.limits import SpendLevel, TierScope
from billing.money import Money
from billing.rating import Direction
from billing.roles import Permission
from services import closing, imports, limits, members, organizations, payments, roles, seats, usage
from services.dispatch import Verb

BILLING_ADMIN: Final = "billing_admin"
OWNER: Final = "owner"
PRIMARY_OWNER: Final = "primary_owner"
SYSTEM: Final = "system"


@dataclass(frozen=True, slots=True)
class Bill:
    """An invoice that came of closing a month."""

    invoice_id: str
    total: Money


class Cast(Protocol):
    """What is known of an organization once earlier steps were played."""

    @property
    def organization_id(self) -> str: ...

    def member_id(self, email: str) -> str: ...

    def bill(self, period: str) -> Bill: ...


@dataclass(frozen=True, slots=True)
class Step:
    """One command: when, by whom (the key of a role, or SYSTEM), and under which key a repeat is recognized."""

    at: datetime
    key: str
    actor: str
    verb: Verb[Any, Any]
    command: Callable[[Cast], Any]
    news: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """One measured use by somebody."""

    event_id: str
    email: str
    model: str
    direction: Direction
    quantity: int
    occurred_at: datetime


@dataclass(slots=True)
class Script:
    """An organization's opening and its steps so far. Each method adds one step."""

    opened_at: datetime
    opening: organizations.Create
    steps: list[Step] = field(default_factory=list)

    @property
    def slug(self) -> str:
        """The organization's slug."""
        return self.opening.slug

    def until(self, at: datetime) -> tuple[Step, ...]:
        """Return the steps that have happened by `at`, in order of time; equal instants keep the order written."""
        return tuple(sorted((step for step in self.steps if step.at <= at), key=lambda step: step.at))

    def joins(self, at: datetime, people: Sequence[imports.NewMember], *, by: str = OWNER) -> None:
        """Bring people in."""
        rows = tuple(people)
        self._add(at, by, imports.add_many, lambda cast, key: imports.AddMany(cast.organization_id, key, rows))

    def leaves(self, at: datetime, email: str) -> None:
        """Deactivate somebody."""
        self._add(
            at,
            OWNER,
            members.deactivate,
            lambda cast, key: members.Deactivate(cast.organization_id, key, cast.member_id(email)),
        )

    def returns(self, at: datetime, email: str, *, tier: str | None = None) -> None:
        """Bring somebody back who was deactivated."""
        self._add(
            at,
            OWNER,
            members.reactivate,
            lambda cast, key: members.Reactivate(cast.organization_id, key, cast.member_id(email), tier),
        )

    def becomes(self, at: datetime, email: str, role: str) -> None:
        """Give somebody another role."""
        self._add(
            at,
            OWNER,
            members.change_role,
            lambda cast, key: members.ChangeRole(cast.organization_id, key, cast.member_id(email), role),
        )

    def moves(self, at: datetime, email: str, tier: str, add_ons: tuple[str, ...] = ()) -> None:
        """Move somebody to another seat tier."""
        self._add(
            at,
            BILLING_ADMIN,
            seats.change_tier,
            lambda cast, key: seats.ChangeTier(cast.organization_id, key, cast.member_id(email), tier, add_ons),
        )

    def defines(self, at: datetime, role: str, name: str, permissions: Sequence[Permission]) -> None:
        """Define a paid role of the organization's own."""
        granted = tuple(permissions)
        self._add(
            at,
            PRIMARY_OWNER,
            roles.create,
            lambda cast, key: roles.CreateRole(
                cast.organization_id, key, role, name, billable=True, permissions=granted
            ),
        )

    def caps_all(self, at: datetime, cap: Money) -> None:
        """Cap the spend of the organization."""
        self._add(
            at,
            PRIMARY_OWNER,
            limits.set_limit,
            lambda cast, key: limits.SetLimit(cast.organization_id, key, SpendLevel.ORGANIZATION, None, None, cap),
        )

    def caps_tier(self, at: datetime, tier: str, scope: TierScope, cap: Money) -> None:
        """Cap the spend of a seat tier: of all its members together, or of each."""
        self._add(
            at,
            OWNER,
            limits.set_limit,
            lambda cast, key: limits.SetLimit(cast.organization_id, key, SpendLevel.SEAT_TIER, tier, scope, cap),
        )

    def caps_member(self, at: datetime, email: str, cap: Money) -> None:
        """Cap the spend of one person."""
        self._add(
            at,
            OWNER,
            limits.set_limit,
            lambda cast, key: limits.SetLimit(
                cast.organization_id, key, SpendLevel.MEMBER, cast.member_id(email), None, cap
            ),
        )

    def uses(self, at: datetime, meter: str, used: Sequence[Use]) -> None:
        """Report usage in one batch."""
        batch = tuple(used)

        def facts(cast: Cast, key: str) -> usage.Record:
            return usage.Record(
                cast.organization_id,
                key,
                tuple(
                    usage.UsageFact(
                        each.event_id,
                        cast.member_id(each.email),
                        meter,
                        each.model,
                        each.direction,
                        each.quantity,
                        each.occurred_at,
                    )
                    for each in batch
                ),
            )

        self._add(at, SYSTEM, usage.record, facts)

    def signs(self, at: datetime, plan_key: str, contract: Mapping[str, Any]) -> None:
        """Turn the evaluation into a contract."""
        self._add(
            at,
            PRIMARY_OWNER,
            organizations.convert_evaluation,
            lambda cast, key: organizations.ConvertEvaluation(cast.organization_id, key, plan_key, contract),
        )

    def closes(self, at: datetime, period: str) -> None:
        """Close a month."""
        self._add(
            at,
            SYSTEM,
            closing.close,
            lambda cast, key: closing.Close(cast.organization_id, key, period),
            news=f"{self.slug}: {period} is closed",
        )

    def pays(self, at: datetime, period: str, method: payments.MethodKind, reference: str) -> None:
        """Pay the invoice of a month in full."""
        self._add(
            at,
            BILLING_ADMIN,
            payments.record_payment,
            lambda cast, key: payments.RecordPayment(
                cast.organization_id,
                key,
                cast.bill(period).invoice_id,
                cast.bill(period).total,
                method,
                reference,
                at,
            ),
        )

    def pays_by(self, at: datetime, kind: payments.MethodKind, label: str) -> None:
        """Put a payment method into use."""
        self._add(
            at,
            BILLING_ADMIN,
            payments.set_method,
            lambda cast, key: payments.SetMethod(cast.organization_id, key, kind, label),
        )

    def _add(
        self,
        at: datetime,
        actor: str,
        verb: Verb[Any, Any],
        command: Callable[[Cast, str], Any],
        *,
        news: str = "",
    ) -> None:
        key = f"demo/{len(self.steps):04d}/{verb.name}"
        self.steps.append(Step(at, key, actor, verb, lambda cast: command(cast, key), news))
