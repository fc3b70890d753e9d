"""Does a spend limit hold, whoever asks, how many at once, and however often?

Writers attempt to spend far more than the caps allow, at every level at once. Then the attempts are replayed one by
one, in the order in which they were decided, by an oracle that only adds and compares. Nothing may have been let
through that did not fit, nothing refused that did, and the organization's cap is filled to the last token.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing import get_context
from typing import Annotated, Any

import typer

from benchmarks import databases, measuring, scene, tables, writers
from benchmarks.oracle import Hold, Key, Oracle
from billing.limits import SpendLevel
from models import audit, idempotency
from models.database import Database, opened
from models.sql import Statement
from services import answers, usage, verification
from services import reservation_facts as facts

PEOPLE = 36
Answer = usage.Recorded | facts.ReserveAnswer | facts.SettleAnswer | facts.ReleaseAnswer
_COUNTERS = Statement("""
    SELECT level, subject, spent_nanos + held_nanos AS used FROM spend_counters
    WHERE organization_id = :organization_id AND interval = 'MONTH'
""")
_DEADLOCKS = Statement("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")


@dataclass(frozen=True, slots=True)
class Size:
    """How much is attempted by how many."""

    writers: int
    attempts: int
    batch: int
    processes: int


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of it."""

    done: writers.Done
    oracle: Oracle
    seconds: float
    counters_differing: int
    deadlocks: int
    differences: list[str]


def run(
    writers: Annotated[int, typer.Option(min=1, help="How many attempt at once.")] = 100,
    attempts: Annotated[int, typer.Option(min=1, help="How many attempts they make in all.")] = 100_000,
    batch: Annotated[int, typer.Option(min=1, max=1_000, help="How many attempts a command carries.")] = 10,
    processes: Annotated[int, typer.Option(min=1, help="How many processes on PostgreSQL; SQLite is one.")] = 4,
    database: Annotated[str, typer.Option(help="`sqlite`, or the URL of a PostgreSQL server.")] = databases.SQLITE,
) -> None:
    """Attempt far more than the limits allow from many sides, and compare with a serial oracle."""
    size = Size(writers, attempts, batch, 1 if database == databases.SQLITE else processes)
    proof = asyncio.run(measure(size, database))
    title = (
        f"{writers} writers in {size.processes} processes, {attempts:,} attempts on {databases.dialect_of(database)}"
    )
    raise SystemExit(tables.show(title, figures(proof)))


async def measure(size: Size, database: str) -> Proof:
    """Attempt, fill, replay and compare."""
    async with databases.thrown_away(database) as url:
        async with opened(url) as house:
            demand = size.attempts * writers.MEAN_QUANTITY * scene.NANOS_PER_TOKEN
            stage = await scene.set_up(house, people=PEOPLE, demand_nanos=demand)
        started = time.perf_counter()
        done = await asyncio.to_thread(_all_processes, url, stage, size)
        seconds = time.perf_counter() - started
        async with opened(url) as house:
            await writers.fill(house, stage)
            return await judged(house, stage, done, seconds)


def figures(proof: Proof) -> list[tables.Figure]:
    """Return the rows of the table."""
    oracle, done = proof.oracle, proof.done
    decided = oracle.accepted + oracle.held + oracle.refused + oracle.repeated
    for fault in [*done.faults[:5], *proof.differences[:5]]:
        typer.echo(fault, err=True)
    return [
        tables.count("attempts decided, with those that fill the limit", decided),
        tables.count("  recorded", oracle.accepted),
        tables.count("  held", oracle.held),
        tables.count("    settled", oracle.settled),
        tables.count("    released", oracle.released),
        tables.count("    expired", oracle.expired),
        tables.count("  refused", oracle.refused),
        tables.count("  recognized as repeats", oracle.repeated),
        tables.count("commands asked again under their key", done.replays),
        tables.count("callers that hung up and came back", done.cancelled),
        tables.zero("let through over a limit", oracle.over),
        tables.zero("refused although it fitted", oracle.refused_falsely),
        tables.zero("counted twice", oracle.counted_twice),
        tables.zero("refused with the wrong level or headroom", oracle.bound_wrongly),
        tables.zero("holds that did not end as they should", oracle.ended_wrongly),
        tables.zero("answers that changed under replay", done.changed_by_replay),
        tables.zero("counters that differ from the oracle's", proof.counters_differing),
        tables.zero("nanos left of the organization's limit", oracle.left_nanos),
        tables.zero("differences found by verify", len(proof.differences)),
        tables.zero("deadlocks", proof.deadlocks),
        tables.zero("faults", len(done.faults)),
        tables.Figure("attempts a second", f"{decided / proof.seconds:,.0f}"),
        tables.Figure("commands a second", f"{len(done.seconds) / proof.seconds:,.0f}"),
        tables.Figure("a command, p50", f"{1_000 * measuring.percentile(done.seconds, 50):.1f} ms"),
        tables.Figure("a command, p99", f"{1_000 * measuring.percentile(done.seconds, 99):.1f} ms"),
    ]


