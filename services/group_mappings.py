"""Say which directory group gives which role and seat tier, and give it.

Rules are asked in order, and the first whose group a member is in decides. What a group gives is given when it changes,
so what an owner does in between stays until then. Nobody is made or unmade primary owner by a group, and nobody is
given more than whoever wrote the rules may give, or whoever made the directory's token.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from billing.periods import to_microseconds
from billing.roles import Permission
from models import directory_groups as rows
from models import directory_users, members, roles
from services import authority, seats
from services.authority import PRIMARY_OWNER
from services.dispatch import verb
from services.members import give_role
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit

RULES_MAX = 100
BATCH = 500
DEFAULT_ROLE = "member"


@dataclass(frozen=True, slots=True)
class Rule:
    """Whoever is in this group gets this role, and this seat tier where one is named."""

    group_id: str
    role: str
    tier: str | None


@dataclass(frozen=True, slots=True)
class SetMapping:
    """What groups give, in order, and what a new person gets who is in none of them."""

    organization_id: str
    idempotency_key: str
    rules: tuple[Rule, ...]
    default_role: str = DEFAULT_ROLE
    default_tier: str | None = None


@dataclass(frozen=True, slots=True)
class CarryOn:
    """The people after one member to whom new rules are yet to be applied."""

    organization_id: str
    idempotency_key: str
    after: str


@dataclass(frozen=True, slots=True)
class MappingSet:
    """The rules hold. `applied` members were looked at; `is_complete` tells whether others follow in a moment."""

    applied: int
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Given:
    """A role, and a seat tier where one is named."""

    role: str
    tier: str | None


@verb(Permission.ACCESS_WRITE)
async def set_mapping(unit: Unit, command: SetMapping) -> MappingSet | Refused:
    """Write new rules and apply them; of very many people the rest follows as scheduled work."""
    refused = await _rules_refusal(unit, command)
    if refused is not None:
        return refused
    rules = [{"group": rule.group_id, "role": rule.role, "tier": rule.tier} for rule in command.rules]
    earlier = await rows.mapping(unit.client, unit.organization_id)
    await rows.set_mapping(
        unit.client,
        unit.organization_id,
        rules=rules,
        default_role=command.default_role,
        default_tier=command.default_tier,
        applied_after="",
        set_by=unit.actor_id,
        set_at=unit.at,
    )
    facts = {"rules": rules, "defaultRole": command.default_role, "defaultTier": command.default_tier}
    unit.emit("GroupMappingSet", facts, before={"rules": earlier.rules if earlier else []})
    return await _next_batch(unit, "")


@verb(Permission.ACCESS_WRITE)
async def carry_on(unit: Unit, command: CarryOn) -> MappingSet | Refused:
    """Apply new rules to the next people."""
    mapping = await rows.mapping(unit.client, unit.organization_id)
    if mapping is None or mapping.applied_after != command.after:
        return Refused(RefusalCode.STATUS_CONFLICT, "these people were looked at already", ("after",))
    return await _next_batch(unit, command.after)


async def _next_batch(unit: Unit, after: str) -> MappingSet:
    concerned = await rows.concerned(unit.client, unit.organization_id, after=after, limit=BATCH)
    await apply(unit, concerned)
    is_complete = len(concerned) < BATCH
    reached = None if is_complete else concerned[-1]
    await rows.note_applied(unit.client, unit.organization_id, after=reached)
    return MappingSet(len(concerned), is_complete)


async def default(unit: Unit) -> Given:
    """Return what a new person gets who is in no group."""
    mapping = await rows.mapping(unit.client, unit.organization_id)
    return Given(mapping.default_role, mapping.default_tier) if mapping else Given(DEFAULT_ROLE, None)


async def apply(unit: Unit, member_ids: Sequence[str]) -> None:
    """Give members what their groups give now, where that is something else than before."""
    mapping = await rows.mapping(unit.client, unit.organization_id)
    if mapping is None or not member_ids:
        return
    inside = rows.by_member(await rows.memberships(unit.client, unit.organization_id, members=member_ids))
    known = await directory_users.find_many(unit.client, unit.organization_id, member_ids)
    found = await members.find_many(unit.client, unit.organization_id, member_ids)
    for member in sorted(found, key=lambda member: member.id):
        rule = _first(mapping.rules, inside.get(member.id, ()))
        row = known.get(member.id)
        before = Given(row.given_role, row.given_tier) if row and row.given_role else None
        if rule != before and member.status == "ACTIVE":
            await _move(unit, member, rule, Given(mapping.default_role, mapping.default_tier))


async def of_member(unit: Unit, member_id: str) -> Given | None:
    """Return what a member's groups give, None for nothing."""
    mapping = await rows.mapping(unit.client, unit.organization_id)
    if mapping is None:
        return None
    inside = await rows.memberships(unit.client, unit.organization_id, members=[member_id])
    return _first(mapping.rules, [row.group_id for row in inside])


