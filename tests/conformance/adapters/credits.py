"""What does prepaid credit pay, and what is left of it? Granted, drawn by invoices and expired in a sandbox.

The calendar of a case is laid on the months of a sandbox in its own order: a charge is usage of the month that runs,
billed when the month ends, and what expires between two charges expires in the month between them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import IntEnum
from fractions import Fraction
from itertools import pairwise, zip_longest
from typing import Any, Final

from billing.periods import add_months
from tests.conformance.adapters import times
from tests.conformance.adapters.given import Adapter, Document, Given, text
from tests.conformance.answers import Unsupported
from tests.conformance.house import Sandbox, a_meter, a_plan

START: Final = times.instant("2026-01-01")
CHARGE_AT: Final = START + timedelta(days=1)
RECURS_MAX: Final = 8
"""How many days of a case may have a grant of their own."""

KNOWN: Final = frozenset(
    {
        "id",
        "amount",
        "priority",
        "kind",
        "effective",
        "expires",
        "expires_at",
        "recurrence",
        "recurring",
        "voided",
        "deleted",
    }
)
MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
OPENED: Final = times.instant("2026-01-01")
LATE_IN_MONTH: Final = timedelta(days=20)
"""When in its month something expires: after what is granted and used in it, before it ends."""


class Kind(IntEnum):
    """What happens, in the order of one and the same instant."""

    EXPIRY = 0
    GRANT = 1
    CHARGE = 2


@dataclass(frozen=True, slots=True)
class Happening:
    """Something at an instant of the case."""

    at: datetime
    kind: Kind
    amount: Fraction = Fraction(0)
    name: str = ""
    priority: int = 50
    expires: datetime | None = None
    is_paid: bool = True


@dataclass(slots=True)
class Purse:
    """A sandbox whose usage costs what a case charges, and the credit it was granted."""

    sandbox: Sandbox
    member: str
    currency: str
    now: datetime = OPENED
    grants: dict[str, str] = field(default_factory=dict)

    def grant(self, given: Happening, expires_at: datetime | None) -> None:
        """Grant credit; of nothing there is no grant."""
        if not given.amount:
            return
        if self.grants:  # the older one is drawn first
            self.go(self.now + timedelta(minutes=1))
        found = self.sandbox.do(
            "grantCredit",
            "creditGrant { id }",
            amount={"amount": text(given.amount), "currency": self.currency},
            reason=given.name or "case",
            kind="PAID" if given.is_paid else "PROMOTIONAL",
            priority=given.priority,
            expiresAt=expires_at and expires_at.isoformat(),
        )
        self.grants[given.name] = found["creditGrant"]["id"]

    def use(self, amount: Fraction) -> None:
        """Use as much as costs `amount`."""
        self.sandbox.use(self.member, amount)

    def end_month(self) -> None:
        """Let the month end, so that what was used is billed and draws what it can."""
        self.go(add_months(self.now.replace(day=1, hour=0, minute=0), 1, "UTC"))

    def go(self, to: datetime) -> None:
        """Move the clock."""
        if to > self.now:
            self.sandbox.advance(to, paying=True)
            self.now = to

    @property
    def settled(self) -> Fraction:
        """What the next invoice can draw."""
        return _of(self.sandbox.ask("creditBalance { amount }")["creditBalance"])

    @property
    def pending(self) -> Fraction:
        """What is left of it once what runs is billed."""
        return _of(self.sandbox.ask("pendingCreditBalance { amount }")["pendingCreditBalance"])

    def left(self) -> dict[str, Fraction]:
        """Return what is left of each grant."""
        found = self.sandbox.ask("creditGrants(first: 100) { nodes { id remaining { amount } } }")
        by_id = {grant["id"]: _of(grant["remaining"]) for grant in found["creditGrants"]["nodes"]}
        return {name: by_id[grant_id] for name, grant_id in self.grants.items()}

    def moved(self, kind: str) -> dict[str, Fraction]:
        """Return by how much the entries of a kind moved each grant."""
        found = self.sandbox.ask("creditEntries(first: 100) { nodes { kind amount { amount } grant { id } } }")
        names = {grant_id: name for name, grant_id in self.grants.items()}
        sums: dict[str, Fraction] = {}
        for entry in found["creditEntries"]["nodes"]:
            if entry["kind"] == kind:
                name = names[entry["grant"]["id"]]
                sums[name] = sums.get(name, Fraction(0)) + _of(entry["amount"])
        return sums

    @property
    def owed(self) -> Fraction:
        """What the invoices bill beyond the credit they drew."""
        invoices = self.sandbox.invoices()
        return sum((_of(invoice["total"]) - _of(invoice["credits"]) for invoice in invoices), Fraction(0))


def a_purse(given: Given) -> Purse:
    """Open a sandbox with a member who can use any amount."""
    sandbox = given.house.sandbox(a_plan(a_meter(), currency=given.currency), at=OPENED)
    (member,) = sandbox.people(["user"])
    return Purse(sandbox, member, given.currency)


def burn_down(given: Given) -> Mapping[str, object]:
    granted = [each for index, row in enumerate(given["grants"]) for each in _granted_each(row, index)]
    usage = given.first("charge", "charges", "usage", default=[])
    charged = _charges(usage) if isinstance(usage, list) else [Happening(CHARGE_AT, Kind.CHARGE, Fraction(str(usage)))]
    end = max((each.at for each in charged), default=CHARGE_AT)
    granted = [each for each in granted if each.at <= end or "@" not in each.name]
    purse = a_purse(given)
    forgets = given.says("not preserved", "reset")
    _live(purse, [*granted, *charged], keeps_open=not forgets)
    left, drawn = purse.left(), purse.moved("DRAWN")
    names = [each.name for each in granted if "@" not in each.name]
    return {
        "balances": [left.get(name, Fraction(0)) for name in names],
        "balance": purse.settled,
        "consumed": {name: -drawn.get(name, Fraction(0)) for name in names},
        "overage": purse.owed,
    }


def _live(purse: Purse, happenings: Sequence[Happening], *, keeps_open: bool) -> None:
    """Let everything happen in order.

    A charge that credit does not cover stays open while a grant is still to come, where overage is kept for it: the
    month then ends after that grant, and bills all of it at once.
    """
    expiries = {each.expires for each in happenings if each.expires is not None}
    last = max(each.at for each in happenings)
    timeline = sorted(
        [*happenings, *(Happening(at, Kind.EXPIRY) for at in expiries)], key=lambda each: (each.at, each.kind)
    )
    dates, is_open = _dates(timeline), False
    for each, following in zip_longest(timeline, timeline[1:]):
        match each.kind:
            case Kind.EXPIRY if each.at <= last:
                purse.go(dates[each.at])
            case Kind.GRANT:
                purse.grant(each, each.expires and dates[each.expires])
            case Kind.CHARGE:
                purse.use(each.amount)
                is_open = True
        if not is_open or (following and (following.at, following.kind) == (each.at, Kind.GRANT)):
            continue
        coming = any(later.kind is Kind.GRANT and later.at > each.at for later in timeline)
        if not (keeps_open and coming and purse.pending < 0):
            purse.end_month()
            is_open = False


def _dates(timeline: Sequence[Happening]) -> dict[datetime, datetime]:
    """Return when in the sandbox each expiry falls: in the month after the charges before it, hour by hour."""
    found: dict[datetime, datetime] = {}
    charges, in_month = 0, 0
    for each in timeline:
        if each.kind is Kind.CHARGE:
            charges, in_month = charges + 1, 0
        elif each.kind is Kind.EXPIRY and each.at not in found:
            found[each.at] = add_months(OPENED, charges, "UTC") + LATE_IN_MONTH + timedelta(hours=in_month)
            in_month += 1
    return found


def _granted(row: Mapping[str, Any], index: int) -> Happening:
    expires = row.get("expires", row.get("expires_at"))
    if str(expires).lower() in ("never", "none"):
        expires = None
    return Happening(
        _moment(str(row["effective"])) if row.get("effective") is not None else START,
        Kind.GRANT,
        Fraction(str(row["amount"])),
        str(row.get("id", index)),
        int(row.get("priority", 1)),
        None if expires is None else _expiry(str(expires)),
        row.get("kind") != "promotional",
    )


def _granted_each(row: Mapping[str, Any], index: int) -> list[Happening]:
    """Return the grants of a row: one, or one for each day of a case where it is granted anew and the old one ends."""
    first = _granted(row, index)
    if unknown := set(row) - KNOWN:
        raise Unsupported(f"a grant has {', '.join(sorted(unknown))}, which nothing reads")
    if row.get("recurrence", row.get("recurring")) is None:
        return [first]
    often = str(row.get("recurrence", row.get("recurring"))).lower()
    if often not in ("daily", "day"):
        raise Unsupported(f"a grant recurs {often!r}")
    starts = [first.at.replace(hour=0, minute=0) + timedelta(days=day) for day in range(RECURS_MAX)]
    starts[0] = first.at
    return [
        replace(first, at=at, name=f"{first.name}@{place}" if place else first.name, expires=following)
        for place, (at, following) in enumerate(pairwise(starts))
    ]


def _charges(rows: Sequence[Any]) -> list[Happening]:
    pairs = [row if isinstance(row, list) else [f"t{index}", row] for index, row in enumerate(rows)]
    return [Happening(_moment(str(at)), Kind.CHARGE, Fraction(str(amount))) for at, amount in pairs]


def _moment(name: str) -> datetime:
    """Return the instant of "before t0", "t0" or "after t0", t0 being a day after the start of time, or of a date."""
    words, number = name.lower(), re.search(r"\d+", name)
    if re.match(r"\d{4}-\d\d-\d\d", name):
        return times.instant(name)
    at = CHARGE_AT + timedelta(days=int(number[0]) if number else 0)
    if "before" in words:
        return at - timedelta(hours=1)
    return at + timedelta(hours=1) if "after" in words else at


def _expiry(name: str) -> datetime:
    """Return when credit expires: sooner, later, T10, a date or a day such as Sep 1."""
    words = name.lower()
    if words in ("sooner", "later"):
        return CHARGE_AT + timedelta(days=10 if words == "sooner" else 20)
    if words[:3] in MONTHS:
        return START.replace(month=MONTHS.index(words[:3]) + 1, day=int(words.split()[1]))
    return times.instant(name) if "-" in name else _moment(name)


def credit_then_invoice(given: Given) -> Mapping[str, object]:
    purse = a_purse(given)
    purse.grant(Happening(START, Kind.GRANT, Fraction(given.amount("credit_balance", "credits"))), None)
    purse.use(Fraction(given.amount("charge", "usage", "invoice")))
    purse.end_month()
    drawn = -sum(purse.moved("DRAWN").values(), Fraction(0))
    return {
        "credits_applied": drawn,
        "invoiced": purse.owed,
        "remaining": purse.settled,
        "balance": purse.settled,
        "credit_balance": purse.settled,
    }


def pending(given: Given) -> Mapping[str, object]:
    purse = a_purse(given)
    purse.grant(Happening(START, Kind.GRANT, Fraction(given.amount("settled"))), None)
    purse.use(Fraction(given.amount("open_charges", default="0")))
    return {"settled_balance": purse.settled, "pending_balance": purse.pending}


def history(given: Given) -> Mapping[str, object]:
    """Look at the balance after each event."""
    events = [(_moment(str(event[0])), *event[1:]) for event in given["events"]]
    expiring = sorted(at for at, what, *_ in events if what in ("expire", "expiry"))
    happenings = [Happening(at, _kind_of(what), Fraction(str(rest[0] if rest else 0))) for at, what, *rest in events]
    dates = _dates(sorted(happenings, key=lambda each: (each.at, each.kind)))
    purse, balances = a_purse(given), list[Fraction]()
    for place, each in enumerate(happenings):
        match each.kind:
            case Kind.EXPIRY:
                purse.go(dates[each.at])
            case Kind.GRANT:
                ends = next((at for at in expiring if at > each.at), None)
                named = Happening(each.at, each.kind, each.amount, str(place))
                purse.grant(named, ends and dates[ends])
            case Kind.CHARGE:
                purse.use(each.amount)
                purse.end_month()
        balances.append(purse.settled)
    return {"balance": balances}


def _kind_of(word: str) -> Kind:
    match word:
        case "grant" | "topup" | "top_up" | "add":
            return Kind.GRANT
        case "use" | "usage" | "charge" | "consume":
            return Kind.CHARGE
        case "expire" | "expiry":
            return Kind.EXPIRY
        case _:
            raise Unsupported(f"credit has no event {word!r}")


def drawdown(given: Given) -> Mapping[str, object]:
    purse = a_purse(given)
    ends = add_months(OPENED, 1, "UTC") + LATE_IN_MONTH
    purse.grant(Happening(START, Kind.GRANT, Fraction(given.amount("prepaid")), "prepaid"), ends)
    purse.use(Fraction(given.amount("consumed", default="0")))
    purse.end_month()
    if given.first("validity_ended", default=False):
        purse.go(ends)
    return {
        "expired": -sum(purse.moved("EXPIRED").values(), Fraction(0)),
        "remaining": purse.settled,
        "overage": purse.owed,
    }


def _of(money: Document) -> Fraction:
    return Fraction(money["amount"])


ADAPTERS: Final[Mapping[str, Adapter]] = {
    "credit": burn_down,
    "credit_burn_down": burn_down,
    "credit_then_invoice": credit_then_invoice,
    "settled_vs_pending": pending,
    "credit_history": history,
    "prepaid": drawdown,
    "prepaid_drawdown": drawdown,
}
