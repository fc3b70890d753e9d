"""Around the graph: request ids, headers, health, pages and what is logged."""

import json
import logging
from pathlib import Path

import httpx2
import pytest
import structlog
from starlette.types import Message, Receive, Scope, Send

from api import logs, pages
from api.middleware import CONTENT_POLICY, SecurityHeaders
from api.settings import Environment, Settings
from tests.api.house import House, serving
from tests.api.test_graphql_ws import hear, introduced, subscribe

CHROME = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"}


@pytest.mark.parametrize("given", ["trace-0123456789", "0af7651916cd43dd8448eb211c80319c"])
async def test_keeps_a_well_formed_request_id(client: httpx2.AsyncClient, given: str) -> None:
    response = await client.get("/livez", headers={"x-request-id": given})

    assert response.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["short", "x" * 65, "new\tline-and-more", "<script>alert(1)</script>"])
async def test_replaces_any_other_request_id(client: httpx2.AsyncClient, given: str) -> None:
    response = await client.get("/livez", headers={"x-request-id": given})

    assert len(response.headers["x-request-id"]) == 32
    assert response.headers["x-request-id"] != given


@pytest.mark.parametrize("path", ["/graphql", "/livez", "/static/query_page.js", "/nowhere"])
async def test_protects_browsers_on_every_path(client: httpx2.AsyncClient, path: str) -> None:
    response = await client.get(path, headers=CHROME)

    assert response.headers["content-security-policy"] == CONTENT_POLICY
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["x-frame-options"] == "DENY"
    assert "server" not in response.headers


