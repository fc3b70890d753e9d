"""How are a directory's groups read and written?

Members come and go by name: unless a request speaks of the membership as a whole, nobody who is not mentioned is read.
A list of members that is longer than one command takes is carried out in several, each of which can be repeated.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scim2_models import (
    Context,
    InvalidValueException,
    NotFoundException,
    PatchOp,
    PatchOperation,
    Resource,
    SearchRequest,
)
from scim2_models.path import CompareOperator, Comparison, FilterNode, LogicalExpr, Not, ValuePath
from tortoise.expressions import Q, Subquery

from api.scim import resources, searching
from api.scim.desk import Found, Visit, require_match, until_settled
from api.scim.resources import POLICY, Group
from models import directory_groups as rows
from models import directory_users
from schema import ids
from services import directory_groups as services

_MEMBERS: Final = "members"


@dataclass(frozen=True, slots=True)
class Moves:
    """Who comes into a group, and who goes."""

    joining: Sequence[str]
    leaving: Sequence[str]

    def batches(self, size: int) -> Iterator["Moves"]:
        """Yield the moves, so many people at a time; at least once, for there may be a name to change."""
        everybody = [(True, each) for each in self.joining] + [(False, each) for each in self.leaving]
        for start in range(0, max(len(everybody), 1), size):
            part = everybody[start : start + size]
            yield Moves([each for joins, each in part if joins], [each for joins, each in part if not joins])


@dataclass(frozen=True, slots=True)
class GroupDesk:
    """Where groups are worked on."""

    visit: Visit

    async def find(self, search: SearchRequest[Any], *, start: int, size: int) -> Found:
        """Return the groups that a search is for, oldest first."""
        organization_id, reader = self.visit.organization_id, self.visit.reader
        query = rows.having(organization_id).using_db(reader).order_by("id")
        with_members = searching.includes(search, _MEMBERS)
        if search.filter is None:
            page = await query.offset(start).limit(size) if size else []
            return Found(await query.count(), await self._shown(page, everybody=with_members))
        condition = searching.narrowed(search.filter.ast, self._conditions())
        query = query if condition is None else query.filter(condition)
        candidates = searching.bounded(await query.limit(searching.SCANNED_MAX + 1))
        named = _compared(search.filter.ast) if searching.mentions(search, _MEMBERS) else frozenset()
        compared = await self._shown(candidates, everybody=named is None, only=self._keys(named or ()))
        with POLICY:
            found = [row for row, each in zip(candidates, compared, strict=True) if search.filter.match(each)]
        return Found(len(found), await self._shown(found[start : start + size], everybody=with_members))

    async def read(self, given_id: str, search: SearchRequest[Any]) -> Resource[Any]:
        """Return one group, with its members unless they are not wanted."""
        row = await self._row(given_id)
        (shown,) = await self._shown([row], everybody=searching.includes(search, _MEMBERS))
        return shown

    async def create(self, document: Any) -> Resource[Any]:
        """Keep a new group."""
        context = Context.RESOURCE_CREATION_REQUEST
        wanted = Group.model_validate(document, scim_ctx=context, scim_policy=POLICY)
        first, *others = Moves(await self._members_of(wanted), ()).batches(services.CHANGES_MAX)
        name, external_id = (wanted.display_name or "").strip(), wanted.external_id or None
        kept = await self.visit.carry_out(
            services.create,
            lambda organization_id, key: services.CreateGroup(
                organization_id, key, name, external_id, tuple(first.joining)
            ),
            [name, external_id, first.joining],
        )
        given_id = ids.text(ids.Kind.DIRECTORY_GROUP, self.visit.organization_id, kept.group_id)
        for moves in others:
            await self._change(await self._row(given_id), wanted, moves, version=None)
        return await self._whole(given_id)

    async def replace(self, given_id: str, document: Any, if_match: str | None) -> Resource[Any]:
        """Make a group what is given: who is not listed is not in it any more."""
        context = Context.RESOURCE_REPLACEMENT_REQUEST
        wanted = Group.model_validate(document, scim_ctx=context, scim_policy=POLICY)

        async def attempt() -> Resource[Any]:
            row = await self._row(given_id)
            require_match(if_match, str(row.version))
            (current,) = await self._shown([row], everybody=True)
            return await self._keep(row, current, wanted)

        return await until_settled(attempt, if_match=if_match)

    async def patch(self, given_id: str, document: Any, if_match: str | None) -> Resource[Any]:
        """Change a part of a group, reading of its members only those that the change is about."""
        context = Context.RESOURCE_PATCH_REQUEST
        operations = PatchOp[Group].model_validate(_without_nulls(document), scim_ctx=context, scim_policy=POLICY)
        named = _mentioned(operations.operations or ())

        async def attempt() -> Resource[Any]:
            row = await self._row(given_id)
            require_match(if_match, str(row.version))
            (current,) = await self._shown([row], everybody=named is None, only=self._keys(named or ()))
            wanted = current.model_copy(deep=True)
            operations.patch(wanted, scim_policy=POLICY)
            return await self._keep(row, current, wanted)

        return await until_settled(attempt, if_match=if_match)

    async def delete(self, given_id: str, if_match: str | None) -> None:
        """Forget a group."""

        async def attempt() -> None:
            row = await self._row(given_id)
            require_match(if_match, str(row.version))
            await self.visit.carry_out(
                services.delete,
                lambda organization_id, key: services.DeleteGroup(organization_id, key, row.id, row.version),
                [row.id, row.version],
            )

        await until_settled(attempt, if_match=if_match)

    async def _keep(self, row: rows.DirectoryGroup, current: Group, wanted: Group) -> Resource[Any]:
        """Carry out what is otherwise: in one command, or in several where many come and go."""
        before = {member.value for member in current.members or ()}
        after = {member.value for member in wanted.members or ()}
        joining = await self._members_of(wanted, besides=before)
        leaving = self._keys(each for each in before - after if each)
        is_renamed = (row.name, row.external_id) != ((wanted.display_name or "").strip(), wanted.external_id or None)
        if joining or leaving or is_renamed:
            version: int | None = row.version
            for moves in Moves(joining, leaving).batches(services.CHANGES_MAX):
                await self._change(row, wanted, moves, version=version)
                version = None
        return await self._whole(resources.group("", row, ()).id or "")

    async def _change(self, row: rows.DirectoryGroup, wanted: Group, moves: Moves, *, version: int | None) -> None:
        name, external_id = (wanted.display_name or "").strip(), wanted.external_id or None
        await self.visit.carry_out(
            services.change,
            lambda organization_id, key: services.ChangeGroup(
                organization_id, key, row.id, version, name, external_id, tuple(moves.joining), tuple(moves.leaving)
            ),
            [row.id, version, name, external_id, moves.joining, moves.leaving],
        )

    async def _members_of(self, wanted: Group, besides: Collection[str | None] = ()) -> list[str]:
        """Return the rows of a group's members that are not known to be in it; raise for one who is no user."""
        given = dict.fromkeys(member.value for member in wanted.members or () if member.value not in besides)
        keys = {each: self.visit.key_or_none(ids.Kind.MEMBER, each) for each in given}
        query = directory_users.visible(self.visit.organization_id).using_db(self.visit.reader)
        there = {
            str(found)
            for found in await query.filter(id__in=[key for key in keys.values() if key]).values_list("id", flat=True)
        }
        for each, key in keys.items():
            if key not in there:
                raise InvalidValueException(detail=f"members: there is no user {str(each)[:120]!r} here")
        return [key for key in keys.values() if key]

    async def _whole(self, given_id: str) -> Group:
        (shown,) = await self._shown([await self._row(given_id)], everybody=True)
        return shown

    async def _row(self, given_id: str) -> rows.DirectoryGroup:
        key = self.visit.key(ids.Kind.DIRECTORY_GROUP, given_id)
        row = await rows.find(self.visit.reader, self.visit.organization_id, key)
        if row is None:
            raise NotFoundException(detail=f"there is no group {given_id[:120]!r} here")
        return row

    async def _shown(
        self, groups: Sequence[rows.DirectoryGroup], *, everybody: bool, only: Sequence[str] = ()
    ) -> list[Group]:
        """Return groups with all their members, or with those among `only`."""
        inside: dict[str, list[str]] = {}
        if groups and (everybody or only):
            keys = [group.id for group in groups]
            found = await rows.memberships(
                self.visit.reader, self.visit.organization_id, groups=keys, members=None if everybody else only
            )
            for each in found:
                inside.setdefault(each.group_id, []).append(each.member_id)
        return [resources.group(self.visit.base, group, inside.get(group.id, ())) for group in groups]

    def _keys(self, given: Collection[str] | Iterator[str]) -> list[str]:
        """Return the rows of those among the given ids that can be members here."""
        found = [self.visit.key_or_none(ids.Kind.MEMBER, each) for each in given]
        return sorted(key for key in found if key)

    def _conditions(self) -> Mapping[str, searching.Condition]:
        def name(op: CompareOperator, value: Any) -> Q | None:
            return Q(name_key=str(value).lower()) if op is CompareOperator.eq else None

        def external_id(op: CompareOperator, value: Any) -> Q | None:
            return Q(external_id=str(value)) if op is CompareOperator.eq else None

        def identity(op: CompareOperator, value: Any) -> Q | None:
            named = self.visit.key_or_none(ids.Kind.DIRECTORY_GROUP, value)
            return Q(id=named or "") if op is CompareOperator.eq else None

        def member(op: CompareOperator, value: Any) -> Q | None:
            named = self.visit.key_or_none(ids.Kind.MEMBER, value)
            inside = Subquery(rows.having(self.visit.organization_id, named or "").values("id"))
            return Q(id__in=inside) if op is CompareOperator.eq else None

        return {
            "displayname": name,
            "externalid": external_id,
            "id": identity,
            _MEMBERS: member,
            f"{_MEMBERS}.value": member,
        }


