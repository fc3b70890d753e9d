"""Reserved spend through the graph: held, shown, settled, released, and refused with the limit that binds."""

import asyncio
from contextlib import aclosing
from typing import Any

from tests.builders import Caller, Database, a_member, a_sandbox, an_organization, as_role, event, refusals, usd

HOLD = """outcome reservation { id externalId status amount { amount } settled { amount } excess { amount } overLimit
    seatTier expiresAt endedAt member { name } usageEvents { eventId cost { amount } } }"""
RESULTS = "results { externalId outcome reservation { status amount { amount } } }"


def a_use(event_id: str, dollars: float) -> dict[str, Any]:
    """Return a use as a client gives it."""
    return {"id": event_id, "model": "atlas", "direction": "INPUT", "quantity": str(int(dollars * 1_000_000))}


async def _member(database: Database) -> tuple[Caller, str, Caller]:
    owner = await an_organization(database)
    member_id, member = await a_member(owner, "max")
    return owner, member_id, member


async def test_reserves_shows_and_settles(database: Database) -> None:
    owner, member_id, max_ = await _member(database)
    await owner.do("setSpendLimit", "limit { id }", level="MEMBER", memberId=member_id, amount=usd("10"))

    made = await owner.do(
        "reserveSpend", HOLD, externalId="r1", memberId=member_id, amount=usd("6.000000001"), ttlSeconds=60
    )
    own = await max_.data(
        """query($id: ID!, $org: ID!) { node(id: $id) { ... on Member { effectiveLimit { remaining { amount }
               chain { held { amount } } } } }
           organization(id: $org) { reservations(filter: {open: true}) { totalCount nodes { externalId } } } }""",
        id=member_id,
        org=owner.organization_id,
    )
    done = await owner.do("settleReservation", HOLD, externalId="r1", usage=[a_use("u1", 2), a_use("u2", 1.5)])
    again = await owner.do(
        "settleReservation", HOLD, reservationId=made["reservation"]["id"], usage=[a_use("u1", 2), a_use("u2", 1.5)]
    )

    assert made["reservation"] == {
        "id": made["reservation"]["id"],
        "externalId": "r1",
        "status": "HELD",
        "amount": {"amount": "6.000000001"},
        "settled": None,
        "excess": {"amount": "0.00"},
        "overLimit": False,
        "seatTier": "chat",
        "expiresAt": "2026-10-01T00:01:00Z",
        "endedAt": None,
        "member": {"name": "max"},
        "usageEvents": [],
    }
    assert own["node"]["effectiveLimit"] == {
        "remaining": {"amount": "3.999999999"},
        "chain": [{"held": {"amount": "6.000000001"}}],
    }
    assert own["organization"]["reservations"] == {"totalCount": 1, "nodes": [{"externalId": "r1"}]}
    assert (done["outcome"], done["reservation"]["status"]) == ("DONE", "SETTLED")
    assert done["reservation"]["settled"] == {"amount": "3.50"}
    assert [use["eventId"] for use in done["reservation"]["usageEvents"]] == ["u1", "u2"]
    assert again["outcome"] == "DUPLICATE"


async def test_a_refusal_names_the_limit_what_is_left_and_when_it_resets(database: Database) -> None:
    owner, member_id, _ = await _member(database)
    await owner.do("setSpendLimit", "limit { id }", level="ORGANIZATION", interval="DAY", amount=usd("1"))
    estimate = {"model": "atlas", "direction": "INPUT", "quantity": "1500000"}

    payload = await owner.do("reserveSpend", HOLD, externalId="r1", memberEmail="max@x.example", quantities=[estimate])

    assert (payload["outcome"], payload["reservation"]) == ("REFUSED", None)
    (error,) = payload["userErrors"]
    assert (error["__typename"], error["eventId"], error["field"]) == ("SpendLimitReached", "r1", [])
    assert error["headroom"] == {"amount": "1.00"}
    assert error["shortfall"] == {"amount": "0.50", "currency": "USD"}
    assert error["resetsAt"] == "2026-10-02T00:00:00Z"
    assert member_id


