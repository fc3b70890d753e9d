"""An enterprise under contract: nothing during the trial, a fixed total after it, and no cost for one user more."""

from datetime import timedelta

from api.demo.contract import BAND, SUPERVISOR, TOTAL
from billing import contracts as rules
from billing.money import Money, total
from models import contracts, members, seats
from models.database import Database
from services import closing, drafts, imports, organizations
from services.dispatch import Request
from services.members import Deactivate, deactivate
from tests.services.books import START, a_person, books
from tests.stories.seeded import AT, House, house

SLUG = "contract"


async def agreement(ours: House) -> rules.Contract:
    row = await contracts.at_instant(ours.books.reader, ours.books.organization_id, AT)
    assert row is not None
    return row.as_rule()


async def next_invoice(ours: House) -> drafts.Drafted:
    drafted = await drafts.upcoming(ours.books.reader, await ours.books.organization(), at=AT)
    assert drafted is not None
    return drafted


async def let_in(ours: House, count: int, prefix: str, role: str = "team_member") -> imports.ManyAdded:
    rows = tuple(
        imports.NewMember(f"{prefix}{number}@contract.example", f"{prefix} {number}", role) for number in range(count)
    )
    added = await ours.books.do(imports.add_many, imports.AddMany, at=AT, members=rows)
    assert isinstance(added, imports.ManyAdded), added
    return added


async def in_use(ours: House) -> int:
    return await seats.count_billable(ours.books.reader, ours.books.organization_id)


async def test_a_month_of_evaluation_has_no_invoice(database: Database) -> None:
    ours = await books(database)
    command = organizations.Create(
        "trial", "trial", "Trial", "USD", "UTC", "en", "pooled", evaluation_ends_at=START + timedelta(days=90)
    )
    opened = await organizations.create(ours.dispatcher, command, Request(a_person("cy"), START, "request"))
    assert isinstance(opened, organizations.Created)
    system = Request(ours.owner.system(opened.organization_id), START + timedelta(days=32), "request")

    closed = await ours.dispatcher.execute(
        closing.close, closing.Close(opened.organization_id, "close", "2026-10"), system
    )

    assert closed == closing.Closed("2026-10", None)


async def test_nothing_is_billed_for_the_time_before_the_contract(demo: Database) -> None:
    ours = await house(demo, SLUG)
    contract = await agreement(ours)

    first, *_ = await ours.invoices()

    assert first.line.period_start == contract.start == ours.months.month(0).start
    assert first.head.subtotal_minor == first.line.amount_minor


async def test_the_instalments_are_a_cent_apart_and_add_up_to_the_total(demo: Database) -> None:
    ours = await house(demo, SLUG)
    contract = await agreement(ours)

    parts = rules.instalments(contract, ours.months.time_zone)

    assert total([part.amount for part in parts], "SGD") == contract.total == Money.parse(TOTAL, "SGD")
    assert [part.amount.minor for part in parts] == [9017_63, 9017_63, 9017_62, 9017_62]
    assert [bill.head.subtotal_minor for bill in await ours.invoices()] == [9017_63, 9017_63]


async def test_the_first_instalment_is_paid_and_the_second_has_thirty_days(demo: Database) -> None:
    ours = await house(demo, SLUG)

    first, second = await ours.invoices()

    assert (first.head.status, second.head.status) == ("PAID", "FINALIZED")
    assert second.head.boundary_at == ours.months.running.start
    assert second.head.issued_at is not None
    assert second.head.due_at == second.head.issued_at + timedelta(days=30)


async def test_the_invoice_names_who_pays_and_the_purchase_order(demo: Database) -> None:
    ours = await house(demo, SLUG)
    contract = await agreement(ours)

    first, *_ = await ours.invoices()

    assert contract.bill_to is not None
    assert first.head.bill_to["legal_name"] == contract.bill_to.legal_name
    assert first.head.bill_to["tax_id"] == contract.bill_to.tax_id
    assert first.head.bill_to["purchase_order"] == contract.purchase_order


