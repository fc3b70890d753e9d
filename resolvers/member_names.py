"""By what does a source name a member? By one of three names, and exactly one."""

from collections.abc import Mapping

import strawberry

from schema import inputs
from schema.ids import Kind
from schema.inputs import InvalidInput
from services.outcomes import RefusalCode
from services.usage_facts import NamedBy

_FIELDS: Mapping[NamedBy, str] = {
    NamedBy.ID: "memberId",
    NamedBy.EXTERNAL_ID: "memberExternalId",
    NamedBy.EMAIL: "memberEmail",
}


@strawberry.input
class MemberName:
    """The fields by which an input names a member."""

    member_id: strawberry.ID | None = strawberry.field(default=None, description="The member, by our id.")
    member_external_id: str | None = strawberry.field(
        default=None, description="The member, by the id of the customer's directory."
    )
    member_email: str | None = strawberry.field(default=None, description="The member, by e-mail address.")

    def named(self, organization_id: str, *path: str) -> tuple[NamedBy, str]:
        """Return the member's name and of which kind it is; `path` is the place in the input."""
        found = self._names()
        if len(found) != 1:
            message = f"the member is named in {len(found)} ways; give exactly one of {', '.join(_FIELDS.values())}"
            raise InvalidInput(RefusalCode.INPUT_INVALID, message, (*path, "memberId"))
        ((named_by, name),) = found.items()
        if named_by is NamedBy.ID:
            name = inputs.key(name, Kind.MEMBER, organization_id, *path, "memberId")
        return named_by, name

    def blamed(self, field: tuple[str, ...]) -> tuple[str, ...]:
        """Return the path of a refusal with the field by which the member was really named."""
        (named_by,) = self._names()
        return tuple(_FIELDS[named_by] if part == "memberId" else part for part in field)

    def _names(self) -> dict[NamedBy, str]:
        given = {
            NamedBy.ID: self.member_id,
            NamedBy.EXTERNAL_ID: self.member_external_id,
            NamedBy.EMAIL: self.member_email,
        }
        return {named_by: name for named_by, name in given.items() if name is not None}
