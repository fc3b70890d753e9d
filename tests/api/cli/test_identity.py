"""What an operator does about identity: a proof that is not the right one proves nothing, and says why."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from api.cli import identity
from api.cli.books import NothingFound
from api.cli.commands import app
from api.cli.identity import NotVerified
from api.settings import Settings
from models import identity_providers as rows
from models import signing_keys
from models.database import opened
from services import email_domains
from services import identity_providers as services
from tests import databases
from tests.services.books import books

DOMAIN = "acme.example"


@pytest.fixture
async def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings for a database in which `acme` claims a domain."""
    async with databases.fresh(database_url, tmp_path) as database:
        ours = await books(database)
        await books(database, slug="other")
        provisioning = services.Provisioning()
        wanted = services.Settings(
            "Directory", "https://idp.example", "c", "NONE", None, ("RS256",), "openid", None, provisioning, False
        )
        made = await ours.do(services.create, services.Create, settings=wanted)
        added = await ours.do(
            email_domains.add, email_domains.Add, domain=DOMAIN, identity_provider_id=made.identity_provider_id
        )
        assert isinstance(added, email_domains.Kept), added
    url = database_url if databases.on_postgres() else f"sqlite://{tmp_path / 'billgraph.db'}"
    return Settings(database_url=SecretStr(url))


async def proof(settings: Settings) -> str:
    async with opened(settings.database_url.get_secret_value()) as database:
        [claim] = await rows.claims_of(database.reader, DOMAIN)
        return email_domains.record_value(claim.token)


async def test_a_claim_is_shown_without_its_proof_and_verified_with_it(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    found = await proof(settings)

    await identity.list_claims(settings, f" {DOMAIN.upper()} ")
    claimed = capsys.readouterr().out
    await identity.verify_domain(settings, "acme", DOMAIN, found)
    await identity.list_claims(settings, DOMAIN)

    assert claimed == f"look up: TXT _billgraph.{DOMAIN}\nacme  not verified\n"
    assert found not in claimed
    verified, _, listed = capsys.readouterr().out.splitlines()
    assert verified == f"{DOMAIN} is verified for acme"
    assert listed.startswith("acme  verified 20")


async def test_another_record_another_organization_and_another_domain_prove_nothing(settings: Settings) -> None:
    found = await proof(settings)

    for slug, domain, shown in (
        ("acme", DOMAIN, f"{found}x"),
        ("acme", DOMAIN, ""),
        ("other", DOMAIN, found),
        ("acme", "globex.example", found),
    ):
        with pytest.raises(NotVerified):
            await identity.verify_domain(settings, slug, domain, shown)
    with pytest.raises(NothingFound, match="there is no organization 'nobody'"):
        await identity.verify_domain(settings, "nobody", DOMAIN, found)
    with pytest.raises(NothingFound, match="nobody claims"):
        await identity.list_claims(settings, "globex.example")


async def test_a_new_key_signs_and_the_old_one_stays_published(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        await identity.rotate_keys(settings)

    first, second = (line.split()[0] for line in capsys.readouterr().out.splitlines())
    async with opened(settings.database_url.get_secret_value()) as database:
        current = await signing_keys.current(database.reader)
    assert current is not None
    assert (current.kid, first != second) == (second, True)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["domain", "verify", "acme"], "Missing argument"),
        (["domain", "claims"], "Missing argument"),
        (["keys", "rotate", "now"], "unexpected extra argument"),
        (["confine"], "Missing argument"),
    ],
)
def test_says_what_is_missing(command: list[str], told: str) -> None:
    answer = CliRunner().invoke(app, command)

    assert answer.exit_code == 2
    assert told in answer.output
