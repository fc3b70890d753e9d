"""What is given back of a replaced plan is what was billed for it: after the plan's own discounts, to the cent."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.database import Database
from services import plans
from tests.services.books import START
from tests.services.test_plan_boundaries import a_fee, between, bill

ELEVENTH, TWENTY_SIXTH = datetime(2026, 10, 11, tzinfo=UTC), datetime(2026, 10, 26, tzinfo=UTC)
NOVEMBER, DECEMBER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def a_plan(key: str, amount: str, *, timing: str = "ADVANCE", **whole: Any) -> dict[str, Any]:
    """Return a plan of one fee by the month, with what is said of the plan as a whole."""
    return a_fee(key, amount, "MONTH", timing) | whole


def off(percent: str) -> dict[str, str]:
    """Return a discount in percent."""
    return {"kind": "PERCENTAGE", "percent": percent}


HALF: dict[str, Any] = {"discounts": [off("50")]}
TEN_OFF: dict[str, Any] = {"discounts": [{"kind": "AMOUNT", "amount": "10.00"}]}
TIERED: dict[str, Any] = {"discounts": [{"kind": "VOLUME", "tiers": [{"from_amount": "100.00", "percent": "20"}]}]}


@pytest.mark.parametrize(
    ("old", "new", "back"),
    [
        pytest.param(HALF, {}, -105_00, id="half of the list price was billed"),
        pytest.param({}, HALF, -210_00, id="the new plan's discount has no say"),
        pytest.param(TEN_OFF, {}, -203_23, id="21 of 31 days of 300.00, which is 310.00 less 10.00"),
        pytest.param({"discounts": [off("20"), off("10")]}, {}, -151_20, id="of 310.00 × 0.8 × 0.9"),
        pytest.param(TIERED, HALF, -168_00, id="the discount by volume that was reached"),
        pytest.param({}, {"commitment": "1000.00"}, -210_00, id="no commitment swallows it"),
        pytest.param({"discounts": [off("100")]}, {}, 0, id="nothing was billed"),
    ],
)
async def test_the_unused_part_of_what_was_billed_comes_back(
    database: Database, old: dict[str, Any], new: dict[str, Any], back: int
) -> None:
    ours = await between(database, a_plan("old", "310.00", **old), a_plan("new", "0.00", **new))
    await ours.do(plans.schedule, plans.Schedule, plan_key="new", effective_at=ELEVENTH)

    october = await bill(ours, "2026-10", NOVEMBER + HOUR)

    settled = {key: amount for key, amount in october.items() if "until-" in key}
    assert sum(settled.values()) == back
    assert sum(october.values()) - back == (677_42 if "commitment" in new else 0), "21 of 31 days of what is committed"


async def test_arrears_of_a_replaced_plan_keep_its_discounts(database: Database) -> None:
    arrears = {"timing": "ARREARS"}
    ours = await between(
        database, a_plan("old", "310.00", **arrears, **HALF), a_plan("new", "620.00", **arrears, **TEN_OFF)
    )
    await ours.do(plans.schedule, plans.Schedule, plan_key="new", effective_at=ELEVENTH)

    october = await bill(ours, "2026-10", NOVEMBER + HOUR)

    assert october == {
        "fee/until-2026-10-11": 100_00,
        "until-2026-10-11/discount-1": -50_00,
        "fee": 420_00,
        "discount-1": -6_77,  # 21 of 31 days of 10.00
    }


async def test_what_was_given_back_once_is_given_back_of_the_second_change_too(database: Database) -> None:
    ours = await between(database, a_plan("old", "310.00", **HALF), a_plan("new", "620.00", discounts=[off("25")]))
    await ours.do(plans.schedule, plans.Schedule, plan_key="new", effective_at=ELEVENTH)
    october = await bill(ours, "2026-10", NOVEMBER + HOUR)

    await ours.do(plans.change, plans.Change, plan_key="old", at=NOVEMBER + timedelta(days=15, hours=1))
    november = await bill(ours, "2026-11", DECEMBER + HOUR)

    assert sum(october.values()) == -105_00 + (420_00 + 620_00) * 3 // 4
    assert sum(amount for key, amount in november.items() if "until-" in key) == -620_00 * 3 // 4 // 2
    assert sum(november.values()) == -232_50 + (155_00 + 310_00) // 2


async def test_the_preview_of_a_change_in_a_month_to_come_gives_back_what_will_be_billed(database: Database) -> None:
    ours = await between(database, a_plan("old", "310.00", **HALF), a_plan("new", "62.00"))
    middle = NOVEMBER + timedelta(days=15)

    preview = await plans.preview(ours.reader, await ours.organization(), "new", effective_at=middle, at=START)
    changed = await ours.do(plans.schedule, plans.Schedule, plan_key="new", effective_at=middle)
    await bill(ours, "2026-10", DECEMBER + HOUR)
    november = await bill(ours, "2026-11", DECEMBER + HOUR)

    assert isinstance(preview, plans.PlanPreview)
    assert preview.after == changed.after
    assert sum(november.values()) == preview.after.minor == -155_00 // 2 + 31_00 + 62_00
