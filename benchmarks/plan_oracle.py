"""Does a compiled operation answer, byte for byte, what the library answers?

Generated operations are executed twice as different callers, once by their plan and once by graphql-core, on the same
rows at the same instant, and the bodies are compared. The library is the oracle: it shares no line with the plans but
the reading of arguments and the merging of fields.
"""

import asyncio
import random
import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from starlette.requests import HTTPConnection

from api import json_codec
from api.answers import answer
from api.callers import Caller, Visit
from api.execution import Operations
from api.graph_requests import GraphRequest
from api.operations import Operation, Refused
from api.settings import Limits
from auth.principal import Principal
from benchmarks.questions import Question, Questioner
from models.sql import Client, Fetching
from resolvers import roots

ASKED_BY = 8
"""How many callers ask the same: to read and validate a document takes longer than to answer it."""

_UNBOUNDED = 10**6
_REQUEST_ID = "oracle"
_ID = re.compile(r"([a-z]+)_[0-9a-z]{26}(_[0-9a-z]+)?$")
_KNOWN_MAX = 20
_RACES = 40


def _no_turns() -> int:
    return 0


LIMITS = Limits(
    query_depth_max=100,
    query_fields_max=_UNBOUNDED,
    query_aliases_max=_UNBOUNDED,
    query_rows_max=_UNBOUNDED,
    query_directives_max=_UNBOUNDED,
    query_roots_max=100,
    query_seconds_max=60,
)

OpenFor = Callable[[Principal | None], AbstractAsyncContextManager[Any]]
"""Open what resolvers see for a caller, at an instant that is the same for all."""


class InTurn:
    """A reader whose statements end in the order in which they begin, after as many turns of the loop as it is told.

    Where several required fields fail, the library tells of the one whose failure happens to arrive first. Only in the
    same order of time does it give the same answer twice, and can be compared with anything.
    """

    def __init__(self, reader: Client, turns: Callable[[], int]) -> None:
        self._reader = reader
        self._turns = turns
        self._door = asyncio.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    async def execute_query(self, query: str, values: list[Any] | None = None) -> Any:
        """Pass a query on when its turn has come."""
        async with self._let_in():
            return await self._reader.execute_query(query, values)

    async def execute_query_dict(self, query: str, values: list[Any] | None = None) -> Any:
        """Pass a query on when its turn has come."""
        async with self._let_in():
            return await self._reader.execute_query_dict(query, values)

    async def fetch(self, query: str, values: Sequence[Any]) -> Any:
        """Pass a query on when its turn has come."""
        async with self._let_in():
            return await cast(Fetching, self._reader).fetch(query, values)

    @asynccontextmanager
    async def _let_in(self) -> AsyncIterator[None]:
        for _ in range(self._turns()):
            await asyncio.sleep(0)
        async with self._door:
            yield


@dataclass(frozen=True, slots=True)
class Difference:
    """An operation that was answered in two ways."""

    caller: str
    question: Question
    plan: bytes
    library: bytes


@dataclass(slots=True)
class Verdict:
    """How many operations were compared, what they led to, and where the answers differ."""

    asked: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    objects: int = 0
    types: Counter[str] = field(default_factory=Counter)
    """How many objects of each type were answered, among those asked for the name of it."""
    races: int = 0
    """How often several required fields failed, and the library tells of either: it depends on the time they take."""
    differences: list[Difference] = field(default_factory=list)
    fallbacks: int = 0

    def __iadd__(self, other: "Verdict") -> "Verdict":
        self.asked += other.asked
        self.refused += other.refused
        self.codes += other.codes
        self.objects += other.objects
        self.types += other.types
        self.races += other.races
        self.differences += other.differences
        self.fallbacks += other.fallbacks
        return self


