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
from events.webhooks import Postbox
from models import access_policies, idempotency, organizations
from models import events as log
from models.runner import Runner
from models.sql import Client
from services import answers, audit
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
    keeps_answer: bool = True

    @property
    def name(self) -> str:
        """The service's full name, part of the digest of a command."""
        return f"{self.service.__module__}.{self.service.__qualname__}"

    @property
    def operation(self) -> str:
        """The name under which the audit knows the verb, such as `members.add`."""
        return operation(self.name)


def verb(requires: Permission, *, statuses: frozenset[str] = WRITABLE) -> Callable[[Service[C, A]], Verb[C, A]]:
    """Declare a service: the permission it takes, and in which states of the organization it may run."""
    return lambda service: Verb(service, requires, statuses)


def rehearsal(requires: Permission, *, statuses: frozenset[str] = WRITABLE) -> Callable[[Service[C, A]], Verb[C, A]]:
    """Declare a service that changes nothing: it is answered anew each time, and its key stays free for the command
    it rehearses.
    """
    return lambda service: Verb(service, requires, statuses, keeps_answer=False)


def operation(name: str) -> str:
    """Return the audit's name of a service: the noun's file and the verb."""
    return ".".join(name.split(".")[-2:])


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for: the verb's name, the digest that tells a repeat, and the text the audit keeps."""

    name: str
    digest: str
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks, when, and under which id the logs know the request."""

    actor: Principal
    at: datetime
    request_id: str


Told = Callable[[str, object], None]
"""Hears of each command that was answered: the verb as the audit knows it, and the answer."""


def _nobody(_operation: str, _answer: object) -> None:
    """Hear nothing."""


class Dispatcher:
    """Carries out commands of one process."""

    def __init__(self, runner: Runner, hub: Hub, postbox: Postbox | None = None, told: Told = _nobody) -> None:
        self._runner = runner
        self._hub = hub
        self._postbox = postbox or Postbox()
        self._told = told

    async def execute(self, verb: Verb[C, A], command: C, request: Request) -> A | Refused:
        """Return what the service answers, or answered when this very command came first.

        Raises `policy.NotVisible` and `policy.Forbidden`, before anything is read, and `policy.StepUpRequired`.
        """
        await self.require(verb, command.organization_id, request)
        body = answers.body(command)
        asked = Asked(verb.name, answers.digest(verb.name, body), audit.asked(command, body))

        async def work(client: Client) -> A | Refused:
            return await _once(client, verb, command, asked, request, self._postbox)

        try:
            answer: A | Refused = await self._runner.run(
                work, lane=command.organization_id, committed=self._wake(command)
            )
        except policy.StepUpRequired as stale:
            await self._note_forbidden(verb, command.organization_id, request, str(stale))
            raise
        self._told(verb.operation, answer)
        return answer

    async def require(self, verb: Verb[Any, Any], organization_id: str, request: Request) -> None:
        """Raise `policy.NotVisible` to a stranger, and `policy.Forbidden`, on record, where the role does not do."""
        try:
            policy.require(request.actor, organization_id, verb.requires)
        except policy.Forbidden as forbidden:
            await self._note_forbidden(verb, organization_id, request, str(forbidden))
            raise

    async def _note_forbidden(self, verb: Verb[Any, Any], organization_id: str, request: Request, message: str) -> None:
        async def work(client: Client) -> None:
            if await organizations.lock(client, organization_id) is not None:
                await audit.note_forbidden(
                    client,
                    organization_id,
                    request.actor,
                    verb.operation,
                    message=message,
                    request_id=request.request_id,
                    at=request.at,
                )

        await self._runner.run(work, lane=organization_id)

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

    @property
    def postbox(self) -> Postbox:
        """What webhooks are sent with."""
        return self._postbox


async def _once(
    client: Client, verb: Verb[C, A], command: C, asked: Asked, request: Request, postbox: Postbox
) -> A | Refused:
    organization = await organizations.lock(client, command.organization_id)
    if organization is None:
        raise policy.NotVisible
    if verb.requires in policy.SENSITIVE and request.actor.is_person:
        step_up_seconds = await access_policies.step_up_seconds(client, command.organization_id)
        policy.require_fresh(request.actor, step_up_seconds, at=request.at)
    unit = Unit(
        client=client,
        organization=organization,
        actor=request.actor,
        at=organization.test_clock_at or request.at,
        asked_at=request.at,
        request_id=request.request_id,
        idempotency_key=command.idempotency_key,
        postbox=postbox,
    )
    refused = key_refusal(command.idempotency_key)
    if refused is not None:
        await record(unit, asked, refused, request.at)
        return refused
    earlier = await _kept(client, verb, command)
    if earlier is not None:
        kept: A | Refused = earlier_answer(verb.service, earlier, asked.digest)
        if earlier["digest"] != asked.digest:
            await record(unit, asked, kept, request.at)
        return kept
    answer: A | Refused
    if organization.status in verb.statuses:
        answer = await verb.service(unit, command)
    else:
        message = f"the organization is {organization.status}; this needs one of {', '.join(sorted(verb.statuses))}"
        answer = Refused(RefusalCode.ORGANIZATION_READ_ONLY, message, ("organizationId",))
    assert verb.keeps_answer or not unit.events, "what changes nothing has nothing to say"
    await record(unit, asked, answer, request.at)
    if verb.keeps_answer:
        await remember(unit, command.organization_id, asked, answer)
    return answer


async def _kept(client: Client, verb: Verb[C, A], command: C) -> dict[str, Any] | None:
    """Return the answer that was kept under the command's key, where such a command keeps one."""
    if not verb.keeps_answer:
        return None
    return await idempotency.find(client, command.organization_id, command.idempotency_key)


async def keep(unit: Unit, scope: str, asked: Asked, answer: Any, at: datetime) -> None:
    """Write the unit's events, its record and its answer: the end of every transaction. `at` is the wall's clock."""
    await record(unit, asked, answer, at)
    await remember(unit, scope, asked, answer)


async def record(unit: Unit, asked: Asked, answer: Any, at: datetime) -> None:
    """Write the unit's events, and who made them."""
    last = 0
    if unit.events:
        last = await log.append(
            unit.client,
            unit.organization_id,
            unit.events,
            at=unit.at,
            actor=unit.actor_id,
            request_id=unit.request_id,
        )
    first = last - len(unit.events) + 1
    await audit.note(unit, operation(asked.name), asked.text, answer, first_event=first, at=at)


async def remember(unit: Unit, scope: str, asked: Asked, answer: Any) -> None:
    """Keep the answer for whoever asks again under the same key."""
    await idempotency.insert(
        unit.client,
        scope,
        unit.idempotency_key,
        operation=asked.name,
        digest=asked.digest,
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