def _without_nulls(document: Any) -> Any:
    """Return a change whose lists say nothing of what they have no value for.

    Microsoft Entra removes members as `{"$ref": null, "value": …}`, and means whoever has the value.
    """
    if isinstance(document, dict):
        return {name: _without_nulls(each) for name, each in document.items()}
    if not isinstance(document, list):
        return document
    return [
        {name: _without_nulls(part) for name, part in each.items() if part is not None}
        if isinstance(each, dict) and "op" not in each
        else _without_nulls(each)
        for each in document
    ]


def _mentioned(operations: Sequence[PatchOperation[Group]]) -> frozenset[str] | None:
    """Return the members that a change is about, or None where it speaks of the membership as a whole."""
    named: set[str] = set()
    for operation in operations:
        found = _named_by(operation)
        if found is None:
            return None
        named |= found
    return frozenset(named)


def _named_by(operation: PatchOperation[Group]) -> set[str] | None:
    value, is_replaced = operation.value, operation.op is PatchOperation.Op.replace_
    if operation.path is None:
        given = {str(name).lower(): each for name, each in value.items()} if isinstance(value, dict) else {}
        mentions = [each for name, each in given.items() if name.rpartition(":")[2] == _MEMBERS]
        return (None if is_replaced else _values(mentions[0])) if mentions else set()
    if str(operation.path.attr).lower() != _MEMBERS:
        return set()
    if operation.path.value_filter is not None:
        found = _compared(operation.path.ast)
        return None if found is None else set(found)
    return None if is_replaced or value is None else _values(value)