async def test_each_entry_of_a_batch_has_an_outcome_and_a_place(database: Database) -> None:
    owner, member_id, _ = await _member(database)
    await owner.do("setSpendLimit", "limit { id }", level="ORGANIZATION", amount=usd("1"))
    asks = [
        {"externalId": "r1", "memberId": member_id, "amount": usd("0.60")},
        {"externalId": "r2", "memberId": member_id, "amount": usd("0.60")},
        {"externalId": "r3", "memberExternalId": "nobody", "amount": usd("0.10")},
        {"externalId": "r4", "memberId": member_id, "amount": usd("0.40")},
    ]

    made = await owner.do("reserveSpendBatch", RESULTS, reservations=asks)
    settled = await owner.do(
        "settleReservations",
        RESULTS,
        settlements=[
            {"externalId": "r1", "usage": [a_use("u1", 0.7)]},
            {"externalId": "r2", "usage": [a_use("u2", 1)]},
        ],
    )
    released = await owner.do("releaseReservations", RESULTS, reservations=[{"externalId": "r4"}, {"externalId": "r4"}])

    assert [each["outcome"] for each in made["results"]] == ["DONE", "REFUSED", "REFUSED", "DONE"]
    assert refusals(made) == [
        ("SPEND_LIMIT_REACHED", ["reservations", "1"]),
        ("NOT_FOUND", ["reservations", "2", "memberExternalId"]),
    ]
    assert [each["outcome"] for each in settled["results"]] == ["DONE", "REFUSED"]
    assert refusals(settled) == [("NOT_FOUND", ["settlements", "1", "externalId"])]
    assert [each["outcome"] for each in released["results"]] == ["DONE", "DUPLICATE"]


async def test_an_amount_is_billed_as_units_of_a_meter_or_not_taken(database: Database) -> None:
    owner, member_id, _ = await _member(database)
    await owner.do("reserveSpend", HOLD, externalId="r1", memberId=member_id, amount=usd("1"))

    by_card = await owner.do("settleReservation", HOLD, externalId="r1", amount=usd("0.50"), meter="tokens")
    both = await owner.do(
        "settleReservation", HOLD, externalId="r1", amount=usd("0.50"), meter="tokens", usage=[a_use("u1", 1)]
    )
    fine = await owner.do("settleReservation", HOLD, externalId="r1", amount=usd("0.0000000001"), meter="tokens")
    unnamed = await owner.do("settleReservation", HOLD, usage=[a_use("u1", 1)])

    assert refusals(by_card) == [("PRICE_MISSING", ["meter"])]
    assert refusals(both) == [("INPUT_INVALID", ["usage"])]
    assert refusals(fine) == [("AMOUNT_INVALID", ["amount", "amount"])]
    assert refusals(unnamed) == [("INPUT_INVALID", ["reservationId"])]


async def test_a_hold_is_shown_as_expired_from_its_instant_on(database: Database) -> None:
    owner, member_id, _ = await _member(database)
    made = await owner.do("reserveSpend", HOLD, externalId="r1", memberId=member_id, amount=usd("1"))
    query = """query($id: ID!, $org: ID!) { node(id: $id) { ... on Reservation { status endedAt } }
        organization(id: $org) { open: reservations(filter: {open: true}) { totalCount }
            closed: reservations(filter: {open: false}) { totalCount } } }"""
    ids = {"id": made["reservation"]["id"], "org": owner.organization_id}

    now, later = await owner.data(query, **ids), await owner.later(1).data(query, **ids)

    assert now["node"] == {"status": "HELD", "endedAt": None}
    assert now["organization"] == {"open": {"totalCount": 1}, "closed": {"totalCount": 0}}
    assert later["node"] == {"status": "EXPIRED", "endedAt": "2026-10-01T00:05:00Z"}
    assert later["organization"] == {"open": {"totalCount": 0}, "closed": {"totalCount": 1}}


async def test_a_sandbox_clock_lives_through_the_end_of_a_hold(database: Database) -> None:
    owner = await a_sandbox(database)
    member_id, _ = await a_member(owner, "max")
    await owner.do("reserveSpend", HOLD, externalId="r1", memberId=member_id, amount=usd("1"), ttlSeconds=3600)

    moved = await owner.do("advanceTestClock", "happened { what at }", to="2026-10-01T02:00:00Z")
    found = await owner.data(
        "query($org: ID!) { organization(id: $org) { reservations { nodes { status endedAt } } } }",
        org=owner.organization_id,
    )

    assert [(each["what"], each["at"]) for each in moved["happened"]] == [("RESERVATION", "2026-10-01T01:00:00Z")]
    (node,) = found["organization"]["reservations"]["nodes"]
    assert node == {"status": "EXPIRED", "endedAt": "2026-10-01T01:00:00Z"}


