"""Which requests cost a server most for what they cost their sender?

Each is a body as it comes over HTTP. Most describe far more than they say, or make a rule of validation compare all
with all; some are merely large, deep or odd.
"""

import json
from collections.abc import Iterator


def shapes() -> Iterator[tuple[str, bytes]]:
    """Yield the name and the body of each."""
    for name, query in _documents():
        yield name, json.dumps({"query": query}).encode()
    yield from _bodies()


def _documents() -> Iterator[tuple[str, str]]:
    yield from _fragments()
    yield from _floods()
    yield from _literals()
    yield from _oddities()


def _fragments() -> Iterator[tuple[str, str]]:
    for levels, width in ((20, 2), (60, 2), (90, 3), (200, 2)):
        body = " ".join(f"fragment F{level} on Viewer {{ {f'...F{level + 1} ' * width}}}" for level in range(levels))
        yield f"bomb of {levels} levels", f"{{ viewer {{ ...F0 }} }} {body} fragment F{levels} on Viewer {{ name }}"
        yield (
            f"unused bomb of {levels} levels",
            f"{{ viewer {{ name }} }} {body} fragment F{levels} on Viewer {{ name }}",
        )
    pair = "{ ...A } fragment A on Query { %s } fragment B on Query { %s }"
    yield "two that spread each other", pair % ("...B " * 900, "...A " * 900)
    yield (
        "two that spread each other with fields",
        pair % ("...B a: viewer { name } " * 90, "...A b: viewer { name } " * 90),
    )
    own = " ".join(f"fragment F{at} on Query {{ ...F{at} }}" for at in range(400))
    yield "fragments of themselves", "{ " + " ".join(f"...F{at}" for at in range(400)) + " } " + own
    yield (
        "a ring of fragments",
        "{ ...F0 } " + " ".join(f"fragment F{at} on Query {{ ...F{(at + 1) % 99} }}" for at in range(99)),
    )
    yield "unknown fragments", "{ " + " ".join(f"...Nowhere{at}" for at in range(900)) + " }"
    yield "inline fragments", "{ viewer " + "{ ... on Viewer " * 95 + "{ name }" + " }" * 96
    yield (
        "many operations, one fragment",
        " ".join(f"query Q{at} {{ ...F }}" for at in range(300))
        + (" fragment F on Query { " + "viewer { name } " * 15 + "}"),
    )


def _floods() -> Iterator[tuple[str, str]]:
    yield "the same field", "{ viewer { " + "name " * 450 + "} }"
    yield "the same object", "{ viewer { " + "organizations { id } " * 160 + "} }"
    yield "pairs in pairs", "{ viewer { " + "organizations { roles { name } roles { name } } " * 40 + "} }"
    yield "one name, other fields", "{ viewer { " + "a: name a: email " * 200 + "} }"
    yield "aliases", "{ viewer { " + " ".join(f"a{at}: name" for at in range(900)) + " } }"
    yield "root aliases", "{ " + " ".join(f"a{at}: viewer {{ name }}" for at in range(600)) + " }"
    yield (
        "introspection under aliases",
        "{ " + " ".join(f"a{at}: __schema {{ types {{ fields {{ name }} }} }}" for at in range(200)) + " }",
    )
    yield "introspection in circles", "{ __schema { types " + "{ fields { type " * 9 + "{ name }" + " } }" * 9 + " } }"
    yield (
        "introspection through a fragment",
        "{ __schema { types { ...T } } } fragment T on __Type { " + ("ofType { " * 18 + "name" + " }" * 18 + " }"),
    )
    yield "directives on one field", "{ viewer { name " + "@skip(if: false) " * 600 + "} }"
    yield "directives on many fields", "{ viewer { " + "name @skip(if: false) " * 300 + "} }"
    yield "unknown directives", "{ viewer { name " + " ".join(f"@d{at}" for at in range(900)) + " } }"
    yield "variables", "query Q(" + " ".join(f"$v{at}: Int" for at in range(900)) + ") { viewer { name } }"
    yield "variables of one name", "query Q(" + "$v: Int " * 900 + ") { viewer { name } }"
    yield (
        "variables of unknown types",
        "query Q(" + " ".join(f"$v{at}: Strin{at}" for at in range(190)) + ") { viewer { name } }",
    )
    yield "operations", " ".join(f"query Q{at} {{ viewer {{ name }} }}" for at in range(500))
    yield "operations of one name", "query Q { viewer { name } } " * 49
    yield "arguments", "{ node(" + " ".join(f"a{at}: 1" for at in range(900)) + ") { id } }"
    yield "unknown fields", "{ viewer { " + " ".join(f"nam{at}" for at in range(400)) + " } }"
    yield "unknown types", "{ viewer { " + " ".join(f"... on Viewe{at} {{ name }}" for at in range(300)) + " } }"
    nested = "{ organizations(first: 100) { nodes { members(first: 100) { nodes { %s { nodes { id } } } } } } }"
    yield "pages of pages", nested % "limitIncreaseRequests(first: 100)"


