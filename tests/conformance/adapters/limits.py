"""Which limit binds, and which amounts were passed? Members of a sandbox spend, and their limits are asked."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from billing import holds, limits
from billing.holds import Account, Late, Outcome
from billing.limits import Precedence
from tests.conformance.adapters import times
from tests.conformance.adapters.given import Adapter, Document, Given, cents, text
from tests.conformance.answers import Unsupported
from tests.conformance.house import Sandbox, a_meter, a_plan

TIERS: Final = tuple({"key": key, "name": {"en": key}, "includes": []} for key in ("tier", "other"))
SCOPES: Final = {"ORGANIZATION": "organization", "SEAT_TIER": "tier", "MEMBER": "individual"}
BOUND: Final = "99999999"
"""A cap that nothing in a case reaches."""


def a_spending(given: Given) -> Sandbox:
    """Open a sandbox whose members can use any amount."""
    plan = a_plan(a_meter(), currency=given.currency, tiers=list(TIERS))
    return given.house.sandbox(plan, at=times.instant("2026-10-01"))


def hierarchy(given: Given) -> Mapping[str, object]:
    """Let the member spend their part, somebody of their tier the tier's, and somebody of another tier the rest."""
    caps, spent = given["limits"], given["spent"]
    if given.first("held"):
        raise Unsupported("held spend beside spent")
    sandbox = a_spending(given)
    member, colleague, stranger = (
        sandbox.people([name], tier=tier)[0]
        for name, tier in (("member", "tier"), ("colleague", "tier"), ("stranger", "other"))
    )
    own = _amount(spent.get("individual"))
    tier = _amount(spent.get("tier_pool"), own)
    whole = _amount(spent.get("organization"), tier)
    if not own <= tier <= whole:
        raise Unsupported("a member who spent more than the tier, or a tier more than the organization")
    for who, amount in ((member, own), (colleague, tier - own), (stranger, whole - tier)):
        sandbox.use(who, amount, overage="RECORD")
    places: tuple[tuple[str, Document], ...] = (
        ("organization", {"level": "ORGANIZATION"}),
        ("tier_pool", {"level": "SEAT_TIER", "tier": "tier", "scope": "POOLED"}),
        ("individual", {"level": "MEMBER", "memberId": member}),
    )
    for name, place in places:
        if caps.get(name) is not None:
            sandbox.do("setSpendLimit", amount={"amount": text(caps[name]), "currency": given.currency}, **place)
    found = sandbox.member(member, "effectiveLimit { bindingLevel amount { amount } remaining { amount } }")
    limit = found["effectiveLimit"]
    left = limit["remaining"] and max(Fraction(0), Fraction(limit["remaining"]["amount"]))
    return {"headroom": left, "binding_scope": limit["bindingLevel"] and SCOPES[limit["bindingLevel"]]}


def _amount(written: object, default: Fraction = Fraction(0)) -> Fraction:
    return default if written is None else Fraction(str(written))


def alerts(given: Given) -> Mapping[str, object]:
    """Cap a member at each amount, let all of them use the same, and see whose limit is reached by each step.

    A step that recurs is an amount at every multiple that the usage of the case can reach.
    """
    path = [Fraction(str(total)) / 100 for total in given["usage_path_cents"]]
    start = Fraction(str(given.first("start_cents", default=0))) / 100
    caps = _thresholds(given, max([start, *path]))
    sandbox = a_spending(given)
    people = sandbox.people([f"p{number}" for number in range(len(caps))], tier="tier")
    for member in people:
        sandbox.use(member, start, overage="RECORD")
    for member, cap in zip(people, caps, strict=True):
        if cap > start:
            amount = {"amount": text(cap), "currency": given.currency}
            sandbox.do("setSpendLimit", level="MEMBER", memberId=member, amount=amount, thresholds=[100])
    crossed, reached = list[list[int]](), 0
    for total in path:
        for member in people:
            sandbox.use(member, max(Fraction(0), total - start), overage="RECORD")
        start = max(start, total)
        found = sandbox.ask("limitAlerts(first: 100) { nodes { cap { amount } } }")["limitAlerts"]["nodes"]
        amounts = [int(Fraction(alert["cap"]["amount"]) * 100) for alert in found]
        crossed.append(sorted(amounts)[reached:] if total else [])
        reached = len(amounts)
    return {"crossed": crossed}


def _thresholds(given: Given, highest: Fraction) -> list[Fraction]:
    amounts = [Fraction(cents(amount)) for amount in given.first("thresholds_cents", default=[])]
    if amounts != sorted(set(amounts)) or any(amount <= 0 for amount in amounts):
        raise ValueError("the amounts must rise from above 0, each once")
    step = given.first("recurring_cents", "recurring_threshold_cents")
    last = max(amounts, default=Fraction(0))
    if step is not None:
        every = Fraction(cents(step))
        amounts += [last + every * count for count in range(1, max(0, int((highest - last) // every)) + 1)]
    return amounts


def precedence(given: Given) -> Mapping[str, object]:
    caps = [(name, None if cap is None else int(Fraction(str(cap)) * 100)) for name, cap in given.input.items()]
    rule = Precedence.TIGHTEST if given.says("tightest", "minimum binds") else Precedence.MOST_SPECIFIC
    found = limits.governing(caps, rule)
    return {"effective": found and Fraction(found[1], 100), "source": found and found[0]}


def reservation(given: Given) -> Mapping[str, object]:
    account = Account(_cents(given["limit"]))
    if "concurrent_requests" in given:
        return _concurrent(account, int(given["concurrent_requests"]), _cents(given["estimate_each"]))
    results: dict[str, object] = {}
    late = Late.RECORDED if given.says("late usage is recorded") else Late.REJECTED
    for operation in given["operations"]:
        account, outcome = _operate(account, operation, late)
        verb, hold_id = operation[0], operation[1]
        results[verb] = outcome.value.lower()
        if verb == "reserve":
            results[hold_id] = outcome.value.lower()
    return {
        **results,
        "held": Fraction(account.held, 100),
        "settled": Fraction(account.settled, 100),
        "available": Fraction(account.free, 100),
        "remaining": Fraction(account.free, 100),
    }


def _concurrent(account: Account, requests: int, each: int) -> Mapping[str, object]:
    outcomes: list[Outcome] = []
    for number in range(requests):
        account, outcome = holds.reserve(account, str(number), each)
        outcomes.append(outcome)
    counts = {
        name: outcomes.count(outcome) for name, outcome in (("granted", Outcome.GRANTED), ("denied", Outcome.DENIED))
    }
    return {**counts, "held": Fraction(account.held, 100)}


def _operate(account: Account, operation: Sequence[Any], late: Late) -> tuple[Account, Outcome]:
    match operation:
        case ["reserve", hold_id, amount, *_]:
            return holds.reserve(account, hold_id, _cents(amount))
        case ["settle", hold_id, amount, *_]:
            return holds.settle(account, hold_id, _cents(amount), late)
        case ["release", hold_id, *_]:
            return holds.release(account, hold_id)
        case ["expire", hold_id, *_]:
            return holds.expire(account, hold_id)
        case _:
            raise Unsupported(f"a hold has no operation {operation!r}")


def _cents(amount: object) -> int:
    return int(Fraction(str(amount)) * 100)


ADAPTERS: Final[Mapping[str, Adapter]] = {
    "spend_limit_hierarchy": hierarchy,
    "limit_precedence": precedence,
    "reservation": reservation,
    "alert_thresholds": alerts,
}
