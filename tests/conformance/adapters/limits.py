"""Which limit binds, what may be reserved, and which thresholds were passed? By the rules of limits and holds."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from billing import holds, limits
from billing.holds import Account, Late, Outcome
from billing.limits import Counter, Limit, Precedence, SpendLevel, TierScope
from billing.money import NANOS_PER_MAJOR
from billing.thresholds import Thresholds, passed
from tests.conformance.adapters.given import Adapter, Given

LEVELS: Final = {
    "organization": SpendLevel.ORGANIZATION,
    "tier_pool": SpendLevel.SEAT_TIER,
    "individual": SpendLevel.MEMBER,
}
SCOPES: Final = {
    SpendLevel.ORGANIZATION: "organization",
    SpendLevel.SEAT_TIER: "tier",
    SpendLevel.MEMBER: "individual",
}


def hierarchy(given: Given) -> Mapping[str, object]:
    caps, spent, held = given["limits"], given["spent"], given.first("held", default={})
    known = [
        Limit(name, level, name, TierScope.POOLED, _nanos(caps[name]), 1)
        for name, level in LEVELS.items()
        if caps.get(name) is not None
    ]
    counters = [
        Counter(level, name, _nanos(spent.get(name) or "0"), _nanos(held.get(name) or "0"))
        for name, level in LEVELS.items()
    ]
    gates = limits.gates(known, counters, organization_id="organization", tier="tier_pool", member_id="individual")
    found = limits.effective(gates)
    left = None if found.remaining_nanos is None else Fraction(found.remaining_nanos, NANOS_PER_MAJOR)
    return {"headroom": left, "binding_scope": found.binding and SCOPES[found.binding.level]}


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
            raise ValueError(f"{operation!r} is no operation")


def alerts(given: Given) -> Mapping[str, object]:
    thresholds = Thresholds(
        tuple(given["thresholds_cents"]), given.first("recurring_cents", "recurring_threshold_cents")
    )
    before, crossed = int(given.first("start_cents", default=0)), list[list[int]]()
    for usage in given["usage_path_cents"]:
        crossed.append(list(passed(thresholds, before, usage)))
        before = max(before, usage)
    return {"crossed": crossed}


def _nanos(amount: object) -> int:
    return int(Fraction(str(amount)) * NANOS_PER_MAJOR)


def _cents(amount: object) -> int:
    return int(Fraction(str(amount)) * 100)


ADAPTERS: Final[Mapping[str, Adapter]] = {
    "spend_limit_hierarchy": hierarchy,
    "limit_precedence": precedence,
    "reservation": reservation,
    "alert_thresholds": alerts,
}
