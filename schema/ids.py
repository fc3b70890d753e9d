"""Which thing does a global id name?

An id says what it names and whose it is: `mem_<organization>_<row>`. So a lookup needs no guess, every query names its
organization, and an id of a stranger's organization can be answered exactly like one that was never issued. Clients
treat the text as opaque.

>>> member = text(Kind.MEMBER, "01kwdfkd00yp6arym8shx0mx4x", "01kwdfkd00yp6arym8shx0mx4y")
>>> parse(member).kind, parse(member, Kind.MEMBER).key
(<Kind.MEMBER: 'mem'>, '01kwdfkd00yp6arym8shx0mx4y')
>>> parse("mem_1")
Traceback (most recent call last):
    ...
schema.ids.MalformedId: 'mem_1' is not a global id
"""

import re
from dataclasses import dataclass
from enum import StrEnum

import strawberry

from billing.identifiers import is_well_formed
from schema.errors import ErrorCode, GraphError

ID_LENGTH_MAX = 120
_KEYS = re.compile(r"[a-z][a-z0-9_]{0,62}")
_NUMBERS = re.compile(r"[1-9][0-9]{0,17}")


class Kind(StrEnum):
    """What an id can name; the value is the first part of its text."""

    ORGANIZATION = "org"
    MEMBER = "mem"
    ROLE = "role"
    GROUP = "group"
    SPEND_LIMIT = "lim"
    LIMIT_ALERT = "alert"
    LIMIT_INCREASE_REQUEST = "raise"
    SPEND_ANOMALY = "anomaly"
    INVOICE = "inv"
    PAYMENT = "pay"
    PAYMENT_METHOD = "method"
    CREDIT_NOTE = "cn"
    AUDIT_EVENT = "event"
    AUDIT_RECORD = "audit"
    USAGE_EVENT = "usage"
    RESERVATION = "hold"
    CREDIT_GRANT = "grant"
    CREDIT_ENTRY = "credit"
    WEBHOOK_ENDPOINT = "hook"
    WEBHOOK_DELIVERY = "delivery"
    SCIM_TOKEN = "scim"  # noqa: S105  # the beginning of an id
    DIRECTORY_GROUP = "dgroup"
    INVITATION = "invite"
    IMPORT = "import"
    IDENTITY_PROVIDER = "idp"
    API_CLIENT = "client"


class MalformedId(GraphError):
    """The text is no id, or names another kind of thing than the one asked for."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.ID_INVALID, message)


@dataclass(frozen=True, slots=True)
class GlobalId:
    """A parsed id. `key` is the row's id, a role's key, an event's number, or the organization itself."""

    kind: Kind
    organization_id: str
    key: str


def text(kind: Kind, organization_id: str, key: str) -> strawberry.ID:
    """Return the global id of a thing of one organization."""
    if kind is Kind.ORGANIZATION:
        return strawberry.ID(f"{kind}_{organization_id}")
    return strawberry.ID(f"{kind}_{organization_id}_{key}")


def organization(organization_id: str) -> strawberry.ID:
    """Return the global id of an organization."""
    return text(Kind.ORGANIZATION, organization_id, organization_id)


def parse(given: str, expected: Kind | None = None) -> GlobalId:
    """Return what an id names; raise `MalformedId` when it names nothing, or another kind than expected."""
    prefix, _, rest = given.partition("_")
    organization_id, _, key = rest.partition("_")
    if len(given) > ID_LENGTH_MAX or prefix not in set(Kind) or not is_well_formed(organization_id):
        raise MalformedId(f"{given[:60]!r} is not a global id")
    kind = Kind(prefix)
    if not _fits(kind, key) or given != text(kind, organization_id, key):
        raise MalformedId(f"{given[:60]!r} is not a global id")
    if expected is not None and kind is not expected:
        raise MalformedId(f"{given[:60]!r} names {_article(kind)}, not {_article(expected)}")
    return GlobalId(kind, organization_id, key or organization_id)


def _fits(kind: Kind, key: str) -> bool:
    match kind:
        case Kind.ORGANIZATION:
            return key == ""
        case Kind.ROLE:
            return _KEYS.fullmatch(key) is not None
        case Kind.AUDIT_EVENT | Kind.AUDIT_RECORD:
            return _NUMBERS.fullmatch(key) is not None
        case _:
            return is_well_formed(key)


def _article(kind: Kind) -> str:
    name = kind.name.lower().replace("_", " ")
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
