"""More limits: nothing left, nothing limited, over the limit, ties, and amounts passed by one step or many."""

from collections.abc import Iterator
from typing import Final

from tests.conformance.variations.figures import Given, Made, dice

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


KINDS: Final[dict[str, Made]] = {
    "spend_limit_hierarchy": hierarchies,
    "alert_thresholds": alerts,
    "limit_precedence": precedences,
}