def _values(given: Any) -> set[str] | None:
    entries = given if isinstance(given, list) else [given]
    found = [entry.get("value") if isinstance(entry, dict) else getattr(entry, "value", None) for entry in entries]
    return {str(each) for each in found} if all(found) else None


def _compared(node: Any) -> frozenset[str] | None:
    """Return the members that a filter compares with, or None where it must see all of them."""
    found: set[str] = set()
    for is_exact, value in _comparisons(node, inside=False):
        if not is_exact:
            return None
        found.add(value)
    return frozenset(found)


def _comparisons(node: FilterNode, *, inside: bool) -> Iterator[tuple[bool, str]]:
    """Yield what a filter says of members: whether it is equality with one of them, and with whom."""
    if isinstance(node, LogicalExpr):
        for term in node.terms:
            yield from _comparisons(term, inside=inside)
    elif isinstance(node, Not):
        yield from _comparisons(node.expr, inside=inside)
    elif isinstance(node, ValuePath):
        if node.attr_path.attr.lower() == _MEMBERS:
            yield from _comparisons(node.val_filter, inside=True)
    else:
        path = node.attr_path  # type: ignore[attr-defined]  # what is left compares, or asks for presence
        part = path.attr if inside else path.sub_attr or "value"
        if inside or path.attr.lower() == _MEMBERS:
            is_exact = isinstance(node, Comparison) and node.op is CompareOperator.eq and part.lower() == "value"
            yield is_exact, str(node.value) if isinstance(node, Comparison) else ""
