"""More limits: nothing left, nothing limited, over the limit, ties, and amounts passed by one step or many."""

from collections.abc import Iterator
from typing import Final

from tests.conformance.variations.figures import Given, Made, dice, written

Found = Iterator[tuple[Given, Given, str]]
SCOPES: Final = {"individual": "individual", "tier_pool": "tier", "organization": "organization"}


def hierarchies() -> Found:
    chance = dice("hierarchies")
    for place in range(12):
        own = chance.randint(0, 300)
        tier = own + chance.randint(0, 300)
        spent = {"organization": tier + chance.randint(0, 900), "tier_pool": tier, "individual": own}
        caps: dict[str, int | None] = {"organization": 1000, "tier_pool": 500, "individual": 200}
        caps |= {name: None for name in SCOPES if place and chance.random() < 0.3}
        headroom, binding = None, None
        for name in SCOPES:
            cap = caps[name]
            if cap is not None and (headroom is None or max(0, cap - spent[name]) < headroom):
                headroom, binding = max(0, cap - spent[name]), SCOPES[name]
        given = {
            "limits": {name: None if cap is None else str(cap) for name, cap in caps.items()},
            "spent": {name: str(amount) for name, amount in spent.items()},
        }
        yield given, {"headroom": None if headroom is None else str(headroom), "binding_scope": binding}, ""


def alerts() -> Found:
    for path in (
        [1000, 3000],
        [1499, 1500, 1501],
        [0, 123000],
        [200000],
        [5000, 5000, 4000, 5001],
        [1, 2, 3],
        [1500, 3000, 5000, 123000],
        [122999, 123000],
    ):
        amounts, seen, crossed = [1500, 3000, 5000, 123000], set[int](), list[list[int]]()
        for used in path:
            fresh = [amount for amount in amounts if amount <= used and amount not in seen]
            seen |= set(fresh)
            crossed.append(fresh)
        yield {"thresholds_cents": amounts, "usage_path_cents": path}, {"crossed": crossed}, ""
    for path in ([99, 100, 350], [1200], [650, 651, 950]):
        amounts, seen, crossed = [200, 500, *range(600, 2000, 100)], set(), []
        for used in path:
            fresh = [amount for amount in amounts if amount <= used and amount not in seen]
            seen |= set(fresh)
            crossed.append(fresh)
        given = {"thresholds_cents": [200, 500], "recurring_cents": 100, "usage_path_cents": path}
        yield given, {"crossed": crossed}, ""


def held() -> Found:
    for spent, kept in (
        (0, 0),
        (50, 0),
        (0, 50),
        (50, 50),
        (120, 80),
        (120, 79),
        (200, 0),
        (0, 200),
        (1, 198),
        (30, 10),
    ):
        given = {
            "limits": {"organization": "1000", "tier_pool": "500", "individual": "200"},
            "spent": {"organization": str(spent), "tier_pool": str(spent), "individual": str(spent)},
            "held": {"organization": str(kept), "tier_pool": str(kept), "individual": str(kept)},
        }
        yield given, {"headroom": str(200 - spent - kept), "binding_scope": "individual"}, "what is held counts"


def precedences() -> Found:
    names = ("universal", "cost_center", "individual")
    for budgets in (
        (50, 80, None),
        (50, None, None),
        (50, None, 20),
        (50, 80, 20),
        (50, 80, 100),
        (None, 80, None),
        (None, None, 20),
        (None, None, None),
        (80, 50, None),
        (50, 80, 0),
    ):
        given = dict(zip(names, (None if each is None else str(each) for each in budgets), strict=True))
        known = [(name, cap) for name, cap in given.items() if cap is not None]
        source, effective = known[-1] if known else (None, None)
        yield given, {"effective": effective, "source": source}, "the most specific budget replaces the wider ones"
        least = min(known, key=lambda each: (int(each[1]), -names.index(each[0])), default=(None, None))
        yield given, {"effective": least[1], "source": least[0]}, "the minimum binds"


def reservations() -> Found:
    chance = dice("reservations")
    for _ in range(14):
        limit, held, settled, ended = 100, dict[str, int](), 0, set[str]()
        operations: list[list[str]] = []
        expected: dict[str, str] = {}
        for place in range(chance.randint(2, 6)):
            verb = chance.choice(("reserve", "reserve", "settle", "release", "expire")) if held else "reserve"
            if verb == "reserve":
                name, amount = f"r{place}", chance.choice((1, 20, 40, 60, 100, 101))
                fits = settled + sum(held.values()) + amount <= limit
                expected[name] = expected[verb] = "granted" if fits else "denied"
                operations.append([verb, name, str(amount)])
                held |= {name: amount} if fits else {}
                continue
            name = chance.choice(sorted(held))
            amount = held.pop(name)
            if verb == "settle":
                settled += (spent := amount if chance.random() < 0.5 else amount // 2)
            operations.append([verb, name, *([str(spent)] if verb == "settle" else [])])
            expected[verb] = {"settle": "settled", "release": "released", "expire": "expired"}[verb]
            ended.add(name)
        whole = sum(held.values())
        figures = {"held": written(whole), "settled": written(settled), "available": written(limit - settled - whole)}
        yield {"limit": str(limit), "operations": operations}, {**expected, **figures}, ""
    for limit, requests, each in ((500, 20, 75), (100, 5, 20), (100, 6, 20), (10, 3, 11), (100, 10, 33)):
        granted = min(requests, limit // each)
        given = {"limit": limit, "concurrent_requests": requests, "estimate_each": each}
        yield given, {"granted": granted, "denied": requests - granted, "held": granted * each}, ""
    late = [["reserve", "r1", "60"], ["expire", "r1"], ["settle", "r1", "60"]]
    full = [*late[:2], ["reserve", "r2", "60"], late[2]]
    yield {"limit": "100", "operations": full}, {"settle": "rejected", "settled": "0", "held": "60"}, "no room is left"
    recorded = {"settle": "recorded as late usage", "settled": "60", "held": "0"}
    yield {"limit": "100", "operations": late}, recorded, "late usage is recorded"
    twice = [["reserve", "r1", "60"], ["settle", "r1", "40"], ["settle", "r1", "40"]]
    yield {"limit": "100", "operations": twice}, {"settled": "40", "held": "0", "available": "60"}, "once"
    above = [["reserve", "r1", "60"], ["settle", "r1", "80"]]
    yield {"limit": "100", "operations": above}, {"settle": "settled", "settled": "80", "available": "20"}, ""
    again = [["reserve", "r1", "60"], ["reserve", "r1", "60"]]
    yield {"limit": "100", "operations": again}, {"r1": "granted", "held": "60"}, "granted once"
    nothing = [["reserve", "r1", "60"], ["settle", "r1", "0"]]
    yield {"limit": "100", "operations": nothing}, {"settle": "settled", "settled": "0", "held": "0"}, ""
    for_all = [["reserve", "r1", "60"], ["release", "r1"], ["release", "r1"], ["reserve", "r2", "100"]]
    yield {"limit": "100", "operations": for_all}, {"release": "rejected", "r2": "granted", "held": "100"}, ""


KINDS: Final[dict[str, Made]] = {
    "spend_limit_hierarchy": hierarchies,
    "spend_limit_hierarchy_held": held,
    "alert_thresholds": alerts,
    "limit_precedence": precedences,
    "reservation": reservations,
}
