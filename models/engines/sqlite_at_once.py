"""Which reads are answered on the event loop's own thread?

Those that are over before another thread could have been asked. To hand a statement over and its rows back costs more
than most statements do: these read a few dozen rows by a key, out of memory. So each is begun here, on a connection
that waits for nobody. One that takes more steps than it is given, or that anything stands in the way of, is broken off
and carried out by a thread, which has all the time there is and says what is wrong with it. One that was broken off is
not begun here again for its next `PAUSE` times, so that what takes long does not take that much longer.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any, Final, cast

from models.sql import Record

STEPS: Final = 1_000
"""How many instructions of SQLite's machine are a round: some tens of microseconds, from memory."""
ROUNDS: Final = 10
PAUSE: Final = 100
STATEMENTS_MAX: Final = 1_000


class AtOnce:
    """A connection that is used by the thread that opened it, for as long as nobody notices."""

    def __init__(self, address: str, pragmas: Sequence[str]) -> None:
        self._connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=0, cached_statements=256)
        self._connection.row_factory = sqlite3.Row
        for pragma in pragmas:
            self._connection.execute(f"PRAGMA {pragma}").fetchall()
        self._connection.set_progress_handler(self._is_over, STEPS)
        self._rounds = 0
        self._paused: dict[str, int] = {}

    def fetch(self, query: str, values: Sequence[Any]) -> Sequence[Record] | None:
        """Return every row of a query, or None where it is for a thread."""
        if self._paused and self._is_paused(query):
            return None
        self._rounds = 0
        try:
            return cast(Sequence[Record], self._connection.execute(query, values).fetchall())
        except sqlite3.Error:
            self._paused[query] = PAUSE
            return None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _is_over(self) -> bool:
        self._rounds += 1
        return self._rounds > ROUNDS

    def _is_paused(self, query: str) -> bool:
        left = self._paused.get(query)
        if left is None:
            return False
        if left > 1 and len(self._paused) <= STATEMENTS_MAX:
            self._paused[query] = left - 1
        else:
            del self._paused[query]
        return True