async def test_leaves_a_header_as_a_response_set_it() -> None:
    sent: list[Message] = []

    async def responds(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-frame-options", b"SAMEORIGIN")]})

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nobody asks for the body")

    await SecurityHeaders(responds, is_https=True)({"type": "http"}, receive, send)

    headers = sent[0]["headers"]
    assert [value for name, value in headers if name == b"x-frame-options"] == [b"SAMEORIGIN"]
    assert (b"strict-transport-security", b"max-age=31536000; includeSubDomains") in headers


async def test_shows_a_page_that_needs_nothing_from_elsewhere(client: httpx2.AsyncClient) -> None:
    page = (pages.STATIC / "query_page.html").read_text()

    for name in ("query_page.js", "query_page.css", "icon.svg"):
        assert f'"/static/{name}"' in page
        assert (await client.get(f"/static/{name}")).status_code == 200
    assert "http" not in page
    assert "<style" not in page
    assert "style=" not in page
    assert "onclick" not in page


async def test_shows_graphiql_once_it_is_built(tmp_path: Path) -> None:
    (tmp_path / "query_page.html").write_text("ours")
    before = pages.QueryPage(tmp_path).response()
    (tmp_path / "graphiql").mkdir()
    (tmp_path / "graphiql" / "index.html").write_text("built")
    after = pages.QueryPage(tmp_path).response()

    assert [Path(response.path).name for response in (before, after)] == ["query_page.html", "index.html"]


async def test_says_that_it_is_alive_and_ready(client: httpx2.AsyncClient) -> None:
    alive, ready = await client.get("/livez"), await client.get("/readyz")

    assert (alive.status_code, alive.text) == (200, "ok")
    assert (ready.status_code, ready.json()) == (200, {"database": "ok", "serving": "ok"})


async def test_names_what_is_not_ready_but_not_why() -> None:
    async def fails() -> None:
        raise ConnectionError("postgres://user:password@host")

    async with (
        serving(checks=(("database", fails),)) as house,
        httpx2.AsyncClient(base_url=house.url) as client,
    ):
        response = await client.get("/readyz")

    assert (response.status_code, response.json()) == (503, {"database": "failed", "serving": "ok"})


async def test_logs_what_happened_but_never_with_what(client: httpx2.AsyncClient) -> None:
    query = "query Hi($name: String!) { hello(name: $name) broken }"
    headers = {"authorization": "Bearer ada-token", "cookie": "session=s3cret"}

    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        await client.post("/graphql?t=s3cret", json={"query": query, "variables": {"name": "s3cret"}}, headers=headers)

    fault, access = lines
    assert (fault["event"], fault["error"], fault["path"]) == ("unexpected error", "RuntimeError", ["broken"])
    assert access == {
        "event": "request",
        "log_level": "info",
        "request_id": fault["request_id"],
        "method": "POST",
        "path": "/graphql",
        "status": 200,
        "operation": "Hi",
        "kind": "query",
        "principal": "person",
        "requested": 3,
        "actual": 3,
        "code": "INTERNAL",
        "milliseconds": access["milliseconds"],
    }
    assert "s3cret" not in repr(lines)
    assert "ada-token" not in repr(lines)


async def test_logs_operations_of_a_socket_one_by_one(house: House) -> None:
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        async with introduced(house) as socket:
            variables = {"name": "s3cret"}
            await subscribe(socket, "a", "query Hi($name: String!) { hello(name: $name) }", variables=variables)
            await hear(socket)
            await subscribe(socket, "b", "subscription Count { count(to: 1) }")
            while (await hear(socket))["id"] == "a":
                pass

    told = {line["event"]: line for line in lines}
    answered, subscribed = told["operation"], told["subscribed"]
    assert (answered["operation"], answered["kind"], answered["code"]) == ("Hi", "query", "OK")
    assert (answered["principal"], answered["requested"], answered["actual"]) == ("person", 2, 2)
    assert answered["milliseconds"] >= 0
    assert (subscribed["operation"], subscribed["principal"]) == ("Count", "person")
    assert answered["request_id"] == subscribed["request_id"]
    assert "s3cret" not in repr(lines)
    assert "ada-token" not in repr(lines)


@pytest.mark.parametrize(
    ("expected", "query"),
    [("GRAPHQL_VALIDATION_FAILED", "query Hi { secrets }"), ("GRAPHQL_PARSE_FAILED", "{ s3cret "), ("OK", "{ hello }")],
)
async def test_logs_how_a_request_turned_out(client: httpx2.AsyncClient, expected: str, query: str) -> None:
    with structlog.testing.capture_logs() as lines:
        await client.post("/graphql", json={"query": query})

    [access] = lines
    assert (access["code"], access["principal"]) == (expected, "nobody")
    assert "s3cret" not in repr(lines)


def test_redacts_what_should_never_have_been_logged() -> None:
    event = {"event": "sent Bearer abc.def-ghi", "access_token": "x", "Cookie": "y", "seats": 3}

    redacted = logs.redact(None, "info", event)

    assert redacted == {
        "event": "sent Bearer [redacted]",
        "access_token": "[redacted]",
        "Cookie": "[redacted]",
        "seats": 3,
    }


def test_logs_json_lines_in_production(capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings.model_construct(environment=Environment.PRODUCTION, log_level="info")
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure(settings)
    try:
        structlog.get_logger("x").info("seat changed", seats=3)
        logging.getLogger("library").warning("Bearer %s", "abc.def")
    finally:
        structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(level)

    ours, theirs = map(json.loads, capsys.readouterr().err.splitlines())
    assert (ours["event"], ours["seats"], ours["level"]) == ("seat changed", 3, "info")
    assert (theirs["event"], theirs["level"]) == ("Bearer [redacted]", "warning")


async def test_lets_the_pages_of_allowed_sites_in() -> None:
    site = "https://console.example"
    preflight = {
        "origin": site,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }

    async with serving(allowed_origins=frozenset({site})) as house, httpx2.AsyncClient(base_url=house.url) as client:
        asked = await client.options("/graphql", headers=preflight)
        answered = await client.post("/graphql", json={"query": "{ hello }"}, headers={"origin": site})
        foreign = await client.post("/graphql", json={"query": "{ hello }"}, headers={"origin": "https://evil.example"})

    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, site)
    assert (answered.status_code, answered.headers["access-control-allow-origin"]) == (200, site)
    assert foreign.status_code == 403
    assert "access-control-allow-origin" not in foreign.headers
