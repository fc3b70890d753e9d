"""Five thousand requests by somebody who knows nothing, or the schema and no more: none of them is our fault."""

import json
import random
from typing import Any

from graphql import GraphQLError

from api import json_codec, ws_frames
from api.execution import Operations
from api.graph_requests import GraphRequest
from api.operations import Refused
from api.settings import Limits
from benchmarks import noise
from benchmarks.author import Author
from benchmarks.findings import LEAKS
from models.database import Database
from resolvers.roots import schema
from schema.errors import ErrorCode, GraphError, as_graphql, first_code, present_all
from tests.authorization.callers import Home
from tests.authorization.world import furnished

BODIES, FRAMES, OPERATIONS_SENT = 3_300, 1_500, 200


def said(errors: list[GraphQLError]) -> str:
    """Return what a client reads of errors, having looked that none of it is ours to mend."""
    text = json.dumps(present_all(errors, "request"))
    assert ErrorCode.INTERNAL not in {first_code([error]) for error in errors}, errors
    assert not [word for word in LEAKS if word in text], text
    return text


def refusal(operations: Operations, body: bytes) -> list[GraphQLError]:
    try:
        request = GraphRequest.of(json_codec.decode(body))
        operations.prepare(request, is_known=False)
    except json_codec.InvalidJson:
        return []
    except GraphError as fault:
        return [as_graphql(fault)]
    except Refused as refused:
        return list(refused.errors)
    return []


def test_reads_any_body() -> None:
    operations, chance, good = Operations(schema, Limits()), random.Random(1), noise.requests(noise.DOCUMENTS)

    refused = [said(refusal(operations, noise.noisy(chance, good))) for _ in range(BODIES)]

    assert 300 < refused.count("[]") < BODIES - 300, "some are read and some are refused, or nothing was tried"


def test_reads_any_frame() -> None:
    chance, good, read, codes = random.Random(2), noise.frames(noise.DOCUMENTS), 0, []

    for _ in range(FRAMES):
        try:
            ws_frames.read(noise.noisy(chance, good).decode(errors="surrogateescape"), depth_max=64)
            read += 1
        except ws_frames.Close as closing:
            codes.append(closing.code)

    assert set(codes) == {4400}
    assert min(read, len(codes)) > 200


async def test_answers_any_question_the_schema_allows(database: Database) -> None:
    home = await furnished(database)
    known = sorted(home.known.values())
    own = {"organizationId": home.known["organization"], "id": home.known["organization"]}
    author = Author(schema._schema, known, random.Random(3), own)

    answered = 0
    for number in range(OPERATIONS_SENT):
        asked = author.question() if number % 2 else author.command()
        data, errors = await answer(home, asked)
        said(errors)
        answered += data is not None

    assert answered > OPERATIONS_SENT // 3


async def answer(home: Home, asked: dict[str, Any]) -> tuple[Any, list[GraphQLError]]:
    """Return the answer to the primary owner."""
    result = await home.ask(home.caller("primary_owner"), asked["query"], asked["variables"])
    return result.data, list(result.errors or ())
