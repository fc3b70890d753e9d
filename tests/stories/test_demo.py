"""The demo itself: always the same, harmless to repeat, and never half a demo."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.demo import personas
from api.demo.seed import NotTheDemo, seed
from auth.development import subject_of
from models import identities
from models.database import Database, opened
from services import verification
from tests import databases
from tests.services.books import books
from tests.stories.seeded import AT, ISSUER, digest, house, silent


class Interrupted(Exception):
    """Somebody pulled the plug."""


@pytest.mark.proof
async def test_a_demo_that_was_cut_short_is_taken_up_and_becomes_the_very_same(demo_url: str, tmp_path: Path) -> None:
    def pull_the_plug(text: str) -> None:
        if text.startswith("pooled: 2026-09"):
            raise Interrupted

    async with databases.copied(demo_url, tmp_path) as demo:
        expected = await digest(demo)

    async with opened(await databases.prepare(tmp_path, "twin")) as twin:
        with pytest.raises(Interrupted):
            await seed(twin, at=AT, issuer=ISSUER, progress=pull_the_plug)
        summary = await seed(twin, at=AT + timedelta(days=40), issuer=ISSUER, progress=silent)
        found = await digest(twin)

    assert summary.at == AT
    assert found == expected


async def test_seeding_again_changes_nothing(demo: Database) -> None:
    before, told = await digest(demo), list[str]()

    summary = await seed(demo, at=AT + timedelta(days=3), issuer=ISSUER, progress=told.append)

    assert told == ["the demo is there already"]
    assert await digest(demo) == before
    assert [each.slug for each in summary.organizations] == list(personas.SLUGS)
    assert 18_000 <= sum(each.usage_events for each in summary.organizations) <= 24_000


async def test_every_persona_can_sign_in_also_when_the_server_has_moved(demo: Database) -> None:
    moved = "http://127.0.0.1:8001/dev/idp"
    await seed(demo, at=AT, issuer=moved, progress=silent)

    for issuer in (ISSUER, moved):
        for persona in personas.PERSONAS:
            (member,) = await identities.active_members(demo.reader, issuer, subject_of(persona.email))
            ours = await house(demo, persona.organization)
            assert member.organization_id == ours.books.organization_id
            assert member.role == persona.role


@pytest.mark.proof
@pytest.mark.parametrize(
    "instant",
    [
        datetime(2026, 12, 1, 5, tzinfo=UTC),  # the first instant of a month in New York
        datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC),  # one month in Moscow, another in New York
    ],
)
async def test_the_demo_can_be_built_at_any_instant(database: Database, instant: datetime) -> None:
    await seed(database, at=instant, issuer=ISSUER, progress=silent)

    tracker = await (await house(database, "tracker")).invoices()
    assert max(bill.head.total_minor for bill in tracker) == 111_200_00
    pooled = await house(database, "pooled")
    assert [alert.member_id for alert in await pooled.log("SpendLimitThresholdReached")] == [
        (await pooled.member("member@pooled.example")).id
    ]
    assert len(await pooled.invoices()) == 3


async def test_invoices_of_the_seller_are_numbered_in_the_order_of_their_issue(demo: Database) -> None:
    issued = [
        (bill.head.issued_at, bill.head.number)
        for slug in personas.SLUGS
        for bill in await (await house(demo, slug)).invoices()
    ]

    numbers = [number for _, number in sorted(issued)]

    assert numbers == [f"BILLGRAPH-{number:06d}" for number in range(1, len(issued) + 1)]


async def test_keeps_its_hands_off_an_organization_that_is_not_the_demos(database: Database, tmp_path: Path) -> None:
    await books(database, slug="pooled")

    with pytest.raises(NotTheDemo, match="pooled"):
        await seed(database, at=AT, issuer=ISSUER, progress=silent)


async def test_everything_that_must_be_true_is_true_of_the_demo(demo: Database) -> None:
    found = await verification.of_database(demo.reader)
    for slug in personas.SLUGS:
        found += await verification.of_organization(demo.reader, (await house(demo, slug)).books.organization_id)

    assert found == []