async def concerns(unit: Unit, group_id: str) -> bool:
    """Return whether being in a group gives anything."""
    mapping = await rows.mapping(unit.client, unit.organization_id)
    return mapping is not None and any(rule["group"] == group_id for rule in mapping.rules)


async def forget_group(unit: Unit, group_id: str) -> None:
    """Drop the rule of a group that is no more, and take back what it gave."""
    mapping = await rows.mapping(unit.client, unit.organization_id)
    if mapping is None or not any(rule["group"] == group_id for rule in mapping.rules):
        return
    kept = [rule for rule in mapping.rules if rule["group"] != group_id]
    await rows.set_rules(unit.client, unit.organization_id, kept)
    facts = {"rules": kept, "defaultRole": mapping.default_role, "defaultTier": mapping.default_tier}
    unit.emit("GroupMappingSet", facts, before={"rules": mapping.rules})
    await _next_batch(unit, "")


async def _move(unit: Unit, member: members.Member, rule: Given | None, default: Given) -> None:
    """Give a member what a rule gives, or the default once none does any more; say so where it cannot be given."""
    given = rule or default
    if member.role == PRIMARY_OWNER:
        return
    refused = await _move_refusal(unit, member, given)
    if refused is not None:
        facts = {"memberId": member.id, "role": given.role, "tier": given.tier, "reason": refused.message}
        unit.emit("GroupRuleNotApplied", facts, member_id=member.id)
        return
    role = await roles.find(unit.client, unit.organization_id, given.role)
    current = await seats.intended_seat(unit, member.id)
    assert role is not None, "a refused move was answered"
    assert current is not None, "an active member holds a seat"
    if role.key != member.role:
        await give_role(unit, member, role.key)
    tier = current.tier if given.tier is None else given.tier
    add_ons = current.add_ons if tier == current.tier else ()
    wanted = seats.Seat(role.key, bool(role.billable), tier, add_ons)
    if wanted != current:
        await seats.carry_out(unit, await seats.by_policy(unit, member.id, wanted))
    await directory_users.note_given(
        unit.client,
        unit.organization_id,
        member.id,
        role=rule.role if rule else None,
        tier=rule.tier if rule else None,
        at=unit.at,
    )


async def _move_refusal(unit: Unit, member: members.Member, given: Given) -> Refused | None:
    role = await roles.find(unit.client, unit.organization_id, given.role)
    if role is None:
        return not_found(f"role {given.role!r}", "role")
    return await authority.change_refusal(unit, member, role) or await seats.tier_refusal(unit, given.tier, ())


async def _rules_refusal(unit: Unit, command: SetMapping) -> Refused | None:
    if len(command.rules) > RULES_MAX:
        return Refused(RefusalCode.INPUT_INVALID, f"{len(command.rules)} rules: give up to {RULES_MAX}", ("rules",))
    named = [rule.group_id for rule in command.rules]
    if len(set(named)) < len(named):
        return Refused(RefusalCode.INPUT_INVALID, "two rules are for the same group", ("rules",))
    there = {group.id for group in await rows.find_many(unit.client, unit.organization_id, named)}
    for index, rule in enumerate(command.rules):
        if rule.group_id not in there:
            return not_found("directory group", "rules", str(index), "directory_group_id")
        refused = await _given_refusal(unit, Given(rule.role, rule.tier))
        if refused is not None:
            return Refused(refused.code, refused.message, ("rules", str(index), *refused.field))
    refused = await _given_refusal(unit, Given(command.default_role, command.default_tier))
    return refused and Refused(refused.code, refused.message, (f"default_{refused.field[0]}",))


async def _given_refusal(unit: Unit, given: Given) -> Refused | None:
    if given.role == PRIMARY_OWNER:
        message = "no group makes a primary owner: the role passes from one person to another"
        return Refused(RefusalCode.ROLE_ABOVE_OWN, message, ("role",))
    role = await roles.find(unit.client, unit.organization_id, given.role)
    if role is None:
        return not_found(f"role {given.role!r}", "role")
    return authority.giving_refusal(unit, role, "role") or await seats.tier_refusal(unit, given.tier, ())


def _first(rules: Iterable[Mapping[str, str | None]], groups: Sequence[str]) -> Given | None:
    inside = set(groups)
    for rule in rules:
        if rule["group"] in inside:
            assert rule["role"] is not None, "a rule names a role"
            return Given(rule["role"], rule["tier"])
    return None


def due_key(mapping: rows.GroupMapping) -> str:
    """Return the key under which the next batch of people is looked at, once."""
    return f"due/mapping/{to_microseconds(mapping.set_at)}/{mapping.applied_after}"
