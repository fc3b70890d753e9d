"""A sandbox lives by its own clock, and everything that falls due on the way happens in order."""

from datetime import UTC, datetime, timedelta
from typing import Any

from billing.money import Money
from models import contracts as contract_rows
from models import invoices as rows
from models import organizations
from models.database import Database
from models.paging import Window
from services import clock, closing, credits, dunning, members, payments
from services import organizations as organization_services
from services.dispatch import Request
from services.outcomes import RefusalCode, Refused
from tests.services.books import START, Books, a_use, books
from tests.services.test_contracts import BAND, TERMS

NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


async def a_sandbox(database: Database, **fields: Any) -> Books:
    return await books(database, test_clock_at=START, **fields)


async def advance(ours: Books, to: datetime, *, key: str = "advance") -> tuple[Any, tuple[clock.Happened, ...]]:
    command = clock.Advance(ours.organization_id, key, to)
    return await clock.advance(ours.dispatcher, ours.reader, command, Request(ours.owner, START, "request"))


async def test_months_close_on_the_way(database: Database) -> None:
    ours = await a_sandbox(database)
    await ours.add("bo", tier="chat")

    answer, happened = await advance(ours, NEW_YEAR)

    assert answer == clock.Advanced(NEW_YEAR)
    assert [each.at for each in happened if each.what == "month"] == [
        START.replace(month=11),
        START.replace(month=12),
        NEW_YEAR,
    ]
    page = await rows.page_of(database.reader, ours.organization_id, Window(10))
    assert [(invoice.issued_at, invoice.total_minor) for invoice in reversed(page.rows)] == [
        (START.replace(month=11), 20_00),
        (START.replace(month=12), 20_00),
        (NEW_YEAR, 20_00),
    ]


async def test_a_repeat_moves_nothing(database: Database) -> None:
    ours = await a_sandbox(database)
    first, _ = await advance(ours, START + DAY)
    await advance(ours, START + 2 * DAY, key="further")

    again, happened = await advance(ours, START + DAY)

    assert again == first
    assert happened == ()
    assert (await ours.organization()).test_clock_at == START + 2 * DAY


async def test_never_goes_back(database: Database) -> None:
    ours = await a_sandbox(database)

    answer, _ = await advance(ours, START - DAY)

    assert isinstance(answer, Refused)
    assert answer.field == ("to",)


async def test_a_real_organization_has_no_clock_of_its_own(database: Database) -> None:
    ours = await books(database)

    answer, _ = await advance(ours, NEW_YEAR)

    assert isinstance(answer, Refused)
    assert answer.code is RefusalCode.STATUS_CONFLICT


async def test_commands_in_a_sandbox_happen_at_its_own_time(database: Database) -> None:
    ours = await a_sandbox(database)
    await advance(ours, START + 5 * DAY)

    bo = await ours.add("bo", at=NEW_YEAR)

    (granted,) = [event for event in await ours.facts("MemberAdded") if event.member_id == bo]
    assert granted.occurred_at == START + 5 * DAY


async def test_late_usage_still_counts_while_the_invoice_is_a_draft(database: Database) -> None:
    ours = await a_sandbox(database, invoice_grace_seconds=2 * 86_400)
    bo = await ours.add("bo", tier="chat")
    november = START.replace(month=11)
    await advance(ours, november + DAY)
    drafted = await rows.page_of(database.reader, ours.organization_id, Window(10))

    await ours.use(a_use("late", bo, 500, at=november - DAY))
    await advance(ours, november + 3 * DAY, key="over")

    assert [(invoice.status, invoice.number, invoice.total_minor) for invoice in drafted.rows] == [
        ("DRAFT", None, 20_00)
    ]
    issued = await rows.page_of(database.reader, ours.organization_id, Window(10))
    assert [(invoice.status, invoice.total_minor) for invoice in issued.rows] == [("FINALIZED", 25_00)]


async def test_a_draft_can_be_finalized_by_hand_and_only_once(database: Database) -> None:
    ours = await a_sandbox(database, invoice_grace_seconds=2 * 86_400)
    await ours.add("bo", tier="chat")
    await advance(ours, START.replace(month=11) + DAY)
    (draft,) = (await rows.page_of(database.reader, ours.organization_id, Window(10))).rows

    issued = await ours.do(closing.finalize, closing.Finalize, invoice_id=draft.id)
    again = await ours.do(closing.finalize, closing.Finalize, invoice_id=issued.invoice_id)

    assert isinstance(again, Refused)
    assert again.code is RefusalCode.STATUS_CONFLICT
    assert (await rows.page_of(database.reader, ours.organization_id, Window(10))).rows[0].number == "BILLGRAPH-000001"