async def test_a_plain_member_sees_their_own_and_reserves_nothing(database: Database) -> None:
    owner, member_id, max_ = await _member(database)
    eve_id, _ = await a_member(owner, "eve")
    for external_id, of in (("r1", member_id), ("r2", eve_id)):
        made = await owner.do("reserveSpend", HOLD, externalId=external_id, memberId=of, amount=usd("1"))
    listed = """query($org: ID!, $of: ID) { organization(id: $org) {
        reservations(filter: {memberId: $of}) { nodes { externalId } } } }"""

    own = await max_.data(listed, org=owner.organization_id)
    others = await max_.data(listed, org=owner.organization_id, of=eve_id)

    assert own["organization"]["reservations"]["nodes"] == [{"externalId": "r1"}]
    assert others["organization"]["reservations"]["nodes"] == []
    assert await max_.code("query($id: ID!) { node(id: $id) { id } }", id=made["reservation"]["id"]) == "FORBIDDEN"
    member = Caller(owner.books, as_role(owner.books.organization_id, "member"))
    given = {"organizationId": owner.organization_id, "idempotencyKey": "k", "externalId": "r3", "memberId": member_id}
    document = "mutation($i: ReserveSpendInput!) { reserveSpend(input: $i) { outcome } }"
    assert await member.code(document, i={**given, "amount": usd("1")}) == "FORBIDDEN"


async def test_what_goes_too_far_is_told_each_time_to_the_member_and_to_those_who_manage(database: Database) -> None:
    owner, member_id, max_ = await _member(database)
    await owner.do("setSpendLimit", "limit { id }", level="MEMBER", memberId=member_id, amount=usd("3"), thresholds=[])
    found = await owner.data("query($id: ID!) { organization(id: $id) { eventCursor } }", id=owner.organization_id)
    after = found["organization"]["eventCursor"]
    reserved = [
        await owner.do("reserveSpend", HOLD, externalId=name, memberId=member_id, amount=usd("1"))
        for name in ("a", "b")
    ]
    await owner.do(
        "settleReservation", HOLD, externalId="a", usage=[a_use("u1", 1.5)]
    )  # beyond its hold, within the limit
    await owner.do("settleReservation", HOLD, externalId="b", usage=[a_use("u2", 2)])  # beyond both
    await owner.do("recordUsage", "results { status }", events=[event("u3", member_id, "4")], overage="RECORD")

    heard = [await _overruns(caller, 3, after) for caller in (owner, max_)]

    assert heard[0] == heard[1]
    assert len({each["dedupId"] for each in heard[0]}) == 3
    told = [each["overrun"] for each in heard[0]]
    assert [(each["excess"]["amount"], each["overLimit"]["amount"]) for each in told] == [
        ("0.50", "0.00"),
        ("1.00", "2.00"),
        ("0.00", "4.00"),
    ]
    assert [each["reservationIds"] for each in told] == [[r["reservation"]["id"]] for r in reserved] + [[]]
    assert [len(each["usageEventIds"]) for each in told] == [0, 1, 1]
    node = "query($id: ID!) { node(id: $id) { ... on UsageEvent { eventId } } }"
    assert (await owner.data(node, id=told[1]["usageEventIds"][0]))["node"]["eventId"] == "u2"


async def _overruns(caller: Caller, count: int, after: str) -> list[Any]:
    document = """subscription($id: ID!, $after: String) { spendOverrun(organizationId: $id, after: $after) {
        dedupId overrun { occurredAt excess { amount } overLimit { amount } reservationIds usageEventIds
                          member { name } } } }"""
    taken: list[Any] = []
    async with (
        asyncio.timeout(10),
        aclosing(caller.hear(document, id=caller.organization_id, after=after)) as events,
    ):
        async for data in events:
            taken.append(data["spendOverrun"])
            if len(taken) == count:
                break
    return taken
