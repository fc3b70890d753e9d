"""Decide with which identity providers people sign in, and from which domains they come."""

import strawberry

from auth.oidc import ProviderUnavailable
from billing.roles import Permission
from models import idempotency
from models import identity_providers as rows
from resolvers.commands import Command, Payload, mutation, owner_of
from schema import access, inputs
from schema.context import Context, Info
from schema.identity_providers import ClientAuthentication, EmailDomain, IdentityProvider
from schema.ids import Kind
from schema.inputs import Input, InvalidInput
from services import access_policies, email_domains
from services import identity_providers as services
from services.outcomes import RefusalCode, Refused


@strawberry.input(description="What being in a group of the identity provider gives.")
class GroupRuleInput:
    group: str = strawberry.field(description="The group, exactly as the provider writes it in its tokens.")
    role: str = strawberry.field(description="The key of the role it gives: none above the caller's own.")
    tier: str | None = strawberry.field(default=None, description="The key of the seat tier it gives.")


@strawberry.input
class ProviderInput(Command):
    """What a provider is told to be, whole."""

    name: str = strawberry.field(description="The name people read.")
    issuer: str = strawberry.field(
        description="The issuer, exactly as its discovery document says, with or without a slash at its end."
    )
    client_id: str = strawberry.field(description="The client id by which the provider knows this server.")
    client_authentication: ClientAuthentication = strawberry.field(
        default=ClientAuthentication.CLIENT_SECRET, description="How this server proves to the provider who it is."
    )
    client_secret: str | None = strawberry.field(
        default=None, description="The client secret, kept encrypted and never shown. In an update: null keeps it."
    )
    algorithms: list[str] = strawberry.field(
        default_factory=lambda: ["RS256"], description="The only signature algorithms to accept; all asymmetric."
    )
    scopes: str = strawberry.field(default="openid email profile", description="What to ask of the provider.")
    api_audience: str | None = strawberry.field(
        default=None, description="Accept access tokens of this issuer with this audience as bearer tokens."
    )
    just_in_time: bool = strawberry.field(
        default=False, description="Whether people who are no members yet become one by signing in."
    )
    default_role: str | None = strawberry.field(
        default=None, description="The role of those whom no rule gives one; null keeps them out."
    )
    default_tier: str | None = strawberry.field(default=None, description="The seat tier with the default role.")
    groups_claim: str = strawberry.field(
        default="groups", description="The claim that lists a person's groups: a name, or a path with dots."
    )
    rules: list[GroupRuleInput] = strawberry.field(
        default_factory=list, description="What groups give; the first that applies decides, at each sign-in."
    )
    trusts_unverified_email: bool = strawberry.field(
        default=False, description="Believe addresses in verified domains that the provider says nothing about."
    )
    is_enforced: bool = strawberry.field(
        default=False, description="Let only those in who sign in with a provider of the organization."
    )


@strawberry.input(description="A new identity provider.")
class CreateIdentityProviderInput(ProviderInput):
    pass


@strawberry.input(description="An identity provider as it shall be, whole.")
class UpdateIdentityProviderInput(ProviderInput):
    identity_provider_id: strawberry.ID = strawberry.field(description="The provider to change, by its global id.")


@strawberry.input(description="An identity provider with which nobody shall sign in any more.")
class DeleteIdentityProviderInput(Command):
    identity_provider_id: strawberry.ID = strawberry.field(
        description="The provider nobody shall sign in with any more, by its global id."
    )


@strawberry.input(description="A domain whose people sign in with a provider.")
class AddEmailDomainInput(Command):
    domain: str = strawberry.field(description="The domain, such as acme.example.")
    identity_provider_id: strawberry.ID = strawberry.field(description="The provider its people sign in with.")


@strawberry.input(description="A domain to give up.")
class RemoveEmailDomainInput(Command):
    domain: str = strawberry.field(description="The domain to give up, such as acme.example.")


@strawberry.input(description="How young a sign-in must be for what moves money or changes access.")
class SetStepUpInput(Command):
    step_up_minutes: int | None = strawberry.field(description="In minutes; null asks for nothing.")


@strawberry.type
class ProviderPayload(Payload):
    """What every change of a provider answers."""

    identity_provider: IdentityProvider | None = strawberry.field(
        default=None, description="The provider as it is now."
    )


