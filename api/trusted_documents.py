"""Which document does an id stand for, and may a client send one that nobody registered?

A client may send the id of a document instead of its text: `documentId`, as GraphQL over HTTP defines it, or the hash
of automatic persisted queries. The operator's file says which documents are trusted, and the mode whether others are.
What clients teach the server by hash is remembered to save them bytes, never trusted.

>>> library = Library({"a1": "{ viewer { name } }"})
>>> library.trusted("a1") == library.trusted(f"sha256:{sha256('{ viewer { name } }')}")
True
"""

import hashlib
import json
import os
import re
from collections import OrderedDict
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import structlog

from api.graph_requests import GraphRequest
from schema.errors import ErrorCode, GraphError

LEARNED_LENGTH_MAX = 4 << 20
FILE_BYTES_MAX = 32 << 20
APOLLO_FORMAT = "apollo-persisted-query-manifest"
_ID = re.compile(r"(?:sha256:[0-9a-f]{64}|x-[\w.~-]+:[\w.~-]+|[\w.~-]+)", re.ASCII)
_ID_LENGTH_MAX = 200

_log = structlog.get_logger(__name__)


class Mode(StrEnum):
    """Which documents are executed."""

    ANY = "any"
    LOG = "log"
    ONLY = "only"


class NoManifest(ValueError):
    """A file of documents cannot be read; the message says why."""


def sha256(text: str) -> str:
    """Return the hash under which a text is known to everybody."""
    return hashlib.sha256(text.encode()).hexdigest()


class Library:
    """The documents that are known by an id: trusted ones, and what clients taught this process."""

    def __init__(self, trusted: Mapping[str, str], mode: Mode = Mode.ANY, *, path: Path | None = None) -> None:
        self._trusted = _by_every_id(trusted)
        self._mode = mode
        self._path = path
        self._read_at = _written_at(path)
        self._learned: OrderedDict[str, str] = OrderedDict()
        self._length = 0

    @classmethod
    def at(cls, path: Path | None, mode: Mode) -> "Library":
        """Return the library of a file, which need not be there yet."""
        is_there = path is not None and path.exists()
        return cls(read_manifest(path) if is_there and path is not None else {}, mode, path=path)

    def trusted(self, document_id: str) -> str | None:
        """Return the trusted document of an id; an unknown one makes us look whether the file has changed."""
        text = self._trusted.get(document_id)
        if text is None and self._path is not None and (written_at := _written_at(self._path)) != self._read_at:
            self._read_at = written_at
            try:
                self._trusted = _by_every_id(read_manifest(self._path))
            except NoManifest as error:
                _log.error("trusted documents not read", error=str(error))
            text = self._trusted.get(document_id)
        return text

    def text_of(self, request: GraphRequest) -> str:
        """Return the document that a request means, or raise `GraphError`."""
        if request.document_id is not None:
            return self._by_id(request.document_id)
        if request.sha256 is not None:
            return self._by_hash(request.query, request.sha256)
        self._require_allowed(request)
        return request.query

    def learn(self, request: GraphRequest) -> None:
        """Remember a valid document that came with its hash."""
        if request.sha256 is None or self._mode is Mode.ONLY or request.sha256 in self._learned or not request.query:
            return
        self._learned[request.sha256] = request.query
        self._length += len(request.query)
        while self._length > LEARNED_LENGTH_MAX:
            _, forgotten = self._learned.popitem(last=False)
            self._length -= len(forgotten)

    def _by_id(self, document_id: str) -> str:
        text = self.trusted(document_id)
        if text is None:
            raise GraphError(ErrorCode.DOCUMENT_NOT_FOUND, f"No document is registered under {document_id[:100]!r}.")
        return text

    def _by_hash(self, query: str, digest: str) -> str:
        if (text := self.trusted(f"sha256:{digest}") or self.trusted(digest)) is not None:
            return text
        if self._mode is Mode.ONLY:
            raise GraphError(ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED, "PersistedQueryNotSupported")
        if not query:
            if digest not in self._learned:
                raise GraphError(ErrorCode.PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")
            self._learned.move_to_end(digest)
            return self._learned[digest]
        if sha256(query) != digest:
            raise GraphError(ErrorCode.BAD_REQUEST, "The parameter sha256Hash is not the hash of the document.")
        self._note_untrusted(query)
        return query

    def _require_allowed(self, request: GraphRequest) -> None:
        if self._mode is Mode.ONLY:
            message = "Only registered documents are executed; send the documentId of one."
            raise GraphError(ErrorCode.DOCUMENT_NOT_TRUSTED, message)
        self._note_untrusted(request.query)

    def _note_untrusted(self, text: str) -> None:
        if self._mode is Mode.LOG and f"sha256:{(digest := sha256(text))}" not in self._trusted:
            _log.warning("document not registered", document_id=f"sha256:{digest}")


def read_manifest(path: Path) -> dict[str, str]:
    """Return the documents of a manifest by id: a plain map, Relay's persisted file or Apollo's manifest."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise NoManifest(f"{path}: larger than {FILE_BYTES_MAX} bytes")
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NoManifest(f"{path}: {error}") from error
    documents = _of_apollo(path, found) if isinstance(found, dict) and found.get("format") == APOLLO_FORMAT else found
    if not isinstance(documents, dict):
        raise NoManifest(f"{path}: a JSON object from ids to documents is expected, or Apollo's manifest")
    for identity, text in documents.items():
        if len(identity) > _ID_LENGTH_MAX or not _ID.fullmatch(identity):
            raise NoManifest(f"{path}: {identity[:100]!r} is no id of a document")
        if not isinstance(text, str) or not text.strip():
            raise NoManifest(f"{path}: {identity!r} is not the id of a text")
        if identity.startswith("sha256:") and identity != f"sha256:{sha256(text)}":
            raise NoManifest(f"{path}: {identity!r} is not the hash of its document")
    return documents


def write(path: Path, documents: Mapping[str, str]) -> None:
    """Write the file of trusted documents; a server that reads meanwhile sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(dict(sorted(documents.items())), ensure_ascii=False, indent=1), encoding="utf-8")
    os.replace(part, path)


def _by_every_id(documents: Mapping[str, str]) -> dict[str, str]:
    return {**{f"sha256:{sha256(text)}": text for text in documents.values()}, **documents}


def _written_at(path: Path | None) -> int | None:
    try:
        return None if path is None else path.stat().st_mtime_ns
    except OSError:
        return None


def _of_apollo(path: Path, manifest: Mapping[str, Any]) -> dict[str, Any]:
    operations = manifest.get("operations")
    if manifest.get("version") != 1 or not isinstance(operations, list):
        raise NoManifest(f"{path}: version 1 of Apollo's manifest, with a list of operations, is expected")
    try:
        return {str(operation["id"]): operation["body"] for operation in operations}
    except (KeyError, TypeError) as error:
        raise NoManifest(f"{path}: an operation has no id or no body") from error
