"""Open, change and close webhook endpoints.

Who opens an endpoint hands the organization's whole log to an address that outlives them, so this takes a permission of
its own. An answer holds the secret sealed, as the row does: it is opened only for the one who is told it.
"""

from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from urllib.parse import urlsplit

from billing.roles import Permission
from billing.webhooks import DisabledReason, EndpointStatus, is_given_up
from events import webhooks as messages
from events.addresses import AddressRefused, NameUnknown, Policy
from models import deliveries, idempotency
from models import webhooks as rows
from models.sql import Client
from services.dispatch import ANY_STATUS, Dispatcher, key_refusal, verb
from services.event_kinds import EVENT_KINDS
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit

ENDPOINTS_MAX = 20
DESCRIPTION_LENGTH_MAX = 200
KINDS_MAX = 50
OVERLAP_HOURS_MAX = 168
ENDPOINT_ID = "endpointId"


@dataclass(frozen=True, slots=True)
class Create:
    """An address that should be told of events of some kinds, or of all where none is named."""

    organization_id: str
    idempotency_key: str
    url: str
    description: str
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SecretGiven:
    """The endpoint signs with this secret from now on. `sealed_secret` is opened for whoever asked, once."""

    endpoint_id: str
    sealed_secret: str


@dataclass(frozen=True, slots=True)
class Update:
    """What should be otherwise about an endpoint; None leaves a thing as it is."""

    organization_id: str
    idempotency_key: str
    endpoint_id: str
    url: str | None
    description: str | None
    kinds: tuple[str, ...] | None
    enabled: bool | None


@dataclass(frozen=True, slots=True)
class Updated:
    """The endpoint is as asked for."""

    endpoint_id: str


@dataclass(frozen=True, slots=True)
class Delete:
    """An endpoint that should not be told anything any more."""

    organization_id: str
    idempotency_key: str
    endpoint_id: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """The endpoint is gone, and its secrets with it."""

    endpoint_id: str


@dataclass(frozen=True, slots=True)
class Rotate:
    """A new secret; the one before keeps signing beside it for so many hours."""

    organization_id: str
    idempotency_key: str
    endpoint_id: str
    overlap_hours: int


@dataclass(frozen=True, slots=True)
class Disable:
    """An endpoint that is to be given up, and why."""

    organization_id: str
    idempotency_key: str
    endpoint_id: str
    reason: DisabledReason


@dataclass(frozen=True, slots=True)
class Disabled:
    """Nothing is sent to the endpoint; what waits keeps waiting."""

    endpoint_id: str


@verb(Permission.WEBHOOKS_WRITE)
async def create(unit: Unit, command: Create) -> SecretGiven | Refused:
    """Open an endpoint that hears of everything from now on."""
    refused = _refusal(unit.postbox.policy, command.url, command.description, command.kinds)
    if refused is not None:
        return refused
    if await rows.count(unit.client, unit.organization_id) >= ENDPOINTS_MAX:
        message = f"the organization has {ENDPOINTS_MAX} endpoints, which is the most it may have"
        return Refused(RefusalCode.STATUS_CONFLICT, message, ("organizationId",))
    endpoint_id = unit.new_id("webhook_endpoint")
    facts = {"endpointId": endpoint_id, "host": urlsplit(command.url).hostname, "kinds": sorted(set(command.kinds))}
    unit.emit("WebhookEndpointCreated", facts)
    sealed = unit.postbox.vault.seal(messages.new_secret())
    await rows.insert(
        unit.client,
        organization_id=unit.organization_id,
        id=endpoint_id,
        url=command.url,
        description=command.description.strip(),
        kinds=sorted(set(command.kinds)),
        status=EndpointStatus.ENABLED.value,
        cursor=unit.next_sequence - 1,
        secret=sealed,
        failures=0,
        created_by=unit.actor_id,
        created_at=unit.at,
    )
    return SecretGiven(endpoint_id, sealed)


@verb(Permission.WEBHOOKS_WRITE)
async def update(unit: Unit, command: Update) -> Updated | Refused:
    """Change an endpoint; one that is enabled again goes on where it stopped."""
    endpoint = await rows.find(unit.client, unit.organization_id, command.endpoint_id)
    if endpoint is None:
        return not_found("webhook endpoint", ENDPOINT_ID)
    refused = _refusal(unit.postbox.policy, command.url, command.description, command.kinds)
    if refused is not None:
        return refused
    columns: dict[str, object] = {}
    if command.url is not None and command.url != endpoint.url:
        columns["url"] = command.url
    if command.description is not None and command.description.strip() != endpoint.description:
        columns["description"] = command.description.strip()
    if command.kinds is not None and sorted(set(command.kinds)) != endpoint.kinds:
        columns["kinds"] = sorted(set(command.kinds))
    if columns:
        await rows.update(unit.client, unit.organization_id, endpoint.id, **columns)
        unit.emit("WebhookEndpointUpdated", {"endpointId": endpoint.id, "changed": sorted(columns)})
    if command.enabled is True and endpoint.status == EndpointStatus.DISABLED:
        await _enable(unit, endpoint)
    if command.enabled is False and endpoint.status == EndpointStatus.ENABLED:
        await _disable(unit, endpoint, DisabledReason.MANUAL)
    return Updated(endpoint.id)


