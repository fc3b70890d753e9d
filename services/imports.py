"""Bring many people in at once.

All of them come in, or nobody does: the answer then names every row that cannot, with the reason, so that one look
at it is enough to mend the list. However long the list, the number of SQL statements stays the same. Lists that are
longer than one transaction should be are `services.import_runs`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from billing.roles import Permission
from models import members as rows
from models import role_history, roles
from services import authority, members, seats
from services.dispatch import rehearsal, verb
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit

ROWS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class NewMember:
    """One person of the list: what `members.AddMember` says of one."""

    email: str
    name: str
    role: str
    tier: str | None = None
    add_ons: tuple[str, ...] = ()
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class AddMany:
    """Up to 1,000 new people."""

    organization_id: str
    idempotency_key: str
    members: tuple[NewMember, ...]


@dataclass(frozen=True, slots=True)
class ManyAdded:
    """All of them are members and hold a seat from now on; the ids are in the order given."""

    member_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RowRefused:
    """Why one row cannot come in. `row` counts from 0, `field` is a path inside the row."""

    row: int
    code: RefusalCode
    message: str
    field: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ManyRefused:
    """Nobody came in, because of these rows."""

    rows: tuple[RowRefused, ...]


@dataclass(frozen=True, slots=True)
class TryMany:
    """People who are not added, only looked at: would `AddMany` take them?"""

    organization_id: str
    idempotency_key: str
    members: tuple[NewMember, ...]


@dataclass(frozen=True, slots=True)
class AllWelcome:
    """Nobody was added, and nothing stands against adding all of them."""

    count: int


@rehearsal(Permission.MEMBERS_WRITE)
async def try_many(unit: Unit, command: TryMany) -> AllWelcome | ManyRefused | Refused:
    """Answer what adding these people would be refused for now, change nothing, and leave the key to be used."""
    refused = await _all_refusals(unit, command.members)
    return AllWelcome(len(command.members)) if refused is None else refused


@verb(Permission.MEMBERS_WRITE)
async def add_many(unit: Unit, command: AddMany) -> ManyAdded | ManyRefused | Refused:
    """Add people; their seats count in this very answer."""
    refused = await _all_refusals(unit, command.members)
    if refused is not None:
        return refused
    return ManyAdded(await bring_in(unit, command.members, await known_roles(unit)))


async def bring_in(unit: Unit, people: Sequence[NewMember], known: Mapping[str, roles.Role]) -> tuple[str, ...]:
    """Make members of people against whom nothing stands, and return their ids."""
    added = [_row(unit, person) for person in people]
    await rows.insert_many(unit.client, added)
    brought = {member.id: member.role for member in added}
    await role_history.start(unit.client, unit.organization_id, brought, at=unit.at)
    for member in added:
        unit.emit("MemberAdded", {"memberId": member.id, "role": member.role}, member_id=member.id)
    await seats.grant_many(
        unit,
        {
            member.id: seats.Seat(
                person.role, bool(known[person.role].billable), person.tier, tuple(sorted(person.add_ons))
            )
            for member, person in zip(added, people, strict=True)
        },
    )
    return tuple(brought)


async def known_roles(unit: Unit) -> dict[str, roles.Role]:
    """Return the organization's roles by key."""
    return {role.key: role for role in await roles.list_all(unit.client, unit.organization_id)}


def withheld(unit: Unit, wanted: Iterable[str], known: Mapping[str, roles.Role]) -> dict[str, str]:
    """Return why the actor may not give some of these roles, by the role's key; an unknown one is nobody's to give."""
    refused = {key: authority.giving_refusal(unit, known[key], "role") for key in wanted if key in known}
    return {key: reason.message for key, reason in refused.items() if reason is not None}


async def _all_refusals(unit: Unit, people: Sequence[NewMember]) -> ManyRefused | Refused | None:
    if not 1 <= len(people) <= ROWS_MAX:
        return Refused(RefusalCode.INPUT_INVALID, f"{len(people)} people: give 1 to {ROWS_MAX}", ("members",))
    known = await known_roles(unit)
    found = await refusals(unit, people, known, withheld(unit, {person.role for person in people}, known))
    return ManyRefused(found) if found else None


async def refusals(
    unit: Unit, people: Sequence[NewMember], known: Mapping[str, roles.Role], withheld: Mapping[str, str]
) -> tuple[RowRefused, ...]:
    """Return why rows of the list cannot come in, the first reason of each, without changing anything.

    `withheld` has the reasons for roles that whoever asked may not give.
    """
    taken = await _Taken.by(unit, people)
    seats_wanted = {(person.tier, person.add_ons) for person in people}
    no_seat = {wanted: await seats.tier_refusal(unit, *wanted) for wanted in seats_wanted}
    found: list[RowRefused] = []
    for index, person in enumerate(people):
        refused = (
            members.person_refusal(person.email, person.name, person.external_id)
            or taken.take(person)
            or _role_refusal(person, known, withheld)
            or no_seat[person.tier, person.add_ons]
        )
        if refused is not None:
            found.append(RowRefused(index, refused.code, refused.message, refused.field))
    return tuple(found)


@dataclass(slots=True)
class _Taken:
    """The addresses and directory ids that nobody else can have any more."""

    emails: set[str]
    external_ids: set[str]

    @classmethod
    async def by(cls, unit: Unit, people: Sequence[NewMember]) -> "_Taken":
        emails = [person.email.lower() for person in people]
        external_ids = [person.external_id for person in people if person.external_id]
        return cls(
            await rows.taken_emails(unit.client, unit.organization_id, emails),
            await rows.taken_external_ids(unit.client, unit.organization_id, external_ids),
        )

    def take(self, person: NewMember) -> Refused | None:
        """Return why another has what this person wants; else keep it for this person, against later rows."""
        if person.email.lower() in self.emails:
            return Refused(RefusalCode.ALREADY_EXISTS, f"{person.email} is a member already", ("email",))
        if person.external_id and person.external_id in self.external_ids:
            message = f"external id {person.external_id!r} is taken"
            return Refused(RefusalCode.ALREADY_EXISTS, message, ("externalId",))
        self.emails.add(person.email.lower())
        self.external_ids |= {person.external_id} if person.external_id else set()
        return None


def _role_refusal(person: NewMember, known: Mapping[str, roles.Role], withheld: Mapping[str, str]) -> Refused | None:
    if person.role not in known:
        return not_found(f"role {person.role!r}", "role")
    if person.role in withheld:
        return Refused(RefusalCode.ROLE_ABOVE_OWN, withheld[person.role], ("role",))
    return None


def _row(unit: Unit, person: NewMember) -> rows.Member:
    return rows.Member(
        organization_id=unit.organization_id,
        id=unit.new_id("member"),
        external_id=person.external_id,
        email=person.email.lower(),
        name=person.name,
        role=person.role,
        status="ACTIVE",
        created_at=unit.at,
        deactivated_at=None,
    )
