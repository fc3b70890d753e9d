"""How does a command become one transaction that happens at most once?

Always in the same order: the actor's permission, the organization's lock, an earlier answer under the same key, then
the service itself (load, decide, write, emit), its events, and its answer kept beside them. Services hold only what
is their own; everything that must never be forgotten is here.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from auth import policy
from auth.principal import Principal
from billing.roles import Permission
from events.hub import Hub
from models import events as log
from models import idempotency, organizations
from models.runner import Runner
from models.sql import Client
from services import answers
from services.outcomes import RefusalCode, Refused
from services.unit import Unit

KEY_LENGTH_MAX = 200
WRITABLE = frozenset({"EVALUATION", "ACTIVE"})
ANY_STATUS = frozenset({"EVALUATION", "ACTIVE", "READ_ONLY", "CLOSED"})


class Command(Protocol):
    """The input of a service: which organization it is for, and the key that makes a retry harmless."""

    @property
    def organization_id(self) -> str: ...

    @property
    def idempotency_key(self) -> str: ...


C = TypeVar("C", bound=Command)
A = TypeVar("A")
Service = Callable[[Unit, C], Awaitable[A]]


@dataclass(frozen=True, slots=True)
class Verb(Generic[C, A]):
    """A service with what the dispatcher must know of it."""

    service: Service[C, A]
    requires: Permission
    statuses: frozenset[str]

    @property
    def name(self) -> str:
        """The operation's name, part of the digest of a command."""
        return f"{self.service.__module__}.{self.service.__qualname__}"


def verb(requires: Permission, *, statuses: frozenset[str] = WRITABLE) -> Callable[[Service[C, A]], Verb[C, A]]:
    """Declare a service: the permission it takes, and in which states of the organization it may run."""
    return lambda service: Verb(service, requires, statuses)


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks, when, and under which id the logs know the request."""

    actor: Principal
    at: datetime
    request_id: str


class Dispatcher:
    """Carries out commands of one process."""

    def __init__(self, runner: Runner, hub: Hub) -> None:
        self._runner = runner
        self._hub = hub

    async def execute(self, verb: Verb[C, A], command: C, request: Request) -> A | Refused:
        """Return what the service answers, or answered when this very command came first.

        Raises `policy.NotVisible` and `policy.Forbidden`, before anything is read.
        """
        policy.require(request.actor, command.organization_id, verb.requires)
        refused = key_refusal(command.idempotency_key)
        if refused is not None:
            return refused
        digest = answers.digest(verb.name, command)

        async def work(client: Client) -> A | Refused:
            return await _once(client, verb, command, digest, request)

        return await self._runner.run(work, lane=command.organization_id, committed=self._wake(command))

    def _wake(self, command: Command) -> Callable[[Any], None]:
        return lambda _answer: self._hub.wake(command.organization_id)

    @property
    def runner(self) -> Runner:
        """The runner, for the one command that has no organization yet."""
        return self._runner

    @property
    def hub(self) -> Hub:
        """The hub that commits are announced to."""
        return self._hub


async def _once(client: Client, verb: Verb[C, A], command: C, digest: str, request: Request) -> A | Refused:
    organization = await organizations.lock(client, command.organization_id)
    if organization is None:
        raise policy.NotVisible
    earlier = await idempotency.find(client, command.organization_id, command.idempotency_key)
    if earlier is not None:
        kept: A | Refused = earlier_answer(verb.service, earlier, digest)
        return kept
    unit = Unit(
        client=client,
        organization=organization,
        actor=request.actor,
        at=organization.test_clock_at or request.at,
        request_id=request.request_id,
        idempotency_key=command.idempotency_key,
    )
    answer: A | Refused
    if organization.status in verb.statuses:
        answer = await verb.service(unit, command)
    else:
        message = f"the organization is {organization.status}; this needs one of {', '.join(sorted(verb.statuses))}"
        answer = Refused(RefusalCode.ORGANIZATION_READ_ONLY, message, ("organizationId",))
    await keep(unit, command.organization_id, verb.name, digest, answer)
    return answer


async def keep(unit: Unit, scope: str, operation: str, digest: str, answer: Any) -> None:
    """Write the unit's events and its answer: the end of every transaction."""
    if unit.events:
        await log.append(
            unit.client,
            unit.organization_id,
            unit.events,
            at=unit.at,
            actor=unit.actor_id,
            request_id=unit.request_id,
        )
    await idempotency.insert(
        unit.client,
        scope,
        unit.idempotency_key,
        operation=operation,
        digest=digest,
        answer=answers.encode(answer),
        at=unit.at,
    )


def earlier_answer(service: Callable[..., Any], earlier: dict[str, Any], digest: str) -> Any:
    """Return the answer kept under a key, or the refusal of another body under the same key."""
    if earlier["digest"] == digest:
        return answers.decode(service, earlier["answer"])
    message = "this idempotencyKey was used for another request; nothing was done"
    return Refused(RefusalCode.IDEMPOTENCY_MISMATCH, message, ("idempotencyKey",))


def key_refusal(key: str) -> Refused | None:
    """Return why `key` cannot serve as an idempotency key, or None."""
    if 1 <= len(key) <= KEY_LENGTH_MAX and key.isprintable():
        return None
    message = f"idempotencyKey has {len(key)} characters: give 1 to {KEY_LENGTH_MAX} printable ones"
    return Refused(RefusalCode.INPUT_INVALID, message, ("idempotencyKey",))