@strawberry.type(description="What adding an identity provider answers.")
class CreateIdentityProviderPayload(ProviderPayload):
    pass


@strawberry.type(description="What changing an identity provider answers.")
class UpdateIdentityProviderPayload(ProviderPayload):
    pass


@strawberry.type(description="What deleting an identity provider answers.")
class DeleteIdentityProviderPayload(Payload):
    deleted: bool = strawberry.field(default=False, description="Whether it is gone.")


@strawberry.type(description="What adding a domain answers.")
class AddEmailDomainPayload(Payload):
    email_domain: EmailDomain | None = strawberry.field(
        default=None, description="The domain, and the record by which to prove it."
    )


@strawberry.type(description="What giving up a domain answers.")
class RemoveEmailDomainPayload(Payload):
    removed: bool = strawberry.field(default=False, description="Whether it is gone.")


@strawberry.type(description="What asking for young sign-ins answers.")
class SetStepUpPayload(Payload):
    step_up_minutes: int | None = strawberry.field(default=None, description="What is asked for now.")


@strawberry.type
class IdentityProviderMutations:
    """What clients do about signing in."""

    @mutation(
        services.create,
        CreateIdentityProviderPayload,
        description="Let people sign in with another identity provider. It is asked for its own description first: "
        "one that does not answer, or answers for another, is refused.",
    )
    async def create_identity_provider(
        self, info: Info, given: Input[CreateIdentityProviderInput]
    ) -> CreateIdentityProviderPayload:
        organization_id = inputs.organization_id(given.organization_id)
        settings = await _checked(info.context, given, organization_id)
        command = services.Create(organization_id, given.idempotency_key, settings)
        match await info.context.execute(services.create, command):
            case Refused() as refused:
                return CreateIdentityProviderPayload.refused(refused)
            case services.Configured(key):
                shown = await _shown(info.context, organization_id, key)
                return CreateIdentityProviderPayload(identity_provider=shown)

    @mutation(
        services.update,
        UpdateIdentityProviderPayload,
        description="Change an identity provider, as a whole. It is asked first, as when it was added.",
    )
    async def update_identity_provider(
        self, info: Info, given: Input[UpdateIdentityProviderInput]
    ) -> UpdateIdentityProviderPayload:
        organization_id = inputs.organization_id(given.organization_id)
        key = inputs.key(given.identity_provider_id, Kind.IDENTITY_PROVIDER, organization_id, "identityProviderId")
        settings = await _checked(info.context, given, organization_id)
        command = services.Update(organization_id, given.idempotency_key, key, settings)
        match await info.context.execute(services.update, command):
            case Refused() as refused:
                return UpdateIdentityProviderPayload.refused(refused)
            case services.Configured():
                shown = await _shown(info.context, organization_id, key)
                return UpdateIdentityProviderPayload(identity_provider=shown)

    @mutation(
        services.delete,
        DeleteIdentityProviderPayload,
        description="Delete an identity provider, give up its domains and end the sessions that came through it.",
    )
    async def delete_identity_provider(
        self, info: Info, given: Input[DeleteIdentityProviderInput]
    ) -> DeleteIdentityProviderPayload:
        organization_id = inputs.organization_id(given.organization_id)
        key = inputs.key(given.identity_provider_id, Kind.IDENTITY_PROVIDER, organization_id, "identityProviderId")
        match await info.context.execute(services.delete, services.Delete(organization_id, given.idempotency_key, key)):
            case Refused() as refused:
                return DeleteIdentityProviderPayload.refused(refused)
            case services.Deleted():
                return DeleteIdentityProviderPayload(deleted=True)

    @mutation(
        email_domains.add,
        AddEmailDomainPayload,
        description="Claim a domain for a provider, or move it to another. It leads there once it is verified.",
    )
    async def add_email_domain(self, info: Info, given: Input[AddEmailDomainInput]) -> AddEmailDomainPayload:
        organization_id = inputs.organization_id(given.organization_id)
        key = inputs.key(given.identity_provider_id, Kind.IDENTITY_PROVIDER, organization_id, "identityProviderId")
        command = email_domains.Add(organization_id, given.idempotency_key, given.domain, key)
        match await info.context.execute(email_domains.add, command):
            case Refused() as refused:
                return AddEmailDomainPayload.refused(refused)
            case email_domains.Kept(domain):
                row = await rows.find_domain(info.context.reader, organization_id, domain)
                return AddEmailDomainPayload(email_domain=EmailDomain.of(row) if row else None)

    @mutation(
        email_domains.remove, RemoveEmailDomainPayload, description="Give a domain up: it leads nowhere any more."
    )
    async def remove_email_domain(self, info: Info, given: Input[RemoveEmailDomainInput]) -> RemoveEmailDomainPayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = email_domains.Remove(organization_id, given.idempotency_key, given.domain)
        match await info.context.execute(email_domains.remove, command):
            case Refused() as refused:
                return RemoveEmailDomainPayload.refused(refused)
            case email_domains.Removed():
                return RemoveEmailDomainPayload(removed=True)

    @mutation(
        access_policies.set_step_up,
        SetStepUpPayload,
        description="Ask for a young sign-in before what moves money or changes access. Without one such a command "
        "fails with STEP_UP_REQUIRED; signing in again at /login?step_up=1 mends it. API clients are not asked.",
    )
    async def set_step_up(self, info: Info, given: Input[SetStepUpInput]) -> SetStepUpPayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = access_policies.SetStepUp(organization_id, given.idempotency_key, given.step_up_minutes)
        match await info.context.execute(access_policies.set_step_up, command):
            case Refused() as refused:
                return SetStepUpPayload.refused(refused)
            case access_policies.StepUpSet(minutes):
                return SetStepUpPayload(step_up_minutes=minutes)


