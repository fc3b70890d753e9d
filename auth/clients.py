"""Which program is this, and has it proved so?

A client proves itself with a secret, of which we keep the SHA-256 (it is too random to be guessed), or with a token it
signed with a key of its own (private_key_jwt), each good for one use. Whatever fails, the answer is the same.
"""

import hmac
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import unquote_plus

from auth import tokens
from auth.issuers import Issuer, Issuers
from auth.keys import FixedKeys
from auth.principal import Membership
from auth.sessions import hash_of
from auth.tokens import CLIENT_ASSERTION
from billing.identifiers import is_well_formed
from billing.roles import Permission
from models import api_clients as rows
from models import spent_tokens
from models.database import Database

PREFIX = "client"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "ES256", "ES384", "ES512"})
ASSERTION_LIFETIME_MAX = timedelta(hours=1)
SECRET_MAX = 200
USED_AT_MOST_EVERY = timedelta(minutes=1)
_USES_REMEMBERED_MAX = 10_000


class ClientRefused(Exception):
    """The client has not proved who it is. `reason` is for the log."""

    def __init__(self, reason: str, *, public_id: str = "") -> None:
        super().__init__("the client is unknown, or has not proved to be itself")
        self.reason = reason
        self.public_id = public_id[:120]


@dataclass(frozen=True, slots=True)
class Shown:
    """How a client introduced itself: its public id, with a secret or an assertion, never both."""

    public_id: str
    secret: str | None
    assertion: str | None


@dataclass(frozen=True, slots=True)
class ClientIdentity:
    """An API client that proved itself. `scopes` narrow what its token is for; None leaves all it has."""

    organization_id: str
    client_id: str
    name: str
    issuer: str
    scopes: frozenset[Permission] | None
    issued_at: datetime
    expires_at: datetime

    @property
    def subject(self) -> str:
        """Return the client's public id."""
        return public_id(self.organization_id, self.client_id)


def public_id(organization_id: str, client_id: str) -> str:
    """Return the id by which the client is known outside: it is also its global id in the graph."""
    return f"{PREFIX}_{organization_id}_{client_id}"


def shown(authorization: str | None, form: Mapping[str, str]) -> Shown:
    """Return how a client introduces itself; raise `ClientRefused` where it does not, or does so twice."""
    ways = []
    if authorization is not None:
        ways.append(_basic(authorization))
    if "client_secret" in form:
        ways.append(Shown(form.get("client_id", ""), form["client_secret"], None))
    if "client_assertion" in form:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise ClientRefused("an assertion of another type")
        ways.append(Shown(form.get("client_id", ""), None, form["client_assertion"]))
    if len(ways) != 1:
        raise ClientRefused(f"{len(ways)} ways of proving at once")
    return ways[0]


