"""In short what `benchmarks/alert_delivery.py` proves at full size."""

import asyncio
import random

import pytest

from benchmarks import alert_delivery
from benchmarks.alert_delivery import Subscriber, judge
from benchmarks.databases import SQLITE
from tests.builders import Database
from tests.databases import on_postgres


async def test_every_alert_arrives_in_order_although_connections_are_cut(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    place = database.url if on_postgres() else SQLITE
    asked = ["--alerts", "240", "--drops", "8", "--rate", "60", "--database", place]

    outcome = await asyncio.to_thread(alert_delivery.main, asked)

    printed = capsys.readouterr().out
    assert outcome == 0, printed
    assert "240 alerts through 8 drops" in printed


@pytest.mark.parametrize(
    ("expected", "kept"),
    [
        ([], ["a", "b", "c"]),
        (["1 of 3 alerts were lost"], ["a", "c"]),
        (["alerts came in another order than they were committed in"], ["a", "c", "b"]),
        (["alerts came in another order than they were committed in"], ["a", "b", "b", "c"]),
    ],
)
def test_notices_what_is_lost_or_out_of_order(expected: list[str], kept: list[str]) -> None:

    subscriber = Subscriber(0, "", "acme", "", 3, random.Random(0))
    subscriber.kept = [(name, name, 1.0) for name in kept]

    faults, _ = judge([subscriber], {"acme": [("a", 0.0), ("b", 0.0), ("c", 0.0)]})

    assert faults == expected
