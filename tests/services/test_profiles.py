"""An organization's own data changes, and only what was given."""

from datetime import timedelta

import pytest

from auth import policy
from billing.contract_terms import BillTo
from models.database import Database
from services import clock, profiles
from services.dispatch import Request
from services.outcomes import RefusalCode, Refused
from tests.services.books import START, as_role, books, days_later

HOUR = 3_600


async def test_changes_what_is_given_and_leaves_the_rest(database: Database) -> None:
    ours = await books(database)

    answer = await ours.do(profiles.update, profiles.Update, name=" Acme Ltd ", invoice_grace_seconds=2 * HOUR)

    found = await ours.organization()
    assert answer == profiles.Updated(ours.organization_id)
    assert (found.name, found.locale, found.invoice_grace_seconds) == ("Acme Ltd", "en", 2 * HOUR)
    assert found.bill_to == {"legal_name": "Acme"}


async def test_replaces_the_payer_as_a_whole(database: Database) -> None:
    ours = await books(database)
    await ours.do(profiles.update, profiles.Update, bill_to=BillTo("Acme", ("Platz 1",), "DE1", "DE", "b@x.example"))

    await ours.do(profiles.update, profiles.Update, bill_to=BillTo("Acme Holding"))

    assert (await ours.organization()).bill_to == {
        "legal_name": "Acme Holding",
        "address_lines": [],
        "tax_id": None,
        "country": None,
        "email": None,
    }


async def test_tells_what_was_and_what_is_only_where_they_differ(database: Database) -> None:
    ours = await books(database)

    await ours.do(profiles.update, profiles.Update, name="Acme", locale="de-DE")
    await ours.do(profiles.update, profiles.Update, locale="de-DE")

    (fact,) = await ours.facts("OrganizationUpdated")
    assert fact.payload == '{"after":{"locale":"de-DE"},"before":{"locale":"en"}}'


async def test_changes_nothing_of_an_organization_that_is_read_only(database: Database) -> None:
    ours = await books(database, evaluation_ends_at=days_later(1), test_clock_at=START)
    command = clock.Advance(ours.organization_id, "advance", days_later(1) + timedelta(hours=1))
    await clock.advance(ours.dispatcher, ours.reader, command, Request(ours.owner, START, "request"))

    answer = await ours.do(profiles.update, profiles.Update, name="Acme Ltd")

    assert isinstance(answer, Refused)
    assert answer.code is RefusalCode.ORGANIZATION_READ_ONLY


async def test_a_billing_admin_may_and_an_auditor_may_not(database: Database) -> None:
    ours = await books(database)
    admin, auditor = (as_role(ours.organization_id, role) for role in ("billing_admin", "auditor"))

    assert isinstance(await ours.do(profiles.update, profiles.Update, actor=admin, name="Acme Ltd"), profiles.Updated)
    with pytest.raises(policy.Forbidden):
        await ours.do(profiles.update, profiles.Update, actor=auditor, name="Acme Inc")


@pytest.mark.parametrize("locale", ["zz", "de_DE", "DE", "en-GB-oed", "xx-YY", "de-ZZZ"])
async def test_refuses_a_locale_that_no_figure_can_be_written_in(database: Database, locale: str) -> None:
    ours = await books(database)

    answer = await ours.do(profiles.update, profiles.Update, locale=locale)

    assert answer == Refused(
        RefusalCode.INPUT_INVALID, f"{locale!r} is not a locale of CLDR such as en, ru-RU or zh-Hans-CN", ("locale",)
    )
