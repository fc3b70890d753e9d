"""What does somebody send who knows nothing, or has a broken wire?

Bytes that were once a good request: some flipped, some doubled, some cut off or put elsewhere, with what parsers trip
over in between. The same seed makes the same noise.
"""

import json
import random
from collections.abc import Sequence
from typing import Final

DOCUMENTS: Final = (
    "query Q($id: ID!, $first: Int) { organization(id: $id) { members(first: $first) { nodes { id name } } } }",
    "query Q { viewer { name organizations { id } } } ",
    "mutation Q { createOrganization(input: {idempotencyKey: \"k\", slug: \"a\"}) { userErrors { message } } }",
    "subscription Q($id: ID!) { limitApproaching(organizationId: $id) { cursor } }",
    "{ ...F } fragment F on Query { a: viewer { ... { name @include(if: true) } } }",
    "{ __schema { types { name fields { name args { name } } } } }",
)  # fmt: skip
TRIPS: Final = (
    b"\0", b"\\u0000", b"\\ud800", b"\xff", b"\xc0\xaf", b"\xef\xbb\xbf", b"\xe2\x80\xae",
    b"NaN", b"-Infinity", b"1e999",
    b"9" * 50, b"[" * 100, b"{" * 100, b'{"a":' * 100, b"null", b"true", b'""', b"$",
    b"...", b"@skip", b'"""', b"#", b"\\",
    b"__proto__", b"__schema", b"fragment F on F { ...F }", b"query", b"mutation", b"!",
    b"\n" * 20, b"\xf0\x9f\x92\xb8",
)  # fmt: skip


def noisy(chance: random.Random, good: Sequence[bytes]) -> bytes:
    """Return one of the good texts with a few things done to it."""
    text = bytearray(chance.choice(good))
    for _ in range(chance.randint(0, 4)):
        at = chance.randrange(len(text) + 1)
        match chance.randrange(6):
            case 0:
                text[at:at] = chance.choice(TRIPS)
            case 1:
                del text[at : at + chance.randint(1, 20)]
            case 2:
                del text[at:]
            case 3:
                text[at:at] = text[at : at + chance.randint(1, 40)]
            case 4:
                text[at : at + 1] = bytes([chance.randrange(256)])
            case _:
                other = chance.choice(good)
                text[at:] = other[chance.randrange(len(other)) :]
    return bytes(text)


def requests(documents: Sequence[str]) -> list[bytes]:
    """Return good bodies to begin with."""
    plain = [{"query": each, "variables": {"id": "org_1", "first": 5}, "operationName": "Q"} for each in documents]
    named = [{"documentId": "a1"}, {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}]
    return [json.dumps(each).encode() for each in [*plain, *named]]


def frames(documents: Sequence[str]) -> list[bytes]:
    """Return good messages of a socket to begin with."""
    plain: list[dict[str, object]] = [
        {"type": "connection_init", "payload": {"authorization": "Bearer x"}},
        {"type": "ping"},
        {"type": "pong", "payload": {"a": 1}},
        {"type": "complete", "id": "1"},
    ]
    asked = [{"id": str(at), "type": "subscribe", "payload": {"query": each}} for at, each in enumerate(documents)]
    return [json.dumps(each).encode() for each in [*plain, *asked]]
