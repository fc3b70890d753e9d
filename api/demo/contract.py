"""The past of an enterprise under contract: a month on trial, then a year for up to 250 users at a fixed total.

The total does not divide by four, so two instalments are a cent larger than the others. People come, go and return
all the time, and no invoice ever notices.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, assert_never

from api.demo import catalogue, people, personas
from api.demo.dice import Dice
from api.demo.months import BEFORE, RUNNING, Months
from api.demo.people import Person
from api.demo.scripts import PRIMARY_OWNER, Script
from billing.periods import add_days, add_months
from billing.roles import Permission
from services.imports import NewMember
from services.organizations import Create
from services.payments import MethodKind

SLUG: Final = "contract"
TIME_ZONE: Final = "Asia/Jakarta"
BAND: Final = 250
TOTAL: Final = "36070.50"
NET_TERMS_DAYS: Final = 30
SUPERVISOR: Final = "site_supervisor"


@dataclass(frozen=True, slots=True)
class Arrive:
    """New people, so many of each role."""

    who: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Depart:
    """Team members who go."""

    count: int


@dataclass(frozen=True, slots=True)
class Return:
    """People who left first, and come back."""

    count: int


@dataclass(frozen=True, slots=True)
class Rise:
    """Somebody of one role who gets another."""

    role: str
    to: str


Move = Arrive | Depart | Return | Rise

# Month, day and what happens on it. The trial is small; the contract opens the doors.
_MOVES: Final[tuple[tuple[int, int, Move], ...]] = (
    (BEFORE, 5, Arrive({"project_administrator": 2, "team_member": 20, "view_only": 3})),
    (0, 1, Arrive({"project_administrator": 10, "team_member": 92, "client": 10, "comment_only": 4})),
    (0, 15, Arrive({"team_member": 34, SUPERVISOR: 8, "view_only": 9})),
    (0, 22, Depart(2)),
    (1, 4, Arrive({"team_member": 11, "client": 5})),
    (1, 11, Depart(4)),
    (1, 16, Rise("team_member", "project_administrator")),
    (1, 20, Arrive({"team_member": 6, SUPERVISOR: 2, "comment_only": 4})),
    (2, 6, Depart(3)),
    (2, 9, Arrive({"team_member": 8, "project_administrator": 1, "view_only": 5})),
    (2, 13, Return(2)),
    (2, 18, Rise("client", "team_member")),
    (2, 24, Depart(4)),
    (RUNNING, 3, Arrive({"team_member": 5, "client": 2})),
    (RUNNING, 6, Rise("team_member", SUPERVISOR)),
    (RUNNING, 10, Depart(3)),
    (RUNNING, 12, Return(1)),
    (RUNNING, 17, Arrive({"team_member": 3})),
)


@dataclass(slots=True)
class _Staff:
    """Who is there as the script goes on, by role."""

    script: Script
    dice: Dice
    present: dict[str, list[str]] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    hired: int = 0

    def make(self, move: Move, at: datetime) -> None:
        """Write one move down."""
        match move:
            case Arrive(who):
                batch = [
                    NewMember(person.email, person.name, role)
                    for role, count in who.items()
                    for person in self._new(count)
                ]
                self.script.joins(at, batch)
                for each in batch:
                    self._arrived(each.role, each.email)
            case Depart(count):
                for _ in range(count):
                    self.gone.append(self._pick("team_member"))
                    self.script.leaves(at, self.gone[-1])
            case Return(count):
                for _ in range(count):
                    email = self.gone.pop(0)
                    self.script.returns(at, email)
                    self._arrived("team_member", email)
            case Rise(role, to):
                email = self._pick(role)
                self.script.becomes(at, email, to)
                self._arrived(to, email)
            case _:
                assert_never(move)

    def _arrived(self, role: str, email: str) -> None:
        self.present.setdefault(role, []).append(email)

    def _pick(self, role: str) -> str:
        there = self.present[role]
        return there.pop(self.dice.below(len(there)))

    def _new(self, count: int) -> tuple[Person, ...]:
        first, self.hired = self.hired, self.hired + count
        return people.people(SLUG, people.INDONESIAN, count, first=first)


def script(at: datetime) -> Script:
    """Return the past of the organization up to `at`."""
    months = Months.before(at, TIME_ZONE)
    opened_at = months.moment(BEFORE, 3, "09:00")
    written = Script(opened_at, _opening(months))
    parts = personas.of(SLUG)[1:]
    joining = [NewMember(each.email, each.name, each.role) for each in parts]
    written.joins(months.moment(BEFORE, 3, "09:20"), joining, by=PRIMARY_OWNER)
    written.defines(
        months.moment(BEFORE, 4, "15:00"),
        SUPERVISOR,
        "Pengawas lapangan",
        (Permission.ORGANIZATION_READ, Permission.SELF_READ, Permission.MEMBERS_READ, Permission.SEATS_READ),
    )
    staff = _Staff(written, Dice(SLUG))
    for number, day, move in _MOVES:
        staff.make(move, months.moment(number, day, "09:30"))
    written.signs(months.moment(BEFORE, 24, "14:00"), catalogue.CONTRACT, agreement(months))
    written.pays_by(months.moment(BEFORE, 24, "16:00"), MethodKind.BANK_TRANSFER, "Transfer bank, rekening operasional")
    for number in range(BEFORE, RUNNING):
        written.closes(months.closing(number), months.label(number))
    written.pays(months.moment(0, 21, "10:30"), months.label(BEFORE), MethodKind.BANK_TRANSFER, "TRF-0821-001")
    return written


def agreement(months: Months) -> dict[str, Any]:
    """Return the contract that starts with the first of the three months, as a document."""
    start = months.month(0).start
    end = add_months(start, 12, TIME_ZONE)
    year = months.label(0)[:4]
    return {
        "number": f"K-{year}-017",
        "start": start.isoformat(),
        "end": end.isoformat(),
        "term_years": 1,
        "band_up_to": BAND,
        "total": {"amount": TOTAL, "currency": "SGD"},
        "schedule": "QUARTERLY",
        "net_terms_days": NET_TERMS_DAYS,
        "purchase_order": f"PO-{year}-4471",
        "bill_to": {
            "legal_name": "PT Cakrawala Rekaan Nusantara",
            "address_lines": ["Jalan Contoh No. 1", "Jakarta 00000"],
            "tax_id": "00.000.000.0-000.000",
            "country": "ID",
            "email": "keuangan@contract.example",
        },
        "account_manager": {"name": "Manajer akun perusahaan", "email": "account-manager@billgraph.example"},
        "support_response_time": "4 jam, 24 × 7",
        "renewal_at": add_days(end, -60, TIME_ZONE).isoformat(),
        "prices": [
            {
                "item_key": "band",
                "price": {"model": "BAND", "bands": [{"up_to": BAND, "amount": TOTAL}]},
                "price_version": f"K-{year}-017",
            }
        ],
    }


def _opening(months: Months) -> Create:
    return Create(
        idempotency_key="demo/opening",
        slug=SLUG,
        name="Cakrawala Rekaan Nusantara",
        currency="SGD",
        time_zone=TIME_ZONE,
        locale="id-ID",
        plan_key=catalogue.CONTRACT,
        legal_name="PT Cakrawala Rekaan Nusantara",
        evaluation_ends_at=months.month(0).start,
    )