async def test_ten_more_inside_the_band_change_nothing(demo: Database) -> None:
    ours = await house(demo, SLUG)
    before = (await next_invoice(ours)).draft

    await let_in(ours, 10, "new")

    assert (await next_invoice(ours)).draft == before
    assert before.lines[0].amount == Money.parse("9017.62", "SGD")


async def test_crossing_the_band_raises_one_review_and_stops_nobody(demo: Database) -> None:
    ours = await house(demo, SLUG)
    before = (await next_invoice(ours)).draft

    await let_in(ours, BAND - await in_use(ours), "fills")
    assert not await ours.log("ContractReviewRaised"), "the last seat of the band is inside it"
    await let_in(ours, 1, "crosses")
    await let_in(ours, 5, "follows")

    (review,) = await ours.log("ContractReviewRaised")
    assert f'"seatsUsed":{BAND + 1}' in review.payload
    assert await in_use(ours) == BAND + 6
    assert (await next_invoice(ours)).draft == before, "nothing is billed on the quiet"


async def test_a_list_comes_in_whole_or_not_at_all(demo: Database) -> None:
    ours = await house(demo, SLUG)
    before = await members.count(demo.reader, ours.books.organization_id)
    rows = (
        imports.NewMember("fine@contract.example", "Fine", "team_member"),
        imports.NewMember("FINE@contract.example", "Twice", "team_member"),
        imports.NewMember("owner@contract.example", "Taken", "team_member"),
        imports.NewMember("no address", "Nowhere", "team_member"),
        imports.NewMember("role@contract.example", "Roleless", "astronaut"),
        imports.NewMember("tier@contract.example", "Tierless", "team_member", "first class"),
    )

    refused = await ours.books.do(imports.add_many, imports.AddMany, at=AT, members=rows)

    assert isinstance(refused, imports.ManyRefused)
    assert [(row.row, row.field[0]) for row in refused.rows] == [
        (1, "email"),
        (2, "email"),
        (3, "email"),
        (4, "role"),
        (5, "tier"),
    ]
    assert await members.count(demo.reader, ours.books.organization_id) == before


async def test_paid_and_free_roles_are_told_apart(demo: Database) -> None:
    ours = await house(demo, SLUG)
    used = await in_use(ours)
    held = await seats.SeatInterval.filter(organization_id=ours.books.organization_id, ends_at=None).using_db(
        demo.reader
    )

    await let_in(ours, 3, "guest", "client")

    assert {seat.role for seat in held if seat.billable} == {
        "member",
        "team_member",
        "project_administrator",
        SUPERVISOR,
    }
    assert {"client", "comment_only", "view_only"} <= {seat.role for seat in held if not seat.billable}
    assert used == sum(seat.billable for seat in held) == await in_use(ours)


async def test_who_is_deactivated_frees_the_seat_and_keeps_the_history(demo: Database) -> None:
    ours = await house(demo, SLUG)
    persona, used = await ours.member(f"member@{SLUG}.example"), await in_use(ours)
    before = await seats.history(demo.reader, ours.books.organization_id, [persona.id])

    await ours.books.do(deactivate, Deactivate, at=AT, member_id=persona.id)

    assert await in_use(ours) == used - 1
    kept = await seats.history(demo.reader, ours.books.organization_id, [persona.id])
    assert [(seat.id, seat.starts_at) for seat in kept] == [(seat.id, seat.starts_at) for seat in before]
    assert kept[-1].ends_at == AT
    gone = await members.find(demo.reader, ours.books.organization_id, persona.id)
    assert gone is not None
    assert (gone.status, gone.name) == ("DEACTIVATED", persona.name)


async def test_people_came_went_and_returned(demo: Database) -> None:
    ours = await house(demo, SLUG)

    counts = {kind: len(await ours.log(kind)) for kind in ("MemberDeactivated", "MemberReactivated")}

    assert counts == {"MemberDeactivated": 16, "MemberReactivated": 3}
    assert 170 <= await in_use(ours) <= 200
