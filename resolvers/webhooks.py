"""Open, change and close webhook endpoints, and send something again."""

from datetime import datetime

import strawberry

from resolvers.commands import Command, Payload, mutation, owner_of
from schema import cursors, inputs
from schema.context import Context, Info
from schema.ids import Kind
from schema.inputs import Input, InvalidInput
from schema.webhooks import WebhookDelivery, WebhookEndpoint
from services import replays, webhooks
from services.outcomes import RefusalCode, Refused


@strawberry.input(description="An address that should be told what happens.")
class CreateWebhookEndpointInput(Command):
    url: str = strawberry.field(description="Where to post to: https, on the public internet, port 443 or 8443.")
    description: str = strawberry.field(default="", description="What people call it.")
    kinds: list[str] = strawberry.field(
        default_factory=list,
        description=f"The kinds of events it hears of, such as SeatGranted, up to {webhooks.KINDS_MAX}; all if empty.",
    )


@strawberry.type(description="What opening an endpoint answers.")
class CreateWebhookEndpointPayload(Payload):
    endpoint: WebhookEndpoint | None = strawberry.field(default=None, description="The endpoint as it is afterwards.")
    secret: str | None = strawberry.field(
        default=None, description="The secret it verifies signatures with. Keep it: it is not shown again."
    )


@strawberry.input
class EndpointCommand(Command):
    """A command about one endpoint."""

    endpoint_id: strawberry.ID = strawberry.field(description="The endpoint it is about, by global id.")

    def read(self) -> tuple[str, str, str]:
        """Return the organization, the idempotency key and the endpoint's row."""
        organization_id = inputs.organization_id(self.organization_id)
        endpoint = inputs.key(self.endpoint_id, Kind.WEBHOOK_ENDPOINT, organization_id, "endpointId")
        return organization_id, self.idempotency_key, endpoint


@strawberry.input(description="What should be otherwise; what is left out stays as it is.")
class UpdateWebhookEndpointInput(EndpointCommand):
    url: str | None = strawberry.field(default=None, description="Where to post to.")
    description: str | None = strawberry.field(default=None, description="What people call it.")
    kinds: list[str] | None = strawberry.field(
        default=None, description="The kinds of events to tell it of from now on; an empty list means all."
    )
    enabled: bool | None = strawberry.field(
        default=None, description="Whether messages are sent to it. Enabled again, it is told what it missed."
    )


@strawberry.type(description="What changing an endpoint answers.")
class UpdateWebhookEndpointPayload(Payload):
    endpoint: WebhookEndpoint | None = strawberry.field(default=None, description="The endpoint as it is now.")


@strawberry.input(description="An endpoint that should not be told anything any more.")
class DeleteWebhookEndpointInput(EndpointCommand):
    pass


@strawberry.type(description="What closing an endpoint answers.")
class DeleteWebhookEndpointPayload(Payload):
    deleted_id: strawberry.ID | None = strawberry.field(
        default=None, description="The global id under which the endpoint was known; nothing is found under it now."
    )


@strawberry.input(description="A new secret for an endpoint.")
class RotateWebhookSecretInput(EndpointCommand):
    overlap_hours: int = strawberry.field(
        default=24,
        description="How many hours the secret before signs too, so that the receiver can change over: 0 to "
        f"{webhooks.OVERLAP_HOURS_MAX}.",
    )


@strawberry.type(description="What a new secret answers.")
class RotateWebhookSecretPayload(Payload):
    endpoint: WebhookEndpoint | None = strawberry.field(default=None, description="The endpoint as it is afterwards.")
    secret: str | None = strawberry.field(default=None, description="The new secret. Keep it: it is not shown again.")


@strawberry.input(description="What to send again: one delivery, or a part of the log.")
class ReplayWebhookInput(EndpointCommand):
    delivery_id: strawberry.ID | None = strawberry.field(default=None, description="One delivery, and nothing else.")
    after: str | None = strawberry.field(default=None, description="The events after this cursor of the log.")
    since: datetime | None = strawberry.field(default=None, description="The events since this instant.")


@strawberry.type(description="What sending again answers.")
class ReplayWebhookPayload(Payload):
    endpoint: WebhookEndpoint | None = strawberry.field(default=None, description="The endpoint as it is afterwards.")
    count: int = strawberry.field(default=0, description="How many messages are on their way again.")
    cursor: str | None = strawberry.field(default=None, description="The last event that was looked at.")
    has_more: bool = strawberry.field(
        default=False, description="Whether more follows than may wait at once: ask again with the cursor, later."
    )


@strawberry.input(description="An endpoint that should get an event without meaning.")
class SendTestWebhookInput(EndpointCommand):
    pass


@strawberry.type(description="What a test answers.")
class SendTestWebhookPayload(Payload):
    delivery: WebhookDelivery | None = strawberry.field(
        default=None, description="The delivery; look again to see what became of it."
    )