class Clients:
    """Recognizes API clients."""

    def __init__(self, database: Database, *, audiences: tuple[str, ...]) -> None:
        self._database = database
        self._audiences = audiences
        self._noted: dict[str, datetime] = {}

    async def authenticate(self, shown: Shown, *, at: datetime) -> rows.ApiClient:
        """Return the client that `shown` proves, or raise `ClientRefused`."""
        named = shown.public_id or (_subject_of(shown.assertion) if shown.assertion else "")
        client = await self._find(named)
        if client is None:
            raise ClientRefused("there is no such client", public_id=named)
        try:
            if shown.assertion is not None:
                await self._require_assertion(client, named, shown.assertion, at)
            else:
                await self._require_secret(client, shown.secret or "", at)
        except tokens.InvalidToken as error:
            raise ClientRefused(f"assertion: {error.reason}", public_id=named) from error
        except ClientRefused as refused:
            raise ClientRefused(refused.reason, public_id=named) from refused
        await self.note_use(client.organization_id, client.id, at=at)
        return client

    async def named(self, public_id: str) -> rows.ApiClient | None:
        """Return the client of this public id unless it was revoked. To know the id proves nothing."""
        return await self._find(public_id)

    async def memberships(self, identity: ClientIdentity) -> list[Membership]:
        """Return what a client may do where, as of now: nothing once it is revoked or no longer granted."""
        client = await self._find(identity.subject)
        if client is None:
            return []
        own = frozenset(map(Permission, client.scopes))
        if identity.scopes is not None:
            own &= identity.scopes
        if not client.is_partner:
            return [Membership(client.organization_id, None, PREFIX, own)]
        granted = await rows.grants_to(self._database.reader, client.organization_id, client.id)
        return [
            Membership(each.organization_id, None, PREFIX, own & frozenset(map(Permission, each.scopes)))
            for each in granted
        ]

    async def note_use(self, organization_id: str, client_id: str, *, at: datetime) -> None:
        """Note that a client was here, at most once a minute: a write for every request would cost more than it."""
        name = public_id(organization_id, client_id)
        noted = self._noted.get(name)
        if noted is not None and abs(at - noted) < USED_AT_MOST_EVERY:
            return
        if len(self._noted) >= _USES_REMEMBERED_MAX:
            self._noted.clear()
        self._noted[name] = at
        await self._database.runner.run(
            lambda client: rows.note_use(client, organization_id, client_id, at=at), lane=f"client:{client_id}"
        )

    async def _find(self, name: str) -> rows.ApiClient | None:
        prefix, _, rest = name.partition("_")
        organization_id, _, client_id = rest.partition("_")
        if prefix != PREFIX or not is_well_formed(organization_id) or not is_well_formed(client_id):
            return None
        client = await rows.find(self._database.reader, organization_id, client_id)
        return client if client is not None and client.revoked_at is None else None

    async def _require_secret(self, client: rows.ApiClient, secret: str, at: datetime) -> None:
        given = hash_of(secret[:SECRET_MAX])
        kept = await rows.secrets_of(self._database.reader, client.organization_id, [client.id])
        live = [each for each in kept if each.expires_at is None or at < each.expires_at]
        if not any(hmac.compare_digest(each.secret_hash, given) for each in live):
            raise ClientRefused("the secret is none of this client's")

    async def _require_assertion(self, client: rows.ApiClient, name: str, assertion: str, at: datetime) -> None:
        if not client.jwks:
            raise ClientRefused("the client has registered no key")
        keys = FixedKeys(client.jwks["keys"])
        claims = None
        for audience in self._audiences:
            try:
                trusted = Issuers(Issuer(name, audience, ALGORITHMS, keys))
                claims = await tokens.verify(assertion, trusted, CLIENT_ASSERTION, at=at)
                break
            except tokens.InvalidToken:
                if audience == self._audiences[-1]:
                    raise
        assert claims is not None, "the last audience returned or raised"
        token_id = claims.payload.get("jti")
        if claims.subject != name or claims.expires_at - at > ASSERTION_LIFETIME_MAX + tokens.LEEWAY:
            raise ClientRefused("the assertion speaks of another, or lives too long")
        if not isinstance(token_id, str) or not 8 <= len(token_id) <= SECRET_MAX:
            raise ClientRefused("the assertion has no jti of 8 to 200 characters")
        is_first = await self._database.runner.run(
            lambda writing: spent_tokens.spend(
                writing, scope=name, token_id=token_id, expires_at=claims.expires_at + tokens.LEEWAY
            ),
            lane=f"spent:{name}",
        )
        if not is_first:
            raise ClientRefused("the assertion was used before")


def _basic(authorization: str) -> Shown:
    """Return what HTTP Basic says. Both parts are form-encoded first (RFC 6749, 2.3.1)."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic" or len(encoded) > 1_000:
        raise ClientRefused("the scheme is not Basic")
    try:
        text = b64decode(encoded.strip(), validate=True).decode()
    except ValueError as error:
        raise ClientRefused("Basic is not base64 of text") from error
    name, _, secret = text.partition(":")
    return Shown(unquote_plus(name), unquote_plus(secret), None)


def _subject_of(assertion: str) -> str:
    """Return whom an assertion claims to speak of; nothing is proved by it."""
    try:
        claimed = tokens.unverified(assertion).get("sub")
    except tokens.InvalidToken as error:
        raise ClientRefused(f"assertion: {error.reason}") from error
    return claimed if isinstance(claimed, str) else ""
