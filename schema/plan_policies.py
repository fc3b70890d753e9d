"""Which named conventions can a plan choose between?

Where vendors disagree, the convention is a value on the plan item, never an `if` in code. Each value is explained
here in the words of a buyer.
"""

from enum import StrEnum

from billing.commitments import Shortfall
from billing.day_counts import DayCount
from billing.money import Rounding
from billing.placements import Placement
from billing.plan_items import AllowanceRule, BelowZero, Cycle, FirstPeriod, Interval, Timing
from billing.price_models import PackageRounding
from billing.seat_policies import Decrease, Increase
from billing.taxes import TaxBase, TaxMode, TaxRounding
from billing.tiers import BeyondLast, FlatAtZero, TierBound, TierMeasure
from billing.usage import Aggregation
from billing.usage_events import Window
from schema.enums import mirror


class QuantityKind(StrEnum):
    """What is counted."""

    SEATS = "SEATS"
    PEAK_SEATS = "PEAK_SEATS"
    CONTRACT_BAND = "CONTRACT_BAND"
    USAGE = "USAGE"
    CAPACITY = "CAPACITY"
    FLAT = "FLAT"


class DiscountKind(StrEnum):
    """What a discount takes off."""

    PERCENTAGE = "PERCENTAGE"
    AMOUNT = "AMOUNT"
    USAGE = "USAGE"
    VOLUME = "VOLUME"