@dataclass(slots=True)
class Oracle:
    """Asks the same of a plan and of the library."""

    open_for: OpenFor
    known: defaultdict[str, list[str]]
    plans: Operations = field(default_factory=lambda: Operations(roots.schema, LIMITS, asked_min=1))
    library: Operations = field(default_factory=lambda: Operations(roots.schema, LIMITS, compiled=False))
    verdict: Verdict = field(default_factory=Verdict)

    async def ask(self, name: str, caller: Principal | None, question: Question) -> None:
        """Compare the answers to one question of one caller."""
        try:
            operation = self.plans.prepare(GraphRequest(question.document, None, dict(question.variables)))
        except Refused as refused:
            self.verdict.refused[str(refused)[:60]] += 1
            return
        ours = await self._body(self.plans, caller, operation, _no_turns)
        theirs = await self._body(self.library, caller, operation, _no_turns)
        self.verdict.asked += 1
        self.verdict.fallbacks = self.plans.plans.tally.fallbacks
        if ours == theirs:
            return
        if _anywhere(ours) == _anywhere(theirs) or await self._is_race(caller, operation, ours):
            self.verdict.races += 1
        else:
            self.verdict.differences.append(Difference(name, question, ours, theirs))

    async def _is_race(self, caller: Principal | None, operation: Operation, ours: bytes) -> bool:
        """Return whether the library gives our very answer too, when its statements take another time."""
        for number in range(_RACES):
            chance = random.Random(number)  # noqa: S311  # a draw, no secret
            turns = partial(chance.randrange, 2 + 2 * number)
            if ours == await self._body(self.library, caller, operation, turns):
                return True
        return False

    async def _body(
        self, operations: Operations, caller: Principal | None, operation: Operation, turns: Callable[[], int]
    ) -> bytes:
        @asynccontextmanager
        async def opened(_connection: HTTPConnection | None, _caller: Caller | None) -> AsyncIterator[Any]:
            async with self.open_for(caller) as context:
                context.reader = InTurn(context.reader, turns)
                context.refresh()
                yield context

        visit = Visit(HTTPConnection({"type": "http", "headers": []}), caller, opened, _REQUEST_ID)
        result = await operations.run(operation, visit)
        shown: Any = answer(result, _REQUEST_ID)
        if operations is self.plans:
            self._look_at(shown)
        return json_codec.encode(shown)

    def _look_at(self, shown: Any) -> None:
        for error in shown.get("errors", ()):
            self.verdict.codes[error["extensions"]["code"]] += 1
        self.verdict.objects += self._learn(shown.get("data"))

    def _learn(self, value: Any) -> int:
        """Return how many objects there are in an answer, and remember the ids in it for later questions."""
        if isinstance(value, dict):
            if "__typename" in value:
                self.verdict.types[value["__typename"]] += 1
            return 1 + sum(self._learn(each) for each in value.values())
        if isinstance(value, list):
            return sum(self._learn(each) for each in value)
        if isinstance(value, str) and (found := _ID.match(value)) and len(self.known[found[1]]) < _KNOWN_MAX:
            self.known[found[1]].append(value)
        return 0


def _anywhere(body: bytes) -> Any:
    """Return an answer without the places in lists that its errors name: one of several items that failed alike."""
    shown = json_codec.decode(body)
    for error in shown.get("errors", ()):
        error["path"] = [key for key in error.get("path", ()) if isinstance(key, str)]
    return shown


async def compared(
    open_for: OpenFor,
    callers: Mapping[str, Principal | None],
    known: Mapping[str, Sequence[str]],
    *,
    questions: int,
    seed: int,
    usual: Sequence[Question] = (),
) -> Verdict:
    """Return what came of so many operations: the usual ones by every caller, and generated ones by several each."""
    learned = defaultdict(list, {kind: [*ids] for kind, ids in known.items()})
    oracle, chance = Oracle(open_for, learned), random.Random(seed)  # noqa: S311  # a draw, no secret
    questioner = Questioner(roots.schema._schema, learned, chance)
    names = list(callers)
    for question in usual:
        for name in names:
            await oracle.ask(name, callers[name], question)
    while oracle.verdict.asked < questions:
        question = questioner.question()
        for name in chance.sample(names, min(ASKED_BY, questions - oracle.verdict.asked)):
            await oracle.ask(name, callers[name], questioner.varied(question))
    return oracle.verdict
