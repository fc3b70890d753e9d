"""Let programs in, change their secrets, and let partners' programs see an organization."""

import json

import strawberry

from billing.roles import Permission
from models import api_clients as rows
from resolvers.commands import Command, Payload, mutation, owner_of
from schema import ids, inputs
from schema.api_clients import ApiClient
from schema.context import Context, Info
from schema.errors import ErrorCode
from schema.ids import Kind, MalformedId
from schema.inputs import Input, InvalidInput
from services import api_clients as services
from services.outcomes import RefusalCode, Refused

JWKS_LENGTH_MAX = 20_000


@strawberry.input(description="A new program.")
class CreateApiClientInput(Command):
    name: str = strawberry.field(description="The name people read.")
    scopes: list[Permission] = strawberry.field(description="The most it may do: nothing the caller may not do.")
    partner: bool = strawberry.field(
        default=False, description="Whether it shall see no organization but those that grant it."
    )
    jwks: str | None = strawberry.field(
        default=None, description="Its public keys as a JWKS in JSON; left out, it gets a secret instead."
    )


@strawberry.input(description="A program that shall have a new secret.")
class RotateApiClientSecretInput(Command):
    api_client_id: strawberry.ID = strawberry.field(description="The API client it is about, by global id.")
    overlap_hours: int = strawberry.field(
        default=24, description=f"For how long the old secret still does: 0 to {services.OVERLAP_HOURS_MAX}."
    )


@strawberry.input(description="A program that may not come in any more.")
class RevokeApiClientInput(Command):
    api_client_id: strawberry.ID = strawberry.field(description="The API client it is about, by global id.")


@strawberry.input(description="What a partner's program may do here.")
class GrantApiClientInput(Command):
    api_client_id: strawberry.ID = strawberry.field(description="The partner's API client; the partner tells its id.")
    scopes: list[Permission] = strawberry.field(description="The most it may do here: nothing the caller may not do.")


@strawberry.input(description="A partner's program that shall not see the organization any more.")
class RevokeApiClientGrantInput(Command):
    api_client_id: strawberry.ID = strawberry.field(description="The partner's API client.")


@strawberry.type
class ClientPayload(Payload):
    """What every change of an API client answers."""

    api_client: ApiClient | None = strawberry.field(default=None, description="The API client as it is now.")


@strawberry.type(description="What letting a program in answers.")
class CreateApiClientPayload(ClientPayload):
    client_secret: str | None = strawberry.field(
        default=None,
        description="Its secret, shown this once: the answer to a repeated command is kept without it.",
    )


@strawberry.type(description="What giving a program a new secret answers.")
class RotateApiClientSecretPayload(ClientPayload):
    client_secret: str | None = strawberry.field(
        default=None,
        description="Its new secret, shown this once: the answer to a repeated command is kept without it.",
    )


@strawberry.type(description="What revoking a program answers.")
class RevokeApiClientPayload(ClientPayload):
    pass


@strawberry.type(description="What granting a partner's program answers.")
class GrantApiClientPayload(Payload):
    granted: bool = strawberry.field(default=False, description="Whether it sees the organization now.")


@strawberry.type(description="What taking a grant back answers.")
class RevokeApiClientGrantPayload(Payload):
    revoked: bool = strawberry.field(default=False, description="Whether it no longer sees the organization.")


