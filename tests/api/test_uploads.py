"""A long list gets in at the door, and who may not bring one learns so before it is read."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection

from api import uploads
from api.middleware import RequestId
from auth.principal import Principal
from jobs.imports import Importer
from models.database import Database
from tests.builders import Caller, an_organization, as_role
from tests.services.books import START

HEADER = "email,name,role\n"
LIST = f"{HEADER}max@x.example,Max,member\n\nnobody,No Body,member\n"
IMPORTED = """query($id: ID!) { node(id: $id) { ... on Import {
    status mode dryRun total done failed added finishedAt askedBy
    errors(first: 1) { totalCount nodes { row line email code field } }
} } }"""
CHANGED = """subscription($id: ID!, $after: String) { importChanged(organizationId: $id, after: $after) {
    change { kind import { done status } } } }"""
BYTES_MAX = 2_000


async def post(
    owner: Caller, content: bytes | str, actor: Principal | None, query: str = "", **headers: str
) -> httpx2.Response:
    async def authenticate(_connection: HTTPConnection, _payload: Mapping[str, object]) -> Principal | None:
        return actor

    routes = uploads.routes(
        authenticate=authenticate, dispatcher=owner.books.dispatcher, bytes_max=BYTES_MAX, now=lambda: START
    )
    app = Starlette(routes=routes, middleware=[Middleware(RequestId)])
    named = {"content-type": "text/csv", "idempotency-key": "monday"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://desk") as client:
        return await client.post(
            f"/organizations/{owner.organization_id}/imports{query}", content=content, headers=named
        )


async def work(owner: Caller) -> None:
    await Importer(owner.books.reader, owner.books.dispatcher, clock=lambda: START).carry_out()


async def test_takes_a_list_and_shows_in_the_graph_how_it_goes(database: Database) -> None:
    owner = await an_organization(database)
    asked = "query($id: ID!) { organization(id: $id) { eventCursor } }"
    since = (await owner.data(asked, id=owner.organization_id))["organization"]["eventCursor"]
    told = owner.hear(CHANGED, id=owner.organization_id, after=since)

    answer = await post(owner, LIST, owner.principal, "?mode=BEST_EFFORT")
    await work(owner)

    assert answer.status_code == 202
    assert answer.json()["import"]["total"] == 2
    found = (await owner.data(IMPORTED, id=answer.json()["import"]["id"]))["node"]
    error = {"row": 2, "line": 4, "email": "nobody", "code": "INPUT_INVALID", "field": ["email"]}
    assert found == {
        "status": "COMPLETED",
        "mode": "BEST_EFFORT",
        "dryRun": False,
        "total": 2,
        "done": 2,
        "failed": 1,
        "added": 1,
        "finishedAt": "2026-10-01T00:00:00Z",
        "askedBy": found["askedBy"],
        "errors": {"totalCount": 1, "nodes": [error]},
    }
    assert found["askedBy"].startswith("member:")
    news = [(await anext(told))["importChanged"]["change"] for _ in range(2)]
    assert [(each["kind"], each["import"]["done"]) for each in news] == [("STARTED", 2), ("FINISHED", 2)]
    await told.aclose()


async def test_a_dry_run_leaves_the_key_to_the_list_itself(database: Database) -> None:
    owner = await an_organization(database)

    tried = await post(owner, LIST, owner.principal, "?dryRun=true")
    meant = [await post(owner, LIST, owner.principal) for _ in range(2)]
    other = await post(owner, f"{HEADER}eve@x.example,Eve,member\n", owner.principal)

    assert [each.status_code for each in (tried, *meant, other)] == [202, 202, 202, 422]
    assert meant[0].json() == meant[1].json() != tried.json()
    assert other.json()["userErrors"][0]["code"] == "IDEMPOTENCY_MISMATCH"


@pytest.mark.parametrize(
    ("status", "told", "content", "given"),
    [
        (422, "there is no header", "", {}),
        (422, "line 2: 1 cells", f"{HEADER}max\n", {}),
        (422, "line 3: this is no UTF-8", f"{HEADER}a@x.example,A,member\n".encode() + b"\xff\xfe\n", {}),
        (422, "0 people", HEADER, {}),
        (422, "idempotencyKey has 0 characters", LIST, {"idempotency_key": ""}),
        (422, "idempotencyKey has 201 characters", LIST, {"idempotency_key": "k" * 201, "query": "?dryRun=true"}),
        (413, "larger than 2000 bytes", HEADER + "x" * BYTES_MAX, {}),
        (415, "as text/csv in UTF-8", LIST, {"content_type": "application/json"}),
        (415, "as text/csv in UTF-8", LIST, {"content_type": "text/csv; charset=latin-1"}),
        (415, "without Content-Encoding", LIST, {"content_encoding": "gzip"}),
        (400, "mode is 'ANY'", LIST, {"query": "?mode=ANY"}),
        (400, "dryRun is '1'", LIST, {"query": "?dryRun=1"}),
    ],
)
async def test_refuses_what_is_no_list(
    database: Database, status: int, told: str, content: bytes | str, given: dict[str, Any]
) -> None:
    owner = await an_organization(database)

    answer = await post(owner, content, owner.principal, **given)

    assert (answer.status_code, told in answer.text) == (status, True), answer.text


async def unread() -> AsyncIterator[bytes]:
    """A body that nobody should ask for."""
    raise AssertionError("a body was read of one who may not bring it")
    yield b""


async def test_asks_who_it_is_before_it_reads(database: Database) -> None:
    owner, elsewhere = await an_organization(database), await an_organization(database, slug="other")
    books = owner.books
    auditor, stranger = as_role(books.organization_id, "auditor"), elsewhere.principal

    told = [(await post(owner, unread(), caller)).status_code for caller in (None, auditor, stranger)]  # type: ignore[arg-type]

    assert told == [401, 403, 404]


async def test_stops_a_list_that_goes_on(database: Database) -> None:
    owner = await an_organization(database)
    started = (await post(owner, LIST, owner.principal)).json()["import"]["id"]

    stopped = await owner.do("cancelImport", "import { status }", importId=started)
    again = await owner.do("cancelImport", "import { status }", importId=started)

    assert (stopped["import"], stopped["userErrors"]) == ({"status": "CANCELLED"}, [])
    assert again["userErrors"][0]["code"] == "STATUS_CONFLICT"


async def test_a_list_that_is_too_long_for_an_answer_goes_on_beside(database: Database) -> None:
    owner = await an_organization(database)
    csv = HEADER + "".join(f"p{number}@x.example,P {number},member\n" for number in range(1_001))

    payload = await owner.do("importMembers", "count members { id } import { id status total }", csv=csv)
    await work(owner)

    assert (payload["userErrors"], payload["count"], payload["members"]) == ([], None, [])
    assert payload["import"] | {"id": ""} == {"id": "", "status": "WAITING", "total": 1_001}
    listed = "query($id: ID!) { organization(id: $id) { imports(first: 1) { totalCount nodes { status added } } } }"
    shown = (await owner.data(listed, id=owner.organization_id))["organization"]["imports"]
    assert shown == {"totalCount": 1, "nodes": [{"status": "COMPLETED", "added": 1_001}]}
