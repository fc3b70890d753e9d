"""What is counted, under which names, and who may read it."""

import httpx2
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr, ValidationError
from starlette.applications import Starlette
from starlette.testclient import TestClient

from api import metrics_door
from api.counting import Counting
from api.metrics import CLIENT_NAMES_MAX, OPERATION_NAMES_MAX, OTHER, Metrics
from api.settings import Environment, Settings
from billing.webhooks import Fault
from events.posting import Answer
from services.outcomes import RefusalCode, Refused
from services.usage import Recorded
from services.usage_facts import EventRecorded, EventRepeated
from tests.api.house import TOKEN, House, serving
from tests.api.test_graphql_ws import hear, introduced, subscribe

ADA = {"authorization": f"Bearer {TOKEN}"}
SECRET = "m" * 32


async def read(client: httpx2.AsyncClient, **headers: str) -> dict[str, float]:
    """Return every value, by its name and labels as they are written."""
    response = await client.get("/metrics", headers=headers)
    assert response.status_code == 200, response.text
    return {
        "".join((sample.name, *(f" {label}={value}" for label, value in sorted(sample.labels.items())))): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


async def ask(client: httpx2.AsyncClient, query: str, **headers: str) -> None:
    await client.post("/graphql", json={"query": query}, headers=headers)


async def test_counts_operations_by_name_kind_and_code_with_time_and_cost() -> None:
    async with serving() as house, httpx2.AsyncClient(base_url=house.url) as client:
        await ask(client, "query Hello { hello }", **ADA)
        await ask(client, "query Hello { hello broken }", **ADA)
        await ask(client, "mutation Pay { pay }", **ADA)
        await ask(client, "{ hello }", **ADA)
        await ask(client, "{ nothing }", **ADA)
        await client.post("/graphql", content=b"no", headers={"content-type": "application/json"})
        found = await read(client)

    assert found["billgraph_operations_total code=OK kind=query operation=Hello"] == 1
    assert found["billgraph_operations_total code=INTERNAL kind=query operation=Hello"] == 1
    assert found["billgraph_operations_total code=OK kind=mutation operation=Pay"] == 1
    assert found["billgraph_operations_total code=OK kind=query operation=anonymous"] == 1
    assert found["billgraph_operation_seconds_count kind=query operation=Hello"] == 2
    assert found["billgraph_operation_seconds_sum kind=query operation=Hello"] > 0
    assert found["billgraph_operation_points_total kind=query measure=requested operation=Hello"] == 5
    assert found["billgraph_requests_refused_total code=GRAPHQL_VALIDATION_FAILED"] == 1
    assert found["billgraph_requests_refused_total code=BAD_REQUEST"] == 1
    assert found["billgraph_http_responses_total status=400"] == 1
    assert found["process_resident_memory_bytes"] > 0


async def test_counts_what_executed_operations() -> None:
    async with serving() as house, httpx2.AsyncClient(base_url=house.url) as client:
        for document in (
            "{ hello }",
            "{ hello }",
            "{ hello }",
            "mutation { pay }",
            *["{ __schema { __typename } }"] * 2,
        ):
            await ask(client, document, **ADA)
        found = await read(client)

    executed = {name.split("=")[1]: count for name, count in found.items() if "executions_total" in name}
    assert executed == {"PLAN": 2, "LIBRARY_NEW": 2, "LIBRARY_MUTATION": 1, "LIBRARY_INTROSPECTION": 1}


async def test_counts_what_is_open_now() -> None:
    async with (
        serving() as house,
        httpx2.AsyncClient(base_url=house.url) as client,
        introduced(house) as socket,
    ):
        await subscribe(socket, "a", "subscription { count(to: 1000, pause: 0.01) }")
        await hear(socket)
        during = await read(client)
        await socket.close()
        after = await read(client)

    assert (during["billgraph_sockets"], during["billgraph_subscriptions"]) == (1, 1)
    assert (after["billgraph_sockets"], after["billgraph_subscriptions"]) == (0, 0)
    assert after["billgraph_sockets_closed_total code=1000"] == 1


def test_counts_webhooks_by_what_came_back() -> None:
    metrics = Metrics()
    counting = Counting(metrics)

    counting.webhook(Answer(204), 0.1)
    counting.webhook(Answer(500), 0.1)
    counting.webhook(Answer(None, fault=Fault.TIMED_OUT), 15.0)

    for outcome in ("DELIVERED", "REFUSED_BY_RECEIVER", "TIMED_OUT"):
        assert metrics.registry.get_sample_value("billgraph_webhook_attempts_total", {"outcome": outcome}) == 1
    assert metrics.registry.get_sample_value("billgraph_webhook_seconds_count") == 3


def test_counts_usage_by_what_became_of_each_event() -> None:
    metrics = Metrics()
    counting = Counting(metrics)
    kept = (EventRecorded("a", "u1", 5, over_limit=False), EventRepeated("b", "u1", 5))

    counting.command("usage.record", Recorded(kept))
    counting.command("usage.record", Refused(RefusalCode.PLAN_MISSING, "no plan", ()))

    for outcome in ("RECORDED", "REPEATED"):
        assert metrics.registry.get_sample_value("billgraph_usage_events_total", {"outcome": outcome}) == 1
    for outcome in ("DONE", "PLAN_MISSING"):
        labels = {"command": "usage.record", "outcome": outcome}
        assert metrics.registry.get_sample_value("billgraph_commands_total", labels) == 1


def test_gives_no_series_to_names_that_strangers_think_of() -> None:
    metrics = Metrics()

    for number in range(OPERATION_NAMES_MAX + 50):
        metrics.answered(f"Q{number}", "query", "OK", seconds=0, requested=1, actual=1, is_known=number > 0)
    for number in range(CLIENT_NAMES_MAX + 50):
        metrics.deprecated("Query.hi", f"client {number}")

    families = {family.name: family for family in metrics.registry.collect()}
    named = [each.labels["operation"] for each in families["billgraph_operations"].samples if "_total" in each.name]
    clients = [each.labels["client"] for each in families["billgraph_deprecated_uses"].samples if "_total" in each.name]
    assert (len(named), len(clients)) == (OPERATION_NAMES_MAX + 1, CLIENT_NAMES_MAX + 1)
    assert "Q0" not in named
    labels = {"operation": OTHER, "kind": "query", "code": "OK"}
    assert metrics.registry.get_sample_value("billgraph_operations_total", labels) == 50


def test_gives_no_series_to_close_codes_that_clients_make_up() -> None:
    metrics = Metrics()

    for code in range(3_000, 4_000):
        metrics.socket_closed(code)

    assert metrics.registry.get_sample_value("billgraph_sockets_closed_total", {"code": OTHER}) == 1_000


async def test_counts_deprecated_fields_by_client_and_logs_each_once() -> None:
    async with serving() as house, httpx2.AsyncClient(base_url=house.url) as client:
        with structlog.testing.capture_logs() as lines:
            for _ in range(2):
                await ask(client, "{ hi }", **{"apollographql-client-name": "console"})
            await ask(client, "{ again: hi }")
            await ask(client, "{ hello }", **{"apollographql-client-name": "console"})
        async with introduced(house) as socket:
            await subscribe(socket, "a", "{ hi }")
            await hear(socket)
        found = await read(client)

    assert found["billgraph_deprecated_uses_total client=console coordinate=Query.hi"] == 2
    assert found["billgraph_deprecated_uses_total client=unnamed coordinate=Query.hi"] == 2
    noticed = [line for line in lines if line["event"] == "deprecated part used"]
    assert [(line["coordinate"], line["client"]) for line in noticed] == [
        ("Query.hi", "console"),
        ("Query.hi", "unnamed"),
    ]


async def test_shows_nobody_else_what_is_counted(house: House, client: httpx2.AsyncClient) -> None:
    for header in ("x-forwarded-for", "forwarded", "via", "x-real-ip"):
        assert (await client.get("/metrics", headers={header: "1.2.3.4"})).status_code == 404
    assert (await client.post("/metrics")).status_code == 405


async def test_asks_for_the_token_where_there_is_one() -> None:
    async with (
        serving(settings={"metrics_token": SecretStr(SECRET)}) as house,
        httpx2.AsyncClient(base_url=house.url) as client,
    ):
        statuses = [
            (await client.get("/metrics", headers=headers)).status_code
            for headers in (
                {},
                {"authorization": f"Basic {SECRET}"},
                {"authorization": f"Bearer {SECRET[:-1]}"},
                {"authorization": f"Bearer {SECRET}\u00e9".encode()},
                {"authorization": f"Bearer {SECRET}", "x-forwarded-for": "1.2.3.4"},
            )
        ]

    assert statuses == [401, 401, 401, 401, 200]


def test_shows_nobody_anything_in_production_without_a_token() -> None:
    settings = Settings.model_construct(environment=Environment.PRODUCTION, metrics_token=None)

    with TestClient(Starlette(routes=[metrics_door.route(Metrics(), settings)]), client=("127.0.0.1", 1)) as client:
        assert client.get("/metrics").status_code == 404


def test_takes_no_token_that_can_be_guessed() -> None:
    with pytest.raises(ValidationError, match="at least 32"):
        Settings(metrics_token=SecretStr("short"))


async def test_answers_collectors_in_the_format_they_prefer(client: httpx2.AsyncClient) -> None:
    response = await client.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})

    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF\n")
