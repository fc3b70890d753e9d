"""How does a command become one transaction that happens at most once?

Always in the same order: the actor's permission, the organization's lock, an earlier answer under the same key, then
the service itself (load, decide, write, emit), its events, and its answer kept beside them. Services hold only what
is their own; everything that must never be forgotten is here. Commands of a verb that can do several at once share a
turn when they wait for the same organization: one transaction, and for each its own record, events and answer.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from auth import policy
from auth.founders import Founders
from auth.principal import Principal
from billing.roles import Permission
from events.hub import Hub
from events.webhooks import Postbox
from models import access_policies, idempotency, organizations
from models import events as log
from models.fields import dump
from models.organizations import Organization
from models.runner import Runner, Share, Work
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
Together = Callable[[Sequence[Unit], Sequence[C]], Awaitable[Sequence[A]]]
"""A service for several commands of one organization in one transaction: the answer of each, in their order."""


class NotTogether(Exception):
    """These commands must be carried out one after another; nothing is wrong with any of them."""


@dataclass(frozen=True, slots=True)
class Verb(Generic[C, A]):
    """A service with what the dispatcher must know of it."""

    service: Service[C, A]
    requires: Permission
    statuses: frozenset[str]
    keeps_answer: bool = True
    together: Together[C, A] | None = None
    weight: Callable[[C], int] = lambda _: 1

    @property
    def name(self) -> str:
        """The service's full name, part of the digest of a command."""
        return f"{self.service.__module__}.{self.service.__qualname__}"

    @property
    def operation(self) -> str:
        """The name under which the audit knows the verb, such as `members.add`."""
        return operation(self.name)


def verb(
    requires: Permission,
    *,
    statuses: frozenset[str] = WRITABLE,
    together: Together[Any, Any] | None = None,
    weight: Callable[[Any], int] = lambda _: 1,
) -> Callable[[Service[C, A]], Verb[C, A]]:
    """Declare a service: the permission it takes, and in which states of the organization it may run.

    One that can do several commands at once says how, and how much each weighs in a transaction of bounded size.
    """
    return lambda service: Verb(service, requires, statuses, together=together, weight=weight)


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


class Dispatcher:
    """Carries out commands of one process."""

    def __init__(
        self,
        runner: Runner,
        hub: Hub,
        postbox: Postbox | None = None,
        told: Told = lambda _operation, _answer: None,
        founders: Founders | None = None,
    ) -> None:
        self._runner = runner
        self.hub = hub  # that commits are announced to
        self._postbox = postbox or Postbox()
        self._told = told
        self.founders = founders or Founders()

    async def execute(self, verb: Verb[C, A], command: C, request: Request) -> A | Refused:
        """Return what the service answers, or answered when this very command came first.

        Raises `policy.NotVisible` and `policy.Forbidden`, before anything is read, and `policy.StepUpRequired`.
        """
        await self.require(verb, command.organization_id, request)
        body = answers.body(command)
        text = dump(body)
        asked = Asked(verb.name, answers.digest(verb.name, text), audit.asked(command, body, text))

        asking = (command, asked, request)

        async def turn(client: Client, several: Sequence[tuple[C, Asked, Request]]) -> Sequence[A | Refused]:
            return await _turn(client, verb, several, self._postbox)

        async def alone(client: Client) -> A | Refused:
            (answer,) = await turn(client, [asking])
            return answer

        write: Work[A | Refused] | Share = alone
        if verb.together is not None:
            write = Share(turn, asking, verb.name, command.idempotency_key, verb.weight(command))
        try:
            answer: A | Refused = await self._runner.run(
                write, lane=command.organization_id, committed=self._wake(command)
            )
        except (policy.StepUpRequired, policy.Forbidden) as unlawful:  # of what they asked about, or when
            await self.note_turned_away(verb, command.organization_id, request, audit.FORBIDDEN, str(unlawful))
            raise
        self._told(verb.operation, answer)
        return answer

    async def require(self, verb: Verb[Any, Any], organization_id: str, request: Request) -> None:
        """Raise `policy.NotVisible` to a stranger, and `policy.Forbidden`, on record, where the role does not do."""
        try:
            policy.require(request.actor, organization_id, verb.requires)
        except policy.Forbidden as forbidden:
            await self.note_turned_away(verb, organization_id, request, audit.FORBIDDEN, str(forbidden))
            raise

    async def note_turned_away(
        self, verb: Verb[Any, Any], organization_id: str, request: Request, code: str, message: str
    ) -> None:
        """Leave a record of what was asked of an organization the actor belongs to, and never became a command."""
        said: dict[str, Any] = {"code": code, "message": message, "request_id": request.request_id, "at": request.at}

        async def work(client: Client) -> None:
            if await organizations.lock(client, organization_id) is not None:
                await audit.note_turned_away(client, organization_id, request.actor, verb.operation, **said)

        await self._runner.run(work, lane=organization_id)

    def _wake(self, command: Command) -> Callable[[Any], None]:
        return lambda _answer: self.hub.wake(command.organization_id)

    @property
    def runner(self) -> Runner:
        """The runner, for the one command that has no organization yet."""
        return self._runner

    @property
    def postbox(self) -> Postbox:
        """What webhooks are sent with."""
        return self._postbox


