"""What does a directory see: which attributes do users and groups have, and what can the service do?

Only what is used is kept. An attribute of the standard that is not here is accepted and forgotten, because directories
send many; what is here reads back as it was written.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import Field
from scim2_models import (
    CaseExact,
    ComplexAttribute,
    Meta,
    Mutability,
    Reference,
    Required,
    Resource,
    ResourceType,
    Returned,
    Schema,
    ScimPolicy,
    ServiceProviderConfig,
    Uniqueness,
)
from scim2_models import Group as StandardGroup
from scim2_models import User as StandardUser

from models import directory_groups as group_rows
from models import directory_users as user_rows
from models.members import Member
from schema import ids
from services import directory_users
from services.directory_users import Person

PATH: Final = "/scim/v2"
PAGE_MAX: Final = 100
BULK_OPERATIONS_MAX: Final = 100
BULK_BYTES_MAX: Final = 1 << 20
NAME_MAX: Final = 200

POLICY: Final = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
"""What directories may do that the standard does not allow, because the great ones do it."""


class Name(ComplexAttribute):
    """The parts of a person's name."""

    formatted: str | None = None
    """The whole name, as it is shown."""

    family_name: str | None = None
    """The family name."""

    given_name: str | None = None
    """The given name."""


class Email(ComplexAttribute):
    """One of a person's addresses."""

    value: str | None = None
    """The address."""

    type: str | None = Field(None, examples=["work", "home", "other"])
    """What it is used for."""

    primary: bool | None = None
    """Whether it is the one to write to."""


class UserGroup(ComplexAttribute):
    """A group that a user is in."""

    value: Annotated[str | None, Mutability.read_only] = None
    """The id of the group."""

    ref: Annotated[Reference["Group"] | None, Mutability.read_only] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The address of the group."""

    display: Annotated[str | None, Mutability.read_only] = None
    """The name of the group."""


class User(Resource[Any]):
    """A person in the organization."""

    __schema__ = StandardUser.__schema__

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    """The person's e-mail address, by which billgraph knows them."""

    name: Name | None = None
    """The parts of the person's name."""

    display_name: str | None = None
    """The person's name, as it is shown."""

    active: Annotated[bool | None, Required.true] = None
    """Whether the person has access and holds a seat; true where a new user does not say."""

    emails: list[Email] | None = None
    """The person's addresses."""

    groups: Annotated[list[UserGroup] | None, Mutability.read_only] = None
    """The groups the person is in."""


class GroupMember(ComplexAttribute):
    """Somebody in a group."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    """The id of the user."""

    ref: Annotated[Reference[User] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The address of the user."""

    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])
    """What kind of thing it is: always a user."""


class Group(Resource[Any]):
    """A group of the directory. What it gives is said in billgraph."""

    __schema__ = StandardGroup.__schema__

    display_name: Annotated[str | None, Uniqueness.server, Required.true, Returned.always] = None
    """The name of the group, unique whatever the case."""

    members: list[GroupMember] | None = None
    """Who is in the group."""


def config(base: str) -> ServiceProviderConfig:
    """Return what the service can do."""
    return ServiceProviderConfig.model_validate(
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
            "patch": {"supported": True},
            "bulk": {
                "supported": True,
                "maxOperations": BULK_OPERATIONS_MAX,
                "maxPayloadSize": BULK_BYTES_MAX,
            },
            "filter": {"supported": True, "maxResults": PAGE_MAX},
            "changePassword": {"supported": False},
            "sort": {"supported": False},
            "etag": {"supported": True},
            "authenticationSchemes": [
                {
                    "type": "oauthbearertoken",
                    "name": "SCIM token",
                    "description": "A token that an owner made with createScimToken, as Authorization: Bearer.",
                    "specUri": "https://www.rfc-editor.org/info/rfc6750",
                    "primary": True,
                }
            ],
            "meta": {"resourceType": "ServiceProviderConfig", "location": f"{base}/ServiceProviderConfig"},
        }
    )


