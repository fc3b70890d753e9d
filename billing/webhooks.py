"""When is a webhook tried again, and when is an endpoint given up?

A receiver that is down for an evening or a weekend misses nothing: each message is tried ten times in about three days.
An endpoint is switched off only when everything sent to it has failed for five days, or when it says that it is gone.

>>> from datetime import UTC, datetime
>>> noon = datetime(2026, 10, 1, 12, tzinfo=UTC)
>>> due = next_attempt_at(1, seed="message", at=noon)
>>> timedelta(seconds=5) <= due - noon <= timedelta(milliseconds=5_500)
True
>>> next_attempt_at(ATTEMPTS_MAX, seed="message", at=noon) is None
True
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""How long to wait after the first attempt, the second, and so on."""

ATTEMPTS_MAX = len(WAITS) + 1
JITTER_PARTS = 10
"""A wait is made longer by up to a tenth, so that a receiver that comes back does not meet everything at once."""

RETRY_AFTER_MAX = timedelta(hours=24)
GIVEN_UP_AFTER = timedelta(days=5)
GONE = 410


class EndpointStatus(StrEnum):
    """Whether messages are sent to an endpoint."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"


class DisabledReason(StrEnum):
    """Why nothing is sent to an endpoint."""

    MANUAL = "MANUAL"
    FAILING = "FAILING"
    GONE = "GONE"


class DeliveryStatus(StrEnum):
    """What became of one message to one endpoint."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


class Fault(StrEnum):
    """Why an attempt had no answer at all."""

    ADDRESS_REFUSED = "ADDRESS_REFUSED"
    NAME_UNKNOWN = "NAME_UNKNOWN"
    UNREACHABLE = "UNREACHABLE"
    TIMED_OUT = "TIMED_OUT"
    EVENT_FORGOTTEN = "EVENT_FORGOTTEN"
    KEY_MISSING = "KEY_MISSING"


@dataclass(frozen=True, slots=True)
class Health:
    """How many attempts in a row have failed, and since when; nothing since the last success is forgotten."""

    failing_since: datetime | None
    failures: int


HEALTHY = Health(None, 0)


def is_success(status: int | None) -> bool:
    """Return whether an answer takes the message off our hands: any 2xx, and nothing else."""
    return status is not None and 200 <= status <= 299


def next_attempt_at(attempt: int, *, seed: str, at: datetime, retry_after: timedelta = timedelta(0)) -> datetime | None:
    """Return when attempt number `attempt` + 1 is due, or None when there is no further one.

    The jitter is derived from `seed`, so a decision made twice is the same decision. A receiver may ask for a longer
    wait than the schedule's, up to a day, and never for a shorter one.
    """
    if attempt >= ATTEMPTS_MAX:
        return None
    wait = WAITS[attempt - 1]
    share = int.from_bytes(sha256(f"{seed}/{attempt}".encode()).digest()[:2])
    jitter = wait * share // (JITTER_PARTS << 16)
    return at + max(wait + jitter, min(retry_after, RETRY_AFTER_MAX))


def is_given_up(health: Health, at: datetime) -> bool:
    """Return whether an endpoint is switched off: all of at least ten attempts over five days have failed."""
    if health.failing_since is None or health.failures < ATTEMPTS_MAX:
        return False
    return at - health.failing_since >= GIVEN_UP_AFTER


def is_wanted(kind: str, kinds: Collection[str]) -> bool:
    """Return whether an endpoint that listens to `kinds` hears of `kind`; one that names none hears everything."""
    return not kinds or kind in kinds