@dataclass(slots=True)
class _Case(Generic[C]):
    """One of the commands of a turn, and what is answered; `is_news` unless it was answered the same before."""

    unit: Unit
    command: C
    asked: Asked
    at: datetime
    answer: Any = None
    is_news: bool = True


async def _turn(
    client: Client, verb: Verb[C, A], asking: Sequence[tuple[C, Asked, Request]], postbox: Postbox
) -> Sequence[A | Refused]:
    """Carry out commands of one verb in one turn of their organization; what is raised, none of them did."""
    organization = await organizations.lock(client, asking[0][0].organization_id)
    if organization is None:
        raise policy.NotVisible
    if verb.requires in policy.SENSITIVE:
        await _require_fresh(client, organization.organization_id, [request for _, _, request in asking])
    cases = [
        _Case(_unit(client, organization, command, request, postbox), command, asked, request.at)
        for command, asked, request in asking
    ]
    await _answer_known(client, verb, cases)
    fresh = [case for case in cases if case.answer is None]
    if organization.status not in verb.statuses:
        message = f"the organization is {organization.status}; this needs one of {', '.join(sorted(verb.statuses))}"
        for case in fresh:
            case.answer = Refused(RefusalCode.ORGANIZATION_READ_ONLY, message, ("organizationId",))
    elif verb.together is not None and fresh:
        given = await verb.together([case.unit for case in fresh], [case.command for case in fresh])
        for case, answer in zip(fresh, given, strict=True):
            case.answer = answer
    else:
        for case in fresh:
            case.answer = await verb.service(case.unit, case.command)
            assert verb.keeps_answer or not case.unit.events, "what changes nothing has nothing to say"
    await _record([(case.unit, case.asked, case.answer, case.at) for case in cases if case.is_news])
    if verb.keeps_answer and fresh:
        await _remember(organization.organization_id, [(case.unit, case.asked, case.answer) for case in fresh])
    return [case.answer for case in cases]


def _unit(client: Client, organization: Organization, command: Command, request: Request, postbox: Postbox) -> Unit:
    return Unit(
        client=client,
        organization=organization,
        actor=request.actor,
        at=organization.test_clock_at or request.at,
        asked_at=request.at,
        request_id=request.request_id,
        idempotency_key=command.idempotency_key,
        postbox=postbox,
    )


async def _require_fresh(client: Client, organization_id: str, requests: Sequence[Request]) -> None:
    """Raise `policy.StepUpRequired` where a person signed in too long ago for what is asked."""
    if any(request.actor.is_person for request in requests):
        step_up_seconds = await access_policies.step_up_seconds(client, organization_id)
        for request in requests:
            policy.require_fresh(request.actor, step_up_seconds, at=request.at)


async def _answer_known(client: Client, verb: Verb[C, A], cases: Sequence[_Case[C]]) -> None:
    """Answer what has a key that cannot serve, or one under which an answer was kept, where such a verb keeps any."""
    for case in cases:
        case.answer = key_refusal(case.command.idempotency_key)
    open_keys = [case.command.idempotency_key for case in cases if case.answer is None]
    if not verb.keeps_answer or not open_keys:
        return
    earlier = await idempotency.find_many(client, cases[0].command.organization_id, open_keys)
    for case in cases:
        kept = earlier.get(case.command.idempotency_key) if case.answer is None else None
        if kept is not None:
            case.answer = earlier_answer(verb.service, kept, case.asked.digest)
            case.is_news = kept["digest"] != case.asked.digest


async def keep(unit: Unit, scope: str, asked: Asked, answer: Any, at: datetime) -> None:
    """Write the unit's events, its record and its answer: the end of every transaction. `at` is the wall's clock."""
    await record(unit, asked, answer, at)
    await remember(unit, scope, asked, answer)


async def record(unit: Unit, asked: Asked, answer: Any, at: datetime) -> None:
    """Write the unit's events, and who made them."""
    await _record([(unit, asked, answer, at)])


async def _record(done: Sequence[tuple[Unit, Asked, Any, datetime]]) -> None:
    """Write the events of several units in their order, and who made them."""
    if not done:
        return
    first, organization_id = done[0][0], done[0][0].organization_id
    told = [log.Told(unit.events, unit.at, unit.actor_id, unit.request_id) for unit, _, _, _ in done]
    count = sum(len(each.events) for each in told)
    number = (await log.append_all(first.client, organization_id, told) if count else 0) - count + 1
    attempts = []
    for unit, asked, answer, at in done:
        attempts.append(audit.attempt(unit, operation(asked.name), asked.text, answer, first_event=number, at=at))
        number += len(unit.events)
    await audit.append(first.client, organization_id, attempts)


async def remember(unit: Unit, scope: str, asked: Asked, answer: Any) -> None:
    """Keep the answer for whoever asks again under the same key."""
    await _remember(scope, [(unit, asked, answer)])


async def _remember(scope: str, given: Sequence[tuple[Unit, Asked, Any]]) -> None:
    """Keep answers, each for whoever asks again under the same key."""
    kept = [
        idempotency.Answered(unit.idempotency_key, asked.name, asked.digest, answers.encode(answer), unit.at)
        for unit, asked, answer in given
    ]
    await idempotency.insert(given[0][0].client, scope, kept)


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
