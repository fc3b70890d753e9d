"""Let directories in, and say what their groups give."""

import strawberry

from models import directory_groups, scim_tokens
from resolvers.commands import Command, Payload, mutation, owner_of
from schema import inputs
from schema.context import Info
from schema.directories import GroupMapping
from schema.ids import Kind
from schema.inputs import Input, InvalidInput
from schema.scim_tokens import ScimToken
from services import group_mappings
from services import scim_tokens as tokens
from services.outcomes import RefusalCode, Refused


@strawberry.input(description="A directory that shall push people.")
class CreateScimTokenInput(Command):
    name: str = strawberry.field(description="The name people read.")


@strawberry.type(description="What letting a directory in answers.")
class CreateScimTokenPayload(Payload):
    scim_token: ScimToken | None = strawberry.field(default=None, description="The token as it is listed.")
    secret: str | None = strawberry.field(
        default=None,
        description="The token itself, shown this once: the answer to a repeated command is kept without it.",
    )


@strawberry.input(description="A directory that shall not come in any more.")
class RevokeScimTokenInput(Command):
    scim_token_id: strawberry.ID = strawberry.field(description="The token it is about, by global id.")


@strawberry.type(description="What keeping a directory out answers.")
class RevokeScimTokenPayload(Payload):
    scim_token: ScimToken | None = strawberry.field(default=None, description="The token as it is listed.")


@strawberry.input(description="What being in one group gives.")
class DirectoryGroupRuleInput:
    directory_group_id: strawberry.ID = strawberry.field(
        description="Whose people it gives something to, by the global id of the group."
    )
    role: str = strawberry.field(description="The key of the role it gives: none that allows more than your own.")
    tier: str | None = strawberry.field(default=None, description="The key of the seat tier it gives; null for none.")


@strawberry.input(description="What the groups of the directory give, instead of what was said before.")
class SetGroupMappingInput(Command):
    rules: list[DirectoryGroupRuleInput] = strawberry.field(
        description=f"The rules in the order in which they are asked, at most {group_mappings.RULES_MAX}; the first "
        "whose group a member is in decides."
    )
    default_role: str = strawberry.field(
        default=group_mappings.DEFAULT_ROLE, description="The key of the role of a new person who is in no group."
    )
    default_tier: str | None = strawberry.field(
        default=None, description="The key of the seat tier of such a person; null for none."
    )


@strawberry.type(description="What saying what groups give answers.")
class SetGroupMappingPayload(Payload):
    group_mapping: GroupMapping | None = strawberry.field(default=None, description="What holds now.")
    applied: int = strawberry.field(
        default=0, description="How many people were looked at; others follow where `isApplied` is false."
    )


@strawberry.type
class DirectoryMutations:
    """What clients do about directories."""

    @mutation(
        tokens.create,
        CreateScimTokenPayload,
        description="Let a directory push people at /scim/v2, with at most what the caller may do.",
    )
    async def create_scim_token(self, info: Info, given: Input[CreateScimTokenInput]) -> CreateScimTokenPayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = tokens.Create(organization_id, given.idempotency_key, given.name)
        match await info.context.execute(tokens.create, command):
            case Refused() as refused:
                return CreateScimTokenPayload.refused(refused)
            case tokens.Created(key, secret):
                shown = await _token(info, organization_id, key)
                return CreateScimTokenPayload(scim_token=shown, secret=secret)

    @mutation(
        tokens.revoke,
        RevokeScimTokenPayload,
        description="Keep a directory out from this instant, for good. The people it brought in stay.",
    )
    async def revoke_scim_token(self, info: Info, given: Input[RevokeScimTokenInput]) -> RevokeScimTokenPayload:
        organization_id = inputs.organization_id(given.organization_id)
        key = inputs.key(given.scim_token_id, Kind.SCIM_TOKEN, organization_id, "scimTokenId")
        match await info.context.execute(tokens.revoke, tokens.Revoke(organization_id, given.idempotency_key, key)):
            case Refused() as refused:
                return RevokeScimTokenPayload.refused(refused)
            case tokens.Revoked():
                return RevokeScimTokenPayload(scim_token=await _token(info, organization_id, key))

    @mutation(
        group_mappings.set_mapping,
        SetGroupMappingPayload,
        description="Say which group of the directory gives which role and seat tier, and give it.",
    )
    async def set_group_mapping(self, info: Info, given: Input[SetGroupMappingInput]) -> SetGroupMappingPayload:
        organization_id = inputs.organization_id(given.organization_id)
        if len(given.rules) > group_mappings.RULES_MAX:
            message = f"{len(given.rules)} rules: give up to {group_mappings.RULES_MAX}"
            raise InvalidInput(RefusalCode.INPUT_INVALID, message, ("rules",))
        rules = tuple(
            group_mappings.Rule(_group(rule, organization_id, index), rule.role, rule.tier)
            for index, rule in enumerate(given.rules)
        )
        command = group_mappings.SetMapping(
            organization_id, given.idempotency_key, rules, given.default_role, given.default_tier
        )
        match await info.context.execute(group_mappings.set_mapping, command):
            case Refused() as refused:
                return SetGroupMappingPayload.refused(refused)
            case group_mappings.MappingSet(applied):
                owner = await owner_of(info.context, organization_id)
                row = await directory_groups.mapping(info.context.reader, organization_id)
                return SetGroupMappingPayload(
                    group_mapping=GroupMapping.of(owner, row) if row else None, applied=applied
                )


def _group(rule: DirectoryGroupRuleInput, organization_id: str, index: int) -> str:
    path = ("rules", str(index), "directoryGroupId")
    return inputs.key(rule.directory_group_id, Kind.DIRECTORY_GROUP, organization_id, *path)


async def _token(info: Info, organization_id: str, key: str) -> ScimToken | None:
    row = await scim_tokens.find(info.context.reader, organization_id, key)
    return ScimToken.of(await owner_of(info.context, organization_id), row) if row else None
