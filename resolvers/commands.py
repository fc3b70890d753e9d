"""How does a mutation become a command, and its answer a payload?

Before a resolver runs, the caller is known, the organization is theirs and the role has the permission that the verb
takes; the dispatcher asks once more. What a client wrote and cannot be read is answered as a user error that names the
field, without effect. So a resolver is left with three things: make the command, execute it, show what changed.
"""

from collections.abc import Callable
from typing import Any, Self

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.extensions.field_extension import AsyncExtensionResolver
from strawberry.types.field import StrawberryField

from auth import policy
from models.organizations import Organization
from schema import access, inputs
from schema.access import Own
from schema.context import Context, Info
from schema.inputs import InvalidInput
from schema.organizations import missing
from schema.user_errors import UserError, user_error
from services.dispatch import Verb
from services.outcomes import Refused


@strawberry.input
class Command:
    """What every mutation is told."""

    organization_id: strawberry.ID = strawberry.field(
        description="Whose books it is about, by the global id of the organization."
    )
    idempotency_key: str = strawberry.field(
        description="A name for this very command: repeated with it, it happens once and is answered the same."
    )


@strawberry.type
class Payload:
    """What every mutation answers."""

    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why nothing was done; empty when it was."
    )

    @classmethod
    def refused(cls, refused: Refused | InvalidInput) -> Self:
        """Return the payload of a command that had no effect."""
        return cls(user_errors=[user_error(refused)])


class Checked(FieldExtension):
    """Lets a command through to whoever may give it, and answers what cannot be read."""

    def __init__(self, verb: Verb[Any, Any], payload: type[Payload]) -> None:
        self._verb = verb
        self._payload = payload

    def apply(self, field: StrawberryField) -> None:
        """Show the permission in the schema."""
        access.declare(field, self._verb.requires, Own.NOTHING)

    async def resolve_async(self, next_: AsyncExtensionResolver, source: Any, info: Info, **kwargs: Any) -> Any:
        """Check, then resolve."""
        request, dispatcher = info.context.request(), info.context.dispatcher
        try:
            organization_id = inputs.organization_id(kwargs["given"].organization_id)
        except InvalidInput as invalid:
            return self._payload.refused(invalid)
        try:
            await dispatcher.require(self._verb, organization_id, request)
            return await next_(source, info, **kwargs)
        except InvalidInput as invalid:
            await dispatcher.note_turned_away(self._verb, organization_id, request, invalid.code, invalid.message)
            return self._payload.refused(invalid)
        except policy.Forbidden as forbidden:
            raise access.named(forbidden) from forbidden


def mutation(verb: Verb[Any, Any], payload: type[Payload], *, description: str) -> Callable[[Callable[..., Any]], Any]:
    """Declare a mutation that carries out `verb`; its resolver takes `info` and `given`."""
    declared: Callable[[Callable[..., Any]], Any] = strawberry.mutation(
        description=description, extensions=[Checked(verb, payload)]
    )
    return declared


async def owner_of(context: Context, organization_id: str) -> Organization:
    """Return the organization a command was for, as it is after it."""
    row = await context.loaders.organization.load(organization_id)
    if row is None:
        raise missing()
    return row
