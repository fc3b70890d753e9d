"""How are a directory's users read and written?

A user is a member, under the member's global id. What a directory wrote is read back; whether somebody is active is
what billgraph knows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from scim2_models import Context, NotFoundException, PatchOp, Resource, SearchRequest
from scim2_models.path import CompareOperator
from tortoise.expressions import Q

from api.scim import resources, searching
from api.scim.desk import Found, Visit, require_match, until_settled
from api.scim.resources import POLICY, User
from models import directory_groups as group_rows
from models import directory_users as rows
from models.members import Member
from schema import ids
from services import directory_users as services

_LIKE: Final = {CompareOperator.sw: "startswith", CompareOperator.co: "contains", CompareOperator.ew: "endswith"}


@dataclass(frozen=True, slots=True)
class Known:
    """A member and what the directory said of them."""

    member: Member
    said: rows.DirectoryUser | None
    shown: User

    @property
    def version(self) -> str:
        """The version the member is at."""
        return services.version_of(self.member, self.said)


@dataclass(frozen=True, slots=True)
class UserDesk:
    """Where users are worked on."""

    visit: Visit

    async def find(self, search: SearchRequest[Any], *, start: int, size: int) -> Found:
        """Return the users that a search is for, oldest first."""
        query = rows.visible(self.visit.organization_id).using_db(self.visit.reader).order_by("id")
        if search.filter is None:
            total = await query.count()
            page = await query.offset(start).limit(size) if size else []
            return Found(total, [known.shown for known in await self._shown(page)])
        condition = searching.narrowed(search.filter.ast, self._conditions())
        query = query if condition is None else query.filter(condition)
        candidates = searching.bounded(await query.limit(searching.SCANNED_MAX + 1))
        with POLICY:
            found = [each.shown for each in await self._shown(candidates) if search.filter.match(each.shown)]
        return Found(len(found), [*found[start : start + size]])

    async def read(self, given_id: str, search: SearchRequest[Any]) -> Resource[Any]:  # noqa: ARG002  # as groups do
        """Return one user."""
        return (await self._one(given_id)).shown

    async def create(self, document: Any) -> Resource[Any]:
        """Bring a person in."""
        context = Context.RESOURCE_CREATION_REQUEST
        given = User.model_validate(resources.with_defaults(document), scim_ctx=context, scim_policy=POLICY)
        person = resources.person(given)
        kept = await self.visit.carry_out(
            services.bring, lambda organization_id, key: services.Bring(organization_id, key, person), asdict(person)
        )
        return (await self._one(resources.user_id(self.visit.organization_id, kept.member_id))).shown

    async def replace(self, given_id: str, document: Any, if_match: str | None) -> Resource[Any]:
        """Make a member what is given: what it leaves out is not there any more."""
        context = Context.RESOURCE_REPLACEMENT_REQUEST
        wanted = User.model_validate(resources.with_defaults(document), scim_ctx=context, scim_policy=POLICY)

        async def attempt() -> Resource[Any]:
            known = await self._one(given_id)
            require_match(if_match, known.version)
            return await self._keep(known, wanted)

        return await until_settled(attempt, if_match=if_match)

    async def patch(self, given_id: str, document: Any, if_match: str | None) -> Resource[Any]:
        """Change a part of what is said of a member."""
        operations = PatchOp[User].model_validate(document, scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=POLICY)

        async def attempt() -> Resource[Any]:
            known = await self._one(given_id)
            require_match(if_match, known.version)
            wanted = known.shown.model_copy(deep=True)
            operations.patch(wanted, scim_policy=POLICY)
            return await self._keep(known, wanted)

        return await until_settled(attempt, if_match=if_match)

    async def delete(self, given_id: str, if_match: str | None) -> None:
        """Deactivate a member, who is not there for the directory any more."""

        async def attempt() -> None:
            known = await self._one(given_id)
            require_match(if_match, known.version)
            await self.visit.carry_out(
                services.remove,
                lambda organization_id, key: services.Remove(organization_id, key, known.member.id, known.version),
                [known.member.id, known.version],
            )

        await until_settled(attempt, if_match=if_match)

    async def _keep(self, known: Known, wanted: User) -> Resource[Any]:
        person = resources.person(wanted)
        if person == resources.person(known.shown):
            return known.shown
        await self.visit.carry_out(
            services.change,
            lambda organization_id, key: services.Change(organization_id, key, known.member.id, known.version, person),
            [known.member.id, known.version, asdict(person)],
        )
        return (await self._one(known.shown.id or "")).shown

    async def _one(self, given_id: str) -> Known:
        key = self.visit.key(ids.Kind.MEMBER, given_id)
        query = rows.visible(self.visit.organization_id).using_db(self.visit.reader).filter(id=key)
        found = await self._shown(await query.limit(1))
        if not found:
            raise NotFoundException(detail=f"there is no user {given_id[:120]!r} here")
        return found[0]

    async def _shown(self, members: Sequence[Member]) -> list[Known]:
        """Return members as users, in a number of statements that does not grow with them."""
        reader, organization_id = self.visit.reader, self.visit.organization_id
        keys = [member.id for member in members]
        if not keys:
            return []
        said = await rows.find_many(reader, organization_id, keys)
        inside = group_rows.by_member(await group_rows.memberships(reader, organization_id, members=keys))
        named = sorted({group_id for group_ids in inside.values() for group_id in group_ids})
        groups = {group.id: group for group in await group_rows.find_many(reader, organization_id, named)}
        return [
            Known(
                member,
                said.get(member.id),
                resources.user(
                    self.visit.base,
                    member,
                    said.get(member.id),
                    [groups[group_id] for group_id in inside.get(member.id, ()) if group_id in groups],
                ),
            )
            for member in members
        ]

    def _conditions(self) -> Mapping[str, searching.Condition]:
        def user_name(op: CompareOperator, value: Any) -> Q | None:
            text = str(value).lower()
            if op is CompareOperator.eq:
                return Q(email=text)
            return Q(**{f"email__{_LIKE[op]}": text}) if op in _LIKE else None

        def external_id(op: CompareOperator, value: Any) -> Q | None:
            return Q(external_id=str(value)) if op is CompareOperator.eq else None

        def identity(op: CompareOperator, value: Any) -> Q | None:
            named = self.visit.key_or_none(ids.Kind.MEMBER, value)
            return Q(id=named or "") if op is CompareOperator.eq else None

        def active(op: CompareOperator, value: Any) -> Q | None:
            return Q(status="ACTIVE" if value else "DEACTIVATED") if op is CompareOperator.eq else None

        return {"username": user_name, "externalid": external_id, "id": identity, "active": active}
