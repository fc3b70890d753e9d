"""How do hundreds of resolvers wait together for a few statements?

They go in a lane: one task that starts each of them in the order of the answer and sets aside those who wait for a
loader. Then all keys of a level are with the loaders before any of them reads, and nobody paid for a task of their
own. Whoever waits for anything else is waited for in the lane itself, where timeouts find the task they belong to;
those behind it go on in another lane, and next time such a field has a lane to itself from the start.

Who is made of one row needs no lane at all: a loader is asked for the rows of all of them at once.
"""

import asyncio
import types
from collections import defaultdict
from collections.abc import Coroutine, Generator, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol, cast

from api.compiled.fields import Field, Waiting
from schema.batches import Loader, Waiter
from schema.loaded import Loaded


class Journey(Protocol):
    """What is done on the way: who is to be started, and what becomes of those who are done."""

    def start(self, one: Waiting) -> Coroutine[Any, Any, Any] | None:
        """Return what resolves one, or None when nobody wants to know any more. It may raise."""
        ...

    def settle(self, one: Waiting, value: Any, fault: Exception | None) -> None:
        """Take what one was resolved to, or why it was not."""
        ...

    def taken(self) -> list[Waiting]:
        """Return those who are to be started now, in the order of the answer."""
        ...

    def loader(self, how: Loaded) -> Loader[Any, Any]:
        """Return what reads the rows that a field is made of."""
        ...

    def arrive(self, wish: "Wish", fault: BaseException | None) -> None:
        """Take the rows that the loader of a wish knows now; what it does not know could not be read."""
        ...


