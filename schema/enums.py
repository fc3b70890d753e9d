"""How does an enum of the floors below become one of the graph?

It is the same class: values pass through untranslated. Only the sentences a buyer reads are added here and beside
the nouns.
"""

from enum import EnumMeta
from typing import Any, cast

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from billing.limits import LimitKind, Override, SpendLevel, TierScope
from billing.rating import Direction
from billing.roles import Permission
from billing.windows import Interval


def mirror(enum: EnumMeta, *, description: str, name: str | None = None, **sentences: str) -> None:
    """Show `enum` in the graph, with a sentence for each of its values.

    A type that mentions an enum may be imported before the module that describes it, and then has defined it already:
    the definition is described where it is, for a second one would be another enum.
    """
    if not hasattr(enum, "__strawberry_definition__"):
        strawberry.enum(enum)
    definition = cast(StrawberryEnumDefinition, cast(Any, enum).__strawberry_definition__)
    definition.name, definition.description = name or enum.__name__, description
    for value in definition.values:
        value.description = sentences.get(value.name)


mirror(
    Permission,
    description="One thing a role allows in one organization. What is not granted is denied.",
    ORGANIZATION_READ="See the organization's name, currency, time zone and status.",
    ORGANIZATION_WRITE="Change the organization's own data.",
    MEMBERS_READ="See every member and role.",
    MEMBERS_WRITE="Add people, change roles, and let people go.",
    SEATS_READ="See who holds which seat, and how many seats are used.",
    SEATS_WRITE="Move people between seat tiers.",
    PLAN_READ="See the plan, its prices and the contract.",
    PLAN_WRITE="Choose the plan and sign contracts.",
    SPEND_LIMITS_READ="See every spend limit, what is spent against it, and all alerts.",
    SPEND_LIMITS_WRITE="Set and lift spend limits: owners only, among the built-in roles.",
    USAGE_READ="See everybody's usage.",
    USAGE_WRITE="Report usage.",
    INVOICES_READ="See invoices, payments, credit notes and the balance.",
    INVOICES_WRITE="Close billing periods, record payments and give credit notes.",
    AUDIT_READ="See who did what and when.",
    WEBHOOKS_READ="See which endpoints are told what happens, and what was sent to them; never a secret.",
    WEBHOOKS_WRITE="Open, change and close webhook endpoints: owners only, among the built-in roles.",
    ACCESS_READ="See how people and programs sign in: identity providers, e-mail domains, API clients and sessions.",
    ACCESS_WRITE="Decide how people and programs sign in, and end their sessions: owners only, of the built-in roles.",
    SELF_READ="See one's own seat, usage, spend and limits.",
    SELF_WRITE="Ask for more for oneself, such as a higher limit.",
)
mirror(
    SpendLevel,
    description="Whose spend is limited. The tightest of the limits that bear on a member binds.",
    ORGANIZATION="Everybody in the organization together.",
    GROUP="The members of one group, such as a cost centre.",
    SEAT_TIER="The members of one seat tier.",
    MEMBER="One member.",
)
mirror(
    TierScope,
    name="SeatTierScope",
    description="What a limit on a seat tier means.",
    POOLED="All members of the tier share the limit.",
    PER_MEMBER="Each member of the tier has the limit to themself.",
)
mirror(
    LimitKind,
    name="SpendLimitKind",
    description="What a spend limit does when it is reached.",
    HARD="What would pass it is refused.",
    SOFT="What passes it is let through, flagged and alerted.",
    NOTIFY="Nothing but the alerts it raises.",
)
mirror(
    Interval,
    name="SpendInterval",
    description="After how long spend starts again from zero, in the organization's time zone.",
    MONTH="A calendar month.",
    WEEK="A week from Monday to Sunday.",
    DAY="A calendar day.",
)
mirror(
    Override,
    name="SpendLimitOverride",
    description="How a member's own limit stands to what their seat tier allows each member.",
    WITHIN="Both hold, and the tighter binds.",
    INSTEAD="It takes the place of the tier's; what several share still holds.",
)
mirror(
    Direction,
    description="Which side of a model call was metered; each has a price of its own.",
    INPUT="What was sent to the model.",
    OUTPUT="What the model answered.",
    CACHE_READ="Input that was read from the cache.",
    CACHE_WRITE="Input that was written to the cache.",
)
