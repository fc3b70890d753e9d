"""Can a frozen explanation still be read?"""

import json
from fractions import Fraction

import pytest

from billing import explanations
from billing.explanations import InvalidExplanation
from billing.invoices import draft
from billing.money import Money
from billing.prices import Step
from tests.billing.builders import a_contract, a_month, a_plan, a_total, facts, some_seats, tokens, tracker


def some_explanations():
    march, april = a_month("2026-03"), a_month("2026-04")
    bills = (
        facts(tracker(), seats=tuple(some_seats(6, "2026-10-15")), service_start=a_month("2026-10").start),
        facts(a_plan(tokens()), usage=(a_total(),)),
        facts(a_plan(), contract=a_contract(), period=march, following=april),
    )
    return [line.explanation for bill in bills for line in draft(bill).lines]


def test_reads_back_as_it_was():
    for explanation in some_explanations():
        document = json.loads(json.dumps(explanations.to_document(explanation)))

        assert explanations.from_document(document) == explanation


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("quantity", "1/0", "steps.0.quantity"),
        ("quantity", "many", "steps.0.quantity"),
        ("amount", 4.5, "steps.0.amount"),
    ],
)
def test_refuses_a_step_that_is_not_exact(path, value, field):
    document = explanations.to_document(some_explanations()[0])
    document["steps"][0][path] = value

    with pytest.raises(InvalidExplanation) as refused:
        explanations.from_document(document)

    assert refused.value.field == field


def test_refuses_a_source_whose_facts_are_no_pairs():
    for facts_ in ("text", ["one"], [["only one"]], [[1, 2]]):
        document = explanations.to_document(some_explanations()[0])
        document["sources"][0]["facts"] = facts_

        with pytest.raises(InvalidExplanation, match=r"sources\.0\.facts"):
            explanations.from_document(document)


@pytest.mark.parametrize(
    ("steps", "exact", "minor", "formula"),
    [
        ((), "0", 0, "0.00 = 0.00 USD"),
        ((("0", "4", "0"),), "0", 0, "0 × 4.00 = 0.00 USD"),
        ((("0", "4", "9"),), "9", 900, "9.00 = 9.00 USD"),
        ((("3", "4", "9"),), "21", 2100, "3 × 4.00 + 9.00 = 21.00 USD"),
        ((("1/3", "4", "0"),), "4/3", 133, "1/3 × 4.00 = 4/3 → 1.33 USD"),
    ],
)
def test_writes_the_sum_as_a_person_would(steps, exact, minor, formula):
    terms = [
        Step(Fraction(q), Fraction(unit), Fraction(flat), Fraction(q) * Fraction(unit) + Fraction(flat))
        for q, unit, flat in steps
    ]

    assert explanations.formula(terms, Fraction(exact), Money(minor, "USD")) == formula