def resource_types(base: str) -> list[ResourceType]:
    """Return which resources there are."""
    found = []
    for model in (User, Group):
        each = ResourceType.from_resource(model)
        each.meta = Meta(resource_type="ResourceType", location=f"{base}/ResourceTypes/{each.id}")
        found.append(each)
    return found


def schemas(base: str) -> list[Schema]:
    """Return which attributes they have."""
    found = []
    for model in (User, Group, ServiceProviderConfig, ResourceType, Schema):
        each = model.to_schema()
        each.meta = Meta(resource_type="Schema", location=f"{base}/Schemas/{each.id}")
        found.append(each)
    return found


def user(
    base: str,
    member: Member,
    said: user_rows.DirectoryUser | None,
    groups: Sequence[group_rows.DirectoryGroup],
) -> User:
    """Return a member as the directory reads them: what it wrote, corrected by what is so."""
    document = dict(said.document) if said else {"displayName": member.name}
    written = str(document.get("userName", ""))
    identity = user_id(member.organization_id, member.id)
    updated_at = said.updated_at if said else member.created_at
    shown = User.model_validate(
        {
            "schemas": [User.__schema__],
            **document,
            "id": identity,
            "externalId": member.external_id,
            "userName": written if written.lower() == member.email else member.email,
            "active": member.status == "ACTIVE",
        },
        scim_policy=POLICY,
    )
    shown.groups = [
        UserGroup(
            value=(group_id := ids.text(ids.Kind.DIRECTORY_GROUP, group.organization_id, group.id)),
            ref=Reference[Group](f"{base}/Groups/{group_id}"),
            display=group.name,
        )
        for group in groups
    ] or None
    version = directory_users.version_of(member, said)
    shown.meta = _meta("User", f"{base}/Users/{identity}", member.created_at, updated_at, version)
    return shown


def group(base: str, row: group_rows.DirectoryGroup, member_ids: Sequence[str] | None) -> Group:
    """Return a group as the directory reads it; `member_ids` None where nobody asked who is in it."""
    identity = ids.text(ids.Kind.DIRECTORY_GROUP, row.organization_id, row.id)
    users = [user_id(row.organization_id, member_id) for member_id in member_ids or ()]
    inside = [GroupMember(value=each, ref=Reference[User](f"{base}/Users/{each}"), type="User") for each in users]
    return Group(
        id=identity,
        external_id=row.external_id,
        display_name=row.name,
        members=inside or None,
        meta=_meta("Group", f"{base}/Groups/{identity}", row.created_at, row.updated_at, str(row.version)),
    )


def person(given: User) -> Person:
    """Return a user as the services take a person."""
    document = given.model_dump()
    kept = {name: document.get(name) for name in ("userName", "name", "displayName", "emails")}
    return Person(
        email=(given.user_name or "").strip(),
        name=_shown_name(given),
        external_id=given.external_id or None,
        active=given.active is not False,
        document=directory_users.described(kept),
    )


def user_id(organization_id: str, member_id: str) -> str:
    """Return the id of a user: the member's global id, as the graph has it."""
    return ids.text(ids.Kind.MEMBER, organization_id, member_id)


def with_defaults(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a user as sent, active where it does not say: some directories leave that to us."""
    named = {name.lower() for name in document}
    return dict(document) if "active" in named else {**document, "active": True}


def _shown_name(given: User) -> str:
    parts = given.name or Name()
    whole = " ".join(part for part in (parts.given_name, parts.family_name) if part)
    return (given.display_name or parts.formatted or whole or given.user_name or "").strip()[:NAME_MAX]


def _meta(kind: str, location: str, created: datetime, updated: datetime, version: str) -> Meta:
    return Meta(resource_type=kind, location=location, created=created, last_modified=updated, version=f'W/"{version}"')
