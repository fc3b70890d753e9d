"""What each kind of caller is told for each field: read from the reviewed file, and found by asking.

`python -m tests.authorization.matrix` writes the file anew from what is found; what changed in it is then read by
somebody, line by line, before it is committed.
"""

import asyncio
import csv
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, TypeVar

from graphql import ExecutionResult, GraphQLError, GraphQLField

from schema.errors import ErrorCode, as_graphql, first_code
from tests.authorization import reach
from tests.authorization.callers import CALLERS, Home

FILE: Final = Path(__file__).with_name("matrix.csv")
SHOWN: Final = "+"
TOGETHER_MAX: Final = 40  # of a type with more fields than a document may have aliases
TOLD: Final[Mapping[ErrorCode, str]] = {
    ErrorCode.UNAUTHENTICATED: "sign in",
    ErrorCode.FORBIDDEN: "forbidden",
    ErrorCode.NOT_FOUND: "not there",
}
NULL: Final = "null"
Row = dict[str, str]
T = TypeVar("T")


def expected() -> dict[str, Row]:
    """Return the reviewed file: what each caller is told, by field."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return {row.pop("field"): row for row in csv.DictReader(file)}


def rows() -> list[str]:
    """Return every field of the graph that must have a row."""
    below = [f"{kind}.{name}{own}" for kind, name, _ in reach.fields() for own in _asked_as(kind)]
    return [*below, *(row for row, _ in _roots())]


@dataclass(frozen=True, slots=True)
class Question:
    """One document, and the selections it asks for by the row each fills; below `depth` fields they differ."""

    rows: Mapping[str, str]
    wrap: Callable[[str], str]
    variables: Mapping[str, Any]
    depth: int

    def document(self, *rows: str) -> str:
        """Return the document that asks for some of the rows."""
        return self.wrap(" ".join(f"f{number}: {self.rows[row]}" for number, row in enumerate(rows)))


async def column(home: Home, caller: str, paths: Mapping[str, reach.Path]) -> dict[str, str]:
    """Return what one caller is told for every field.

    The fields of a type are asked for together: without an error all are shown, and an error on the way to them is the
    answer to each. An error at one of them could hide another, so then each is asked for alone.
    """
    principal, found = home.caller(caller), {}
    for question in questions(home, caller, paths):
        together = await home.ask(principal, question.document(*question.rows), question.variables)
        if len(question.rows) == 1 or not together.errors or _is_on_the_way(together.errors, question.depth):
            found |= dict.fromkeys(question.rows, told(together))
            continue
        for row in question.rows:
            found[row] = told(await home.ask(principal, question.document(row), question.variables))
    return found


def questions(home: Home, caller: str, paths: Mapping[str, reach.Path]) -> Iterator[Question]:
    """Yield what is asked: once for each type, for one's own member, and once for each root field."""
    own = reach.Path((reach.Step("node", "(id: $member)", "Member"),))
    for kind, fields in groupby(reach.fields(), key=itemgetter(0)):
        for part in _parts(fields, TOGETHER_MAX):
            named = {name: reach.selected(kind, name, field) for _, name, field in part}
            path = paths[kind]
            yield Question({f"{kind}.{name}": each for name, each in named.items()}, path.document, {}, len(path.steps))
            if kind == "Member":
                yield Question({f"Member.{name} (own)": each for name, each in named.items()}, own.document, {}, 1)
    for row, field in _roots():
        yield _root_question(home, caller, row, field)


def _parts(fields: Iterable[T], size: int) -> Iterator[list[T]]:
    waiting = iter(fields)
    while part := list(islice(waiting, size)):
        yield part


def _is_on_the_way(errors: Sequence[GraphQLError], depth: int) -> bool:
    """Return whether every error is at a field that leads to those that were asked for."""
    return all(sum(isinstance(part, str) for part in error.path or ()) <= depth for error in errors)


def told(result: ExecutionResult) -> str:
    """Return what an answer tells a caller, as the file writes it."""
    if not result.errors:
        return NULL if _is_empty(result.data) else SHOWN
    code = first_code([_coded(error) for error in result.errors])
    return TOLD.get(code) or f"{code}: {result.errors[0].message}"


def _asked_as(kind: str) -> tuple[str, ...]:
    """Return as what a type is asked for: a member also by the member themself."""
    return ("", " (own)") if kind == "Member" else ("",)


def _roots() -> Iterator[tuple[str, GraphQLField]]:
    for root in (reach.GRAPH.query_type, reach.GRAPH.mutation_type, reach.GRAPH.subscription_type):
        assert root is not None
        yield from ((f"{root.name}.{name}", field) for name, field in sorted(root.fields.items()))


def _root_question(home: Home, caller: str, row: str, field: GraphQLField) -> Question:
    root, name = row.split(".")
    match root:
        case "Query":
            return Question({row: reach.selected(root, name, field)}, "{{ {} }}".format, {}, 0)
        case "Subscription":
            asked = f'{name}(organizationId: $organization, after: "{home.first_cursor}") {{ cursor }}'
            return Question({row: asked}, "subscription {{ {} }}".format, {}, 0)
        case _:
            (argument,) = field.args.values()
            own = {"idempotencyKey": f"{caller}-{name}", "slug": f"of-{caller.replace('_', '-')}"}
            given = reach.example(argument.type, "input", {**home.known_by_field, **own})
            wrap = f"mutation($input: {argument.type}) {{{{ {{}} }}}}".format
            return Question({row: f"{name}(input: $input) {{ __typename }}"}, wrap, {"input": given}, 0)


def _coded(error: GraphQLError) -> GraphQLError:
    return error if (error.extensions or {}).get("code") else as_graphql(error.original_error or error)


def _is_empty(data: Any) -> bool:
    """Return whether an answer is a null at its root: what a stranger sees of a thing by its id."""
    return isinstance(data, dict) and all(value is None for value in data.values())


async def _written() -> None:
    from tests import databases
    from tests.authorization import world

    folder = Path(tempfile.mkdtemp())
    async with databases.fresh(await databases.prepare(folder, "matrix"), folder) as database:
        home = await world.furnished(database)
        paths = await home.paths()
        columns = {caller: await column(home, caller, paths) for caller in CALLERS}
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("field", *CALLERS))
        writer.writerows([row, *(columns[caller][row] for caller in CALLERS)] for row in rows())


if __name__ == "__main__":
    asyncio.run(_written())
