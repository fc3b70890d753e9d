"""How is one answer told to everybody who asked the same question?

A channel stands for a question: the document, the operation, the variables and the view of those who ask. It follows
the log once, executes once and encodes once for each piece of news, and pushes the bytes to its listeners one after
the other, without a task for each. A listener that is behind, because it has just come back with an old cursor or
because its reader is slow, is given nothing: it reads what it missed itself, from what the channel remembers or from
the log, at the pace of its reader, and is live again when nothing is left. So memory does not grow with a slow reader,
and nobody waits for one.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from graphql import ExecutionResult

from api import json_codec
from api.answers import answer
from auth.principal import Membership
from events.feed import Told
from schema import news
from schema.errors import as_graphql

REMEMBERED_MAX = 64
REMEMBERED_BYTES_MAX = 1 << 18
PUSHED_AT_ONCE_MAX = 200  # then the loop may turn: acknowledgements, requests and other channels wait meanwhile
CATCHING_UP_MAX = 8  # executions at once for those who are behind; live news goes first
RETRY_SECONDS = 1.0

Answer = Callable[[Told], Awaitable[ExecutionResult]]
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """What makes two subscribers get the same answers: nothing else may influence one."""

    document: str
    operation: str | None
    variables: str
    view: Membership


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer: which numbers of the log it tells of, where to go on, and its bytes where all get the same."""

    first: int
    last: int
    cursor: str
    result: ExecutionResult
    encoded: bytes | None

    def payload(self, request_id: str) -> bytes:
        """Return the answer encoded; errors carry the id of the request they answer."""
        return self.encoded if self.encoded is not None else json_codec.encode(answer(self.result, request_id))


class Sink(Protocol):
    """Where a listener's messages go."""

    @property
    def is_ready(self) -> bool:
        """Whether the reader keeps up."""
        ...

    def push(self, message: Answered) -> None:
        """Send a message, without waiting."""
        ...

    async def drained(self) -> None:
        """Return when the reader has caught up."""
        ...

    def end(self, refused: ExecutionResult) -> None:
        """Say why nothing more will come."""
        ...


class Channels:
    """The questions that are being followed in this process."""

    def __init__(self) -> None:
        self._open: dict[Question, Channel] = {}
        self.catching_up = asyncio.Semaphore(CATCHING_UP_MAX)
        self.executions = 0
        self.encodings = 0

    def __len__(self) -> int:
        return len(self._open)

    def join(self, question: Question, asked: news.News[Any], execute: Answer, position: int, sink: Sink) -> "Listener":
        """Let a listener hear everything after number `position`; call its `leave` at the end."""
        channel = self._open.get(question)
        if channel is None:
            channel = self._open[question] = Channel(self, question, asked, execute)
        return Listener(channel, position, sink)

    def close(self, question: Question) -> None:
        """Forget a question that nobody asks any more."""
        del self._open[question]


