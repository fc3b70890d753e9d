"""What has been found wrong with the answers to what nobody would send?

>>> found = Findings()
>>> found.responded("bodies", 200, '{"errors": [{"message": "boom at sqlite3.connect"}]}', 0.01)
>>> found.leaks, found.failures, found.sent
(1, 0, Counter({'bodies': 1}))
"""

import json
import os
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import GraphQLError

from benchmarks import starving, tables
from schema.errors import ErrorCode, first_code, present_all

HANG_SECONDS: Final = 1.0
SOCKET_SECONDS: Final = 5.0
"""How long a socket may live that is sent twenty frames and a last one that closes it."""

SHOWN_MAX: Final = 20
LEAKS: Final = ("Traceback", ".py", "sqlite", "asyncpg", "SELECT ", "site-packages", "object at 0x")
OUR_CLOSE_CODES: Final = frozenset({1011, 4500})


@dataclass(slots=True)
class Findings:
    """What was sent, and what was wrong with the answers."""

    sent: Counter[str] = field(default_factory=Counter)
    failures: int = 0
    hangs: int = 0
    slow_once: int = 0
    leaks: int = 0
    slowest: float = 0.0
    answered: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    processes: set[int] = field(default_factory=lambda: {os.getpid()})
    """Those that work at an answer: us, and a server where there is one."""

    def queued_seconds(self) -> float:
        """Return how long those who work at answers have waited for a processor so far, which is nobody's fault."""
        return sum(map(starving.queued_seconds, self.processes))

    def note(self, what: str, said: str, seconds: float) -> None:
        """Look at what was said, and how long it took to say it."""
        self.sent[what] += 1
        self._look(what, said)
        self._time(what, seconds, said)

    def presented(self, errors: list[GraphQLError]) -> str:
        """Return what a client reads of errors, having looked whether one of them is ours to mend."""
        if ErrorCode.INTERNAL in {first_code([error]) for error in errors}:
            self.failures += 1
            self._keep(f"INTERNAL: {errors}")
        return json.dumps(present_all(errors, "request"))

    def responded(self, what: str, status: int, text: str, seconds: float, *, of: Any = None) -> None:
        """Look at a response; `of` is what was asked."""
        self.sent[what] += 1
        if status >= 500 or '"code":"INTERNAL"' in text:
            self.failures += 1
            self._keep(f"{what}: {status} {text[:400]} to {json.dumps(of)[:3_000]}")
        self.answered[what] += '"data":{' in text and '"errors"' not in text
        self._look(what, text)
        self._time(what, seconds, json.dumps(of))

    def heard(self, what: str, message: str) -> None:
        """Look at a message of a socket."""
        if '"code":"INTERNAL"' in message:
            self.failures += 1
            self._keep(f"{what}: {message[:400]}")
        self._look(what, message)

    def closed(self, what: str, code: int | None, reason: str, seconds: float) -> None:
        """Look at how a socket was closed, or that it was not."""
        if code in OUR_CLOSE_CODES or code is None or code == 1006:
            self.failures += 1
            self._keep(f"{what}: closed with {code} {reason}")
        self._look(what, reason)
        self.slowest = max(self.slowest, seconds)
        if seconds > SOCKET_SECONDS:
            self.hangs += 1
            self._keep(f"{what}: closed after {seconds:.2f} s with {code} {reason}")

    def figures(self) -> list[tables.Figure]:
        """Return the rows of a table."""
        return [
            *(tables.count(what, number) for what, number in sorted(self.sent.items())),
            *(tables.count(f"of {what}: answered without an error", number) for what, number in self.answered.items()),
            tables.zero("answers of 5xx, INTERNAL, or sockets closed as our fault", self.failures),
            tables.zero("answers that took over a second, twice", self.hangs),
            tables.count("answers that took over a second once, and not again", self.slow_once - self.hangs),
            tables.zero("answers that told of our insides", self.leaks),
            tables.Figure("slowest answer", f"{self.slowest * 1_000:.0f} ms"),
        ]

    def _look(self, what: str, text: str) -> None:
        leaked = [word for word in LEAKS if word in text]
        if leaked:
            self.leaks += 1
            self._keep(f"{what}: {leaked} in {text[:400]}")

    def _time(self, what: str, seconds: float, about: str) -> None:
        self.slowest = max(self.slowest, seconds)
        if seconds > HANG_SECONDS:
            self.hangs += 1
            self._keep(f"{what}: {seconds:.2f} s for {about[:1_000]}")

    def _keep(self, example: str) -> None:
        if len(self.examples) < SHOWN_MAX:
            self.examples.append(example)
            sys.stderr.write(f"{example}\n")
