"""How does a process that is told to stop let go of its clients?

First it says so: `/readyz` fails and new sockets and streams are refused, while everything else is served on, because
load balancers need a moment to notice. Then streams end, to be resumed elsewhere from their cursors, and each socket
closes once what it was asked is answered. Then nobody new is listened to, and requests and mutations in progress get
the time that is left. One deadline holds for all of it.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from schema.errors import ErrorCode, GraphError

CLOSE_CODE: Final = 1012
"""Service Restart, by which clients know that they may connect again at once, to another process."""

SAID: Final = "This process is about to stop; connect again."
_LOOK_SECONDS: Final = 0.05


class AboutToStop(RuntimeError):
    """The process should get no traffic any more."""


class Guest(Protocol):
    """A connection without an end of its own."""

    def leave(self) -> None:
        """End soon: as soon as nothing is under way."""
        ...


class Drain:
    """The end of one process, and who is still connected when it comes."""

    def __init__(self, *, notice_seconds: float, seconds_max: float) -> None:
        self.sockets: set[Guest] = set()
        self.streams: set[Guest] = set()
        self._notice_seconds = notice_seconds
        self._seconds_max = seconds_max
        self._is_begun = False
        self._is_ending = False
        self._deadline: float | None = None

    @property
    def seconds_left(self) -> float:
        """How long what is under way may still take: all of the time where nobody has said that it is the end."""
        if self._deadline is None:
            return self._seconds_max
        return max(0.0, self._deadline - time.monotonic())

    async def require_serving(self) -> None:
        """Raise `AboutToStop` once the end has begun."""
        if self._is_begun:
            raise AboutToStop(SAID)

    def require_open(self) -> None:
        """Raise `GraphError` for somebody who would stay, once the end has begun."""
        if self._is_begun:
            raise GraphError(ErrorCode.OVERLOADED, SAID)

    @contextmanager
    def stay(self, guest: Guest, among: set[Guest]) -> Iterator[None]:
        """Count somebody among the sockets or the streams while the block runs, and tell them when it is time."""
        among.add(guest)
        if self._is_ending:
            guest.leave()
        try:
            yield
        finally:
            among.discard(guest)

    async def run(self, *, is_forced: Callable[[], bool]) -> None:
        """Announce the end, wait as long as load balancers need, and let everybody who stays leave.

        Half of the time that is left after the notice is theirs; requests and mutations have the rest at least.
        """
        self._is_begun = True
        noticed_at = time.monotonic() + self._notice_seconds
        self._deadline = noticed_at + self._seconds_max
        await _until(lambda: is_forced() or time.monotonic() >= noticed_at)
        self._is_ending = True
        for guest in (*self.streams, *self.sockets):
            guest.leave()
        patience_ends = noticed_at + self._seconds_max / 2
        await _until(lambda: is_forced() or not (self.streams or self.sockets) or time.monotonic() >= patience_ends)


async def _until(is_so: Callable[[], bool]) -> None:
    """Return when it is so; a second signal changes a flag, which nobody can wait for."""
    while not is_so():  # noqa: ASYNC110  # signal handlers of the server set a flag and no event
        await asyncio.sleep(_LOOK_SECONDS)