def _literals() -> Iterator[tuple[str, str]]:
    command = "mutation { addMember(input: %s) { member { id } } }"
    yield "a long list", "{ nodes(ids: [" + "1 " * 3_900 + "]) { id } }"
    yield "a long list of texts", "{ nodes(ids: [" + '"a" ' * 450 + "]) { id } }"
    yield "a wide object", command % ("{" + " ".join(f"a{at}: 1" for at in range(1_200)) + "}")
    yield "an object of unknown fields", command % ("{" + " ".join(f"a{at}: 1" for at in range(290)) + "}")
    yield "an object of one field", command % ("{" + "a: 1 " * 290 + "}")
    yield "a deep list", "{ nodes(ids: " + "[" * 900 + "]" * 900 + ") { id } }"
    yield "a deep object", command % ("{a: " * 900 + "1" + "}" * 900)
    yield "a deep type", "query Q($a: " + "[" * 900 + "Int" + "]" * 900 + ") { viewer { name } }"
    yield "a huge integer", "{ organizations(first: " + "9" * 30_000 + ") { totalCount } }"
    yield "a huge float", "{ organizations(first: " + "9" * 5_000 + "e" + "9" * 5_000 + ") { totalCount } }"
    yield "a huge text", '{ node(id: "' + "x" * 35_000 + '") { id } }'
    yield "a huge block", '{ node(id: """' + "\n" * 35_000 + '""") { id } }'
    yield "a text of escapes", '{ node(id: "' + "\\u0041" * 6_000 + '") { id } }'


def _oddities() -> Iterator[tuple[str, str]]:
    yield "a long name", "{ " + "a" * 39_000 + " }"
    yield "a long alias", "{ " + "a" * 39_000 + ": viewer { name } }"
    yield "a long operation name", "query " + "a" * 39_000 + " { viewer { name } }"
    yield "braces", "{" * 39_000
    yield "brackets", "[" * 39_000
    yield "comments", "#\n" * 19_000 + "{ viewer { name } }"
    yield "commas", "," * 39_000 + "{ viewer { name } }"
    yield "too long", "{ viewer { name } }" + " " * 900_000
    yield "right to left", "{ viewer { \u202ename } }"
    yield "a byte order mark in the middle", "{ viewer\ufeff { name } }"
    yield "letters that look like others", "{ v\u0456ewer { name } }"
    yield "an escaped NUL", '{ node(id: "\\u0000") { id } }'
    yield "half a surrogate", '{ node(id: "\\ud800") { id } }'


def _bodies() -> Iterator[tuple[str, bytes]]:
    yield "deep JSON", b'{"query":' + b"[" * 100_000
    yield "deep variables", b'{"query":"{ viewer { name } }","variables":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001
    yield (
        "a flood of variables",
        json.dumps({"query": "{ viewer { name } }", "variables": {f"v{at}": at for at in range(20_000)}}).encode(),
    )
    yield "a flood of values", b'{"query":"{ viewer { name } }","variables":{"a":[' + b"1," * 100_000 + b"1]}}"
    yield "a huge integer in JSON", b'{"query":"{ viewer { name } }","variables":{"a":' + b"9" * 900_000 + b"}}"
    yield "NaN", b'{"query":"{ viewer { name } }","variables":{"a":NaN}}'
    yield "NUL in JSON", b'{"query":"{ viewer { name } }","variables":{"a":"\\u0000"}}'
    yield "not UTF-8", b'{"query":"' + b"\xff" * 1_000 + b'"}'
    yield "a list of requests", b"[" + b'{"query":"{ viewer { name } }"},' * 1_000 + b"{}]"
