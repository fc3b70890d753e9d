"""What does the graph itself cost of a mutation with a hundred events?

The whole operation as the server executes it, but for the service behind it, which answers at once: variables are read,
arguments converted, permission asked, the command made, and the payload completed. Measured is the processor's time,
in the median of several rounds.
"""

import asyncio
import time
from types import SimpleNamespace
from typing import Any, Final

from graphql import parse
from graphql.execution import execute_root_selection_set
from strawberry.utils.await_maybe import await_maybe

from benchmarks import measuring, tables
from models.organizations import Organization
from resolvers.roots import schema
from services import usage

EVENTS: Final = 100
ROUNDS: Final = 30
GOAL_MICROSECONDS: Final = 300
ORGANIZATION: Final = "01k6fzz0c0zzzzzzzzzzzzzzzz"


class _Answering:
    """A context of which the service answers at once that everything was recorded."""

    def __init__(self) -> None:
        self.owner = Organization(organization_id=ORGANIZATION, currency="USD", locale="en")
        self.loaders = SimpleNamespace(
            organization=SimpleNamespace(load=self._owner), limit=SimpleNamespace(load_many=self._nothing)
        )
        self.dispatcher = SimpleNamespace(require=self._nothing)
        self.answer = usage.Recorded(
            tuple(usage.EventRecorded(f"call-{each}", ORGANIZATION, 1_000 * each, False) for each in range(EVENTS))
        )

    def request(self) -> None:
        """Return nobody's request."""

    async def execute(self, _verb: object, _command: object) -> usage.Recorded:
        """Return the answer."""
        return self.answer

    async def _owner(self, _organization_id: str) -> Organization:
        return self.owner

    async def _nothing(self, *_: object) -> list[object]:
        return []


async def microseconds(document: str) -> list[float]:
    """Return what executing the mutation took of the processor, round by round."""
    node, context, variables = parse(document), _Answering(), {"input": _input()}
    executor_class: Any = schema.execution_context_class
    times: list[float] = []
    for number in range(ROUNDS + 3):
        started = time.process_time_ns()
        executor = executor_class.build(
            schema._schema, node, context_value=context, raw_variable_values=variables, operation_extensions={}
        )
        result = await await_maybe(execute_root_selection_set(executor))
        if number >= 3:  # the first ones warm caches
            times.append((time.process_time_ns() - started) / 1_000)
        assert result.errors is None, result.errors
        assert result.data is not None
        assert len(result.data["recordUsage"]["results"]) == EVENTS, "each event has a result"
    return times


def figure(document: str) -> tables.Figure:
    """Return the row of the table."""
    times = asyncio.run(microseconds(document))
    median = measuring.percentile(times, 50)
    value = f"{median:,.0f} µs ({min(times):,.0f}–{max(times):,.0f})"
    what = f"the graph's part of {EVENTS} events, CPU, at most {GOAL_MICROSECONDS} µs"
    return tables.Figure(what, value, median <= GOAL_MICROSECONDS)


def _input() -> dict[str, Any]:
    event = {"memberId": f"mem_{ORGANIZATION}_{ORGANIZATION}", "model": "atlas", "direction": "INPUT"}
    events = [
        {**event, "id": f"call-{each}", "quantity": str(100 + each), "occurredAt": f"2026-10-01T09:00:{each % 60:02}Z"}
        for each in range(EVENTS)
    ]
    return {"organizationId": f"org_{ORGANIZATION}", "idempotencyKey": "batch", "events": events}