def _all_processes(url: str, stage: scene.Scene, size: Size) -> writers.Done:
    shares = [tuple(range(number, size.writers, size.processes)) for number in range(size.processes)]
    works = [writers.Work(stage, size.attempts, size.batch, share, size.writers) for share in shares if share]
    whole = writers.Done()
    with ProcessPoolExecutor(len(works), mp_context=get_context("spawn")) as pool:
        for done in pool.map(writers.in_a_process, [url] * len(works), works):
            whole.add(done)
    return whole


async def judged(database: Database, stage: scene.Scene, done: writers.Done, seconds: float) -> Proof:
    """Replay what was decided, and compare it with what is kept."""
    oracle = Oracle(stage)
    async for key, answer in _decided(database, stage):
        oracle.expire(writers.at_of(key))
        for outcome in answer.outcomes:
            _judge(oracle, outcome, writers.at_of(key))
    rows = await _COUNTERS.rows(database.reader, organization_id=stage.organization_id)
    counters: list[tuple[Key, int]] = [((SpendLevel(row["level"]), row["subject"]), row["used"]) for row in rows]
    deadlocks = await _DEADLOCKS.first(database.reader) if database.dialect == "postgres" else None
    found = await verification.of_organization(database.reader, stage.organization_id)
    return Proof(
        done,
        oracle,
        seconds,
        oracle.differing(counters),
        int(deadlocks["deadlocks"]) if deadlocks else 0,
        [f"{each.invariant.name}: {each.difference}" for each in found],
    )


async def _decided(database: Database, stage: scene.Scene) -> AsyncIterator[tuple[str, Answer]]:
    """Yield all commands, each with its answer, in the order in which they were decided."""
    sequence, operations = 0, tuple(verb.operation for verb in writers.VERBS.values())
    selection = audit.Selection(operations=operations)
    while batch := await audit.after(database.reader, stage.organization_id, sequence, limit=500, selection=selection):
        sequence = batch[-1].sequence
        for record in batch:
            key = record.attempt.request_id
            kept = await idempotency.find(database.reader, stage.organization_id, key)
            assert kept is not None, "an answered command keeps its answer"
            yield key, answers.decode(writers.VERBS[key.partition("-")[0]].service, kept["answer"])


def _judge(oracle: Oracle, outcome: Any, at: datetime) -> None:
    """Tell the oracle of one outcome."""
    match outcome:
        case usage.EventRecorded(event_id=name):
            oracle.accept(name, *_about(oracle, name))
        case usage.EventRepeated(event_id=name):
            oracle.repeat(name, outcome.cost_nanos)
        case usage.EventBlocked(event_id=name):
            person, amount = _about(oracle, name)
            if name in oracle.known:  # a settlement that came late is named for its hold
                name, amount = f"settled/{name}", _settled(name)
            oracle.refuse(name, person, amount, level=outcome.level, headroom_nanos=outcome.headroom_nanos)
        case facts.Reserved(external_id=name, repeated=True):
            oracle.repeat(name, outcome.held_nanos)
        case facts.Reserved(external_id=name):
            ask = writers.ask_of(oracle.scene, name)
            oracle.hold(name, Hold(*_about(oracle, name), at + timedelta(seconds=ask.ttl_seconds)))
        case facts.Settled(external_id=name):
            oracle.settle(name, writers.person_of(oracle.scene, name), _settled(name), late=outcome.late)
        case facts.Released(external_id=name):
            oracle.release(name, repeated=outcome.repeated)
        case _:
            raise AssertionError(f"nothing else may be answered: {outcome}")


def _about(oracle: Oracle, name: str) -> tuple[scene.Person, int]:
    """Return whose attempt it is, and its amount."""
    return writers.person_of(oracle.scene, name), writers.quantity_of(name) * scene.NANOS_PER_TOKEN


def _settled(name: str) -> int:
    """Return what a hold came to."""
    return writers.actual_of(name).uses[0].quantity * scene.NANOS_PER_TOKEN
