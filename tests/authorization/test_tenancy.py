"""Nothing of one organization is ever in an answer to another, whatever is asked, and by whomever."""

import json

import pytest

from models import audit, events
from models.database import Database
from tests.authorization import matrix
from tests.authorization.callers import CANARY, Home
from tests.authorization.matrix import NULL, SHOWN


async def trace(database: Database, organization_id: str) -> tuple[int, int]:
    """Return how much has happened in an organization, refused attempts too."""
    reader = database.reader
    return await events.head(reader, organization_id), (await audit.head(reader, organization_id)).sequence


@pytest.mark.parametrize("role", ["primary_owner", "auditor", "member"])
async def test_no_question_about_another_organization_is_answered(home: Home, other: Home, role: str) -> None:
    paths = await home.paths()
    before = await trace(home.database, other.organization_id)

    for question in matrix.questions(other, role, paths):
        result = await other.ask(home.caller(role), question.document(*question.rows), question.variables)
        told = matrix.told(result)
        assert CANARY not in text(result.data), question.rows
        assert all(CANARY not in error.message for error in result.errors or ()), question.rows
        is_of_nobody = told == SHOWN and question.rows.keys() <= _without_organization()
        assert told in {"not there", NULL} or is_of_nobody, (question.rows, told)

    assert await trace(home.database, other.organization_id) == before, "not even a trace of the attempts"


@pytest.mark.parametrize("role", ["primary_owner", "member"])
async def test_an_organization_s_own_answers_hold_nothing_of_another(home: Home, role: str) -> None:
    paths = await home.paths()

    for question in matrix.questions(home, role, paths):
        if not next(iter(question.rows)).startswith("Mutation."):
            result = await home.ask(home.caller(role), question.document(*question.rows), question.variables)
            assert CANARY not in text(result.data), question.rows


def text(data: object) -> str:
    return json.dumps(data, default=str)


def _without_organization() -> set[str]:
    """Return the rows that a stranger is shown: they name no organization, so nothing of one is in them."""
    return {row for row, columns in matrix.expected().items() if columns["stranger"] == SHOWN}
