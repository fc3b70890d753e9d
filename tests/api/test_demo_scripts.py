"""The demo's scripts, before anybody plays them."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from api.demo import catalogue, people, personas, pooled, pooled_team, pooled_usage
from api.demo.dice import Dice
from api.demo.months import Months
from api.demo.personas import PERSONAS, UnknownPersona
from api.demo.seed import scripts
from billing.plans import from_document, to_document
from billing.roles import BUILT_IN

INSTANTS = (
    "2026-11-21T12:00:00",
    "2027-01-01T05:00:00",
    "2027-03-01T00:00:00.000001",
    "2028-02-29T23:59:59",
    "2028-03-01T05:00:00",
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("instant", INSTANTS)
def test_every_step_lies_between_the_opening_and_now_under_a_key_of_its_own(instant: str) -> None:
    for script in scripts(at(instant)):
        steps = script.until(at(instant))

        assert all(earlier.at <= later.at for earlier, later in pairwise(steps))
        assert script.opened_at <= steps[0].at
        assert steps[-1].at <= at(instant)
        assert max(Counter(step.key for step in steps).values()) == 1
        assert sum(step.verb.name.endswith("closing.close") for step in steps) == (
            4 if script.slug == "contract" else 3
        )


def test_the_same_instant_writes_the_same_script() -> None:
    def written() -> list[tuple[datetime, str, str]]:
        return [(step.at, step.key, step.actor) for script in scripts(at(INSTANTS[0])) for step in script.steps]

    assert written() == written()


@pytest.mark.parametrize("instant", INSTANTS)
def test_usage_stays_below_what_the_habit_says(instant: str) -> None:
    months = Months.before(at(instant), pooled.TIME_ZONE)
    habit = pooled_usage.Habit("somebody@pooled.example", 60, 40_000_000_000, 50)
    cards = pooled.cards(at(instant))

    for number in range(3):
        month = months.month(number)
        used = pooled_usage.of_month(habit, months, number, cards, month)
        cost = sum(pooled_usage.cost_nanos(cards, use) for use in used)

        assert 39_990_000_000 < cost <= 40_000_000_000
        assert all(month.contains(use.occurred_at) for use in used)
        assert len({use.event_id for use in used}) == len(used)
    assert len({card.version for card in cards}) == 2, "prices change on the way"


def test_forty_people_hold_seats_and_one_has_left() -> None:
    team = pooled_team.workers()

    assert sum(worker.leaves is None for worker in team) == 40
    assert len({worker.row.email for worker in team}) == len(team) == 41
    assert sum(bool(worker.row.add_ons) for worker in team) >= 8


def test_nobody_is_invented_twice() -> None:
    for names in (people.RUSSIAN, people.KAZAKH, people.INDONESIAN, people.ENGLISH):
        found = people.people("tracker", names, 300)

        assert len({person.email for person in found}) == len({person.name for person in found}) == 300
        assert all(person.email.isascii() for person in found)


def test_each_organization_has_one_persona_for_each_part() -> None:
    assert len(PERSONAS) == 20
    for slug in personas.SLUGS:
        roles = [persona.role for persona in personas.of(slug)]
        assert roles == ["primary_owner", "owner", "billing_admin", "member", "auditor"]
        assert all(persona.role in BUILT_IN and persona.organization == slug for persona in personas.of(slug))


def test_a_stranger_is_no_persona() -> None:
    assert personas.find("OWNER@tracker-kz.example").organization == "tracker-kz"

    with pytest.raises(UnknownPersona, match=r"nobody@tracker\.example"):
        personas.find("nobody@tracker.example")


def test_the_plans_are_documents_that_read_back_equal() -> None:
    documents = (
        catalogue.projects_annual(),
        pooled.plan(at(INSTANTS[0])),
        catalogue.TRACKER_RUB,
        catalogue.TRACKER_KZT,
    )

    for document in documents:
        plan = from_document(document)

        assert from_document(to_document(plan)) == plan
        assert plan.version == catalogue.VERSION


def test_dice_fall_the_same_way_and_within_their_bounds() -> None:
    one, two = Dice("seed"), Dice("seed")

    assert [one.between(1, 6) for _ in range(1_000)] == [two.between(1, 6) for _ in range(1_000)]
    counts = Counter(Dice(str(number)).below(6) for number in range(6_000))
    assert sorted(counts) == list(range(6))
    assert all(800 < count < 1_200 for count in counts.values())
    assert [Dice("x").weighted((0, 0, 5)), Dice("y").weighted((1, 0))] == [2, 0]
    assert Dice("z").choose(("only",)) == "only"


def test_a_demo_built_a_day_later_has_the_same_people() -> None:
    today, tomorrow = (scripts(at(INSTANTS[0]) + timedelta(days=days)) for days in (0, 1))

    assert [script.opening for script in today] == [script.opening for script in tomorrow]
