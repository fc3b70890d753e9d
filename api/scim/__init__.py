"""Directories push people and groups here: SCIM 2.0 at `/scim/v2`.

The types come from `scim2-models`, which the extra `scim` installs; without it the door is not there.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from importlib.util import find_spec

from starlette.routing import BaseRoute

from auth.failures import Failures
from models.database import Database
from services.dispatch import Dispatcher


def routes(
    database: Database, dispatcher: Dispatcher, *, public_url: str, failures: Failures, now: Callable[[], datetime]
) -> Sequence[BaseRoute]:
    """Return the routes of the door, none where the extra is not installed."""
    if find_spec("scim2_models") is None:
        return ()
    from api.scim import door  # only here, because what it imports may not be there

    return door.routes(database, dispatcher, public_url=public_url, failures=failures, now=now)
