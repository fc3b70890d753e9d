"""Which faults may be seen, and under which code."""

import re
from pathlib import Path

import pytest
import structlog
from graphql import GraphQLError

from api.graphql_http import STATUS
from auth import founders, policy
from billing.roles import Permission
from models import runner
from schema.errors import ERRORS_MAX, ErrorCode, GraphError, as_graphql, coded, first_code, present, present_all
from schema.user_errors import UserErrorCode


def test_documents_every_code_with_a_sentence() -> None:
    for code in ErrorCode:
        assert code.value == code.name
        assert code.meaning.endswith(".")
    assert len({code.meaning for code in ErrorCode}) == len(ErrorCode)


def test_the_page_of_errors_lists_every_code_and_no_other() -> None:
    page = (Path(__file__).parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")
    faults = [f"| `{code}` | {STATUS.get(code, 400)} | {code.meaning} |" for code in ErrorCode]
    refusals = [f"| `{code}` | {code.meaning} |" for code in UserErrorCode]

    listed = [line for line in page.splitlines() if re.match(r"\| `[A-Z_]+` \|", line)]
    facts = [line for line in listed if re.search(r"\| `[a-z]\w+`", line)]

    assert [line for line in listed if line not in facts] == [*faults, *refusals]
    assert {line.split("`")[1] for line in facts} <= set(ErrorCode.__members__)


@pytest.mark.parametrize(
    ("expected", "fault"),
    [
        (ErrorCode.UNAUTHENTICATED, policy.Unauthenticated()),
        (ErrorCode.FORBIDDEN, policy.Forbidden(Permission.SEATS_WRITE, "auditor")),
        (ErrorCode.FORBIDDEN, founders.NotAFounder("organizations are opened by the operator here")),
        (ErrorCode.NOT_FOUND, policy.NotVisible()),
        (ErrorCode.OVERLOADED, runner.Overloaded("2000 writes are waiting already")),
    ],
)
def test_understands_the_floors_below(expected: ErrorCode, fault: Exception) -> None:
    shown = present(as_graphql(fault), "r")

    assert shown["extensions"]["code"] == expected
    assert shown["message"] == str(fault)


@pytest.mark.parametrize("code", ["NOT_ON_THE_LIST", 7, None])
def test_masks_a_library_error_with_a_code_of_its_own(code: object) -> None:
    stranger = GraphQLError("secret", extensions={"code": code})
    located = GraphQLError("secret", path=["a"], original_error=stranger)

    with structlog.testing.capture_logs() as lines:
        shown = present(located, "r")

    assert shown["extensions"] == {"code": "INTERNAL", "requestId": "r"}
    assert "secret" not in shown["message"]
    assert lines[0]["exc_info"] is stranger


def test_keeps_the_more_precise_code() -> None:
    inner = GraphQLError("no such cursor", original_error=GraphError(ErrorCode.CURSOR_INVALID, "no such cursor"))

    assert first_code([coded(inner, ErrorCode.GRAPHQL_VALIDATION_FAILED)]) is ErrorCode.CURSOR_INVALID


def test_logs_no_more_faults_than_it_shows() -> None:
    with structlog.testing.capture_logs() as lines:
        shown = present_all([as_graphql(RuntimeError(str(number))) for number in range(1_000)], "r")

    assert len(shown) == len(lines) == ERRORS_MAX
