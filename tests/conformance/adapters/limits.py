"""Which limit binds, and which amounts were passed? Members of a sandbox spend, and their limits are asked."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from billing import holds
from billing.holds import Account, Late, Outcome
from tests.conformance.adapters import times
from tests.conformance.adapters.given import Adapter, Document, Given, cents, text
from tests.conformance.answers import Unsupported
from tests.conformance.house import Sandbox, a_meter, a_plan

TIERS: Final = tuple({"key": key, "name": {"en": key}, "includes": []} for key in ("tier", "other"))
LEVELS: Final = {
    "org": "organization",
    "tier": "tier_pool",
    "pool": "tier_pool",
    "member": "individual",
    "user": "individual",
}
SCOPES: Final = {"ORGANIZATION": "organization", "SEAT_TIER": "tier", "MEMBER": "individual"}


PIECE: Final = 9
"""How many repeats one use may reach."""


def a_spending(given: Given) -> Sandbox:
    """Open a sandbox whose members can use any amount."""
    plan = a_plan(a_meter(), currency=given.currency, tiers=list(TIERS))
    return given.house.sandbox(plan, at=times.instant("2026-10-01"))


def hierarchy(given: Given) -> Mapping[str, object]:
    """Let the member spend their part, somebody of their tier the tier's, and somebody of another tier the rest."""
    caps, spent, held = (_by_level(given.first(name, default={})) for name in ("limits", "spent", "held"))
    sandbox = a_spending(given)
    member, colleague, stranger = (
        sandbox.people([name], tier=tier)[0]
        for name, tier in (("member", "tier"), ("colleague", "tier"), ("stranger", "other"))
    )
    if held:
        raise Unsupported("held spend beside spent")
    for who, used in zip((member, colleague, stranger), _shared(spent), strict=True):
        sandbox.use(who, used, overage="RECORD")
    places: tuple[tuple[str, Document], ...] = (
        ("organization", {"level": "ORGANIZATION"}),
        ("tier_pool", {"level": "SEAT_TIER", "tier": "tier", "scope": "POOLED"}),
        ("individual", {"level": "MEMBER", "memberId": member}),
    )
    for name, place in places:
        if caps.get(name) is not None:
            sandbox.do("setSpendLimit", amount=_money(given, caps[name]), **place)
    found = sandbox.member(member, "effectiveLimit { bindingLevel amount { amount } remaining { amount } }")
    limit = found["effectiveLimit"]
    left = limit["remaining"] and max(Fraction(0), Fraction(limit["remaining"]["amount"]))
    return {"headroom": left, "binding_scope": limit["bindingLevel"] and SCOPES[limit["bindingLevel"]]}


def _by_level(amounts: Mapping[str, Any]) -> Mapping[str, Any]:
    return {LEVELS.get(name, name): amount for name, amount in amounts.items()}


def _shared(amounts: Mapping[str, Any]) -> tuple[Fraction, Fraction, Fraction]:
    """Return what the member, the others of the tier and the others of the organization stand for."""
    own = _amount(amounts.get("individual"))
    tier = _amount(amounts.get("tier_pool"), own)
    whole = _amount(amounts.get("organization"), tier)
    if not own <= tier <= whole:
        raise Unsupported("a member above the tier, or a tier above the organization")
    return own, tier - own, whole - tier


def _amount(written: object, default: Fraction = Fraction(0)) -> Fraction:
    return default if written is None else Fraction(str(written))


def alerts(given: Given) -> Mapping[str, object]:
    """Be told when the spend of an organization without a cap reaches an amount; each step adds to the spend."""
    sandbox = a_spending(given)
    (member,) = sandbox.people(["member"], tier="tier")
    spent = _of_cents(given.first("start_cents", default=0))
    sandbox.use(member, spent)
    step = given.first("recurring_cents", "recurring_threshold_cents")
    amounts = [_money(given, cents(amount)) for amount in given.first("thresholds_cents", default=[])]
    sandbox.do(
        "setSpendLimit",
        level="ORGANIZATION",
        unlimited=True,
        kind="NOTIFY",
        amountThresholds=amounts,
        repeatEvery=None if step is None else {"amount": _money(given, cents(step))},
    )
    crossed: list[list[int]] = []
    known = _told(sandbox)
    for total in map(_of_cents, given["usage_path_cents"]):
        more = max(Fraction(0), total - spent)
        while more > 0:  # of a leap over many repeats only the last ones are told
            piece = more if step is None else min(more, _of_cents(step) * PIECE)
            sandbox.use(member, piece)
            more -= piece
        spent, before, known = max(spent, total), known, _told(sandbox)
        crossed.append(sorted(known - before))
    return {"crossed": crossed}


def _told(sandbox: Sandbox) -> set[int]:
    """Return the amounts that alerts were raised for, in cents."""
    told, after = set[int](), None
    while True:
        selection = "limitAlerts(first: 100, after: $after) { nodes { thresholdAmount { amount } } pageInfo { %s } }"
        found = sandbox.ask(selection % "hasNextPage endCursor", "$after: String", after=after)["limitAlerts"]
        told |= {int(Fraction(alert["thresholdAmount"]["amount"]) * 100) for alert in found["nodes"]}
        if not found["pageInfo"]["hasNextPage"]:
            return told
        after = found["pageInfo"]["endCursor"]


def precedence(given: Given) -> Mapping[str, object]:
    """Limit what each member of a tier may spend, and one of them; which of these holds?

    A wider limit is what the tier allows everybody in it until a more specific one is set there; the most specific is
    the member's own, which stands instead of the tier's, or within all of them where the tightest is to bind.
    """
    names = [name for name in given.input if given[name] is not None]
    sandbox = a_spending(given)
    (member,) = sandbox.people(["member"], tier="tier")
    own = {"level": "MEMBER", "memberId": member}
    each = {"level": "SEAT_TIER", "tier": "tier", "scope": "PER_MEMBER"}
    all_of_them = ({"level": "ORGANIZATION"}, each, {**own, "override": "WITHIN"})
    tightest = given.says("tightest", "minimum binds")
    by_level: dict[str, str] = {}
    for place, name in enumerate(given.input):
        if name not in names:
            continue
        is_own = place == len(given.input) - 1
        where = all_of_them[place] if tightest else {**own, "override": "INSTEAD"} if is_own else each
        sandbox.do("setSpendLimit", amount=_money(given, given[name]), **where)
        by_level[where["level"]] = name
    limit = sandbox.member(member, "effectiveLimit { bindingLevel amount { amount } }")["effectiveLimit"]
    if limit["bindingLevel"] is None:
        return {"effective": None, "source": None}
    return {"effective": Fraction(limit["amount"]["amount"]), "source": by_level[limit["bindingLevel"]]}


def _money(given: Given, amount: object) -> Document:
    return {"amount": text(amount), "currency": given.currency}


def _of_cents(amount: object) -> Fraction:
    return Fraction(str(amount)) / 100


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
