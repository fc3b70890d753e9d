"""Which prepaid credit pays a charge, and what is left?

Credit is granted and then only moved: every grant, draw, return and expiry is an entry, and the sum of a grant's
entries is its balance. Grants are drawn in one order: by priority, then by what expires first, then promotional before
paid, then by age. A charge drawn twice is drawn once, and nothing is drawn that is not there.

>>> from datetime import UTC
>>> start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)
>>> paid = Grant("A", Money(50_00, "USD"), start, priority=1, expires_at=end)
>>> gift = Grant("B", Money(20_00, "USD"), start, priority=1, expires_at=end, kind=GrantKind.PROMOTIONAL)
>>> ledger = granted((paid, gift))
>>> drawn = draw((paid, gift), ledger, charge_id="invoice 7", amount=Money(60_00, "USD"), at=start)
>>> [(entry.grant_id, str(entry.amount)) for entry in drawn.entries], str(drawn.left)
([('B', '-20.00 USD'), ('A', '-40.00 USD')], '0.00 USD')
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from billing.money import Money, total
from billing.periods import require_utc

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class InvalidGrant(ValueError):
    """A grant is of nothing, or expires before it begins."""


class GrantKind(StrEnum):
    """Whether the customer paid for the credit."""

    PROMOTIONAL = "PROMOTIONAL"
    PAID = "PAID"


class EntryKind(StrEnum):
    """Why a grant's balance moved."""

    GRANTED = "GRANTED"
    DRAWN = "DRAWN"
    RETURNED = "RETURNED"
    EXPIRED = "EXPIRED"


class Overage(StrEnum):
    """What becomes of a charge that no credit covered when a grant arrives later."""

    PRESERVED = "PRESERVED"  # the new grant pays it
    FORGOTTEN = "FORGOTTEN"  # it was invoiced, and the new grant is whole


@dataclass(frozen=True, slots=True)
class Grant:
    """Credit that can be drawn from `granted_at` until it expires. The lower the priority, the sooner it is drawn."""

    id: str
    amount: Money
    granted_at: datetime
    priority: int = 50
    expires_at: datetime | None = None
    kind: GrantKind = GrantKind.PAID

    def __post_init__(self) -> None:
        require_utc(self.granted_at)
        if self.amount.minor <= 0:
            raise InvalidGrant(f"grant {self.id!r} of {self.amount} must be above 0")
        if self.expires_at is not None and require_utc(self.expires_at) <= self.granted_at:
            raise InvalidGrant(f"grant {self.id!r} expires at {self.expires_at}, not after {self.granted_at}")

    def is_open(self, at: datetime) -> bool:
        """Return whether the grant can be drawn at `at`."""
        return self.granted_at <= at < (self.expires_at or _NEVER)

    @property
    def order(self) -> tuple[int, datetime, bool, datetime, str]:
        """What is drawn first sorts first."""
        return (
            self.priority,
            self.expires_at or _NEVER,
            self.kind is GrantKind.PAID,
            self.granted_at,
            self.id,
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement of one grant: above zero it adds, below it takes."""

    grant_id: str
    kind: EntryKind
    amount: Money
    at: datetime
    charge_id: str | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """The entries that pay a charge, and what of it no credit covers."""

    entries: tuple[Entry, ...]
    covered: Money
    left: Money


@dataclass(frozen=True, slots=True)
class Charge:
    """Something to be paid from credit."""

    id: str
    amount: Money
    at: datetime


@dataclass(frozen=True, slots=True)
class Balance:
    """What can be drawn, and what of it charges that are still open will leave."""

    settled: Money
    pending: Money


def granted(grants: Iterable[Grant]) -> tuple[Entry, ...]:
    """Return the entries that put the grants on the ledger."""
    return tuple(Entry(grant.id, EntryKind.GRANTED, grant.amount, grant.granted_at) for grant in grants)


def left_of(grant: Grant, entries: Iterable[Entry]) -> Money:
    """Return the balance of one grant: the sum of its entries."""
    return total([entry.amount for entry in entries if entry.grant_id == grant.id], grant.amount.currency)


def balance(
    grants: Sequence[Grant], entries: Sequence[Entry], *, currency: str, at: datetime, open_charges: Money | None = None
) -> Balance:
    """Return what can be drawn at `at`, and what is left of it once the open charges are settled."""
    known = [entry for entry in entries if entry.at <= at]
    settled = total([left_of(grant, known) for grant in grants if grant.is_open(at)], currency)
    return Balance(settled, settled - (open_charges or Money.zero(currency)))


def draw(grants: Sequence[Grant], entries: Sequence[Entry], *, charge_id: str, amount: Money, at: datetime) -> Drawn:
    """Return the entries that pay `amount`, as far as credit goes; what the charge has drawn already counts."""
    covered = drawn_by(entries, charge_id, amount.currency)
    left = max(amount - covered, Money.zero(amount.currency))
    made: list[Entry] = []
    for grant in sorted((grant for grant in grants if grant.is_open(at)), key=lambda grant: grant.order):
        taken = min(left, left_of(grant, entries))
        if taken.minor > 0:
            made.append(Entry(grant.id, EntryKind.DRAWN, -taken, at, charge_id))
            covered, left = covered + taken, left - taken
    return Drawn(tuple(made), covered, left)


def drawn_by(entries: Iterable[Entry], charge_id: str, currency: str) -> Money:
    """Return what a charge has drawn and not given back."""
    return -total([entry.amount for entry in entries if entry.charge_id == charge_id], currency)


def give_back(entries: Sequence[Entry], *, charge_id: str, at: datetime) -> tuple[Entry, ...]:
    """Return the entries that give back what a charge drew, each to the grant it came from."""
    ours = [entry for entry in entries if entry.charge_id == charge_id]
    made: list[Entry] = []
    for grant_id in dict.fromkeys(entry.grant_id for entry in ours):
        amounts = [entry.amount for entry in ours if entry.grant_id == grant_id]
        back = -total(amounts, amounts[0].currency)
        if back.minor > 0:
            made.append(Entry(grant_id, EntryKind.RETURNED, back, at, charge_id))
    return tuple(made)


def expire(grants: Sequence[Grant], entries: Sequence[Entry], at: datetime) -> tuple[Entry, ...]:
    """Return the entries that take what is left of every grant expired by `at`; of nothing there is no entry."""
    ended = [grant for grant in grants if grant.expires_at is not None and grant.expires_at <= at]
    left = [(grant, left_of(grant, entries)) for grant in ended]
    return tuple(
        Entry(grant.id, EntryKind.EXPIRED, -amount, grant.expires_at or at) for grant, amount in left if amount.minor
    )


def replayed(grants: Sequence[Grant], charges: Sequence[Charge], overage: Overage, at: datetime) -> tuple[Entry, ...]:
    """Return the whole ledger by `at`, of grants and charges in the order in which they happened."""
    entries: list[Entry] = []
    open_charges: list[Charge] = []
    instants = {grant.granted_at for grant in grants} | {charge.at for charge in charges}
    instants |= {grant.expires_at for grant in grants if grant.expires_at is not None}
    for instant in sorted(each for each in instants if each <= at):
        entries += expire(grants, entries, instant)
        entries += granted(grant for grant in grants if grant.granted_at == instant)
        open_charges += [charge for charge in charges if charge.at == instant]
        for charge in open_charges:
            entries += draw(grants, entries, charge_id=charge.id, amount=charge.amount, at=instant).entries
        if overage is Overage.FORGOTTEN:
            open_charges = []
    return tuple(entries)
