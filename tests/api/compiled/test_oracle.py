"""A plan answers what graphql-core answers, byte for byte, whoever asks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from auth.principal import Principal
from benchmarks.plan_oracle import compared
from benchmarks.questions import Question
from models.database import Database
from tests.authorization import world
from tests.authorization.callers import CALLERS, Home

QUESTIONS = 500
PAGE = """
    query Page($id: ID!) {
        organization(id: $id) {
            __typename
            members(first: 3) {
                __typename pageInfo { __typename hasNextPage }
                edges { node { __typename name role { key } ...Spend } }
                nodes { ...Spend }
            }
            spendLimits { nodes { __typename ... on Node { id } cap { __typename amount } group { name } } }
            invoices(first: 2) { __typename nodes { __typename ...Bill } }
        }
        viewer { __typename name }
    }
    fragment Spend on Member {
        seat { __typename tier { key } }
        monthToDate { amount formatted }
        effectiveLimit { __typename remaining { amount } chain { __typename level spent { amount } } }
    }
    fragment Bill on Invoice {
        total { amount }
        lines { __typename description amount { formatted } explanation { __typename formula steps { amount } } }
    }
"""
REACHED = {
    "EffectiveSpendLimit", "Invoice", "InvoiceConnection", "InvoiceLine", "LineExplanation", "Member",
    "MemberConnection", "Money", "Organization", "PageInfo", "Seat", "SpendLimit", "SpendLimitLink", "Viewer",
}  # fmt: skip


# The library drops what it has not awaited yet when a required field fails, and Python says so of each.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
async def test_answers_what_the_library_answers(database: Database) -> None:
    home = await world.furnished(database)
    callers = {name: home.caller(name) for name in CALLERS} | {"other_owner": home.caller("owner")}
    known = {"org": [home.known["organization"]], "mem": [home.known["member"], home.known["other"]]}

    page = Question(PAGE, {"id": home.known["organization"]})

    verdict = await compared(_contexts_of(home), callers, known, questions=QUESTIONS, seed=4, usual=[page])

    assert verdict.differences == []
    assert verdict.asked == QUESTIONS
    assert {"FORBIDDEN", "UNAUTHENTICATED", "NOT_FOUND", "BAD_USER_INPUT", "ID_INVALID"} <= verdict.codes.keys()
    assert verdict.types.keys() >= REACHED
    assert verdict.fallbacks == 0
    assert verdict.miscounted == 0


def _contexts_of(home: Home) -> Any:
    @asynccontextmanager
    async def open_for(caller: Principal | None) -> AsyncIterator[Any]:
        async with home.context(None, caller) as context:
            yield context

    return open_for
