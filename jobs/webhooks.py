"""How do webhooks leave the house, as soon as something happens and without end?

A wake-up from the hub starts a round at once and a look each second finds what no wake-up announced: a retry that is
due, an event written by another process, a lease that a dead process left. Any number of processes may deliver: who
claims an attempt makes it. Stopping lets calls under way finish; what is cut off is claimed again when its lease ends.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import structlog

from billing.webhooks import Fault
from events import posting, webhooks
from events.posting import Answer
from events.vault import Unreadable
from models import webhooks as rows
from models.events import Event
from models.sql import Client
from schema import cursors, ids
from services import deliveries
from services.deliveries import Attempt
from services.dispatch import Dispatcher
from services.replays import WAITING_MAX

AT_ONCE_MAX = 64
"""Attempts under way in this process, to all endpoints together."""

BATCH = 100
POLL_SECONDS = 1.0
GATHER_SECONDS = 0.02
DRAIN_SECONDS_MAX = posting.SECONDS_MAX + 5
PURGE_EVERY = timedelta(hours=1)
Told = Callable[[Answer, float], None]
"""Hears of each attempt: what came back, and after how many seconds."""

_log = structlog.get_logger(__name__)


def _nobody(_answer: Answer, _seconds: float) -> None:
    """Hear nothing."""


class Postman:
    """Delivers the webhooks of all organizations, as one of any number of processes."""

    def __init__(
        self,
        reader: Client,
        dispatcher: Dispatcher,
        *,
        clock: Callable[[], datetime],
        seconds_max: float = posting.SECONDS_MAX,
        told: Told = _nobody,
    ) -> None:
        self._reader = reader
        self._dispatcher = dispatcher
        self._clock = clock
        self._seconds_max = seconds_max
        self._told = told
        self._under_way: set[asyncio.Task[None]] = set()
        self._bell = asyncio.Event()
        self._stopping = False
        self._last = rows.FIRST
        self._purged_at: datetime | None = None

    async def deliver(self, *, at: datetime) -> int:
        """Make every attempt that is due at `at`, wait for the answers, and return how many were made."""
        made = 0
        while True:
            begun, passed = await self._begin(at, settled_at=lambda: at)
            if not begun and not passed:
                return made
            made += begun
            await self._drained()

    @asynccontextmanager
    async def on_duty(self) -> AsyncIterator[None]:
        """Deliver while the block runs."""
        duty = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self._stopping = True
            self._bell.set()
            await duty

    async def _run(self) -> None:
        with self._dispatcher.hub.listening(self._bell):
            while not self._stopping:
                self._bell.clear()
                await self._look()
                await self._rest()
        try:
            async with asyncio.timeout(DRAIN_SECONDS_MAX):
                await self._drained()
        except TimeoutError:
            for task in self._under_way:
                task.cancel()

    async def _look(self) -> None:
        try:
            passed = 1
            while passed and not self._stopping:
                at = self._clock()
                _, passed = await self._begin(at, settled_at=self._clock)
            if self._purged_at is None or self._clock() - self._purged_at >= PURGE_EVERY:
                self._purged_at = self._clock()
                await deliveries.purge(self._dispatcher.runner, at=self._purged_at)
        except Exception:  # whatever is wrong with the database now, the next look may find it mended
            _log.exception("webhooks could not be looked after")

    async def _rest(self) -> None:
        """Wait for the next wake-up, at most a second; many commits at once are one wake-up."""
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._bell.wait()
        except TimeoutError:
            return
        if not self._stopping:
            await asyncio.sleep(GATHER_SECONDS)

    async def _begin(self, at: datetime, *, settled_at: Callable[[], datetime]) -> tuple[int, int]:
        """Begin what is due and fits; return how many attempts were begun and how many events were decided about."""
        begun = passed = 0
        async for place in self._places(at):
            room = AT_ONCE_MAX - len(self._under_way)
            if room <= 0:
                break
            self._last = place
            taken = await deliveries.take(self._dispatcher.runner, place, at=at, most=room)
            passed += taken.passed
            for attempt in taken.attempts:
                self._start(attempt, at, settled_at)
                begun += 1
        return begun, passed

    async def _places(self, at: datetime) -> AsyncIterator[rows.Place]:
        """Yield the endpoints with work, from where the last round stopped, so that none is always last."""
        start = self._last
        for after, end in ((start, None), (rows.FIRST, start)):
            while page := await rows.with_work(self._reader, after=after, at=at, window=WAITING_MAX, limit=BATCH):
                for place in page:
                    if end is not None and (place.organization_id, place.endpoint_id) > (
                        end.organization_id,
                        end.endpoint_id,
                    ):
                        return
                    yield place
                after = page[-1]

    def _start(self, attempt: Attempt, at: datetime, settled_at: Callable[[], datetime]) -> None:
        task = asyncio.create_task(self._make(attempt, at, settled_at))
        self._under_way.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._bell.set()
        if not task.cancelled() and task.exception() is not None:
            _log.error("an answer to a webhook could not be noted", exc_info=task.exception())

    async def _drained(self) -> None:
        while self._under_way:
            await asyncio.wait(set(self._under_way))

    async def _make(self, attempt: Attempt, at: datetime, settled_at: Callable[[], datetime]) -> None:
        started = time.monotonic()
        answer = await self._answer(attempt, at)
        seconds = time.monotonic() - started
        self._told(answer, seconds)
        duration_ms = int(seconds * 1_000)
        await deliveries.settle(self._dispatcher, attempt, answer, duration_ms=duration_ms, at=settled_at())

    async def _answer(self, attempt: Attempt, at: datetime) -> Answer:
        if attempt.event is None:
            return Answer(None, "the log no longer has the event", fault=Fault.EVENT_FORGOTTEN)
        postbox = self._dispatcher.postbox
        try:
            signing = [postbox.vault.open(sealed) for sealed in attempt.sealed_secrets]
        except Unreadable as error:
            return Answer(None, str(error), fault=Fault.KEY_MISSING)
        sent = webhooks.message(attempt.event, named(attempt.event))
        headers = webhooks.headers(sent, signing, at=at)
        return await posting.post(postbox.policy, attempt.url, sent.body, headers, at=at, seconds_max=self._seconds_max)


def named(event: Event) -> webhooks.Named:
    """Return an event's names as the graph writes them."""
    organization_id, sequence = event.organization_id, str(event.sequence)
    return webhooks.Named(
        event_id=ids.text(ids.Kind.AUDIT_EVENT, organization_id, sequence),
        organization_id=ids.organization(organization_id),
        cursor=cursors.encode(cursors.EVENTS, organization_id, sequence),
    )
