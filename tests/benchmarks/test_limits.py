"""Limits hold in a short form of the proof, and the oracle would notice if they did not."""

from datetime import timedelta

from benchmarks import limits, scene, writers
from benchmarks.oracle import Hold, Oracle
from billing.limits import SpendLevel, TierScope
from models.database import Database

ANN = scene.Person("ann", "chat", "north")
CAPS = (
    scene.Cap(SpendLevel.ORGANIZATION, "acme", TierScope.PER_MEMBER, 100),
    scene.Cap(SpendLevel.SEAT_TIER, "chat", TierScope.PER_MEMBER, 60),
    scene.Cap(SpendLevel.SEAT_TIER, "other", TierScope.POOLED, 1),
)


def an_oracle() -> Oracle:
    return Oracle(scene.Scene("acme", "owner", (ANN,), ANN, CAPS))


async def test_twenty_writers_are_held_to_every_limit(database: Database) -> None:
    demand = 600 * writers.MEAN_QUANTITY * scene.NANOS_PER_TOKEN
    stage = await scene.set_up(database, people=12, demand_nanos=demand)
    work = writers.Work(stage, attempts=600, batch=10, writers=tuple(range(20)), writers_in_all=20)

    done = await writers.write(database, work)
    await writers.fill(database, stage)
    proof = await limits.judged(database, stage, done, 1.0)

    assert [figure.what for figure in limits.figures(proof) if figure.held is False] == []
    assert min(proof.oracle.accepted, proof.oracle.held, proof.oracle.refused) > 100
    assert min(proof.oracle.settled, proof.oracle.released, proof.oracle.expired) > 10
    assert proof.oracle.repeated > 5
    assert proof.oracle.left_nanos == 0


def test_the_oracle_notices_what_was_let_through_over_a_limit() -> None:
    oracle = an_oracle()

    oracle.accept("1", ANN, 60)
    oracle.accept("2", ANN, 1)

    assert (oracle.over, oracle.refused_falsely) == (1, 0)


def test_the_oracle_notices_a_false_refusal_and_a_false_reason() -> None:
    oracle = an_oracle()
    oracle.accept("1", ANN, 20)

    oracle.refuse("2", ANN, 40, level=SpendLevel.SEAT_TIER, headroom_nanos=40)
    oracle.refuse("3", ANN, 41, level=SpendLevel.SEAT_TIER, headroom_nanos=40)
    oracle.refuse("4", ANN, 41, level=SpendLevel.ORGANIZATION, headroom_nanos=40)

    assert (oracle.refused_falsely, oracle.bound_wrongly) == (1, 1)


def test_the_oracle_notices_what_counts_twice_and_counters_that_stray() -> None:
    oracle = an_oracle()
    oracle.accept("1", ANN, 20)
    oracle.repeat("1", 20)
    oracle.repeat("1", 19)
    oracle.accept("1", ANN, 20)

    assert (oracle.counted_twice, oracle.refused_falsely) == (1, 1)
    right = dict(oracle.used)
    assert oracle.differing(right.items()) == 0
    assert oracle.differing([*right.items(), ((SpendLevel.MEMBER, "ann"), 39)]) == 1


def test_the_oracle_notices_a_hold_that_ends_wrongly_or_not_at_all() -> None:
    oracle = an_oracle()
    oracle.hold("1", Hold(ANN, 40, scene.START))
    oracle.hold("2", Hold(ANN, 20, scene.START + timedelta(hours=1)))
    oracle.expire(scene.START)

    oracle.settle("2", ANN, 5, late=False)
    assert (oracle.expired, oracle.ended_wrongly, oracle.over) == (1, 0, 0)
    assert oracle.used[SpendLevel.MEMBER, "ann"] == 5

    oracle.release("2", repeated=False)
    oracle.hold("3", Hold(ANN, 56, scene.START))
    assert (oracle.ended_wrongly, oracle.over) == (1, 1)
