"""Does a compiled operation answer, byte for byte, what the library answers?

Generated operations are executed twice as different callers, once by their plan and once by graphql-core, on the same
rows at the same instant, and the bodies are compared. The library is the oracle: it shares no line with the plans but
the reading of arguments and the merging of fields.
"""

import random
import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import HTTPConnection

from api import json_codec
from api.answers import answer
from api.callers import Caller, Visit
from api.execution import Operations
from api.graph_requests import GraphRequest
from api.operations import Operation, Refused
from api.rows import rows_in
from api.settings import Limits
from auth.principal import Principal
from benchmarks.questions import Question, Questioner
from resolvers import roots

ASKED_BY = 8
"""How many callers ask the same: to read and validate a document takes longer than to answer it."""

_UNBOUNDED = 10**6
_REQUEST_ID = "oracle"
_ID = re.compile(r"([a-z]+)_[0-9a-z]{26}(_[0-9a-z]+)?$")
_KNOWN_MAX = 20

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
    differences: list[Difference] = field(default_factory=list)
    fallbacks: int = 0
    miscounted: int = 0
    """How often the rows of an answer are not as many as are found by looking everywhere."""

    def __iadd__(self, other: "Verdict") -> "Verdict":
        self.asked += other.asked
        self.refused += other.refused
        self.codes += other.codes
        self.objects += other.objects
        self.types += other.types
        self.differences += other.differences
        self.fallbacks += other.fallbacks
        self.miscounted += other.miscounted
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
        ours = await self._body(self.plans, caller, operation)
        theirs = await self._body(self.library, caller, operation)
        self.verdict.asked += 1
        self.verdict.fallbacks = self.plans.plans.tally.fallbacks
        if ours != theirs:
            self.verdict.differences.append(Difference(name, question, ours, theirs))

    async def _body(self, operations: Operations, caller: Principal | None, operation: Operation) -> bytes:
        @asynccontextmanager
        async def opened(_connection: HTTPConnection | None, _caller: Caller | None) -> AsyncIterator[Any]:
            async with self.open_for(caller) as context:
                yield context

        visit = Visit(HTTPConnection({"type": "http", "headers": []}), caller, opened, _REQUEST_ID)
        result = await operations.run(operation, visit)
        shown: Any = answer(result, _REQUEST_ID)
        if operations is self.plans:
            self.verdict.miscounted += operations.rows(operation, result.data) != rows_in(result.data)
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
