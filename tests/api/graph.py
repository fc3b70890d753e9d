"""A graph small enough to know by heart, with one field for each way a resolver can behave."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import strawberry
from strawberry.permission import BasePermission

from schema.errors import ErrorCode, GraphError


@dataclass
class Notes:
    """What the resolvers did, for tests to look at."""

    finished_mutations: int = 0
    produced_events: int = 0
    closed_streams: int = 0
    contexts: list[str] = field(default_factory=list)
    told: asyncio.Event = field(default_factory=asyncio.Event)
    """Set for a payment that goes on when it is told to."""


@dataclass(frozen=True)
class Context:
    """What a resolver sees."""

    caller: str | None
    notes: Notes
    number: int


Info = strawberry.Info[Context, None]


class SignedIn(BasePermission):
    """Permission classes are strawberry's; their faults carry our code."""

    message = "Sign in first."
    error_extensions = {"code": "UNAUTHENTICATED"}  # noqa: RUF012  # strawberry declares it as an instance attribute

    def has_permission(self, source: Any, info: Any, **kwargs: Any) -> bool:  # noqa: ARG002  # its signature
        return info.context.caller is not None


@strawberry.type
class Member:
    name: str

    @strawberry.field
    def context_number(self, info: "Info") -> int:
        return info.context.number

    @strawberry.field
    async def slow_name(self) -> str:
        await asyncio.sleep(30)
        return self.name

    @strawberry.field
    def friend(self) -> "Member":
        return Member(name=f"friend of {self.name}")


@strawberry.input
class Greeting:
    name: str
    times: int = 1


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, name: str = "world") -> str:
        return f"hello {name}"

    @strawberry.field(deprecation_reason="Use hello; removed after 2099-12-31.")
    def hi(self) -> str:
        return "hi"

    @strawberry.field
    def greet(self, greeting: Greeting) -> str:
        return " ".join([f"hello {greeting.name}"] * greeting.times)

    @strawberry.field
    def member(self) -> Member:
        return Member(name="Ada")

    @strawberry.field(permission_classes=[SignedIn])
    def whoami(self, info: Info) -> str | None:
        return info.context.caller

    @strawberry.field
    async def slow(self, seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "done"

    @strawberry.field
    def broken(self) -> str | None:
        raise RuntimeError("password is hunter2")

    @strawberry.field
    def required_and_broken(self) -> str:
        raise RuntimeError("password is hunter2")

    @strawberry.field
    def refused(self) -> str | None:
        raise GraphError(ErrorCode.PAGE_SIZE_INVALID, "first is 500; 100 are allowed", page_max=100)

    @strawberry.field
    def members(self, count: int) -> list[Member | None]:
        return [Member(name=str(number)) for number in range(count)]

    @strawberry.field
    def misfit(self) -> int | None:
        return 1 << 40


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def pay(self, info: Info, seconds: float = 0, when_told: bool = False) -> str:
        await asyncio.sleep(seconds)
        if when_told:
            await info.context.notes.told.wait()
        info.context.notes.finished_mutations += 1
        return "paid"


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, info: Info, to: int = 3, pause: float = 0, size: int = 0) -> AsyncGenerator[str, None]:
        notes = info.context.notes
        try:
            for number in range(1, to + 1):
                await asyncio.sleep(pause)
                notes.produced_events += 1
                yield str(number) + "x" * size
        finally:
            notes.closed_streams += 1

    @strawberry.subscription
    async def friends(self) -> AsyncGenerator[Member, None]:
        for number in range(2):
            yield Member(name=str(number))

    @strawberry.subscription
    async def breaks(self) -> AsyncGenerator[int, None]:
        yield 1
        raise RuntimeError("password is hunter2")

    @strawberry.subscription(permission_classes=[SignedIn])
    async def private(self) -> AsyncGenerator[int, None]:
        yield 1


graph = strawberry.Schema(Query, Mutation, Subscription)
