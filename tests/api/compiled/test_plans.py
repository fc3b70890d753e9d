"""Which operations get a plan, and what becomes of those that do not fit one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import strawberry
from graphql import ExecutionResult
from starlette.requests import HTTPConnection

from api.callers import Caller, Visit
from api.compiled.plans import VARIANTS_MAX, By
from api.execution import Operations
from api.graph_requests import GraphRequest
from api.settings import Limits
from schema.batches import Loader


@dataclass
class Context:
    """What the resolvers of this graph see: a loader, and what it was asked for."""

    reads: list[list[str]] = field(default_factory=list)
    principal: None = None

    def __post_init__(self) -> None:
        self.names = Loader(self._read)

    async def _read(self, keys: list[str]) -> list[str]:
        self.reads.append(keys)
        await asyncio.sleep(0)
        return [key.title() for key in keys]


Info = strawberry.Info[Context, None]


@strawberry.interface
class Animal:
    key: str

    @strawberry.field
    async def name(self, info: Info) -> str:
        return await info.context.names.load(self.key)

    @strawberry.field
    async def full_name(self, info: Info, suffix: str = "") -> str:
        return f"{await info.context.names.load(self.key)} {await info.context.names.load('animal')}{suffix}"


@strawberry.type
class Dog(Animal):
    @strawberry.field
    async def slow(self, seconds: float) -> str | None:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(seconds)
        return "barked"

    @strawberry.field
    async def required(self) -> str:
        raise RuntimeError("password is hunter2")

    @strawberry.field
    async def forbidden(self, turns: int) -> str:
        for _ in range(turns):
            await asyncio.sleep(0)
        raise RuntimeError(f"after {turns} turns")


@strawberry.type
class Cat(Animal):
    lives: int = 9


@strawberry.type
class Query:
    @strawberry.field
    def animals(self) -> list[Animal | None]:
        return [Dog(key="rex"), Cat(key="tom"), Dog(key="bello")]

    @strawberry.field
    def dogs(self) -> list[Dog | None]:
        return [Dog(key=f"dog{number}") for number in range(3)]

    @strawberry.field
    def dog(self) -> Dog:
        return Dog(key="rex")

    @strawberry.field
    def answer(self) -> int | None:
        return 1 << 40


GRAPH = strawberry.Schema(Query, types=[Dog, Cat])


class Asking:
    """Sends documents to operations of its own, each under a context of its own."""

    def __init__(self, **options: Any) -> None:
        self.operations = Operations(GRAPH, Limits(), **{"asked_min": 1, **options})
        self.context = Context()

    async def __call__(self, document: str, **variables: Any) -> ExecutionResult:
        self.context = Context()
        operation = self.operations.prepare(GraphRequest(document, None, variables))
        visit = Visit(HTTPConnection({"type": "http", "headers": []}), None, self._opened, "request")
        return await self.operations.run(operation, visit)

    @property
    def tally(self) -> tuple[int, int, int]:
        """How many were compiled, new, and left to the library."""
        found = self.operations.plans.tally
        return found[By.PLAN], found[By.NEW], found.fallbacks

    @asynccontextmanager
    async def _opened(self, _connection: HTTPConnection | None, _caller: Caller | None) -> AsyncIterator[Context]:
        yield self.context


async def test_an_operation_gets_a_plan_when_it_is_asked_for_again() -> None:
    ask = Asking(asked_min=2)

    answers = [await ask("{ dog { key } }") for _ in range(3)]

    assert [answer.data for answer in answers] == [{"dog": {"key": "rex"}}] * 3
    assert ask.tally == (2, 1, 0)


async def test_nothing_is_compiled_where_that_is_switched_off() -> None:
    ask = Asking(compiled=False)

    assert (await ask("{ dog { key } }")).data == {"dog": {"key": "rex"}}
    assert ask.tally == (0, 0, 0)


async def test_what_only_the_library_executes_is_counted() -> None:
    ask = Asking()

    answer = await ask("{ __schema { queryType { name } } }")

    assert answer.data == {"__schema": {"queryType": {"name": "Query"}}}
    assert ask.tally == (0, 0, 1)


async def test_conditions_have_a_plan_for_each_of_their_cases() -> None:
    ask = Asking()
    document = "query ($a: Boolean!, $b: Boolean!) { dog { key @include(if: $a) __typename @skip(if: $b) } }"

    shown = [(await ask(document, a=a, b=b)).data for a in (True, False) for b in (True, False)]

    assert [list(each["dog"]) for each in shown if each] == [["key"], ["key", "__typename"], [], ["__typename"]]
    assert ask.tally == (4, 0, 0)


async def test_an_operation_has_no_more_plans_than_allowed() -> None:
    ask = Asking()
    names = [f"v{number}" for number in range(5)]
    fields = " ".join(f"{name}: key @include(if: ${name})" for name in names)
    document = f"query ({' '.join(f'${name}: Boolean!' for name in names)}) {{ dog {{ {fields} }} }}"

    for number in range(VARIANTS_MAX + 2):
        chosen = {name: bool(number >> place & 1) for place, name in enumerate(names)}
        assert (await ask(document, **chosen)).data == {"dog": {n: "rex" for n, is_in in chosen.items() if is_in}}

    assert ask.tally == (VARIANTS_MAX, 0, 2)


async def test_a_level_of_the_answer_is_read_at_once() -> None:
    ask = Asking()

    answer = await ask('{ animals { name fullName(suffix: "!") ... on Cat { lives } } dogs { name } }')

    assert answer.errors is None
    assert answer.data is not None
    assert answer.data["animals"][1] == {"name": "Tom", "fullName": "Tom Animal!", "lives": 9}
    assert ask.context.reads == [["rex", "tom", "bello", "dog0", "dog1", "dog2"], ["animal"]]


async def test_a_required_field_that_fails_takes_its_object_along_and_nothing_else() -> None:
    ask = Asking()

    answer = await ask("{ dogs { key } animals { name ... on Dog { required } } }")

    assert answer.data is not None
    assert answer.data["animals"] == [None, {"name": "Tom"}, None]
    assert [each["key"] for each in answer.data["dogs"]] == ["dog0", "dog1", "dog2"]
    assert [error.path for error in answer.errors or ()] == [["animals", 0, "required"], ["animals", 2, "required"]]


async def test_a_required_field_at_the_root_ends_the_answer() -> None:
    answer = await Asking()("{ animals { name } dog { required } }")

    assert answer.data is None
    assert [error.path for error in answer.errors or ()] == [["dog", "required"]]


@pytest.mark.parametrize("compiled", [True, False])
async def test_of_required_fields_that_fail_the_first_in_the_answer_is_told_whichever_fails_first(
    *, compiled: bool
) -> None:
    document = """query ($first: Int!, $second: Int!) {
        dog { name first: forbidden(turns: $first) second: forbidden(turns: $second) }
        dogs { second: forbidden(turns: $second) }
    }"""

    answers = [
        await Asking(compiled=compiled)(document, first=first, second=second)
        for first, second in [(0, 0), (0, 9), (9, 0), (3, 2)]
    ]

    told = [["dog", "first"]]
    assert [[error.path for error in each.errors or ()] for each in answers] == [told] * 4
    assert [each.data for each in answers] == [None] * 4


@pytest.mark.parametrize("compiled", [True, False])
async def test_a_failure_inside_of_what_may_be_null_is_nobody_elses(*, compiled: bool) -> None:
    document = "{ dogs { name late: forbidden(turns: 5) early: forbidden(turns: 0) } dog { name } }"

    answer = await Asking(compiled=compiled)(document)

    assert answer.data == {"dogs": [None, None, None], "dog": {"name": "Rex"}}
    assert [error.path for error in answer.errors or ()] == [["dogs", number, "late"] for number in range(3)]


async def test_a_value_that_does_not_fit_is_told_in_the_words_of_the_library() -> None:
    compiled, library = Asking(), Asking(compiled=False)

    ours, theirs = [await ask("{ answer dog { key } }") for ask in (compiled, library)]

    assert ours == theirs
    assert "Int cannot represent non 32-bit signed integer value" in (ours.errors or [])[0].message
    assert compiled.tally == (1, 0, 0)


async def test_variables_are_refused_in_the_words_of_the_library() -> None:
    document = "query ($seconds: Float!) { dog { slow(seconds: $seconds) } }"

    ours, theirs = [await ask(document, seconds="soon") for ask in (Asking(), Asking(compiled=False))]

    assert ours == theirs
    assert ours.errors


@pytest.mark.parametrize("times", [1, 2])
async def test_a_timeout_ends_the_resolver_that_set_it(times: int) -> None:
    """Resolvers that wait share a task; a timeout cancels a task, and must not find the wrong one."""
    ask = Asking()

    for _ in range(times):
        answer = await ask("{ dogs { a: slow(seconds: 5) name b: slow(seconds: 0) } }")

        assert answer.data == {"dogs": [{"a": None, "name": f"Dog{n}", "b": "barked"} for n in range(3)]}
        assert [error.path for error in answer.errors or ()] == [["dogs", n, "a"] for n in range(3)]


async def test_a_caller_who_leaves_takes_the_resolvers_along() -> None:
    ask, others = Asking(), asyncio.all_tasks()
    waiting = asyncio.create_task(ask("{ dogs { slow(seconds: 5) } }"))
    await asyncio.sleep(0.002)

    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert asyncio.all_tasks() == others