class Channel:
    """One question, and those who asked it."""

    def __init__(self, channels: Channels, question: Question, asked: news.News[Any], execute: Answer) -> None:
        self.position = asked.head
        """The number of the last event told of, or that the channel began after."""
        self._channels = channels
        self._question = question
        self._feed = asked.feed
        self._execute = execute
        self._listeners: dict[Listener, None] = {}
        self._remembered: deque[Answered] = deque()
        self._remembered_bytes = 0
        self._floor = asked.head  # everything after it up to `position` is remembered
        self._running = asyncio.get_running_loop().create_task(self._run(), context=contextvars.Context())

    def add(self, listener: "Listener") -> None:
        """Tell `listener` too."""
        self._listeners[listener] = None

    def remove(self, listener: "Listener") -> None:
        """Tell `listener` nothing more; the last one closes the channel."""
        if listener not in self._listeners:
            return
        del self._listeners[listener]
        if not self._listeners:
            self._channels.close(self._question)
            self._running.cancel()

    async def missed(self, position: int) -> AsyncGenerator[Answered, None]:
        """Yield again what was told after `position`: from memory where it reaches, else worked out anew."""
        until = self.position
        if position >= self._floor and not any(each.first <= position < each.last for each in self._remembered):
            for message in tuple(each for each in self._remembered if each.first > position):
                yield message
            return
        async with aclosing(self._feed.between(position, until)) as backlog:
            while True:
                async with self._channels.catching_up:
                    told = await anext(backlog, None)
                    if told is None:
                        return
                    message = await self._message(told)
                yield message

    async def _run(self) -> None:
        while True:
            try:
                async with aclosing(self._feed.follow(self.position)) as following:
                    async for told in following:
                        await self._tell(await self._message(told))
            except Exception as fault:  # the database is away: go on from the same place when it is back
                _log.warning("news could not be told yet", exc_info=fault)
                await asyncio.sleep(RETRY_SECONDS)

    async def _message(self, told: Told) -> Answered:
        self._channels.executions += 1
        result = await self._execute(told)
        encoded = None
        if not result.errors:
            self._channels.encodings += 1
            encoded = json_codec.encode(answer(result, ""))
        return Answered(told.first, told.last, news.cursor(told), result, encoded)

    async def _tell(self, message: Answered) -> None:
        self.position = message.last
        self._remember(message)
        for number, listener in enumerate(tuple(self._listeners), start=1):
            listener.take(message)
            if number % PUSHED_AT_ONCE_MAX == 0:
                await asyncio.sleep(0)

    def _remember(self, message: Answered) -> None:
        self._remembered.append(message)
        self._remembered_bytes += len(message.encoded or b"")
        while len(self._remembered) > REMEMBERED_MAX or self._remembered_bytes > REMEMBERED_BYTES_MAX:
            forgotten = self._remembered.popleft()
            self._remembered_bytes -= len(forgotten.encoded or b"")
            self._floor = forgotten.last


class Listener:
    """One subscriber: where it stands, and where its messages go."""

    __slots__ = ("_catching_up", "_channel", "_sink", "position")

    def __init__(self, channel: Channel, position: int, sink: Sink) -> None:
        self.position = position
        self._sink = sink
        self._catching_up: asyncio.Task[None] | None = None
        self._channel: Channel | None = channel
        channel.add(self)
        if position < channel.position:
            self._fall_behind(channel)

    def leave(self) -> None:
        """Hear nothing more."""
        if self._channel is not None:
            self._channel.remove(self)
            self._channel = None
        if self._catching_up is not None:
            self._catching_up.cancel()
            self._catching_up = None

    def take(self, message: Answered) -> None:
        """Pass live news on, or fall behind where that cannot be done now."""
        channel = self._channel
        if channel is None or self._catching_up is not None or message.last <= self.position:
            return
        if not self._sink.is_ready or message.first <= self.position:
            self._fall_behind(channel)
        else:
            self._pass_on(message)

    def _pass_on(self, message: Answered) -> None:
        self.position = message.last
        if message.result.data is None:
            # Nothing may be missing from what was told: ended with the reason, a client resumes from its cursor.
            self._end(message.result)
        else:
            self._sink.push(message)

    def _end(self, refused: ExecutionResult) -> None:
        self.leave()
        self._sink.end(refused)

    def _fall_behind(self, channel: Channel) -> None:
        work = self._catch_up(channel)
        self._catching_up = asyncio.get_running_loop().create_task(work, context=contextvars.Context())

    async def _catch_up(self, channel: Channel) -> None:
        try:
            await self._sink.drained()
            while self.position < (until := channel.position):
                async with aclosing(channel.missed(self.position)) as missed:
                    async for message in missed:
                        if self._channel is None:
                            return
                        if message.last > self.position:
                            self._pass_on(message)
                        await self._sink.drained()
                self.position = max(self.position, until)
            self._catching_up = None  # nothing was awaited since the last look: live again
        except Exception as fault:
            self._catching_up = None
            self._end(failed(fault))


def failed(fault: Exception) -> ExecutionResult:
    """Return a fault as the answer that ends a subscription."""
    return ExecutionResult(None, [as_graphql(fault)])
