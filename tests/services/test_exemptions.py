"""A customer owes no tax while the seller says so, and every line says why."""

import copy
from datetime import timedelta
from typing import Any

import pytest

from auth.principal import Principal
from models import exemptions as rows
from models import invoices
from models.database import Database
from models.paging import Window
from services import closing, drafts, exemptions
from services.outcomes import RefusalCode, Refused
from tests.services.books import POOLED, START, Books, as_role, books, days_later

NOVEMBER = START.replace(month=11)
CERTIFICATE = {"certificate": "DE-77", "jurisdiction": "DE", "reason": "Intra-community supply"}
SAID = "Intra-community supply (certificate DE-77, DE)"


async def taxed(database: Database) -> Books:
    plan = copy.deepcopy(POOLED) | {"key": "taxed", "tax": {"mode": "EXCLUSIVE", "percent": "20"}}
    ours = await books(database, plan=plan)
    await ours.add("bo", tier="chat")
    return ours


async def accept(ours: Books, actor: Principal | None = None, **fields: Any) -> Any:
    given = {**CERTIFICATE, "valid_from": START, "valid_until": NOVEMBER, **fields}
    system = Principal.system(ours.organization_id)
    return await ours.do(exemptions.accept, exemptions.Accept, actor=actor or system, **given)


async def test_no_tax_is_owed_while_a_certificate_is_valid(database: Database) -> None:
    ours = await taxed(database)
    await accept(ours)

    supposed = await drafts.month_total(ours.reader, await ours.organization(), at=days_later(3))
    for month in ("2026-10", "2026-11"):
        await ours.do(closing.close, closing.Close, period=month, at=days_later(61))
    page = await invoices.page_of(ours.reader, ours.organization_id, Window(10))
    exempt, owed = reversed(page.rows)
    lines = await invoices.lines_of(ours.reader, ours.organization_id, [exempt.id, owed.id])

    assert (exempt.tax_minor, exempt.total_minor, owed.tax_minor, owed.total_minor) == (0, 20_00, 4_00, 24_00)
    assert supposed.minor == exempt.total_minor
    assert (exempt.frozen["tax_exemption"], owed.frozen["tax_exemption"]) == (SAID, None)
    assert owed.frozen["tax_rates"] == [{"percent": "20", "base_minor": 20_00, "tax_minor": 4_00}]
    assert [f"tax=EXEMPT: {SAID}" in line.explanation["policy"] for line in lines] == [True, False]


@pytest.mark.parametrize("role", ["primary_owner", "owner", "billing_admin"])
async def test_no_customer_exempts_itself(database: Database, role: str) -> None:
    ours = await taxed(database)

    refused = await accept(ours, actor=as_role(ours.organization_id, role))
    ended = await ours.do(exemptions.end, exemptions.End, certificate="DE-77", jurisdiction="DE", valid_until=NOVEMBER)

    for answer in (refused, ended):
        assert isinstance(answer, Refused)
        assert answer.code is RefusalCode.ROLE_ABOVE_OWN
    assert await rows.of_organization(ours.reader, ours.organization_id) == []


async def test_a_certificate_can_be_ended(database: Database) -> None:
    ours = await taxed(database)
    await accept(ours, valid_until=None)
    end = {"actor": Principal.system(ours.organization_id), "certificate": "DE-77", "jurisdiction": "DE"}

    early = await ours.do(exemptions.end, exemptions.End, valid_until=START, **end)
    done = await ours.do(exemptions.end, exemptions.End, valid_until=NOVEMBER, **end)
    unknown = await ours.do(exemptions.end, exemptions.End, **{**end, "certificate": "x"}, valid_until=NOVEMBER)

    assert [each.code for each in (early, unknown)] == [RefusalCode.TIME_OUT_OF_RANGE, RefusalCode.NOT_FOUND]
    assert isinstance(done, exemptions.Accepted)
    last = NOVEMBER - timedelta(microseconds=1)
    found = [await rows.in_force(ours.reader, ours.organization_id, at) for at in (START, last, NOVEMBER)]
    assert [each is not None for each in found] == [True, True, False]


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"certificate": " "}, RefusalCode.INPUT_INVALID, "certificate"),
        ({"reason": "x" * 201}, RefusalCode.INPUT_INVALID, "reason"),
        ({"valid_until": START}, RefusalCode.TIME_OUT_OF_RANGE, "validUntil"),
        ({}, RefusalCode.ALREADY_EXISTS, "certificate"),
    ],
)
async def test_refuses_what_is_no_certificate(
    database: Database, change: dict[str, Any], code: RefusalCode, field: str
) -> None:
    ours = await taxed(database)
    if not change:
        await accept(ours)

    answer = await accept(ours, **change)

    assert isinstance(answer, Refused)
    assert (answer.code, answer.field) == (code, (field,))
