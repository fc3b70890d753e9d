"""Which webhooks are sent now, and what became of them?

Two short transactions around a long call: one decides about new events and claims what is due, one notes the answer.
Neither holds the organization's lock, so that a slow receiver delays nobody's spending; the turn of the endpoint keeps
processes from sending one attempt twice. A process that dies in between leaves a lease that runs out.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from auth.principal import Principal
from billing import webhooks as rules
from billing.webhooks import DeliveryStatus, DisabledReason, EndpointStatus, Fault
from events.posting import Answer
from models import deliveries, events
from models import webhooks as rows
from models.runner import Runner
from models.sql import Client
from services.dispatch import Dispatcher, Request
from services.replays import TEST_KIND, WAITING_MAX, delivery_id
from services.webhooks import Disable, disable

AT_ONCE_MAX = 4
"""Attempts under way to one endpoint, in all processes together."""

EVENTS_AT_ONCE = 200
LEASE = timedelta(seconds=60)
KEPT = timedelta(days=30)
PURGED_AT_ONCE = 500
REQUEST_ID = "job-webhooks"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt that is ours to make. `event` is None where the log no longer has it."""

    place: rows.Place
    delivery_id: str
    number: int
    url: str
    sealed_secrets: tuple[str, ...]
    event: events.Event | None


@dataclass(frozen=True, slots=True)
class Taken:
    """The attempts that were claimed, and whether any new event was decided about."""

    attempts: tuple[Attempt, ...] = ()
    passed: int = 0


async def take(runner: Runner, place: rows.Place, *, at: datetime, most: int) -> Taken:
    """Decide about the events an endpoint has not passed yet, and claim up to `most` attempts that are due."""

    async def work(client: Client) -> Taken:
        endpoint = await rows.lock(client, place)
        if endpoint is None or endpoint.status != EndpointStatus.ENABLED:
            return Taken()
        waiting, leased = await deliveries.waiting(client, place, at=at)
        passed = await _pass_on(client, endpoint, place, room=WAITING_MAX - waiting, at=at)
        limit = min(most, AT_ONCE_MAX - leased)
        if limit <= 0:
            return Taken(passed=passed)
        claimed = await deliveries.claim(client, place, at=at, lease_end=at + LEASE, limit=limit)
        found = await events.of_deliveries(client, place.organization_id, [row["id"] for row in claimed])
        secrets = _signing(endpoint, at)
        attempts = [
            Attempt(place, row["id"], row["attempts"], endpoint.url, secrets, found.get(row["id"])) for row in claimed
        ]
        return Taken(tuple(attempts), passed)

    return await runner.run(work, lane=_lane(place))


async def settle(dispatcher: Dispatcher, attempt: Attempt, answer: Answer, *, duration_ms: int, at: datetime) -> None:
    """Note what an attempt was answered, and give the endpoint up when it is time to."""
    succeeded = rules.is_success(answer.status)

    async def work(client: Client) -> rules.Health:
        health: rules.Health | None = rules.HEALTHY
        if succeeded:
            await rows.note_success(client, attempt.place)
        elif answer.fault is not Fault.EVENT_FORGOTTEN:
            health = await rows.note_failure(client, attempt.place, at=at)
        next_at = None if succeeded else _next_attempt_at(attempt, answer, at)
        ended = DeliveryStatus.DELIVERED if succeeded else DeliveryStatus.FAILED
        await deliveries.settle(
            client,
            attempt.place.organization_id,
            attempt.delivery_id,
            attempt=attempt.number,
            status=(DeliveryStatus.PENDING if next_at else ended).value,
            next_attempt_at=next_at,
            finished_at=None if next_at else at,
            response_status=answer.status,
            response_excerpt=answer.excerpt,
            fault=answer.fault.value if answer.fault else None,
            duration_ms=duration_ms,
        )
        return health or rules.HEALTHY

    health = await dispatcher.runner.run(work, lane=_lane(attempt.place))
    if answer.status == rules.GONE:
        await _give_up(dispatcher, attempt, DisabledReason.GONE, at)
    elif rules.is_given_up(health, at):
        await _give_up(dispatcher, attempt, DisabledReason.FAILING, at)


async def purge(runner: Runner, *, at: datetime) -> int:
    """Forget deliveries that ended long ago, and those of endpoints that are gone; return how many."""

    async def work(client: Client) -> int:
        return await deliveries.purge(client, before=at - KEPT, limit=PURGED_AT_ONCE)

    forgotten = 0
    while count := await runner.run(work, lane="webhooks/purge"):
        forgotten += count
    return forgotten


async def _pass_on(
    client: Client, endpoint: rows.WebhookEndpoint, place: rows.Place, *, room: int, at: datetime
) -> int:
    """Write a delivery for each event the endpoint hears of, and move its cursor past all of them."""
    if room <= 0:
        return 0
    batch = await events.after(client, place.organization_id, endpoint.cursor, limit=min(room, EVENTS_AT_ONCE))
    if not batch:
        return 0
    wanted = [
        deliveries.NewDelivery(
            delivery_id(event.occurred_at, place.organization_id, place.endpoint_id, event.sequence),
            event.sequence,
            event.kind,
        )
        for event in batch
        if event.kind != TEST_KIND and rules.is_wanted(event.kind, endpoint.kinds)
    ]
    await deliveries.insert(client, place, wanted, at=at)
    await rows.pass_on(client, place, batch[-1].sequence)
    return len(batch)


def _signing(endpoint: rows.WebhookEndpoint, at: datetime) -> tuple[str, ...]:
    """Return the secrets that sign now, the current one first."""
    if endpoint.previous_secret is not None and endpoint.previous_until is not None and at < endpoint.previous_until:
        return endpoint.secret, endpoint.previous_secret
    return (endpoint.secret,)


def _next_attempt_at(attempt: Attempt, answer: Answer, at: datetime) -> datetime | None:
    if answer.fault is Fault.EVENT_FORGOTTEN:
        return None
    return rules.next_attempt_at(attempt.number, seed=attempt.delivery_id, at=at, retry_after=answer.retry_after)


async def _give_up(dispatcher: Dispatcher, attempt: Attempt, reason: DisabledReason, at: datetime) -> None:
    organization_id, endpoint_id = attempt.place.organization_id, attempt.place.endpoint_id
    key = f"webhook/disable/{attempt.delivery_id}/{attempt.number}"
    request = Request(Principal.system(organization_id), at, REQUEST_ID)
    await dispatcher.execute(disable, Disable(organization_id, key, endpoint_id, reason), request)


def _lane(place: rows.Place) -> str:
    return f"webhook/{place.endpoint_id}"
