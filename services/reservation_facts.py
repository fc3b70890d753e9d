"""What does a gateway ask for before a call, and what can become of it?

A reservation is known by the caller's own id, which makes a repeat harmless, and by ours. Its answer is one of three,
as for usage: what was done, why it cannot be, or which limit it would break.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from billing import rating
from services.usage_facts import EventBlocked, EventRefused, NamedBy, Overage

ITEMS_MAX = 1_000
QUANTITIES_MAX = 20
USES_MAX = 100
TTL_SECONDS_MIN = 1
TTL_SECONDS_DEFAULT = 300
TTL_SECONDS_MAX = 86_400


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a call is expected to use of one meter."""

    meter: str
    model: str
    direction: rating.Direction
    quantity: int


@dataclass(frozen=True, slots=True)
class Ask:
    """What is to be held for a member: an amount in nanos, or the cost of estimated quantities.

    `member_id` is whatever `named_by` says.
    """

    external_id: str
    member_id: str
    amount_nanos: int | None = None
    currency: str | None = None
    estimates: tuple[Estimate, ...] = ()
    ttl_seconds: int = TTL_SECONDS_DEFAULT
    named_by: NamedBy = NamedBy.ID

    @property
    def digest(self) -> str:
        """A digest that is equal for equal asks; the caller's id is not part of it."""
        parts = [self.member_id, str(self.amount_nanos), str(self.currency), str(self.ttl_seconds)]
        for each in self.estimates:
            parts += [each.meter, each.model, each.direction.value, str(each.quantity)]
        return sha256("\x1f".join(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Reserve:
    """Up to 1,000 amounts to hold, each decided on its own, in this order."""

    organization_id: str
    idempotency_key: str
    asks: tuple[Ask, ...]


@dataclass(frozen=True, slots=True)
class Reserved:
    """The amount is held until `expires_at`. `over_limit`: it passes a soft limit. `repeated`: it was held before."""

    external_id: str
    reservation_id: str
    held_nanos: int
    expires_at: datetime
    over_limit: bool
    repeated: bool


AskOutcome = Reserved | EventRefused | EventBlocked


@dataclass(frozen=True, slots=True)
class ReserveAnswer:
    """What became of each ask, in the order given."""

    outcomes: tuple[AskOutcome, ...]


@dataclass(frozen=True, slots=True)
class Which:
    """A reservation, by our id or by the caller's."""

    reservation_id: str | None
    external_id: str | None

    @property
    def name(self) -> str:
        """The id it was named by, for messages."""
        return self.external_id or self.reservation_id or ""


@dataclass(frozen=True, slots=True)
class Use:
    """One measured use that a reservation was made for. It occurred when it was reserved, unless it says otherwise."""

    event_id: str
    meter: str
    model: str
    direction: rating.Direction
    quantity: int
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Actual:
    """What a reservation came to: the uses, or an amount of a meter that is sold by the unit."""

    which: Which
    uses: tuple[Use, ...] = ()
    amount_nanos: int | None = None
    currency: str | None = None
    meter: str | None = None


@dataclass(frozen=True, slots=True)
class Settle:
    """Up to 1,000 reservations that came to something. `overage` is asked only of one that has expired."""

    organization_id: str
    idempotency_key: str
    actuals: tuple[Actual, ...]
    overage: Overage = Overage.REFUSE


@dataclass(frozen=True, slots=True)
class Settled:
    """The uses are recorded and the hold is gone.

    `excess_nanos` is what was above the hold. `late`: the hold had expired, so the uses were decided anew.
    """

    external_id: str
    reservation_id: str
    settled_nanos: int
    excess_nanos: int
    over_limit: bool
    late: bool
    repeated: bool


SettleOutcome = Settled | EventRefused | EventBlocked


@dataclass(frozen=True, slots=True)
class SettleAnswer:
    """What became of each settlement, in the order given."""

    outcomes: tuple[SettleOutcome, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """Up to 1,000 reservations that came to nothing."""

    organization_id: str
    idempotency_key: str
    reservations: tuple[Which, ...]


@dataclass(frozen=True, slots=True)
class Released:
    """Nothing is held any more. `repeated`: nothing was before, because it was released or had expired."""

    external_id: str
    reservation_id: str
    repeated: bool


ReleaseOutcome = Released | EventRefused


@dataclass(frozen=True, slots=True)
class ReleaseAnswer:
    """What became of each release, in the order given."""

    outcomes: tuple[ReleaseOutcome, ...]
