"""The operator's commands say what they did and from when it applies, and refuse with the field and the bound."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from api.cli import books as commands
from api.cli.commands import app
from api.house import now
from api.settings import Settings
from models import events, exemptions, organizations
from models.database import opened
from tests import databases
from tests.services.books import POOLED, books

SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
CERTIFICATE = commands.ExemptionTerms("EX-7", "DE", "Reverse charge", SINCE, None)
ENDED = commands.ExemptionTerms("EX-7", "DE", None, None, UNTIL)


@pytest.fixture
async def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings for a database in which `acme` lives on the first version of a plan."""
    async with databases.fresh(database_url, tmp_path) as database:
        await books(database)
    url = database_url if databases.on_postgres() else f"sqlite://{tmp_path / 'billgraph.db'}"
    return Settings(database_url=SecretStr(url))


def a_version(number: int, unit: str = "25", name: str = "2027") -> dict[str, Any]:
    chat, *others = POOLED["items"]
    priced = {**chat, "price": {"model": "UNIT", "unit": unit}, "price_version": name}
    return {**POOLED, "version": number, "items": [priced, *others]}


async def log_of(settings: Settings) -> list[tuple[str, str]]:
    """Return what happened in `acme`, and who did it."""
    async with opened(settings.database_url.get_secret_value()) as database:
        organization = await organizations.find_by_slug(database.reader, "acme")
        assert organization is not None
        found = await events.after(database.reader, organization.organization_id, 0, limit=100)
    return [(event.kind, event.actor) for event in found]


async def test_a_version_is_on_offer_at_once(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    before = await log_of(settings)

    await commands.publish(settings, a_version(2), effective_at=None)

    said = capsys.readouterr().out
    assert said.startswith("pooled in USD, version 2, is on offer since 20")
    assert await log_of(settings) == before, "who subscribed before keeps their prices, so nothing happens to them"


async def test_a_version_to_come_says_from_when_it_applies(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    coming = now() + timedelta(days=30)

    await commands.publish(settings, a_version(2), effective_at=coming)

    named, later, until_then = capsys.readouterr().out.partition(" will be on offer from ")
    assert (named, later) == ("pooled in USD, version 2,", " will be on offer from ")
    assert until_then == f"{coming.isoformat()} on; until then the version before it is\n"


@pytest.mark.parametrize(
    ("document", "effective_at", "message"),
    [
        (a_version(3), None, "version: version 3 does not follow version 1"),
        (a_version(2, name="first"), SINCE, "effectiveAt: 2026-01-01T00:00:00\\+00:00 is before"),
        ({**a_version(2), "currency": "usd"}, None, "currency: 'usd' is not an active ISO 4217"),
        ({"key": "pooled"}, None, "currency: missing"),
    ],
)
async def test_refuses_a_version_with_the_field_and_the_bound(
    settings: Settings, document: dict[str, Any], effective_at: datetime | None, message: str
) -> None:
    with pytest.raises(commands.NotAccepted, match=message):
        await commands.publish(settings, document, effective_at=effective_at)


@pytest.mark.parametrize("text", ["", "[]", '{"key":'])
def test_refuses_a_file_that_holds_no_object(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text)

    with pytest.raises(commands.NotAccepted, match=r"plan\.json: "):
        commands.read_document(path)
    with pytest.raises(commands.NotAccepted, match=r"nowhere\.json: "):
        commands.read_document(tmp_path / "nowhere.json")
    path.write_text(json.dumps(POOLED))
    assert commands.read_document(path) == POOLED


async def test_a_certificate_is_accepted_and_ended_on_record(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await commands.exempt(settings, "acme", CERTIFICATE)
    await commands.exempt(settings, "acme", ENDED)

    assert capsys.readouterr().out.splitlines() == [
        f"acme: certificate EX-7 of DE is valid from {SINCE.isoformat()} on",
        f"acme: certificate EX-7 of DE ends at {UNTIL.isoformat()}",
    ]
    assert (await log_of(settings))[-2:] == [("TaxExemptionAccepted", "system"), ("TaxExemptionEnded", "system")]
    async with opened(settings.database_url.get_secret_value()) as database:
        organization = await organizations.find_by_slug(database.reader, "acme")
        assert organization is not None
        (row,) = await exemptions.of_organization(database.reader, organization.organization_id)
        kept = await database.reader.execute_query_dict("SELECT operation FROM audit_records")
    assert (row.valid_from, row.valid_until) == (SINCE, UNTIL)
    assert {"exemptions.accept", "exemptions.end"} <= {record["operation"] for record in kept}


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (CERTIFICATE, "certificate: certificate EX-7 of DE is on record"),
        (commands.ExemptionTerms("EX-8", "DE", None, None, UNTIL), "certificate: .*EX-8"),
        (commands.ExemptionTerms("EX-7", "DE", None, None, SINCE), "validUntil: .* is not after 2026-01-01"),
        (commands.ExemptionTerms("EX-9", "DE", "Reverse charge", UNTIL, SINCE), "validUntil: .* is not after 2027"),
        (
            commands.ExemptionTerms(" ", "DE", "Reverse charge", SINCE, None),
            "certificate: .* has 0 characters",
        ),
    ],
)
async def test_refuses_a_certificate_with_the_field(
    settings: Settings, terms: commands.ExemptionTerms, message: str
) -> None:
    await commands.exempt(settings, "acme", CERTIFICATE)
    before = await log_of(settings)

    with pytest.raises(commands.NotAccepted, match=message):
        await commands.exempt(settings, "acme", terms)

    assert await log_of(settings) == before


async def test_nobody_is_exempted_who_is_not_there(settings: Settings) -> None:
    with pytest.raises(commands.NothingFound, match="no organization with the slug 'nobody'"):
        await commands.exempt(settings, "nobody", CERTIFICATE)


def test_a_certificate_is_accepted_or_ended() -> None:
    found = CliRunner().invoke(app, ["exempt", "acme", "--certificate", "EX-7", "--jurisdiction", "DE"])

    assert found.exit_code == 2
    assert "give --reason to accept a certificate, or --until to end one" in " ".join(found.output.split())
