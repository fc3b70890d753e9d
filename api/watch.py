"""Is everybody who listens still allowed to?

A stream outlives the moment at which its caller was recognized: sign-ins end, roles change, people leave. All live
streams are looked at again every few seconds, many in one statement; and before an event is told that may have changed
who may hear what comes after it, everybody who listens to that organization is looked at first. Which events cannot
have done so is listed, so one that is new to this list is taken seriously.
"""

import asyncio
import contextvars
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from api.callers import Caller, Recognize, Visit
from auth.principal import Principal
from models.events import Event
from schema.errors import GraphError

ROUND_SECONDS = 2.0
HARMLESS_KINDS = frozenset(
    {
        "UsageRecorded",
        "UsageCorrected",
        "SpendReserved",
        "SpendOverrun",
        "ReservationSettled",
        "ReservationReleased",
        "ReservationExpired",
        "UnusualSpendDetected",
        "LimitIncreaseRequested",
        "LimitIncreaseDecided",
        "LimitIncreaseWithdrawn",
        "LimitIncreaseExpired",
        "LimitIncreaseEnded",
        "SpendLimitThresholdReached",
        "SpendLimitSet",
        "SpendLimitCleared",
        "SeatGranted",
        "SeatChanged",
        "SeatRevoked",
        "InvoiceDrafted",
        "InvoiceFinalized",
        "InvoicePaid",
        "InvoiceStatusChanged",
        "PaymentRecorded",
        "CreditApplied",
    }
)
"""Frequent events that cannot change anybody's access."""

_log = structlog.get_logger(__name__)


class Stream(Protocol):
    """Something open to a caller."""

    @property
    def visit(self) -> Visit:
        """Who it is open to."""
        ...

    async def changed(self, visit: Visit) -> None:
        """Go on as who the caller is now."""
        ...

    def ended(self, fault: GraphError) -> None:
        """End, because the caller is nobody any more."""
        ...


class Watch:
    """Looks after the streams of one process."""

    def __init__(self, recognize: Recognize | None) -> None:
        self._recognize = recognize
        self._streams: dict[Stream, None] = {}
        self._looks: set[asyncio.Task[None]] = set()
        self._looking = asyncio.Lock()  # one look at a time, so that an older answer never replaces a newer one

    def add(self, stream: Stream) -> None:
        """Look after a stream from now on."""
        self._streams[stream] = None

    def discard(self, stream: Stream) -> None:
        """Look after it no longer."""
        self._streams.pop(stream, None)

    async def run(self) -> None:
        """Look after all streams until cancelled."""
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            try:
                await self.look(self._streams)
            except Exception as fault:  # the database is away: nobody is told anything meanwhile either
                _log.warning("callers of open streams could not be looked at", exc_info=fault)

    async def admit(self, organization_id: str, events: Sequence[Event]) -> None:
        """Return when everybody who may not hear what follows these events has left."""
        if all(event.kind in HARMLESS_KINDS for event in events):
            return
        concerned = [stream for stream in self._streams if _belongs(stream.visit.caller, organization_id)]
        # On a task of its own: when the last follower goes, so does the one who waits here, but the look must end.
        looking = asyncio.get_running_loop().create_task(self.look(concerned), context=contextvars.Context())
        self._looks.add(looking)
        looking.add_done_callback(self._looks.discard)
        await asyncio.shield(looking)

    async def look(self, streams: Iterable[Stream]) -> None:
        """Find out who the callers of these streams are by now, and act on it."""
        if self._recognize is None:
            return
        async with self._looking:
            watched = [(stream, stream.visit.caller) for stream in streams]
            known = [(stream, caller) for stream, caller in watched if caller is not None]
            asked = [(stream.visit.connection, caller) for stream, caller in known]
            for (stream, before), now in zip(known, await self._recognize(asked), strict=True):
                if stream not in self._streams:
                    continue
                if isinstance(now, GraphError):
                    stream.ended(now)
                elif _rights(now) != _rights(before):
                    await stream.changed(replace(stream.visit, caller=now))


def _belongs(caller: Caller | None, organization_id: str) -> bool:
    return isinstance(caller, Principal) and organization_id in caller.memberships


def _rights(caller: Caller) -> object:
    return dict(caller.memberships) if isinstance(caller, Principal) else None
