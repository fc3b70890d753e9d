"""Which limit binds, and which amounts were passed? Members of a sandbox spend, and their limits are asked."""

from collections.abc import Mapping
from datetime import timedelta
from fractions import Fraction
from typing import Any, Final

from tests.conformance.adapters import times
from tests.conformance.adapters.given import Adapter, Document, Given, cents, text
from tests.conformance.answers import Unsupported
from tests.conformance.house import PER_UNIT, Sandbox, a_meter, a_plan

TIERS: Final = tuple({"key": key, "name": {"en": key}, "includes": []} for key in ("tier", "other"))
LEVELS: Final = {
    "org": "organization",
    "tier": "tier_pool",
    "pool": "tier_pool",
    "member": "individual",
    "user": "individual",
}
SCOPES: Final = {"ORGANIZATION": "organization", "SEAT_TIER": "tier", "MEMBER": "individual"}


HOUR: Final = 3600
DAY: Final = 24 * HOUR
RESERVED: Final = "outcome reservation { status }"
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
    shared = [_shared(amounts) for amounts in (spent, held)]
    for who, used, kept in zip((member, colleague, stranger), *shared, strict=True):
        sandbox.use(who, used, overage="RECORD")
        if kept:
            reserve(sandbox, who, f"held by {who}", text(kept), given.currency)
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
    spent = _of_cents(given.first("start_cents", "start", default=0))
    sandbox.use(member, spent)
    step = given.like("recurring")
    listed = given.first("thresholds_cents", "thresholds", default=[])
    amounts = [_money(given, cents(amount)) for amount in listed]
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
    path = given.first("usage_path_cents", "usage_path", "path_cents", "usage_cents")
    for total in map(_of_cents, path):
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
    """Reserve, settle and release against the limit of an organization; a hold expires when its time is over."""
    sandbox = a_spending(given)
    (member,) = sandbox.people(["member"], tier="tier")
    sandbox.do("setSpendLimit", level="ORGANIZATION", amount=_money(given, given["limit"]))
    if "concurrent_requests" in given:
        results = _at_once(given, sandbox, member)
    else:
        results = _one_by_one(given, sandbox, member)
    found = sandbox.member(member, "effectiveLimit { chain { held { amount } spent { amount } remaining { amount } } }")
    (link,) = found["effectiveLimit"]["chain"]
    held, spent, left = (Fraction(link[name]["amount"]) for name in ("held", "spent", "remaining"))
    return {
        **results,
        "held": held,
        "settled": spent,
        "available": max(Fraction(0), left),
        "remaining": max(Fraction(0), left),
    }


def reserve(sandbox: Sandbox, member: str, name: str, amount: str, currency: str, *, seconds: int = DAY) -> Document:
    """Ask for a reservation, and return what became of it."""
    money = {"amount": amount, "currency": currency}
    return sandbox.attempt("reserveSpend", RESERVED, memberId=member, externalId=name, amount=money, ttlSeconds=seconds)


def _at_once(given: Given, sandbox: Sandbox, member: str) -> Mapping[str, object]:
    """Send all requests at the same time."""
    money = _money(given, given["estimate_each"])
    asked = [
        {"memberId": member, "externalId": f"r{number}", "amount": money, "ttlSeconds": DAY}
        for number in range(int(given["concurrent_requests"]))
    ]
    found = sandbox.at_once("reserveSpend", RESERVED, asked)
    granted = [_is_held(payload) for payload in found].count(True)
    return {"granted": granted, "denied": len(found) - granted}


def _one_by_one(given: Given, sandbox: Sandbox, member: str) -> Mapping[str, object]:
    operations = given["operations"]
    expiring = [operation[1] for operation in operations if operation[0] == "expire"]
    results: dict[str, object] = {}
    for verb, name, *rest in operations:
        match verb:
            case "reserve":
                seconds = HOUR * (1 + expiring.index(name)) if name in expiring else DAY
                held = reserve(sandbox, member, name, text(rest[0]), given.currency, seconds=seconds)
                outcome = results[name] = "granted" if _is_held(held) else "denied"
            case "settle":
                late = "RECORD" if given.says("late usage is recorded") else "REFUSE"
                outcome = _settled(sandbox, name, Fraction(str(rest[0])), late)
            case "release":
                done = sandbox.attempt("releaseReservation", RESERVED, externalId=name)["outcome"] == "DONE"
                outcome = "released" if done else "rejected"
            case "expire":
                before = _status(sandbox, name)
                sandbox.advance(sandbox.opened + timedelta(seconds=HOUR * (1 + expiring.index(name))))
                outcome = "expired" if before == "HELD" else "rejected"
            case _:
                raise Unsupported(f"a hold has no operation {verb!r}")
        results[verb] = outcome
    return results


def _settled(sandbox: Sandbox, name: str, spent: Fraction, late: str) -> str:
    before = _status(sandbox, name)
    used = {"id": f"use of {name}", "model": "atlas", "direction": "INPUT", "quantity": str(int(spent * PER_UNIT))}
    found = sandbox.attempt("settleReservation", RESERVED, externalId=name, usage=[used], overage=late)
    if found["outcome"] != "DONE":
        return "rejected"
    return "settled" if before == "HELD" else "recorded as late usage"


def _status(sandbox: Sandbox, name: str) -> str | None:
    found = sandbox.ask("reservations(first: 100) { nodes { externalId status } }")["reservations"]["nodes"]
    return next((str(each["status"]) for each in found if each["externalId"] == name), None)


def _is_held(payload: Document) -> bool:
    return payload["reservation"] is not None and payload["reservation"]["status"] == "HELD"


ADAPTERS: Final[Mapping[str, Adapter]] = {
    "spend_limit": hierarchy,
    "spend_limit_hierarchy": hierarchy,
    "limit_precedence": precedence,
    "reservation": reservation,
    "alert_thresholds": alerts,
}
