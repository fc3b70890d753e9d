"""What leaves by the doors beside the graph is as little another organization's as what leaves by the graph."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import httpx2
from starlette.applications import Starlette
from starlette.routing import Route

from api.exports import LISTS
from api.house import build_house, now
from api.settings import Settings
from auth.sessions import Account, Sessions
from documents.tables import TableFormat
from models import identities
from models.sql import Client
from schema import ids
from schema.ids import Kind
from tests.authorization.callers import CANARY, Home

ISSUER, SUBJECT = "https://idp.example", "auditor-of-home"
# Signing in and directories have tests of their own.
ELSEWHERE: Final = ("/callback/", "/backchannel-logout/", "/scim/v2/")
NEVER: Final = "01kwdfkd00yp6arym8shx0mx4x"
LISTED: Final = [f"{name}.{form}" for name in LISTS for form in TableFormat]


async def newest_invoice(home: Home) -> str:
    document = "{ organization(id: $organization) { invoices(first: 1) { nodes { id } } } }"
    answer = await home.ask(home.caller("primary_owner"), document)
    assert answer.data is not None, answer
    return str(answer.data["organization"]["invoices"]["nodes"][0]["id"])


def addresses(organization: str, invoice: str) -> dict[str, list[tuple[str, str]]]:
    """Return what is asked at each door, by its path."""
    upload = f"/organizations/{organization}/imports?mode=BEST_EFFORT&dryRun=true"
    return {
        "/invoices/{name}": [("GET", f"/invoices/{invoice}.{form}") for form in ("csv", "xml", "pdf")],
        "/organizations/{id}/{name}": [("GET", f"/organizations/{organization}/{name}") for name in LISTED],
        "/organizations/{id}/imports": [("POST", upload)],
    }


@asynccontextmanager
async def an_auditor(home: Home, house: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    """Yield the browser of somebody who may read everything at home, and has signed in."""
    given = {"organizationId": home.known["organization"], "idempotencyKey": "auditor", "role": "auditor"}
    document = "mutation($i: ChangeMemberRoleInput!) { changeMemberRole(input: $i) { userErrors { code } } }"
    variables = {"i": {**given, "memberId": home.known["member"]}}
    changed = await home.ask(home.caller("primary_owner"), document, variables)
    assert changed.data == {"changeMemberRole": {"userErrors": []}}, changed

    async def link(client: Client) -> None:
        account = {"issuer": ISSUER, "subject": SUBJECT, "linked_at": now()}
        await identities.insert(client, organization_id=home.organization_id, member_id=home.member_id, **account)

    await home.database.runner.run(link, lane="test")
    token = await Sessions(home.database).open(Account(ISSUER, SUBJECT, "bo@x.example", "Bo", now()), at=now())
    transport = httpx2.ASGITransport(house)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8000") as browser:
        browser.cookies.set("billgraph", token)
        yield browser


async def test_nothing_of_another_organization_leaves_by_any_door(home: Home, other: Home) -> None:
    house = build_house(home.database, Settings())
    placed = {route.path for route in house.routes if isinstance(route, Route) and "{" in route.path}
    ours = addresses(home.known["organization"], await newest_invoice(home))
    theirs = addresses(other.known["organization"], await newest_invoice(other))
    never = addresses(str(ids.organization(NEVER)), str(ids.text(Kind.INVOICE, NEVER, NEVER)))
    headers = {"origin": "http://localhost:8000", "idempotency-key": "k"}
    assert {path for path in placed if not path.startswith(ELSEWHERE)} == theirs.keys(), "a new door is tried too"

    async with an_auditor(home, house) as browser:
        for path, asked in theirs.items():
            for (method, address), (_, own), (_, missing) in zip(asked, ours[path], never[path], strict=True):
                theirs_told = await browser.request(method, address, headers=headers)
                never_told = await browser.request(method, missing, headers=headers)
                own_told = await browser.request(method, own, headers=headers)

                assert CANARY.encode() not in theirs_told.content + own_told.content, address
                assert theirs_told.status_code == never_told.status_code, address
                assert theirs_told.status_code in {401, 403, 404}, (address, theirs_told.text)
                is_shown = own_told.status_code == (406 if own.endswith(".xml") else 200)  # its seller has no country
                assert method == "POST" or is_shown, (own, own_told.text)
