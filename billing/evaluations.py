"""What becomes of an organization that tries the product?

While the evaluation lasts nothing is billed. A contract or plan that begins by its end converts it, from that instant;
otherwise it lapses at the end and is read-only, with all data kept. Signing afterwards still converts it.

>>> from datetime import UTC
>>> ends, later = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
>>> outcome(ends, None, later)
Lapsed(at=datetime.datetime(2026, 3, 1, 0, 0, tzinfo=datetime.timezone.utc))
>>> outcome(ends, later, later)
Converted(at=datetime.datetime(2026, 4, 1, 0, 0, tzinfo=datetime.timezone.utc))
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Evaluating:
    """Nothing is billed until then."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Converted:
    """The paid service began then."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Lapsed:
    """Read-only since then; the data is kept."""

    at: datetime


Outcome = Evaluating | Converted | Lapsed


def outcome(ends_at: datetime, paid_from: datetime | None, at: datetime) -> Outcome:
    """Return where an evaluation that ends at `ends_at` stands; `paid_from` is when a plan or contract begins."""
    if paid_from is not None and paid_from <= at:
        return Converted(paid_from)
    return Evaluating(ends_at) if at < ends_at else Lapsed(ends_at)
