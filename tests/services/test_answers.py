"""A command is told from another by one text, whoever wrote it and whenever."""

from dataclasses import make_dataclass
from datetime import UTC, datetime
from typing import get_type_hints

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from billing.rating import Direction
from models.fields import dump
from services import answers, usage
from services.usage_facts import NamedBy, UsageFact

Told: type = make_dataclass("Told", get_type_hints(UsageFact).items())
TOLD: TypeAdapter[object] = TypeAdapter(Told)
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # zoned by timezones
FACTS = st.builds(
    UsageFact,
    *(st.text(max_size=4),) * 4,
    st.sampled_from(Direction),
    st.integers(0, 2**63 - 1),
    INSTANTS,
    st.sampled_from(NamedBy),
)


@given(st.lists(FACTS, max_size=4))
def test_a_batch_of_usage_reads_as_if_it_were_any_other_command(facts: list[UsageFact]) -> None:
    batch = usage.Record("acme", "key", tuple(facts))

    body = answers.body(batch)

    assert body == {
        "events": [TOLD.dump_python(Told(*fact), mode="json") for fact in facts],
        "idempotency_key": "key",
        "organization_id": "acme",
        "overage": "REFUSE",
    }


def test_a_batch_of_usage_reads_as_it_always_did() -> None:
    at = datetime(2026, 10, 1, 0, 0, 0, 123_456, UTC)
    batch = usage.Record("acme", "key", (UsageFact("1", "bo", "tokens", "atlas", Direction.INPUT, 123, at),))

    assert dump(answers.body(batch)) == (
        '{"events":[{"direction":"INPUT","event_id":"1","member_id":"bo","meter":"tokens","model":"atlas",'
        '"named_by":"ID","occurred_at":"2026-10-01T00:00:00.123456Z","quantity":123}],'
        '"idempotency_key":"key","organization_id":"acme","overage":"REFUSE"}'
    )