@verb(Permission.WEBHOOKS_WRITE, statuses=ANY_STATUS)
async def delete(unit: Unit, command: Delete) -> Deleted | Refused:
    """Close an endpoint for good."""
    endpoint = await rows.find(unit.client, unit.organization_id, command.endpoint_id)
    if endpoint is None:
        return not_found("webhook endpoint", ENDPOINT_ID)
    await rows.delete(unit.client, unit.organization_id, endpoint.id)
    unit.emit("WebhookEndpointDeleted", {"endpointId": endpoint.id})
    return Deleted(endpoint.id)


@verb(Permission.WEBHOOKS_WRITE, statuses=ANY_STATUS)
async def rotate(unit: Unit, command: Rotate) -> SecretGiven | Refused:
    """Give an endpoint a new secret; during the overlap every message carries both signatures."""
    if not 0 <= command.overlap_hours <= OVERLAP_HOURS_MAX:
        message = f"overlapHours is {command.overlap_hours}: give 0 to {OVERLAP_HOURS_MAX}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("overlapHours",))
    endpoint = await rows.find(unit.client, unit.organization_id, command.endpoint_id)
    if endpoint is None:
        return not_found("webhook endpoint", ENDPOINT_ID)
    sealed, overlaps = unit.postbox.vault.seal(messages.new_secret()), command.overlap_hours > 0
    until = unit.asked_at + timedelta(hours=command.overlap_hours)
    await rows.update(
        unit.client,
        unit.organization_id,
        endpoint.id,
        secret=sealed,
        previous_secret=endpoint.secret if overlaps else None,
        previous_until=until if overlaps else None,
    )
    unit.emit("WebhookSecretRotated", {"endpointId": endpoint.id, "previousUntil": until.isoformat()})
    return SecretGiven(endpoint.id, sealed)


@verb(Permission.WEBHOOKS_WRITE, statuses=ANY_STATUS)
async def disable(unit: Unit, command: Disable) -> Disabled | Refused:
    """Give up an endpoint that has failed for too long, or that says it is gone."""
    endpoint = await rows.find(unit.client, unit.organization_id, command.endpoint_id)
    if endpoint is None:
        return not_found("webhook endpoint", ENDPOINT_ID)
    recovered = command.reason is DisabledReason.FAILING and not is_given_up(endpoint.health, unit.asked_at)
    if endpoint.status == EndpointStatus.DISABLED or recovered:
        return Refused(RefusalCode.STATUS_CONFLICT, "the endpoint is not to be given up any more", (ENDPOINT_ID,))
    await _disable(unit, endpoint, command.reason)
    return Disabled(endpoint.id)


async def address_refusal(dispatcher: Dispatcher, reader: Client, command: Create | Update) -> Refused | None:
    """Return why nothing may be sent to the address a command names, looking at what its name resolves to.

    It is asked outside the transaction, because a name server may take its time, and before every attempt again. A
    command that has an answer already is not asked about: its key alone decides.
    """
    if command.url is None or key_refusal(command.idempotency_key) is not None:
        return None
    if await idempotency.find(reader, command.organization_id, command.idempotency_key) is not None:
        return None
    policy = dispatcher.postbox.policy
    try:
        await policy.addresses(policy.target(command.url))
    except (AddressRefused, NameUnknown) as error:
        return Refused(RefusalCode.INPUT_INVALID, str(error), ("url",))
    return None


async def _enable(unit: Unit, endpoint: rows.WebhookEndpoint) -> None:
    await rows.update(
        unit.client,
        unit.organization_id,
        endpoint.id,
        status=EndpointStatus.ENABLED.value,
        disabled_reason=None,
        disabled_at=None,
        failing_since=None,
        failures=0,
    )
    await deliveries.resume(unit.client, rows.Place(unit.organization_id, endpoint.id), at=unit.asked_at)
    unit.emit("WebhookEndpointEnabled", {"endpointId": endpoint.id})


async def _disable(unit: Unit, endpoint: rows.WebhookEndpoint, reason: DisabledReason) -> None:
    await rows.update(
        unit.client,
        unit.organization_id,
        endpoint.id,
        status=EndpointStatus.DISABLED.value,
        disabled_reason=reason.value,
        disabled_at=unit.at,
    )
    since = endpoint.failing_since.isoformat() if endpoint.failing_since else None
    facts = {"endpointId": endpoint.id, "reason": reason.value, "failures": endpoint.failures, "failingSince": since}
    unit.emit("WebhookEndpointDisabled", facts)


def _refusal(policy: Policy, url: str | None, description: str | None, kinds: tuple[str, ...] | None) -> Refused | None:
    if url is not None:
        try:
            policy.target(url)
        except AddressRefused as error:
            return Refused(RefusalCode.INPUT_INVALID, str(error), ("url",))
    if description is not None and len(description.strip()) > DESCRIPTION_LENGTH_MAX:
        message = f"description has {len(description.strip())} characters: give up to {DESCRIPTION_LENGTH_MAX}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("description",))
    if kinds is not None and len(kinds) > KINDS_MAX:
        return Refused(RefusalCode.INPUT_INVALID, f"{len(kinds)} kinds were given: up to {KINDS_MAX}", ("kinds",))
    wrong = sorted(set(kinds or ()) - EVENT_KINDS)
    if wrong:
        message = f"{wrong[0][:80]!r} is no kind of event{_meant(wrong[0])}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("kinds",))
    return None


def _meant(kind: str) -> str:
    near = get_close_matches(kind[:80], sorted(EVENT_KINDS), n=1)
    return f": {near[0]} is" if near else ", as docs/events.md lists them"
