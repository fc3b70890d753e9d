"""The past of a task tracker's two customers: graduated prices for the month's peak of users with full access.

The latest month of 31 days is the worked example: 245 users for 14 days, 270 for 7, 260 for 10. Whoever leaves does
so before others come at the same instant, which keeps the peak at what it says. Whoever only reads is free.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from api.demo import catalogue, people, personas
from api.demo.dice import Dice
from api.demo.months import RUNNING, Months
from api.demo.people import Names, Person
from api.demo.scripts import PRIMARY_OWNER, Script
from services.imports import NewMember
from services.organizations import Create
from services.payments import MethodKind

TURNOVER: Final = 2
READERS: Final = ((0, 1, 44), (1, 14, 9), (2, 5, 7))

# By months from the worked example: on which day how many have full access.
_COUNTS: Final = {
    -2: ((1, 186), (11, 203)),
    -1: ((1, 203), (9, 221), (20, 238)),
    0: ((1, 245), (15, 270), (22, 260)),
    1: ((1, 260), (8, 264), (18, 257)),
    2: ((1, 257), (12, 263)),
    3: ((1, 263), (10, 268)),
}


@dataclass(frozen=True, slots=True)
class Customer:
    """What sets the two customers apart."""

    slug: str
    name: str
    legal_name: str
    time_zone: str
    locale: str
    names: Names
    plan: Mapping[str, Any]
    account: str


RUSSIA: Final = Customer(
    slug="tracker",
    name="Выдуманная верфь",
    legal_name="ООО «Выдуманная верфь»",
    time_zone="Europe/Moscow",
    locale="ru-RU",
    names=people.RUSSIAN,
    plan=catalogue.TRACKER_RUB,
    account="Расчётный счёт компании",
)
KAZAKHSTAN: Final = Customer(
    slug="tracker-kz",
    name="Вымышленный караван",
    legal_name="ТОО «Вымышленный караван»",
    time_zone="Asia/Almaty",
    locale="ru-KZ",
    names=people.KAZAKH,
    plan=catalogue.TRACKER_KZT,
    account="Текущий счёт компании",
)


@dataclass(slots=True)
class _Staff:
    """Who has full access as the script goes on."""

    customer: Customer
    script: Script
    dice: Dice
    present: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    hired: int = 0

    def new(self, count: int) -> tuple[Person, ...]:
        """Return people nobody has met yet."""
        first, self.hired = self.hired, self.hired + count
        return people.people(self.customer.slug, self.customer.names, count, first=first)

    def become(self, at: datetime, count: int) -> None:
        """Let `count` people have full access from `at` on: first some leave, then others return or join."""
        leaving = max(TURNOVER, self.full - count + TURNOVER)
        left = [self.present.pop(self.dice.below(len(self.present))) for _ in range(leaving)]
        for email in left:
            self.script.leaves(at, email)
        returning, self.gone = self.gone[:1], [*self.gone[1:], *left]
        for email in returning:
            self.script.returns(at, email)
        joining = self.new(count - self.full - len(returning))
        self.script.joins(at, [NewMember(person.email, person.name, "member") for person in joining])
        self.present += [*returning, *(person.email for person in joining)]

    @property
    def full(self) -> int:
        """How many have full access now, the persona among them."""
        return len(self.present) + 1


def script(customer: Customer, at: datetime) -> Script:
    """Return the past of one customer up to `at`."""
    months = Months.before(at, customer.time_zone)
    written = Script(months.month(0).start, _opening(customer))
    staff = _Staff(customer, written, Dice(customer.slug))
    _begin(written, months, staff)
    for number in range(RUNNING + 1):
        for day, count in _COUNTS[number - months.worked_example][0 if number else 1 :]:
            clock = "00:00" if number == months.worked_example else "10:00"
            staff.become(months.moment(number, day, clock), count)
    for number, day, count in READERS[1:]:
        _readers(written, months.moment(number, day, "11:30"), staff, count)
    for number in range(RUNNING):
        written.closes(months.closing(number), months.label(number))
    for number in range(RUNNING - 1):
        paid_at = months.moment(number + 1, 10, "12:00")
        written.pays(paid_at, months.label(number), MethodKind.DIRECT_DEBIT, f"{months.label(number)}/1")
    return written


def _opening(customer: Customer) -> Create:
    return Create(
        idempotency_key="demo/opening",
        slug=customer.slug,
        name=customer.name,
        currency=str(customer.plan["currency"]),
        time_zone=customer.time_zone,
        locale=customer.locale,
        plan_key=str(customer.plan["key"]),
        legal_name=customer.legal_name,
    )


def _begin(written: Script, months: Months, staff: _Staff) -> None:
    """Bring in, at the first instant, the personas, everybody with full access and the first readers."""
    start, customer = written.opened_at, staff.customer
    parts = personas.of(customer.slug)[1:]
    written.joins(start, [NewMember(each.email, each.name, each.role) for each in parts], by=PRIMARY_OWNER)
    written.pays_by(start, MethodKind.DIRECT_DEBIT, customer.account)
    (_, count), *_ = _COUNTS[-months.worked_example]
    first = staff.new(count - 1)
    written.joins(start, [NewMember(person.email, person.name, "member") for person in first])
    staff.present = [person.email for person in first]
    _readers(written, start, staff, READERS[0][2])


def _readers(written: Script, at: datetime, staff: _Staff, count: int) -> None:
    written.joins(at, [NewMember(person.email, person.name, "view_only") for person in staff.new(count)])