@strawberry.type
class ApiClientMutations:
    """What clients do about other clients."""

    @mutation(
        services.create,
        CreateApiClientPayload,
        description="Let a program in, with at most what the caller may do. It gets its tokens at /token.",
    )
    async def create_api_client(self, info: Info, given: Input[CreateApiClientInput]) -> CreateApiClientPayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = services.Create(
            organization_id,
            given.idempotency_key,
            given.name,
            tuple(sorted(set(given.scopes))),
            given.partner,
            _jwks(given.jwks),
        )
        match await info.context.execute(services.create, command):
            case Refused() as refused:
                return CreateApiClientPayload.refused(refused)
            case services.Let(key, secret):
                shown = await _shown(info.context, organization_id, key)
                return CreateApiClientPayload(api_client=shown, client_secret=secret)

    @mutation(
        services.rotate,
        RotateApiClientSecretPayload,
        description="Give a program a new secret. The old one still does for as long as asked, so that nothing stops.",
    )
    async def rotate_api_client_secret(
        self, info: Info, given: Input[RotateApiClientSecretInput]
    ) -> RotateApiClientSecretPayload:
        organization_id = inputs.organization_id(given.organization_id)
        key = inputs.key(given.api_client_id, Kind.API_CLIENT, organization_id, "apiClientId")
        command = services.Rotate(organization_id, given.idempotency_key, key, given.overlap_hours)
        match await info.context.execute(services.rotate, command):
            case Refused() as refused:
                return RotateApiClientSecretPayload.refused(refused)
            case services.Let(_, secret):
                shown = await _shown(info.context, organization_id, key)
                return RotateApiClientSecretPayload(api_client=shown, client_secret=secret)

    @mutation(
        services.revoke,
        RevokeApiClientPayload,
        description="Keep a program out from this instant, for good. The tokens it has end with it.",
    )
    async def revoke_api_client(self, info: Info, given: Input[RevokeApiClientInput]) -> RevokeApiClientPayload:
        organization_id = inputs.organization_id(given.organization_id)
        key = inputs.key(given.api_client_id, Kind.API_CLIENT, organization_id, "apiClientId")
        match await info.context.execute(services.revoke, services.Revoke(organization_id, given.idempotency_key, key)):
            case Refused() as refused:
                return RevokeApiClientPayload.refused(refused)
            case services.Let():
                return RevokeApiClientPayload(api_client=await _shown(info.context, organization_id, key))

    @mutation(
        services.grant,
        GrantApiClientPayload,
        description="Let a partner's program see this organization, in the place of what it was granted before.",
    )
    async def grant_api_client(self, info: Info, given: Input[GrantApiClientInput]) -> GrantApiClientPayload:
        organization_id = inputs.organization_id(given.organization_id)
        whose, key = _foreign(given.api_client_id)
        scopes = tuple(sorted(set(given.scopes)))
        command = services.Grant(organization_id, given.idempotency_key, whose, key, scopes)
        match await info.context.execute(services.grant, command):
            case Refused() as refused:
                return GrantApiClientPayload.refused(refused)
            case services.Granted():
                return GrantApiClientPayload(granted=True)

    @mutation(
        services.revoke_grant,
        RevokeApiClientGrantPayload,
        description="Keep a partner's program out of this organization from this instant.",
    )
    async def revoke_api_client_grant(
        self, info: Info, given: Input[RevokeApiClientGrantInput]
    ) -> RevokeApiClientGrantPayload:
        organization_id = inputs.organization_id(given.organization_id)
        whose, key = _foreign(given.api_client_id)
        command = services.RevokeGrant(organization_id, given.idempotency_key, whose, key)
        match await info.context.execute(services.revoke_grant, command):
            case Refused() as refused:
                return RevokeApiClientGrantPayload.refused(refused)
            case services.Granted():
                return RevokeApiClientGrantPayload(revoked=True)


async def _shown(context: Context, organization_id: str, key: str) -> ApiClient | None:
    row = await rows.find(context.reader, organization_id, key)
    return ApiClient.of(await owner_of(context, organization_id), row) if row else None


def _foreign(given: str) -> tuple[str, str]:
    """Return whose client an id names, and which."""
    try:
        named = ids.parse(given, Kind.API_CLIENT)
    except MalformedId as error:
        raise InvalidInput(ErrorCode.ID_INVALID, error.message, ("apiClientId",)) from error
    return named.organization_id, named.key


def _jwks(given: str | None) -> dict[str, object] | None:
    """Return the JWKS in a text."""
    if given is None:
        return None
    try:
        parsed = json.loads(given) if len(given) <= JWKS_LENGTH_MAX else None
    except (ValueError, RecursionError) as error:
        raise InvalidInput(RefusalCode.INPUT_INVALID, "this is not JSON", ("jwks",)) from error
    if not isinstance(parsed, dict):
        message = f"a JWKS is a JSON object of at most {JWKS_LENGTH_MAX} characters"
        raise InvalidInput(RefusalCode.INPUT_INVALID, message, ("jwks",))
    return {"keys": parsed.get("keys")}
