"""What does a source say of one use, and of many?"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import strawberry
from strawberry.types.arguments import InputContext, convert_argument
from strawberry.types.base import StrawberryObjectDefinition

from billing.rating import Direction
from resolvers.commands import Command
from resolvers.member_names import MemberName
from schema.enums import mirror
from schema.scalars import Long
from services import usage
from services.usage import Overage

mirror(
    Overage,
    description="What happens to usage that no longer fits a spend limit.",
    REFUSE="It is refused and leaves no trace in spend.",
    RECORD="It has happened already: it is kept, flagged and alerted.",
)


@strawberry.input(description="One measured use. Name the member in exactly one of the three ways.")
class UsageEventInput(MemberName):
    id: str = strawberry.field(description="The source's own id of the event; it makes a repeat harmless.")
    meter: str = strawberry.field(default="tokens", description="The meter of the plan that it counts on.")
    model: str = strawberry.field(description="The model that was used.")
    direction: Direction = strawberry.field(description="Which side of the call was metered.")
    quantity: Long = strawberry.field(description="How many units were used.")
    occurred_at: datetime = strawberry.field(description="When it was used; the price of that instant holds.")

    def fact(self, organization_id: str, *path: str) -> usage.UsageFact:
        """Return the event as the service takes it; `path` is its place in the input."""
        named_by, name = self.named(organization_id, *path)
        return usage.UsageFact(
            event_id=self.id,
            member_id=name,
            meter=self.meter,
            model=self.model,
            direction=self.direction,
            quantity=self.quantity,
            occurred_at=self.occurred_at,
            named_by=named_by,
        )


@strawberry.input(description="Up to 1,000 usage events.")
class RecordUsageInput(Command):
    events: list[UsageEventInput] = strawberry.field(description="The events, each decided on its own, in this order.")
    overage: Overage = strawberry.field(
        default=Overage.REFUSE, description="What happens to usage that no longer fits a spend limit."
    )


def _converted(type_: type, value: Mapping[str, Any], context: InputContext) -> Any:
    """Return the input as strawberry would make it, except for events that were read already."""
    definition = cast(StrawberryObjectDefinition, type_.__strawberry_definition__)  # type: ignore[attr-defined]
    given: dict[str, Any] = {}
    for field in definition.fields:
        name = context.config.name_converter.from_field(field)
        if name not in value:
            continue
        if name == "events" and not isinstance(value[name], list):
            given[field.python_name] = value[name]
            continue
        given[field.python_name] = convert_argument(
            value[name],
            field.resolve_type(type_definition=definition),
            context.scalar_registry,
            context.config,
            context.info,
            path=(*context.path, name),
        )
    return type_(**given)


RecordUsageInput.__strawberry_definition__.from_input = _converted  # type: ignore[attr-defined]  # strawberry's own
