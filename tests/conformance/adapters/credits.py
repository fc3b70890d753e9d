"""What does prepaid credit pay, and what is left of it? By the credit ledger, and by the calculator."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Final

from billing import credits
from billing.credits import Charge, Entry, EntryKind, Grant, GrantKind, Overage
from billing.money import Money
from tests.conformance.adapters import times
from tests.conformance.adapters.given import Adapter, Given, text
from tests.conformance.answers import ask, one

START: Final = times.instant("2026-01-01")
CHARGE_AT: Final = START + timedelta(days=1)
MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def _money(value: object) -> Money:
    return Money.parse(text(value), "USD")


def burn_down(given: Given) -> Mapping[str, object]:
    grants = [_grant(row, index) for index, row in enumerate(given["grants"])]
    usage = given.first("charge", "usage", default=[])
    charges = _charges(usage) if isinstance(usage, list) else [Charge("charge", _money(usage), CHARGE_AT)]
    last = max([CHARGE_AT, *(charge.at for charge in charges), *(grant.granted_at for grant in grants)])
    overage = Overage.FORGOTTEN if given.says("not preserved", "reset") else Overage.PRESERVED
    ledger = credits.replayed(grants, charges, overage, last)
    left = {grant.id: credits.left_of(grant, ledger).exact for grant in grants}
    drawn = {grant.id: grant.amount.exact - left[grant.id] for grant in grants}
    whole = sum((charge.amount.exact for charge in charges), Fraction(0))
    return {
        "balances": list(left.values()),
        "balance": sum(left.values(), Fraction(0)),
        "consumed": drawn,
        "overage": whole - sum(drawn.values(), Fraction(0)),
    }


def _grant(row: Mapping[str, Any], index: int) -> Grant:
    granted_at = _moment(row.get("effective", "t0")) if "effective" in row else START
    kind = GrantKind.PROMOTIONAL if row.get("kind") == "promotional" else GrantKind.PAID
    expires = row.get("expires")
    return Grant(
        str(row.get("id", index)),
        _money(row["amount"]),
        granted_at,
        int(row.get("priority", 1)),
        None if expires is None else _expiry(str(expires)),
        kind,
    )


def _charges(rows: Sequence[Any]) -> list[Charge]:
    return [Charge(f"charge {index}", _money(row[1]), _moment(row[0])) for index, row in enumerate(rows)]


def _moment(name: str) -> datetime:
    """Return the instant of "before t0", "t0" or "after t0", t0 being a day after the start of time."""
    words, number = name.lower(), re.search(r"\d+", name)
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
    number = re.fullmatch(r"t(\d+)", words)
    return CHARGE_AT + timedelta(days=int(number[1])) if number else times.instant(name)


def credit_then_invoice(given: Given) -> Mapping[str, object]:
    price = {"model": "UNIT", "unit": text(given["charge"])}
    entry = one(price, quantity={"kind": "FLAT"}, measured={"quantity": "1"})
    found = ask([entry], credit=text(given["credit_balance"]))
    return {"credits_applied": found.credit.exact, "invoiced": found.due.exact}


def pending(given: Given) -> Mapping[str, object]:
    grant = Grant("grant", _money(given["settled"]), START)
    open_charges = _money(given.first("open_charges", default=0))
    found = credits.balance(
        (grant,), credits.granted((grant,)), currency="USD", at=CHARGE_AT, open_charges=open_charges
    )
    return {"settled_balance": found.settled.exact, "pending_balance": found.pending.exact}


def history(given: Given) -> Mapping[str, object]:
    """Fold the ledger after each event."""
    grants, charges, balances = list[Grant](), list[Charge](), list[Fraction]()
    expires = [_at(event[0]) for event in given["events"] if event[1] == "expire"]
    for index, event in enumerate(given["events"]):
        at = _at(event[0])
        match event[1]:
            case "grant":
                ends = min((end for end in expires if end > at), default=None)
                grants.append(Grant(str(index), _money(event[2]), at, expires_at=ends))
            case "use":
                charges.append(Charge(str(index), _money(event[2]), at))
        ledger = credits.replayed(grants, charges, Overage.FORGOTTEN, at)
        balances.append(credits.balance(grants, ledger, currency="USD", at=at).settled.exact)
    return {"balance": balances}


def _at(name: str) -> datetime:
    return START + timedelta(days=int(name.lstrip("Tt")))


def drawdown(given: Given) -> Mapping[str, object]:
    ends = CHARGE_AT + timedelta(days=30)
    grant = Grant("prepaid", _money(given["prepaid"]), START, expires_at=ends)
    charges = (Charge("use", _money(given["consumed"]), CHARGE_AT),)
    at = ends if given.first("validity_ended", default=False) else CHARGE_AT
    ledger = credits.replayed((grant,), charges, Overage.FORGOTTEN, at)
    return {
        "expired": -sum((_of(entry) for entry in ledger if entry.kind is EntryKind.EXPIRED), Fraction(0)),
        "remaining": credits.left_of(grant, ledger).exact,
        "overage": max(Fraction(0), charges[0].amount.exact - grant.amount.exact),
    }


def _of(entry: Entry) -> Fraction:
    return entry.amount.exact


ADAPTERS: Final[Mapping[str, Adapter]] = {
    "credit_burn_down": burn_down,
    "credit_then_invoice": credit_then_invoice,
    "settled_vs_pending": pending,
    "credit_history": history,
    "prepaid_drawdown": drawdown,
}
