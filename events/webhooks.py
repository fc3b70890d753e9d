"""What does a webhook say, and how does its receiver know that it is ours?

As Standard Webhooks describes it: the body is signed together with its id and the instant it is sent at, by
HMAC-SHA256 under a secret that only the endpoint and we know. The id is the event's own, so it stays the same
through retries and replays and a receiver recognizes a repeat. The body depends on the event alone, byte for byte.

>>> secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
>>> at = datetime.fromtimestamp(1614265330, UTC)
>>> sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
"""

import hmac
import json
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from events.addresses import Policy
from events.vault import Vault
from models.events import Event
from models.fields import dump

SECRET_PREFIX = "whsec_"  # noqa: S105  # how Standard Webhooks marks a secret
SECRET_BYTES = 32
USER_AGENT = "billgraph-webhooks/1"


@dataclass(frozen=True, slots=True)
class Postbox:
    """What this installation needs to send webhooks: whom it may call, and how secrets are kept."""

    policy: Policy = field(default_factory=Policy)
    vault: Vault = field(default_factory=Vault)


@dataclass(frozen=True, slots=True)
class Named:
    """An event's names as clients know them."""

    event_id: str
    organization_id: str
    cursor: str


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: the id that stays the same, and the body."""

    id: str
    body: bytes


def new_secret() -> str:
    """Return a new random secret in the form that receivers' libraries take."""
    return SECRET_PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def message(event: Event, named: Named) -> Message:
    """Return the message that tells of an event. Our own names win over facts of the same name."""
    facts = json.loads(event.payload)
    document = {
        "type": event.kind,
        "timestamp": event.occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "data": {
            **facts,
            "organizationId": named.organization_id,
            "cursor": named.cursor,
            "schemaVersion": event.version,
        },
    }
    return Message(named.event_id, dump(document).encode())


def sign(secret: str, message_id: str, at: datetime, body: bytes) -> str:
    """Return one signature of a message sent at `at`."""
    key = b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = b"%s.%d.%s" % (message_id.encode(), int(at.timestamp()), body)
    return f"v1,{b64encode(hmac.digest(key, signed, 'sha256')).decode()}"


def headers(sent: Message, signing: Sequence[str], *, at: datetime) -> dict[str, str]:
    """Return the headers of a message sent at `at`, signed with each of the secrets."""
    return {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-id": sent.id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(sign(secret, sent.id, at, sent.body) for secret in signing),
    }
