"""When is it in a sandbox, and what fell due on the way there?"""

from datetime import datetime
from enum import StrEnum

import strawberry

from billing.roles import Permission
from models.organizations import Organization
from schema.access import field
from schema.context import Info
from schema.enums import mirror
from schema.invoices import Invoice
from schema.user_errors import UserError, user_error
from services import closing, dunning
from services.clock import Happened
from services.outcomes import Refused


class DueKind(StrEnum):
    """What can fall due by itself."""

    RESERVATION = "RESERVATION"
    MAPPING = "MAPPING"
    RELEASE = "RELEASE"
    LAPSE = "LAPSE"
    REVIEW = "REVIEW"
    RENEWAL = "RENEWAL"
    CREDIT = "CREDIT"
    DRAFT = "DRAFT"
    MONTH = "MONTH"
    DUNNING = "DUNNING"
    LIMIT_REQUEST = "LIMIT_REQUEST"
    LIMIT_RAISE = "LIMIT_RAISE"


mirror(
    DueKind,
    description="What can fall due by itself, because time passes.",
    MAPPING="More people got what a changed mapping of directory groups gives them.",
    RELEASE="A seat was given back that had been kept while it was paid for.",
    RESERVATION="Reserved spend that nobody settled was free again.",
    LAPSE="An evaluation that was not converted ended.",
    REVIEW="A contract was reviewed.",
    RENEWAL="A contract was renewed.",
    CREDIT="Prepaid credit expired.",
    DRAFT="A month ended, and its invoice was drafted.",
    MONTH="A month was closed, and its invoice issued.",
    DUNNING="A step was taken on an invoice that is not paid.",
    LIMIT_REQUEST="A request for a higher limit expired, because nobody answered it.",
    LIMIT_RAISE="A raise of a limit was over, and the former limit came back.",
)


@strawberry.type(description="The instant at which a sandbox organization lives, in the place of the real one.")
class TestClock:
    now: datetime = strawberry.field(description="The organization's present.")


@strawberry.type(description="One thing that fell due while a test clock moved.")
class TestClockHappening:
    at: datetime = strawberry.field(description="When it fell due.")
    what: DueKind = strawberry.field(description="Which of the things that time brings about it was.")
    user_error: UserError | None = strawberry.field(description="Why it could not be done; null when it was.")
    owner: strawberry.Private[Organization]
    invoice_id: strawberry.Private[str | None]

    @field(
        description="The invoice it made or concerned; null where there is none, or an issued one has taken the place "
        "of the draft.",
        requires=Permission.INVOICES_READ,
    )
    async def invoice(self, info: Info) -> Invoice | None:
        return await Invoice.load(info.context, self.owner, self.invoice_id)

    @classmethod
    def of(cls, happened: Happened, owner: Organization) -> "TestClockHappening":
        """Return what happened as clients see it."""
        answer = happened.answer
        return cls(
            at=happened.at,
            what=DueKind(happened.what.upper()),
            user_error=user_error(answer) if isinstance(answer, Refused) else None,
            owner=owner,
            invoice_id=_invoice_id(answer),
        )


def _invoice_id(answer: object) -> str | None:
    match answer:
        case closing.Closed(invoice_id=invoice_id):
            return invoice_id
        case dunning.StepTaken(invoice_id=invoice_id) | dunning.NothingOwed(invoice_id=invoice_id):
            return invoice_id
        case _:
            return None
