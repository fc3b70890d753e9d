"""Questions of one moment are asked once, and nobody hears what was read before they asked."""

import asyncio
from collections.abc import Collection, Mapping

import pytest

from auth.together import ROUND_MAX, Together


class Register:
    """Says what is written in it, as often as it is let, and remembers what it was asked."""

    def __init__(self, **written: str) -> None:
        self.written = written
        self.asked: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def read(self, names: Collection[str]) -> Mapping[str, str]:
        self.asked.append(sorted(names))
        found = {name: self.written[name] for name in names}
        await self.gate.wait()
        return found


async def turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_asks_once_for_all_who_ask_in_the_same_moment() -> None:
    register = Register(ann="owner", bob="member")
    together = Together(register.read)

    told = await asyncio.gather(*(together.of(name) for name in ("ann", "bob", "ann")))

    assert told == ["owner", "member", "owner"]
    assert register.asked == [["ann", "bob"]]


async def test_tells_nobody_what_was_read_before_they_asked() -> None:
    register = Register(ann="owner")
    together = Together(register.read)
    register.gate.clear()
    first = asyncio.create_task(together.of("ann"))
    await turn()

    register.written["ann"] = "nobody"
    second = asyncio.create_task(together.of("ann"))
    await turn()
    register.gate.set()

    assert (await first, await second) == ("owner", "nobody")


async def test_goes_on_for_the_others_when_the_first_to_ask_leaves() -> None:
    register = Register(ann="owner", bob="member")
    together = Together(register.read)
    register.gate.clear()
    first, second = (asyncio.create_task(together.of(name)) for name in ("ann", "bob"))
    await turn()

    first.cancel()
    register.gate.set()

    assert await second == "member"
    assert register.asked == [["ann", "bob"]]


async def test_tells_everybody_of_a_fault_and_asks_anew_afterwards() -> None:
    register = Register()
    together = Together(register.read)

    told = await asyncio.gather(together.of("ann"), together.of("ann"), return_exceptions=True)
    register.written["ann"] = "owner"

    assert [type(each) for each in told] == [KeyError, KeyError]
    assert await together.of("ann") == "owner"


async def test_begins_another_round_when_one_is_full() -> None:
    names = [f"person-{number:03}" for number in range(ROUND_MAX + 1)]
    register = Register(**dict.fromkeys(names, "member"))
    together = Together(register.read)

    await asyncio.gather(*(together.of(name) for name in names))

    assert register.asked == [names[:ROUND_MAX], names[ROUND_MAX:]]


async def test_is_cancelled_with_whoever_waits() -> None:
    register = Register(ann="owner")
    register.gate.clear()
    asking = asyncio.create_task(Together(register.read).of("ann"))
    await turn()

    asking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asking
