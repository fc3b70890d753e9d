"""A batch that is read in one pass means what the libraries make of it, and what is wrong is said in their words."""

from typing import Any

from graphql import GraphQLError, parse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.arguments import convert_argument

from models.database import Database
from resolvers.bulk_usage import UsageExecutor
from resolvers.plain_usage import PlainEvents, plain
from resolvers.roots import schema
from resolvers.usage_inputs import RecordUsageInput
from schema.scalars import LONG_MAX, LONG_MIN
from tests.builders import START, an_organization

DOCUMENT = parse("mutation($input: RecordUsageInput!) { recordUsage(input: $input) { userErrors { code } } }")
ORGANIZATION = "org_01k6fzz0c0zzzzzzzzzzzzzzzz"
ODD = st.sampled_from(
    [None, 7, -1, 1.5, True, "", "x", [], {}, ["x"], "INPUT", "١", "²", "1e3", " 1", "+1", "-0", "007"]
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "id": st.text(max_size=3),
    "model": st.sampled_from(["atlas", "", "ü"]),
    "meter": st.just("tokens"),
    "direction": st.sampled_from(["INPUT", "OUTPUT", "CACHE_READ", "CACHE_WRITE", "input"]),
    "quantity": st.integers(LONG_MIN - 1, LONG_MAX + 1) | st.integers(0, 10**20).map(str),
    "occurredAt": st.sampled_from(
        ["2026-10-01T09:00:00Z", "2026-10-01T09:00:00.000001+03:00", "2026-10-01t09:00z", "2026-13-01T00:00:00Z", "now"]
    ),
    "memberId": st.sampled_from([f"mem_{ORGANIZATION[4:]}_{ORGANIZATION[4:]}", "mem_x"]),
    "memberExternalId": st.just("e-1"),
    "memberEmail": st.just("bo@x.example"),
}
NAMES = ("memberId", "memberExternalId", "memberEmail")


@st.composite
def events(draw: st.DrawFn) -> Any:
    """Return an event that is mostly whole, with something odd about it now and then."""
    named = draw(st.sampled_from(NAMES))
    event = {field: draw(value) for field, value in FIELDS.items() if field not in NAMES or field == named}
    if draw(st.integers(0, 3)) == 0:
        match draw(st.integers(0, 3)):
            case 0:
                del event[draw(st.sampled_from(sorted(event)))]
            case 1:
                event[draw(st.sampled_from([*event, "unknown", *NAMES]))] = draw(ODD)
            case 2:
                event[draw(st.sampled_from(NAMES))] = draw(st.none() | st.text(max_size=2))
            case _:
                return draw(ODD)
    return event


@st.composite
def inputs(draw: st.DrawFn) -> Any:
    """Return an input, good or bad."""
    given: dict[str, Any] = {"organizationId": ORGANIZATION, "idempotencyKey": "k"}
    given["events"] = draw(st.lists(events(), max_size=3)) if draw(st.integers(0, 9)) else draw(ODD)
    if draw(st.booleans()):
        given["overage"] = draw(st.sampled_from(["REFUSE", "RECORD", "MAYBE", None]))
    if draw(st.integers(0, 9)) == 0:
        given[draw(st.sampled_from([*given, "unknown"]))] = draw(ODD)
    return given


def read_by(executor: Any, variables: dict[str, Any]) -> Any:
    """Return the input as the resolver gets it, or the errors."""
    built = executor.build(schema._schema, DOCUMENT, raw_variable_values=variables, max_coercion_errors=4)
    if isinstance(built, list):
        return [error.formatted for error in built if isinstance(error, GraphQLError)]
    converter = schema.schema_converter
    value = built.variable_values.coerced["input"]
    made = convert_argument(value, RecordUsageInput, converter.scalar_registry, schema.config)
    assert isinstance(made, RecordUsageInput)
    return made.organization_id, made.idempotency_key, made.overage, list(made.events)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(inputs())
def test_reads_what_the_libraries_read_and_refuses_what_they_refuse(value: Any) -> None:
    expected = read_by(StrawberryGraphQLCoreExecutionContext, {"input": value})

    assert read_by(UsageExecutor, {"input": value}) == expected


def an_event(**changes: Any) -> dict[str, Any]:
    event = {"id": "1", "memberEmail": "bo@x.example", "model": "atlas", "direction": "INPUT", "quantity": "1"}
    return {**event, "occurredAt": "2026-10-01T09:00:00Z", **changes}


def test_plain_events_need_no_second_look() -> None:
    assert isinstance(plain([an_event(), an_event(quantity=7, meter="tokens")]), PlainEvents)
    assert plain([an_event(), an_event(meter=None)]) is None
    assert plain([]) is None


DOCUMENT_OF_RESULTS = """
    mutation($input: RecordUsageInput!, $no: Boolean = false) { recordUsage(input: $input) {
        quick: results { ...F cost { ...M } }
        slow: results { ...F cost { ...M formatted } }
    } }
    fragment F on UsageEventResult {
        __typename n: eventId status usageId ... { y: overLimit overLimit @include(if: $no) } }
    fragment M on Money { amount a: amount currency __typename }
"""


async def test_results_look_the_same_whoever_writes_them(database: Database) -> None:
    """Recorded, repeated, refused and over the limit: each as the library, which alone formats money, writes it."""
    owner = await an_organization(database)
    bo = await owner.books.add("bo")
    await owner.books.cap("MEMBER", "1.00", bo)
    at = START.isoformat()
    several = [
        an_event(id="1", quantity="600000", occurredAt=at),
        an_event(id="1", quantity="600000", occurredAt=at),
        an_event(id="2", quantity="600000", occurredAt=at),
        an_event(id="3", model="none", occurredAt=at),
    ]
    shared = {"organizationId": owner.organization_id, "events": several}

    answers = [
        (await owner.data(DOCUMENT_OF_RESULTS, input={**shared, "idempotencyKey": key, "overage": overage}))[
            "recordUsage"
        ]
        for key, overage in (("first", "REFUSE"), ("then", "RECORD"))
    ]

    assert [[each["status"] for each in answer["quick"]] for answer in answers] == [
        ["RECORDED", "DUPLICATE", "REFUSED", "REFUSED"],
        ["DUPLICATE", "DUPLICATE", "RECORDED", "REFUSED"],
    ]
    assert [each["y"] for each in answers[1]["quick"]] == [False, False, True, False]
    for answer in answers:
        for each in answer["slow"]:
            if each["cost"]:
                del each["cost"]["formatted"]
        assert answer["quick"] == answer["slow"]
        assert [list(each) for each in answer["quick"]] == [list(each) for each in answer["slow"]], "in the same order"
