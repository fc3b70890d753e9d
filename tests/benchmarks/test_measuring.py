"""Figures mean what they say."""

import doctest

from benchmarks import measuring, tables


def test_examples() -> None:
    assert doctest.testmod(measuring).failed == 0


async def test_who_begins_a_round_alternates() -> None:
    order: list[str] = []

    async def first(number: int) -> None:
        order.append(f"first {number}")

    async def second(number: int) -> None:
        order.append(f"second {number}")

    ours, theirs = await measuring.interleaved(2, first, second)

    assert order == ["first 0", "second 0", "second 1", "first 1"]
    assert len(ours) == len(theirs) == 2


def test_a_promise_that_did_not_hold_is_an_exit_status() -> None:
    kept = [tables.zero("lost", 0), tables.count("made", 7)]

    assert tables.show("kept", kept) == 0
    assert tables.show("broken", [*kept, tables.zero("doubled", 1)]) == 1
