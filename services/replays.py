"""Send something to a webhook endpoint again, or to see whether anything arrives.

What is sent again keeps the id it had, so a receiver that took it before recognizes it. How much may wait for one
endpoint is bounded: what does not fit is asked for again, from where the answer says it stopped.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from billing import identifiers
from billing.roles import Permission
from billing.webhooks import EndpointStatus
from models import deliveries, events
from models import webhooks as rows
from services.dispatch import ANY_STATUS, verb
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit
from services.webhooks import ENDPOINT_ID

WAITING_MAX = 1_000
"""So many messages wait for one endpoint at most; what follows waits in the log."""

LOOKED_AT_MAX = 50_000
"""So many events are looked at in one command; a replay of rare kinds goes on from there."""

CLOCKS_DIFFER_BY = timedelta(hours=1)
"""By so much an event may be older than one before it: a round of what is due has one instant however long it takes."""

TEST_KIND = "WebhookTestSent"


@dataclass(frozen=True, slots=True)
class Replay:
    """What should be sent again: one delivery, or the events after a number and since an instant."""

    organization_id: str
    idempotency_key: str
    endpoint_id: str
    delivery_id: str | None
    after: int | None
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """So many messages are on their way again; `last` is the last event that was looked at."""

    endpoint_id: str
    count: int
    last: int
    has_more: bool


@dataclass(frozen=True, slots=True)
class SendTest:
    """An endpoint that should get an event without meaning."""

    organization_id: str
    idempotency_key: str
    endpoint_id: str


@dataclass(frozen=True, slots=True)
class TestSent:
    """The event is on its way, also to an endpoint that does not listen to its kind."""

    endpoint_id: str
    delivery_id: str


@verb(Permission.WEBHOOKS_WRITE, statuses=ANY_STATUS)
async def replay(unit: Unit, command: Replay) -> Replayed | Refused:
    """Send something again, under the id it had; it becomes a delivery of its own."""
    endpoint = await rows.find(unit.client, unit.organization_id, command.endpoint_id)
    if endpoint is None:
        return not_found("webhook endpoint", ENDPOINT_ID)
    room = await _room(unit, endpoint)
    if isinstance(room, Refused):
        return room
    if command.delivery_id is not None:
        again = await deliveries.find(unit.client, unit.organization_id, command.delivery_id)
        if again is None or again.endpoint_id != endpoint.id:
            return not_found("webhook delivery", "deliveryId")
        found, last, has_more = [(again.sequence, again.kind)], again.sequence, False
    else:
        found, last, has_more = await _chosen(unit, endpoint, command, limit=room)
    await deliveries.insert(
        unit.client,
        rows.Place(unit.organization_id, endpoint.id),
        [deliveries.NewDelivery(unit.new_id("webhook_delivery"), *event) for event in found],
        at=unit.asked_at,
        replayed=1,
    )
    unit.emit("WebhookReplayRequested", {"endpointId": endpoint.id, "count": len(found)})
    return Replayed(endpoint.id, len(found), last, has_more)


@verb(Permission.WEBHOOKS_WRITE, statuses=ANY_STATUS)
async def send_test(unit: Unit, command: SendTest) -> TestSent | Refused:
    """Send an endpoint an event that says nothing but where it went."""
    endpoint = await rows.find(unit.client, unit.organization_id, command.endpoint_id)
    if endpoint is None:
        return not_found("webhook endpoint", ENDPOINT_ID)
    room = await _room(unit, endpoint)
    if isinstance(room, Refused):
        return room
    sequence = unit.next_sequence
    unit.emit(TEST_KIND, {"endpointId": endpoint.id})
    new = deliveries.NewDelivery(delivery_id(unit.at, unit.organization_id, endpoint.id, sequence), sequence, TEST_KIND)
    place = rows.Place(unit.organization_id, endpoint.id)
    await deliveries.insert(unit.client, place, [new], at=unit.asked_at)
    return TestSent(endpoint.id, new.id)


def delivery_id(at: datetime, organization_id: str, endpoint_id: str, sequence: int) -> str:
    """Return the id under which an event goes to an endpoint for the first time: one event, one delivery."""
    return identifiers.derive(at, organization_id, "webhook_delivery", f"{endpoint_id}/{sequence}")


async def _chosen(
    unit: Unit, endpoint: rows.WebhookEndpoint, command: Replay, *, limit: int
) -> tuple[list[tuple[int, str]], int, bool]:
    """Return the numbers and kinds of the events to send again, the last one looked at, and whether more follow.

    Only events that the endpoint has passed already: what it has not, it will get anyway. The organization waits
    meanwhile, so that only so much of its log is looked at.
    """
    start = command.after or 0
    if command.since is not None:
        earliest = command.since - CLOCKS_DIFFER_BY
        before = await events.number_before(unit.client, unit.organization_id, earliest, up_to=endpoint.cursor)
        start = max(start, before)
    end = min(endpoint.cursor, start + LOOKED_AT_MAX)
    selection = events.Replayable(
        after=start,
        since=command.since,
        up_to=end,
        kinds=tuple(endpoint.kinds),
        not_kind=TEST_KIND,
    )
    found = await events.replayable(unit.client, unit.organization_id, selection, limit=limit + 1)
    shown = found[:limit]
    if len(found) > limit:
        return shown, shown[-1][0], True
    return shown, max(start, end), end < endpoint.cursor


async def _room(unit: Unit, endpoint: rows.WebhookEndpoint) -> int | Refused:
    """Return how many more messages may wait for the endpoint, or why none may."""
    if endpoint.status == EndpointStatus.DISABLED:
        return Refused(RefusalCode.STATUS_CONFLICT, "the endpoint is disabled; enable it first", (ENDPOINT_ID,))
    place = rows.Place(unit.organization_id, endpoint.id)
    waiting, _ = await deliveries.waiting(unit.client, place, at=unit.asked_at)
    if waiting < WAITING_MAX:
        return WAITING_MAX - waiting
    message = f"{waiting} messages wait for the endpoint already, and {WAITING_MAX} are the most"
    return Refused(RefusalCode.STATUS_CONFLICT, message, (ENDPOINT_ID,))
