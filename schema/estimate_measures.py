"""How does a client say how much?

As a plain quantity, or as what was measured: seats held over a time, single events, changes of a running number, the
quantity of each window, the peaks of several meters. What was given is turned by the rules into the same counted
quantity that an invoice has.
"""

from datetime import datetime

import strawberry

from billing.rating import Direction
from schema.scalars import DecimalText, Long


@strawberry.input(description="A quantity of one model and direction.")
class TokensInput:
    model: str = strawberry.field(description="Which model is used, as the rate card calls it.")
    direction: Direction = strawberry.field(description="Which side of the call is metered.")
    quantity: Long = strawberry.field(description="How many units.")


@strawberry.input(description="The interval that is billed, and what begins or ends within it.")
class EstimateSpanInput:
    start: datetime = strawberry.field(description="The first instant of the interval.")
    end: datetime = strawberry.field(description="The first instant after it, at most ten years later.")
    time_zone: str = strawberry.field(
        default="UTC", description="The IANA time zone in which days and hours are counted, such as Europe/Berlin."
    )
    service_start: datetime | None = strawberry.field(
        default=None, description="When the service began; left out where it began before the interval."
    )
    since: datetime | None = strawberry.field(
        default=None, description="When the item came into force within the interval; only what follows is billed."
    )
    until: datetime | None = strawberry.field(
        default=None, description="When the item ended within the interval; only what came before is billed."
    )


@strawberry.input(description="Seats held over a time: of one member, or so many of anybody.")
class HeldSeatsInput:
    start: datetime = strawberry.field(description="When they were granted.")
    end: datetime | None = strawberry.field(
        default=None, description="When they were given back; left out while they are held."
    )
    count: Long | None = strawberry.field(
        default=None, description="How many seats; one if left out, and left out where a member is named."
    )
    member: str | None = strawberry.field(
        default=None, description="Who holds the seat; the seats of one member are counted together."
    )
    tier: str | None = strawberry.field(default=None, description="The key of the tier the seats are in.")
    add_ons: list[str] = strawberry.field(
        default_factory=list, description="What the seats have beside their tier, by key."
    )
    free: bool = strawberry.field(default=False, description="Whether the seats are free, as of a client who looks on.")


@strawberry.input(description="One metered event.")
class EstimateEventInput:
    at: datetime | None = strawberry.field(
        default=None, description="When it occurred; left out, it comes after the events before it."
    )
    value: DecimalText = strawberry.field(
        default=DecimalText("1"), description="An amount, a count, or by how much a level changes."
    )
    meter: str | None = strawberry.field(default=None, description="The meter; the first of the item if left out.")
    member: str | None = strawberry.field(default=None, description="Whose usage it is.")
    subject: str | None = strawberry.field(default=None, description="What UNIQUE counts once; the member if left out.")


@strawberry.input(description="So many units more, or fewer, and what they are of a whole interval.")
class UnitChangeInput:
    units: DecimalText = strawberry.field(description="How many whole units; below 0 where they go.")
    prorated: DecimalText = strawberry.field(
        description="What they are of a whole interval: 5 from the middle on are 2.5; below 0 where they go."
    )


@strawberry.input(description="The highest value of one meter.")
class MeterPeakInput:
    meter: str = strawberry.field(description="What is measured, such as cores or gigabytes.")
    value: DecimalText = strawberry.field(description="Its highest value.")


@strawberry.input(description="A part of an interval, exact: 17 of 31 days are 17 ÷ 31.")
class ShareInput:
    part: DecimalText = strawberry.field(description="How much is owed, such as 17 days.")
    whole: DecimalText = strawberry.field(description="Of how much, such as 31 days; above 0.")


@strawberry.input(description="What was billed of the same interval before; only what comes on top is charged.")
class BilledBeforeInput:
    quantity: DecimalText | None = strawberry.field(
        default=None, description="The quantity it was billed for, where the quantity asked about comes on top of it."
    )
    amount: DecimalText | None = strawberry.field(
        default=None,
        description="What was billed, in major units; a line of its own corrects it to what it should have been.",
    )
