"""What is done without anybody asking, again and again?

One round does all the work that is due and returns; the caller decides when the next one comes. Every step is
harmless to repeat, so any number of workers may run.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from auth.sessions import Sessions
from jobs import due
from models import spent_tokens
from models.sql import Client
from services.dispatch import Dispatcher

SESSIONS_KEPT = timedelta(days=30)
FORGOTTEN_AT_ONCE_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did."""

    things: tuple[due.Report, ...]
    sessions_purged: int
    tokens_forgotten: int


async def work(client: Client, dispatcher: Dispatcher, sessions: Sessions, *, at: datetime) -> Round:
    """Carry out what is due, and forget sessions that ended long ago and used tokens that have expired."""
    things = tuple([report async for report in due.carry_out(client, dispatcher, at=at)])
    purged = 0
    while count := await sessions.purge(before=at - SESSIONS_KEPT):
        purged += count
    forgotten = 0
    while count := await dispatcher.runner.run(lambda writing: _forget_tokens(writing, at), lane="spent-tokens"):
        forgotten += count
    return Round(things, purged, forgotten)


async def _forget_tokens(client: Client, at: datetime) -> int:
    return await spent_tokens.delete_expired(client, before=at, count_max=FORGOTTEN_AT_ONCE_MAX)
