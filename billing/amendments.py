"""Which version of a contract was in force when, and what did each change?

An amendment is another version of the same contract with the instant from which it holds; no version is ever edited.
Folding the versions gives the contract at any instant, and each version says what it changed and from what.

>>> from datetime import UTC
>>> from billing.money import Money
>>> from billing.contracts import Schedule
>>> start, june, end = (datetime(*day, tzinfo=UTC) for day in ((2026, 1, 1), (2026, 6, 1), (2027, 1, 1)))
>>> signed = Contract("C-1", start, end, 1, 250, Money(1_000_00, "USD"), Schedule.ANNUAL)
>>> larger = replace(signed, band_up_to=500, version=2)
>>> past = history((Version(larger, june), Version(signed, start)))
>>> in_force(past, start).band_up_to, in_force(past, june).band_up_to
(250, 500)
>>> [(change.field, change.before, change.after) for change in past[1].changes]
[('band_up_to', 250, 500)]
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import Any

from billing.contracts import (
    TERM_MAX,
    Contract,
    CustomInstalment,
    InvalidContract,
    Schedule,
    from_document,
    instalments,
    to_document,
)
from billing.money import total
from billing.periods import add_days, add_months, require_utc


class InvalidHistory(ValueError):
    """The versions are not those of one contract, each later than the one before."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a contract and the instant from which it holds."""

    contract: Contract
    effective_at: datetime

    def __post_init__(self) -> None:
        require_utc(self.effective_at)


@dataclass(frozen=True, slots=True)
class Change:
    """One field that a version changed, as the documents of both have it."""

    field: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class Entry:
    """A version in its place: from when to when it holds (None: it is the last), and what it changed."""

    version: Version
    until: datetime | None
    changes: tuple[Change, ...]


class RenewalState(StrEnum):
    """Where a contract stands before its renewal."""

    NOT_YET = "NOT_YET"  # before the notice
    NOTICE = "NOTICE"  # time to review and decide
    DUE = "DUE"  # the renewal date has come
    ENDED = "ENDED"  # the term is over and there is no renewal date


def history(versions: Iterable[Version]) -> tuple[Entry, ...]:
    """Return the versions in the order in which they hold, with what each changed.

    Of two versions that hold from the same instant the later one counts from there on.
    """
    ordered = sorted(versions, key=lambda version: (version.effective_at, version.contract.version))
    for earlier, later in pairwise(ordered):
        if earlier.contract.number != later.contract.number:
            raise InvalidHistory(f"{earlier.contract.number!r} and {later.contract.number!r} are two contracts")
        if later.contract.version <= earlier.contract.version:
            raise InvalidHistory(f"version {later.contract.version} holds after version {earlier.contract.version}")
    befores = (None, *ordered[:-1])
    untils = (*(version.effective_at for version in ordered[1:]), None)
    return tuple(
        Entry(version, until, () if before is None else changed(before.contract, version.contract))
        for before, version, until in zip(befores, ordered, untils, strict=False)
    )


def in_force(entries: Sequence[Entry], at: datetime) -> Contract | None:
    """Return the contract as it held at `at`, or None before the first version and after the term."""
    known = [entry.version.contract for entry in entries if entry.version.effective_at <= at]
    return known[-1] if known and known[-1].start <= at < known[-1].end else None


def changed(before: Contract, after: Contract) -> tuple[Change, ...]:
    """Return the fields that differ, but for the version itself."""
    old, new = to_document(replace(before, version=1)), to_document(replace(after, version=1))
    return tuple(Change(field, old[field], new[field]) for field in new if old[field] != new[field])


def renewal(contract: Contract, at: datetime, *, notice_days: int, time_zone: str) -> RenewalState:
    """Return where the contract stands at `at`; the notice begins `notice_days` before the renewal, or the end."""
    due_at = contract.renewal_at or contract.end
    if at >= due_at:
        return RenewalState.DUE if contract.renewal_at else RenewalState.ENDED
    return RenewalState.NOTICE if at >= add_days(due_at, -notice_days, time_zone) else RenewalState.NOT_YET


def respread(before: Contract, after: Contract, *, at: datetime, time_zone: str) -> Contract:
    """Return `after` with the instalments issued by `at` as they were and the rest of its total on those to come.

    The parts to come are equal shares, written as 1 each: a third has no decimal that could be kept exactly.

    >>> from datetime import UTC
    >>> from billing.contracts import Schedule, instalments
    >>> from billing.money import Money
    >>> start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    >>> before = Contract("C-1", start, end, 1, 250, Money(1_000_00, "USD"), Schedule.QUARTERLY)
    >>> after = respread(before, replace(before, total=Money(1_300_00, "USD")), at=datetime(2026, 5, 1, tzinfo=UTC),
    ...                  time_zone="UTC")
    >>> [str(part.amount) for part in instalments(after, "UTC")]
    ['250.00 USD', '250.00 USD', '400.00 USD', '400.00 USD']
    """
    if after.total == before.total:
        return after
    parts = instalments(before, time_zone)
    issued = [part for part in parts if part.issue_at <= at]
    coming = [part for part in parts if part.issue_at > at]
    left = after.total - total([part.amount for part in issued], after.total.currency)
    if left.minor < 0 or (left.minor and not coming):
        raise InvalidContract("total", f"{after.total} cannot be reached: {after.total - left} is invoiced already")
    custom = [CustomInstalment(part.issue_at, part.amount) for part in issued]
    custom += [CustomInstalment(part.issue_at, Fraction(1)) for part in coming]
    return replace(after, schedule=Schedule.CUSTOM, custom=tuple(custom))


def successor(contract: Contract, changes: Mapping[str, Any], *, time_zone: str) -> Contract:
    """Return the contract of the next term: as long, unless the changes say otherwise, and under a new number."""
    years = int(changes.get("term_years", contract.term_years))
    if not 1 <= years <= TERM_MAX:
        raise InvalidContract("term_years", f"{years} is outside 1 to {TERM_MAX}")
    end = add_months(contract.end, 12 * years, time_zone)
    fresh = {
        "number": f"{contract.number}-R",
        "start": contract.end.isoformat(),
        "end": end.isoformat(),
        "renewal_at": end.isoformat() if contract.renewal_at else None,
        "version": 1,
    }
    document = {**to_document(contract), **fresh}
    if contract.schedule is Schedule.CUSTOM:
        document |= {"schedule": Schedule.ANNUAL.value, "custom": []}
    return from_document({**document, **changes})