@strawberry.type
class WebhookMutations:
    """What clients do about webhooks."""

    @mutation(
        webhooks.create,
        CreateWebhookEndpointPayload,
        description="Tell an address what happens, from now on. The answer holds the secret it verifies with.",
    )
    async def create_webhook_endpoint(
        self, info: Info, given: Input[CreateWebhookEndpointInput]
    ) -> CreateWebhookEndpointPayload:
        context, organization_id = info.context, inputs.organization_id(given.organization_id)
        command = webhooks.Create(
            organization_id, given.idempotency_key, given.url, given.description, tuple(given.kinds)
        )
        refused = await webhooks.address_refusal(context.dispatcher, context.reader, command)
        if refused is not None:
            raise InvalidInput(refused.code, refused.message, refused.field)
        match await context.execute(webhooks.create, command):
            case Refused() as refused:
                return CreateWebhookEndpointPayload.refused(refused)
            case webhooks.SecretGiven(endpoint_id, sealed):
                return CreateWebhookEndpointPayload(
                    endpoint=await _endpoint(context, organization_id, endpoint_id),
                    secret=context.dispatcher.postbox.vault.open(sealed),
                )

    @mutation(
        webhooks.update,
        UpdateWebhookEndpointPayload,
        description="Change where an endpoint is, what it hears of, and whether anything is sent to it.",
    )
    async def update_webhook_endpoint(
        self, info: Info, given: Input[UpdateWebhookEndpointInput]
    ) -> UpdateWebhookEndpointPayload:
        context = info.context
        organization_id, key, endpoint_id = given.read()
        kinds = None if given.kinds is None else tuple(given.kinds)
        command = webhooks.Update(organization_id, key, endpoint_id, given.url, given.description, kinds, given.enabled)
        refused = await webhooks.address_refusal(context.dispatcher, context.reader, command)
        if refused is not None:
            raise InvalidInput(refused.code, refused.message, refused.field)
        match await context.execute(webhooks.update, command):
            case Refused() as refused:
                return UpdateWebhookEndpointPayload.refused(refused)
            case webhooks.Updated():
                return UpdateWebhookEndpointPayload(endpoint=await _endpoint(context, organization_id, endpoint_id))

    @mutation(
        webhooks.delete,
        DeleteWebhookEndpointPayload,
        description="Close an endpoint for good, with its secrets and its deliveries.",
    )
    async def delete_webhook_endpoint(
        self, info: Info, given: Input[DeleteWebhookEndpointInput]
    ) -> DeleteWebhookEndpointPayload:
        match await info.context.execute(webhooks.delete, webhooks.Delete(*given.read())):
            case Refused() as refused:
                return DeleteWebhookEndpointPayload.refused(refused)
            case webhooks.Deleted():
                return DeleteWebhookEndpointPayload(deleted_id=given.endpoint_id)

    @mutation(
        webhooks.rotate,
        RotateWebhookSecretPayload,
        description="Give an endpoint a new secret. For a time every message carries both signatures.",
    )
    async def rotate_webhook_secret(
        self, info: Info, given: Input[RotateWebhookSecretInput]
    ) -> RotateWebhookSecretPayload:
        context, (organization_id, key, endpoint_id) = info.context, given.read()
        command = webhooks.Rotate(organization_id, key, endpoint_id, given.overlap_hours)
        match await context.execute(webhooks.rotate, command):
            case Refused() as refused:
                return RotateWebhookSecretPayload.refused(refused)
            case webhooks.SecretGiven(sealed_secret=sealed):
                return RotateWebhookSecretPayload(
                    endpoint=await _endpoint(context, organization_id, endpoint_id),
                    secret=context.dispatcher.postbox.vault.open(sealed),
                )

    @mutation(
        replays.replay,
        ReplayWebhookPayload,
        description="Send one delivery again, or the events of a part of the log that the endpoint listens to. Each "
        "keeps the webhook-id it had.",
    )
    async def replay_webhook(self, info: Info, given: Input[ReplayWebhookInput]) -> ReplayWebhookPayload:
        context, command = info.context, _replay(given)
        match await context.execute(replays.replay, command):
            case Refused() as refused:
                return ReplayWebhookPayload.refused(refused)
            case replays.Replayed(endpoint_id, count, last, has_more):
                organization_id = command.organization_id
                return ReplayWebhookPayload(
                    endpoint=await _endpoint(context, organization_id, endpoint_id),
                    count=count,
                    cursor=cursors.encode(cursors.EVENTS, organization_id, str(last)),
                    has_more=has_more,
                )

    @mutation(
        replays.send_test,
        SendTestWebhookPayload,
        description="Send an endpoint an event of the kind WebhookTestSent, whatever kinds it listens to.",
    )
    async def send_test_webhook(self, info: Info, given: Input[SendTestWebhookInput]) -> SendTestWebhookPayload:
        context, (organization_id, key, endpoint_id) = info.context, given.read()
        match await context.execute(replays.send_test, replays.SendTest(organization_id, key, endpoint_id)):
            case Refused() as refused:
                return SendTestWebhookPayload.refused(refused)
            case replays.TestSent(delivery_id=delivery_id):
                owner = await owner_of(context, organization_id)
                return SendTestWebhookPayload(delivery=await WebhookDelivery.load(context, owner, delivery_id))


def _replay(given: ReplayWebhookInput) -> replays.Replay:
    """Return the command; raise `InvalidInput` where it names nothing, or a delivery and a part of the log."""
    organization_id, key, endpoint_id = given.read()
    if (given.delivery_id is None) == (given.after is None and given.since is None):
        message = "give deliveryId, or where in the log to begin: after, since or both"
        raise InvalidInput(RefusalCode.INPUT_INVALID, message, ("deliveryId",))
    delivery_id, after = None, None
    if given.delivery_id is not None:
        delivery_id = inputs.key(given.delivery_id, Kind.WEBHOOK_DELIVERY, organization_id, "deliveryId")
    if given.after is not None:
        try:
            after = cursors.decode_sequence(given.after, organization_id)
        except cursors.MalformedCursor as error:
            raise InvalidInput(RefusalCode.INPUT_INVALID, error.message, ("after",)) from error
    return replays.Replay(organization_id, key, endpoint_id, delivery_id, after, given.since)


async def _endpoint(context: Context, organization_id: str, endpoint_id: str) -> WebhookEndpoint | None:
    return await WebhookEndpoint.load(context, await owner_of(context, organization_id), endpoint_id)