class Lanes:
    """The lanes of one journey, as long as there is anybody on the way."""

    def __init__(self, journey: Journey) -> None:
        self._journey = journey
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loads: set[Waiter] = set()
        self._over: asyncio.Future[None] = self._loop.create_future()

    async def travel(self) -> None:
        """Return when everybody has arrived."""
        try:
            self._open(self._taken())
            if self._tasks or self._loads:
                await self._over
        finally:
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.gather(*self._tasks, return_exceptions=True)

    def _taken(self) -> list[Waiting]:
        """Return those who are to be started now, and ask the loaders for the rows of the others."""
        going: list[Waiting] = []
        while taken := self._journey.taken():
            wanted: defaultdict[Field, list[Waiting]] = defaultdict(list)
            for one in taken:
                (going if one[0].loaded is None else wanted[one[0]]).append(one)
            for of, those in wanted.items():
                how = cast(Loaded, of.loaded)
                self._load(Wish(of, self._journey.loader(how), [how.key(one[1]) for one in those], those))
        return going

    def _load(self, wish: "Wish") -> None:
        waiter = wish.loader.turn(wish.keys)
        if waiter is None:
            self._journey.arrive(wish, None)
        else:
            self._loads.add(waiter)
            waiter.add_done_callback(partial(self._loaded, wish))

    def _loaded(self, wish: "Wish", waiter: Waiter) -> None:
        self._loads.discard(waiter)
        if self._over.done():
            return
        try:
            fault = waiter.exception()
            if fault is None:
                self._load(wish)  # they are known now, unless some are read in another turn
            else:
                self._journey.arrive(wish, fault)
            self._open(self._taken())
        except BaseException as failure:
            self._over.set_exception(failure)
        else:
            self._rest()

    def _rest(self) -> None:
        if not (self._tasks or self._loads or self._over.done()):
            self._over.set_result(None)

    def _open(self, those: Sequence[Waiting]) -> None:
        for lane in self._divided(those):
            task = self._loop.create_task(_awaited(self._lane(lane)))
            self._tasks.add(task)
            task.add_done_callback(self._closed)

    def _closed(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if self._over.done():
            return
        if task.cancelled():
            self._over.cancel()
        elif (fault := task.exception()) is not None:
            self._over.set_exception(fault)
        else:
            self._rest()

    def _divided(self, those: Sequence[Waiting]) -> Iterator[list[Waiting]]:
        """Yield those who go together, in order; who waits for other things than loaders goes alone."""
        together: list[Waiting] = []
        for one in those:
            if one[0].leaves_lane:
                if together:
                    yield together
                yield [one]
                together = []
            else:
                together.append(one)
        if together:
            yield together

    @types.coroutine
    def _lane(self, lane: Sequence[Waiting]) -> Generator[Any, Any, None]:
        parked: list[_Traveller] = []
        try:
            while lane or parked:
                yield from self._started(lane, parked)
                lane = self._taken()
                if lane and (parked or self._is_divided(lane)):
                    self._open(lane)
                    lane = ()
                if parked and not lane:
                    yield from parked[0].reached()
                    yield from self._resumed(parked)
                    lane = self._taken()
                    if lane and (parked or self._is_divided(lane)):
                        self._open(lane)
                        lane = ()
        except BaseException:
            for each in parked:
                each.coroutine.close()
            raise

    def _is_divided(self, those: Sequence[Waiting]) -> bool:
        return any(one[0].leaves_lane for one in those)

    def _started(self, lane: Sequence[Waiting], parked: "list[_Traveller]") -> Generator[Any, Any, None]:
        journey = self._journey
        for number, one in enumerate(lane):
            try:
                coroutine = journey.start(one)
            except Exception as fault:
                journey.settle(one, None, fault)
                continue
            if coroutine is None:
                continue
            traveller = _Traveller(one, coroutine, journey)
            traveller.go(None)
            if traveller.waits_for is not None:
                parked.append(traveller)
            elif traveller.yielded is not _DONE:
                one[0].leaves_lane = True
                if number + 1 < len(lane):
                    self._open(lane[number + 1 :])
                yield from traveller.whole_way()
                if traveller.waits_for is not None:
                    parked.append(traveller)
                return

    def _resumed(self, parked: "list[_Traveller]") -> Generator[Any, Any, None]:
        """Let those go on who have what they waited for, and keep the others."""
        going, parked[:] = parked[:], []
        for each in going:
            if each.waits_for is not None and each.waits_for.done():
                each.go(None)
                if each.waits_for is None and each.yielded is not _DONE:
                    yield from each.whole_way()
            if each.waits_for is not None:
                parked.append(each)


class Wish(NamedTuple):
    """What one field wants of a loader, for all objects that came together."""

    of: Field
    loader: Loader[Any, Any]
    keys: Sequence[Any]
    those: Sequence[Waiting]


async def _awaited(lane: Any) -> None:
    await lane


_DONE = object()


class _Traveller:
    """One coroutine on its way through a lane."""

    __slots__ = ("coroutine", "journey", "one", "waits_for", "yielded")

    def __init__(self, one: Waiting, coroutine: Coroutine[Any, Any, Any], journey: Journey) -> None:
        self.one = one
        self.coroutine = coroutine
        self.journey = journey
        self.waits_for: Waiter | None = None
        self.yielded: Any = _DONE

    def go(self, sent: Any, fault: BaseException | None = None) -> None:
        """Go on until it waits again or is done."""
        self.waits_for = None
        try:
            yielded = self.coroutine.send(sent) if fault is None else self.coroutine.throw(fault)
        except StopIteration as end:
            self.yielded = _DONE
            self.journey.settle(self.one, end.value, None)
        except Exception as raised:
            self.yielded = _DONE
            self.journey.settle(self.one, None, raised)
        else:
            self.yielded = yielded
            if yielded.__class__ is Waiter:
                yielded._asyncio_future_blocking = False
                self.waits_for = yielded

    def reached(self) -> Generator[Any, Any, None]:
        """Wait for what it waits for, as a task does: by handing the future to the loop."""
        waiter = self.waits_for
        if waiter is not None and not waiter.done():
            waiter._asyncio_future_blocking = True
            yield waiter

    def whole_way(self) -> Generator[Any, Any, None]:
        """Wait for whatever it waits for, in the task we are in, until it is done or waits for a loader."""
        while self.waits_for is None and self.yielded is not _DONE:
            try:
                sent = yield self.yielded
            except BaseException as ending:
                self.go(None, ending)
            else:
                self.go(sent)
