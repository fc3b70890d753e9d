"""What was acknowledged survives a short form of the proof: a real server, killed in the middle of the work."""

import pytest

from benchmarks import clusters, kills, load
from benchmarks.kills import Victim
from benchmarks.listening import Subscriber
from tests import databases


def broken(proof: kills.Proof, kill: Victim) -> list[str]:
    """Return the promises that did not hold."""
    return [f"{row.what}: {row.value}" for row in kills.figures(proof, kill) if row.held is False]


async def test_a_server_that_is_killed_has_lost_nothing() -> None:
    proof = await kills.measure(3, Victim.SERVER, databases.SERVER_URL or "sqlite")

    assert broken(proof, Victim.SERVER) == []
    assert proof.ledger.retries > 0, "somebody was cut off in the middle of something"
    assert proof.subscriber.connections > 1
    assert proof.subscriber.heard
    assert kills.ended_with(proof.ledger, load.HOLD) > 0


@pytest.mark.skipif(not databases.on_postgres(), reason="SQLite runs inside the server, which the test above kills")
async def test_a_database_that_is_killed_has_lost_nothing() -> None:
    try:
        proof = await kills.measure(2, Victim.DATABASE, "private")
    except clusters.NoBinaries as missing:
        pytest.skip(f"a database to kill is a private one, which needs PostgreSQL's programs: {missing}")

    assert broken(proof, Victim.DATABASE) == []
    assert proof.ledger.retries > 0, "somebody was cut off in the middle of something"
    assert all(answer.endswith(" OVERLOADED") for answer in proof.ledger.refusals), "who is told to come back, can"


def test_a_promise_that_did_not_hold_is_seen() -> None:
    subscriber = Subscriber("", "", "", "", heard=["a", "b", "a"])
    ledger = load.Ledger(changed_by_replay=1)
    proof = kills.Proof(
        1,
        ledger,
        subscriber,
        [0.1],
        lost=1,
        doubled=1,
        lost_holds=1,
        doubled_holds=1,
        unheard=1,
        verified=(1, "differs"),
    )

    assert len(broken(proof, Victim.SERVER)) == 8
