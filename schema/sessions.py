"""Where is an account signed in, as the graph shows it?"""

from datetime import datetime

import strawberry

from models import sessions as rows

SESSIONS_MAX = 100


@strawberry.type(description="One browser in which the caller is signed in.")
class Session:
    id: strawberry.ID = strawberry.field(description="By what to end it. To know it proves nothing.")
    current: bool = strawberry.field(description="Whether this request came with it.")
    issuer: str = strawberry.field(description="The identity provider that vouched for the caller.")
    user_agent: str = strawberry.field(description="What the browser called itself.")
    signed_in_at: datetime = strawberry.field(description="When the caller proved who they are.")
    last_seen_at: datetime = strawberry.field(description="When it was last used, to the minute.")
    expires_at: datetime = strawberry.field(description="When it ends at the latest.")

    @classmethod
    def of(cls, row: rows.Session, *, current: str | None) -> "Session":
        """Return the session in a row."""
        return cls(
            id=strawberry.ID(row.token_hash),
            current=row.token_hash == current,
            issuer=row.issuer,
            user_agent=row.user_agent,
            signed_in_at=row.authenticated_at,
            last_seen_at=row.last_seen_at,
            expires_at=row.expires_at,
        )