async def test_prepaid_credit_is_drawn_by_priority_then_expiry_then_age(database: Database) -> None:
    ours = await a_sandbox(database)
    for number in range(3):
        await ours.add(f"member{number}", tier="chat")

    async def grant(amount: str, priority: int, expires_at: datetime | None) -> None:
        cap = Money.parse(amount, "USD")
        answer = await ours.do(
            credits.grant, credits.Grant, amount=cap, reason="promotion", priority=priority, expires_at=expires_at
        )
        assert isinstance(answer, credits.CreditGranted)

    await grant("30.00", 50, None)
    await grant("25.00", 50, START.replace(month=12))
    await grant("10.00", 10, None)

    await advance(ours, START.replace(month=11) + DAY)

    (invoice,) = (await rows.page_of(database.reader, ours.organization_id, Window(10))).rows
    assert (invoice.total_minor, invoice.credits_minor, invoice.status) == (60_00, 60_00, "PAID")
    left = await credits.balance(database.reader, ours.organization_id, "USD", at=START + 40 * DAY)
    assert left.settled == Money.parse("5.00", "USD")


async def test_credit_expires_on_its_day_and_a_voided_invoice_gives_it_back(database: Database) -> None:
    ours = await a_sandbox(database)
    await ours.add("bo", tier="chat")
    await ours.do(
        credits.grant,
        credits.Grant,
        amount=Money.parse("15.00", "USD"),
        reason="promotion",
        expires_at=START.replace(month=12, day=5),
    )
    await advance(ours, START.replace(month=11) + DAY)
    (invoice,) = (await rows.page_of(database.reader, ours.organization_id, Window(10))).rows

    voided = await ours.do(closing.void, closing.Void, invoice_id=invoice.id, reason="wrong address")
    back = await credits.balance(database.reader, ours.organization_id, "USD", at=START + 32 * DAY)
    _, happened = await advance(ours, START.replace(month=12, day=6), key="expiry")

    assert voided == closing.StatusMoved(invoice.id, "VOIDED")
    assert back.settled == Money.parse("15.00", "USD")
    assert [each.what for each in happened] == ["month"], "the December boundary drew the rest of it first"


async def test_an_evaluation_that_is_not_converted_becomes_read_only(database: Database) -> None:
    await books(database, slug="other")
    ours = await a_sandbox(database, evaluation_ends_at=START + 10 * DAY)

    await advance(ours, START + 11 * DAY)
    answer = await ours.do(members.add, members.AddMember, email="b@x.example", name="Bo", role="member")

    found = await organizations.find(database.reader, ours.organization_id)
    assert found is not None
    assert found.status == "READ_ONLY"
    assert isinstance(answer, Refused)
    assert answer.code is RefusalCode.ORGANIZATION_READ_ONLY


async def test_an_unpaid_invoice_is_dunned_step_by_step_until_it_is_paid(database: Database) -> None:
    ours = await a_sandbox(database)
    await ours.add("bo", tier="chat")
    await advance(ours, START.replace(month=11))
    (invoice,) = (await rows.page_of(database.reader, ours.organization_id, Window(10))).rows
    assert invoice.due_at is not None

    _, happened = await advance(ours, invoice.due_at + 31 * DAY, key="overdue")
    restricted = (await ours.organization()).status
    for each in (await rows.page_of(database.reader, ours.organization_id, Window(10))).rows:
        paid = await ours.do(
            payments.record_payment,
            payments.RecordPayment,
            invoice_id=each.id,
            amount=Money(each.total_minor, "USD"),
            method=payments.MethodKind.BANK_TRANSFER,
            reference="wire",
            received_at=START,
        )
        assert isinstance(paid, payments.PaymentRecorded), paid
    _, after = await advance(ours, invoice.due_at + 60 * DAY, key="paid")

    steps = [each.answer.step for each in happened if isinstance(each.answer, dunning.StepTaken)]
    assert steps[:2] == ["upcoming", "due"]
    assert steps.count("overdue-30") == 1
    assert restricted == "READ_ONLY"
    assert (await ours.organization()).status == "ACTIVE"
    assert [each.what for each in after if each.what == "dunning" and each.at <= invoice.due_at + 31 * DAY] == []


async def test_a_contract_is_reviewed_each_quarter_and_before_it_is_renewed(database: Database) -> None:
    end = START.replace(year=2027)
    ours = await a_sandbox(database, plan=BAND, evaluation_ends_at=end)
    await ours.do(
        organization_services.convert_evaluation,
        organization_services.ConvertEvaluation,
        plan_key="band",
        contract={**TERMS, "renewal_at": end.isoformat()},
    )
    for number in range(3):
        await ours.add(f"member{number}")

    await advance(ours, end + DAY)

    made = await contract_rows.reviews(database.reader, ours.organization_id, "C-1")
    assert [(review.reason, review.raised_at) for review in made] == [
        ("QUARTERLY", START.replace(year=2027, month=1)),
        ("QUARTERLY", START.replace(year=2027, month=4)),
        ("QUARTERLY", START.replace(year=2027, month=7)),
        ("BEFORE_RENEWAL", end - 60 * DAY),
        ("QUARTERLY", end),
    ]
    assert made[0].seats_used == 3
    assert made[0].report["agreed"] == "25000.01"
    assert {each["role"]: each["peak"] for each in made[0].report["roles"]}["member"] == 3
