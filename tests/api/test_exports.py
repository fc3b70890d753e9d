"""The audit at the door: who gets it, in which form, and that it can be checked without us."""

import csv
import io
import json
from collections.abc import Mapping
from hashlib import sha256

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection

from api import exports
from api.middleware import RequestId
from auth.principal import Principal
from billing.roles import BUILT_IN
from models.database import Database
from schema import ids
from services import members
from tests.services.books import Books, as_role, books, days_later


async def get(ours: Books, path: str, actor: Principal | None) -> httpx2.Response:
    async def authenticate(_connection: HTTPConnection, _payload: Mapping[str, object]) -> Principal | None:
        return actor

    routes = exports.routes(authenticate=authenticate, reader=ours.reader, now=lambda: days_later(30))
    app = Starlette(routes=routes, middleware=[Middleware(RequestId)])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://desk") as client:
        return await client.get(f"/organizations/{ids.organization(ours.organization_id)}/{path}")


async def test_json_lines_hold_the_whole_chain_oldest_first(database: Database) -> None:
    ours = await books(database)
    for number in range(120):
        await ours.add(f"p{number}")

    answer = await get(ours, "audit.jsonl", ours.owner)

    records = [json.loads(line) for line in answer.text.splitlines()]
    assert answer.headers["content-type"] == "application/jsonl"
    assert [record["sequence"] for record in records] == list(range(1, 122))
    assert [record["previous_hash"] for record in records[1:]] == [record["hash"] for record in records[:-1]]


async def test_an_auditor_checks_the_chain_with_nothing_but_the_file(database: Database) -> None:
    """The recipe of docs/audit.md, written out."""
    ours = await books(database)
    await ours.add("bo")
    answer = await get(ours, "audit.jsonl", ours.owner)

    previous = ""
    for line in answer.text.splitlines():
        record = json.loads(line)
        said = [record[name] for name in ("actor", "method", "issuer", "request_id", "operation", "outcome")]
        said += [record["code"], record["message"], _text(record["input"]), _text(record["changes"])]
        parts = [previous, ours.organization_id, record["sequence"], record["recorded_at_microseconds"], *said]
        assert record["previous_hash"] == previous
        assert sha256(_text(parts).encode()).hexdigest() == record["hash"]
        previous = record["hash"]


async def test_csv_has_a_header_and_one_row_a_record(database: Database) -> None:
    ours = await books(database)
    await ours.add("bo")

    answer = await get(ours, "audit.csv?operation=members.add", ours.owner)

    [row] = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert (row["sequence"], row["operation"], row["code"]) == ("2", "members.add", "")
    assert json.loads(row["input"])["email"] == "bo@x.example"
    assert 'filename="audit.csv"' in answer.headers["content-disposition"]


async def test_who_had_access_at_an_instant_leaves_as_a_file(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat", at=days_later(1))
    await ours.do(members.deactivate, members.Deactivate, at=days_later(3), member_id=bo)
    instant = days_later(2).isoformat().replace("+00:00", "Z")

    then = await get(ours, f"access.jsonl?at={instant}", ours.owner)
    now = await get(ours, "access.csv", ours.owner)

    _, line = map(json.loads, then.text.splitlines())
    assert (line["email"], line["role"], line["has_seat"], line["tier"]) == ("bo@x.example", "member", True, "chat")
    assert line["permissions"] == sorted(BUILT_IN["member"].permissions)
    assert [row["role"] for row in csv.DictReader(io.StringIO(now.text.removeprefix("\ufeff")))] == ["primary_owner"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("audit.pdf", 404, "NOT_FOUND"),
        ("secrets.csv", 404, "NOT_FOUND"),
        ("audit.csv?since=yesterday", 400, "BAD_USER_INPUT"),
        ("audit.csv?until=2026-10-01", 400, "BAD_USER_INPUT"),
        ("access.csv?at=then", 400, "BAD_USER_INPUT"),
    ],
)
async def test_refuses_what_it_cannot_read(database: Database, path: str, status: int, code: str) -> None:
    ours = await books(database)

    answer = await get(ours, path, ours.owner)

    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("role", "status", "code"),
    [
        ("auditor", 200, None),
        ("member", 403, "FORBIDDEN"),
        ("stranger", 404, "NOT_FOUND"),
        (None, 401, "UNAUTHENTICATED"),
    ],
)
async def test_is_for_those_who_may_read_the_audit(
    database: Database, role: str | None, status: int, code: str | None
) -> None:
    ours = await books(database)
    actors = {
        "auditor": as_role(ours.organization_id, "auditor"),
        "member": as_role(ours.organization_id, "member"),
        "stranger": as_role("01kwdfkd00yp6arym8shx0mx4x", "primary_owner"),
        None: None,
    }

    answer = await get(ours, "audit.jsonl", actors[role])

    assert answer.status_code == status
    if code is not None:
        assert answer.json()["errors"][0]["extensions"]["code"] == code


def _text(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