async def _checked(context: Context, given: ProviderInput, organization_id: str) -> services.Settings:
    """Return the settings asked for, after asking the provider itself; raise `InvalidInput` where it will not do."""
    assert context.providers is not None, "a server that signs people in knows its providers"
    access.require(context.caller, organization_id, Permission.ACCESS_WRITE)
    settings = _settings(context, given, organization_id)
    refused = services.text_refusal(settings)
    if refused is not None:
        raise InvalidInput(refused.code, refused.message, refused.field)
    if await idempotency.find(context.reader, organization_id, given.idempotency_key) is not None:
        return settings  # the kept answer decides, whatever the provider would say today
    try:
        await context.providers.probe(settings.issuer, frozenset(settings.algorithms), at=context.clock())
    except (ProviderUnavailable, ValueError) as error:
        reason = error.reason if isinstance(error, ProviderUnavailable) else str(error)
        message = f"the provider cannot be used: {reason}"[:500]
        raise InvalidInput(RefusalCode.INPUT_INVALID, message, ("issuer",)) from error
    return settings


def _settings(context: Context, given: ProviderInput, organization_id: str) -> services.Settings:
    secret, providers = given.client_secret or None, context.providers
    assert providers is not None
    if secret is not None and len(secret) > services.SECRET_MAX:
        message = f"clientSecret has {len(secret)} characters: give at most {services.SECRET_MAX}"
        raise InvalidInput(RefusalCode.INPUT_INVALID, message, ("clientSecret",))
    sealed = secret and services.SealedSecret(
        providers.fingerprint(secret),
        providers.seal_secret(secret, organization_id=organization_id, issuer=given.issuer),
    )
    return services.Settings(
        name=given.name,
        issuer=given.issuer,
        client_id=given.client_id,
        client_authentication=given.client_authentication.value,
        client_secret=sealed or None,
        algorithms=tuple(given.algorithms[:50]),
        scopes=given.scopes,
        api_audience=given.api_audience,
        provisioning=services.Provisioning(
            just_in_time=given.just_in_time,
            default_role=given.default_role,
            default_tier=given.default_tier,
            groups_claim=given.groups_claim,
            rules=tuple(services.GroupRule(rule.group, rule.role, rule.tier) for rule in given.rules),
            trusts_unverified_email=given.trusts_unverified_email,
        ),
        is_enforced=given.is_enforced,
    )


async def _shown(context: Context, organization_id: str, key: str) -> IdentityProvider | None:
    row = await rows.find(context.reader, organization_id, key)
    return IdentityProvider.of(await owner_of(context, organization_id), row) if row else None
