"""Was this token, good for one use, used before?

Only what may still be replayed is kept: a token that has expired is refused for that alone.
"""

from datetime import datetime
from hashlib import sha256

from billing.periods import to_microseconds
from models.sql import Client, Statement

_SPEND = Statement("""
    INSERT INTO spent_tokens (scope, token_hash, expires_at) VALUES (:scope, :token_hash, :expires_at)
    ON CONFLICT (scope, token_hash) DO NOTHING RETURNING token_hash
""")
_DELETE_EXPIRED = Statement("""
    DELETE FROM spent_tokens WHERE (scope, token_hash) IN (
        SELECT scope, token_hash FROM spent_tokens WHERE expires_at < :before ORDER BY expires_at LIMIT :count_max)
""")


async def spend(client: Client, *, scope: str, token_id: str, expires_at: datetime) -> bool:
    """Return whether the token was unspent, which it is no longer."""
    token_hash = sha256(token_id.encode()).hexdigest()
    row = await _SPEND.first(client, scope=scope, token_hash=token_hash, expires_at=to_microseconds(expires_at))
    return row is not None


async def delete_expired(client: Client, *, before: datetime, count_max: int) -> int:
    """Delete up to `count_max` tokens that expired before `before`, and return how many went."""
    return await _DELETE_EXPIRED.run(client, before=to_microseconds(before), count_max=count_max)
