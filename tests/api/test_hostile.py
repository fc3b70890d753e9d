"""Sixty ways to make a server work for nothing: each is refused, or answered, for less work than a page of real data.

Work is counted in calls of Python functions and in bytes held at once, which are the same on any machine.
"""

import sys
import tracemalloc
from types import FrameType

import pytest

from api import json_codec
from api.execution import Operations
from api.graph_requests import GraphRequest
from api.operations import Refused
from api.settings import Limits
from benchmarks import hostile
from resolvers.roots import schema
from schema.errors import GraphError

CALLS_MAX = 120_000
BYTES_MAX = 20_000_000
SHAPES = dict(hostile.shapes())


def prepare(body: bytes) -> None:
    """Do what is done with a body before anything is executed."""
    try:
        request = GraphRequest.of(json_codec.decode(body))
        Operations(schema, Limits()).prepare(request, is_known=False)
    except (json_codec.InvalidJson, GraphError, Refused):
        pass


def calls(body: bytes) -> int:
    counted = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event == "call"

    sys.setprofile(count)
    try:
        prepare(body)
    finally:
        sys.setprofile(None)
    return counted


def test_there_are_sixty_of_them() -> None:
    assert len(SHAPES) >= 60


@pytest.mark.parametrize("name", SHAPES)
def test_takes_little_work(name: str) -> None:
    assert calls(SHAPES[name]) < CALLS_MAX


@pytest.mark.parametrize("name", SHAPES)
def test_takes_little_memory(name: str) -> None:
    tracemalloc.start()
    try:
        prepare(SHAPES[name])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < BYTES_MAX
