"""Which instalments of a contract does an invoice carry?

Those issued since the last boundary and at this one, each exactly once. One issued at the boundary itself belongs to
the contract that is in force from there on.

>>> from billing.periods import parse_label
>>> first, last = parse_label("2026-01", "UTC"), parse_label("2026-12", "UTC")
>>> contract = Contract("C-1", first.start, last.end, 1, 500, Money(1_000_00, "USD"), Schedule.QUARTERLY)
>>> part = contracts.instalments(contract, "UTC")[1]
>>> _line(contract, part, "band", 4, "en").explanation.formula
'1000.00, part 2 of 4 = 250.00 USD'
"""

from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction

from billing import contracts
from billing.contracts import Contract, Schedule
from billing.explanations import Explanation, Source, SourceKind, rounded
from billing.facts import Boundary, Facts
from billing.lines import Line
from billing.money import Money, decimal_text, total
from billing.plans import ContractBand, Plan
from billing.prices import Step
from billing.wording import Phrase, say


def made(facts: Facts, plan: Plan) -> Iterator[Line]:
    """Yield the contract's instalments issued since the last boundary, and at this one."""
    key = next((item.key for item in plan.items if isinstance(item.quantity, ContractBand)), "contract")
    for contract in (facts.contract, facts.next_contract):
        schedule = contracts.instalments(contract, facts.time_zone) if contract else ()
        for each in schedule:
            if contract is not None and _is_issued(facts, contract, each.issue_at):
                yield _line(contract, each, key, len(schedule), facts.locale)


def _is_issued(facts: Facts, contract: Contract, at: datetime) -> bool:
    """Return whether an instalment is billed here; one issued at the boundary itself is the following contract's."""
    if facts.boundary is Boundary.OPENING:
        return at == facts.service_start
    if at == facts.period.end:
        return contract is (facts.next_contract or facts.contract)
    return contract is facts.contract and facts.period.start < at < facts.period.end


def _formula(contract: Contract, each: contracts.Instalment, count: int) -> str:
    """Return how an instalment follows from the contract: as an equal part, a sum agreed on, or a share of the rest.

    An amendment agrees on what was invoiced before it, and shares out the rest of the new total.
    """
    if contract.schedule is not Schedule.CUSTOM:
        return f"{contract.total.amount}, part {each.position} of {count} = {each.amount}"
    parts = [custom.part for custom in contract.custom]
    part = parts[each.position - 1]
    if isinstance(part, Money):
        return f"{part.amount} of {contract.total.amount}, agreed = {each.amount}"
    fixed = total([other for other in parts if isinstance(other, Money)], contract.total.currency)
    shares = sum((other for other in parts if isinstance(other, Fraction)), Fraction(0))
    rest = f"({contract.total.amount} − {fixed.amount})" if fixed.minor else contract.total.amount
    return f"{rest} × {decimal_text(part)} of {decimal_text(shares)} shares = {each.amount}"


def _line(contract: Contract, each: contracts.Instalment, key: str, count: int, locale: str) -> Line:
    exact = each.amount.exact
    facts = (
        ("contract", contract.number),
        ("version", str(contract.version)),
        ("band", str(contract.band_up_to)),
        ("issue_at", each.issue_at.isoformat()),
        ("due_at", each.due_at.isoformat()),
        ("purchase_order", contract.purchase_order or ""),
    )
    explanation = Explanation(
        _formula(contract, each, count),
        (f"schedule={contract.schedule}", f"net_terms_days={contract.net_terms_days}", "seats=INSIDE_BAND_FREE"),
        (Step(Fraction(1), exact, Fraction(0), exact),),
        f"{contract.number}/{contract.version}",
        rounded(exact, each.amount, "LARGEST_REMAINDER of the contract's total"),
        (Source(SourceKind.CONTRACT, 1, tuple(fact for fact in facts if fact[1])),),
    )
    words = say(locale, Phrase.INSTALMENT, number=contract.number, position=str(each.position), count=str(count))
    return Line(
        f"{key}/instalment-{each.position}",
        key,
        words,
        Fraction(1),
        "instalment",
        each.amount,
        explanation,
        (),
        each.covers,
    )
