"""Which sessions does this provider say are over?

OpenID Connect back-channel logout: a signed token from the provider, not from a browser. It must be meant for us, be
of this kind and no other (an id token must not do), say whose session it is, and be new.
"""

from datetime import datetime

from auth import tokens
from auth.issuers import Issuers
from auth.oidc import SESSION_NAME_MAX, Provider
from auth.tokens import LOGOUT, InvalidToken
from models import spent_tokens
from models.database import Database
from models.sessions import Vouched

EVENT = "http://schemas.openid.net/event/backchannel-logout"
TOKEN_ID_MAX = 500


async def verified(token: str, provider: Provider, database: Database, *, at: datetime) -> Vouched:
    """Return the sessions a genuine logout token speaks of, or raise `InvalidToken`."""
    claims = await tokens.verify(token, Issuers(provider.as_issuer()), LOGOUT, at=at)
    said = claims.payload
    events, session, token_id = said.get("events"), said.get("sid"), said.get("jti")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise InvalidToken("it is no logout token")
    if "nonce" in said:
        raise InvalidToken("a logout token has no nonce: this may be an id token")
    if session is not None and not (isinstance(session, str) and 0 < len(session) <= SESSION_NAME_MAX):
        raise InvalidToken("its session has no usable name")
    if session is None and not claims.subject:
        raise InvalidToken("it names neither a session nor a subject")
    if not isinstance(token_id, str) or not 0 < len(token_id) <= TOKEN_ID_MAX:
        raise InvalidToken("it has no jti")
    scope = f"logout:{provider.organization_id or ''}:{provider.issuer_url}"
    is_first = await database.runner.run(
        lambda client: spent_tokens.spend(
            client, scope=scope, token_id=token_id, expires_at=claims.expires_at + tokens.LEEWAY
        ),
        lane="logouts",
    )
    if not is_first:
        raise InvalidToken("it was used before")
    return Vouched(provider.issuer_url, provider.organization_id, provider.id, claims.subject or None, session)
