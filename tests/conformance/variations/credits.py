"""More credit: spent one cent at a time from whichever grant comes first."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tests.conformance.variations.figures import Given, Made, dice

Found = Iterator[tuple[Given, Given, str]]


def burns() -> Found:
    chance = dice("burns")
    for _ in range(6):
        grants: list[dict[str, Any]] = [
            {
                "id": name,
                "priority": chance.randint(1, 2),
                "expires": chance.choice((None, "T10", "T20")),
                "kind": chance.choice(("paid", "promotional")),
                "amount": chance.randint(1, 60),
            }
            for name in "ABC"
        ]
        charge = chance.randint(0, 150)
        consumed = _burnt(grants, charge)
        left = [each["amount"] - consumed[each["id"]] for each in grants]
        expected = {"consumed": consumed, "balances": left, "overage": charge - sum(consumed.values())}
        yield {"grants": grants, "charge": charge}, expected, ""
    two = [{"amount": 100, "expires": "sooner"}, {"amount": 100, "expires": "later"}]
    for usage in (0, 100, 101, 201):
        left = [max(0, 100 - usage), min(100, max(0, 200 - usage))]
        yield {"grants": two, "usage": usage}, {"balances": left}, "earlier expiry first"


def _burnt(grants: Sequence[Mapping[str, Any]], charge: int) -> dict[str, int]:
    """Take one unit after another from the grant that comes first of those that have one."""
    left = {each["id"]: each["amount"] for each in grants}
    taken = dict.fromkeys(left, 0)
    for _ in range(charge):
        having = [each for each in grants if left[each["id"]]]
        if not having:
            break
        first = having[0]
        for other in having[1:]:
            if _before(other, first):
                first = other
        left[first["id"]] -= 1
        taken[first["id"]] += 1
    return taken


def _before(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether a grant is drawn sooner: by priority, expiry, being a gift, age."""
    if one["priority"] != other["priority"]:
        return bool(one["priority"] < other["priority"])
    ends, others = (each["expires"] or "T99" for each in (one, other))
    if ends != others:
        return bool(ends < others)
    return one["kind"] == "promotional" and other["kind"] != "promotional"


def overages() -> Found:
    grant = [{"amount": 100, "effective": "t0"}]
    for before, after in ((25, 25), (40, 0), (60, 60)):
        usage = [["before t0", before], ["after t0", after]]
        yield {"grants": grant, "usage": usage}, {"balance": max(0, 100 - before - after)}, "overage is preserved"
        yield {"grants": grant, "usage": usage}, {"balance": max(0, 100 - after)}, "overage is not preserved"


def invoices() -> Found:
    for charge, credit in (
        (100, 40),
        (40, 100),
        (100, 100),
        (100, 0),
        (0, 40),
        (1, 2),
        (2, 1),
        (99, 98),
        (10, 9),
        (7, 7),
    ):
        drawn = min(charge, credit)
        given = {"charge": str(charge), "credit_balance": str(credit)}
        yield given, {"credits_applied": str(drawn), "invoiced": str(charge - drawn)}, ""


def pendings() -> Found:
    for settled, charges in (
        (100, 25),
        (100, 0),
        (100, 100),
        (100, 120),
        (0, 0),
        (0, 5),
        (1, 1),
        (50, 49),
        (7, 3),
        (10, 1),
    ):
        expected = {"settled_balance": settled, "pending_balance": settled - charges}
        yield {"settled": settled, "open_charges": charges}, expected, ""


def histories() -> Found:
    chance = dice("histories")
    for _ in range(10):
        events: list[list[Any]] = []
        balances, balance = list[int](), 0
        for step, what in enumerate((*chance.choices(("grant", "use"), k=3), "expire", "grant")):
            amount = chance.randint(1, 50)
            if what == "grant":
                balance += amount
            else:
                balance = 0 if what == "expire" else max(0, balance - amount)
            events.append([f"T{step}", what, *([] if what == "expire" else [amount])])
            balances.append(balance)
        yield {"events": events}, {"balance": balances}, ""


def drawdowns() -> Found:
    for prepaid, consumed, ended in (
        (1200, 800, True),
        (1200, 800, False),
        (1200, 1200, True),
        (1200, 1300, False),
        (1200, 1300, True),
        (1200, 0, True),
        (1200, 0, False),
        (1, 1, False),
        (500, 499, True),
        (10, 20, True),
    ):
        left = max(0, prepaid - consumed)
        expected = {
            "expired": left if ended else 0,
            "remaining": 0 if ended else left,
            "overage": max(0, consumed - prepaid),
        }
        yield {"prepaid": prepaid, "consumed": consumed, "validity_ended": ended}, expected, ""


KINDS: Final[dict[str, Made]] = {
    "credit_burn_down": burns,
    "credit_burn_down_overage": overages,
    "credit_then_invoice": invoices,
    "settled_vs_pending": pendings,
    "credit_history": histories,
    "prepaid_drawdown": drawdowns,
}