mirror(
    QuantityKind,
    description="What an item counts.",
    SEATS="Paid seats, each for its part of the interval: 10 seats for half of it are 5.",
    PEAK_SEATS="The most paid seats held at any one instant of the month.",
    CONTRACT_BAND="The band of the contract, billed by its instalments.",
    USAGE="Metered usage of one meter.",
    CAPACITY="The highest value of each of some meters, priced together.",
    FLAT="One, always: a fee.",
)
mirror(
    DiscountKind,
    description="What a discount takes off. Units come off before anything is priced; the others in their order, each "
    "from what the ones before it left.",
    PERCENTAGE="A part of the amount: amount × percent ÷ 100.",
    AMOUNT="A fixed amount, and never more than there is: min(amount, discount).",
    USAGE="Units, before the rest is priced: max(0, quantity − units). On an item only.",
    VOLUME="A part of the amount that grows with it: amount × percent of the highest tier it reaches ÷ 100.",
)
mirror(
    Timing,
    name="BillingTiming",
    description="When an item is billed.",
    ADVANCE="Before the time it covers.",
    ARREARS="After the time it covers.",
)
mirror(
    Interval,
    name="BillingInterval",
    description="How much time one charge covers. Days and weeks are billed in arrears, with the month they end in.",
    DAY="A local day, whatever its hours.",
    WEEK="Seven local days from the day that the cycle begins with.",
    MONTH="A calendar month.",
    QUARTER="Three months from the one that the cycle begins with.",
    HALF_YEAR="Six months from the one that the cycle begins with.",
    YEAR="Twelve months from the one that the cycle begins with.",
)
mirror(
    Cycle,
    name="BillingCycle",
    description="From which month, or for weeks which day, the intervals of an item are laid end to end.",
    WITH_SERVICE="The one in which the service began: a change of plan leaves their dates as they are.",
    WITH_PLAN="The one in which the plan came into force: a change of plan begins a new cycle, whose first interval "
    "costs what the policy of a first period says.",
)
mirror(
    DayCount,
    description="Which part of an interval a seat or a fee covers.",
    BY_SECOND="The exact time it was held ÷ the length of the interval.",
    ACTUAL_INCLUSIVE="Local days touched ÷ days of the interval: the day of the grant and the day of the revocation "
    "both count.",
    ACTUAL_EXCLUSIVE="(Day of the revocation − day of the grant) ÷ days of the interval: the day of the revocation "
    "does not count.",
    FIXED_30="As ACTUAL_EXCLUSIVE, with every month counted as 30 days: its 31st is its 30th.",
    FIXED_28="As ACTUAL_EXCLUSIVE, with every month counted as 28 days: its 29th to 31st are its 28th.",
    FIXED_29="As ACTUAL_EXCLUSIVE, with every month counted as 29 days: its 30th and 31st are its 29th.",
    FIXED_31="As ACTUAL_EXCLUSIVE, with every month counted as 31 days, also where it has fewer.",
    FULL="The whole interval, however short it was held: 1 for every member who held a seat.",
)
mirror(
    FirstPeriod,
    description="What the interval in which the service began costs.",
    BY_DAYS_LEFT="Price × days from the first paid access, that day counted ÷ days of the interval. Seats are "
    "counted from their own start.",
    FULL="As much as any other interval.",
    FREE="Nothing.",
)
mirror(
    Increase,
    name="SeatIncrease",
    description="What a seat granted while an interval runs costs in it.",
    PRORATE="Its share of the interval: price × time from the grant to the end ÷ interval.",
    FULL="As much as though it had been held from the beginning: price × 1.",
    FREE_UNTIL_PERIOD_END="Nothing before the next interval: price × 0.",
)
mirror(
    Decrease,
    name="SeatDecrease",
    description="What a seat given back while an interval runs still costs in it.",
    CREDIT="Nothing any more: price × time to the revocation ÷ interval. What was paid in advance comes back on the "
    "next invoice.",
    NO_REFUND="It is billed to the end of the interval, or until the same member holds a seat again; every further "
    "grant is billed as well.",
    KEEP_PEAK="It is billed to the end of the interval, and whoever is granted a seat meanwhile takes it over: only "
    "a rise above the most seats so far is billed.",
    NEXT_PERIOD="It is given back when the next interval begins, and can be handed on until then; billed as KEEP_PEAK.",
    KEEP="The highest amount charged at the month bounds of the interval is owed; nothing comes back.",
)
mirror(
    Placement,
    name="TierPlacement",
    description="Which quantity finds the tier of prorated units.",
    BY_PRORATED_QUANTITY="The prorated quantity itself runs through the tiers: 300 seats for 0.7 of a month are 210.",
    BY_RUNNING_UNITS="Whole units do. Graduated: each change in the tiers it passes, priced on its prorated part. "
    "Volume: the prorated sum at the tier of the units there at the end.",
)
mirror(
    Shortfall,
    name="CommitmentShortfall",
    description="What happens below a commitment.",
    TRUE_UP="The difference is owed: max(commitment, usage).",
    FORGIVEN="Only what was used is owed.",
)
mirror(
    Window,
    name="UsageWindow",
    description="Over which time usage is aggregated and priced by itself; the prices of all windows add up.",
    PERIOD="The whole billing period.",
    DAY="Each local day.",
    HOUR="Each local hour.",
)
mirror(
    AllowanceRule,
    description="What happens above a free allowance.",
    CLIFF="All units are billed: 5 are free, of 6 all 6 are billed.",
    DEDUCT="Only the units above it are billed: max(0, quantity − free). 5 are free, of 6 one is billed.",
)
mirror(
    BelowZero,
    description="What a quantity below zero costs, because more was taken back than used.",
    CREDIT="The opposite of as much above zero: −cost(−quantity).",
    NOTHING="Nothing, no flat fee either: 0.",
)
mirror(
    Rounding,
    description="How an exact amount becomes whole minor units. It is rounded once, where a line is made.",
    HALF_AWAY="To the nearest; a half goes away from zero: 0.125 is 0.13.",
    HALF_EVEN="To the nearest; a half goes to the even neighbour: 0.125 is 0.12.",
    DOWN="Towards zero: 0.129 is 0.12.",
    UP="Away from zero: 0.121 is 0.13.",
)
mirror(
    TaxMode,
    description="Whether prices contain the tax.",
    EXCLUSIVE="The tax is added to the subtotal: subtotal × percent ÷ 100.",
    INCLUSIVE="The tax is inside the subtotal and only reported: subtotal × percent ÷ (100 + percent).",
)
mirror(
    TaxBase,
    description="What the tax is worked out on.",
    ROUNDED="The amounts of the lines.",
    UNROUNDED="Their exact amounts before rounding.",
)
mirror(
    TaxRounding,
    description="Where the tax is rounded.",
    RATE="Once for each rate, on the sum of its lines; the lines share it by largest remainder.",
    LINE="On every line, then added up.",
)
mirror(
    Aggregation,
    description="How the usage of a meter becomes one quantity.",
    SUM="The sum of the values.",
    COUNT="The number of events.",
    MAX="The largest value.",
    UNIQUE="The number of different subjects, or of members where no subject is named.",
    LATEST="The last value.",
    WEIGHTED_SUM="The sum of each change × the time from it to the end of the period ÷ the period: 10 GB stored for "
    "half a month are 5.",
)
mirror(
    TierBound,
    description="To which tier a quantity exactly on a bound, or a fraction above it, belongs.",
    INCLUSIVE="To the tier below: up to 100 holds 100, and 100.5 is in the next tier.",
    EXCLUSIVE="To the tier above: up to 100 ends before 100.",
    ROUNDED_UP="A started unit is wholly in the tier of its number: 100.5 is the 101st unit.",
)
mirror(
    TierMeasure,
    description="What the bound of a tier measures.",
    BY_UPPER_BOUND="Units from zero: after 100, a tier up to 250 holds 150.",
    BY_WIDTH="Units of the tier: after 100, a tier of 250 ends at 350.",
)
mirror(
    BeyondLast,
    description="What happens above the last bound.",
    STAY="The last tier prices the rest.",
    UNBILLED="Only what is below the bound is billed: min(quantity, bound).",
    ERROR="The quantity is refused.",
)
mirror(
    FlatAtZero,
    description="Whether the first tier's flat fee is owed for nothing at all.",
    NOT_CHARGED="It is not: a quantity of 0 costs 0.",
    CHARGED="It is: a quantity of 0 costs the flat fee of the first tier.",
)
mirror(
    PackageRounding,
    description="What a package that is not full costs.",
    UP="A whole package: ⌈units ÷ size⌉ packages.",
    DOWN="Nothing: ⌊units ÷ size⌋ packages.",
)
