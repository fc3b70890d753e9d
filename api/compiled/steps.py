"""What is done about a field when an object is projected?

Where something may go wrong, the error is told as the library tells it, at the place where it happened. It ends
there if the field may be null, and else in the part of the answer around it.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from graphql.pyutils import is_awaitable

from api.compiled.fields import Field, Path

if TYPE_CHECKING:
    from api.compiled.run import Run
    from api.compiled.selections import Project

Visit = Callable[[Any, "Run", Path, dict[str, Any]], None]
"""Put what a field of an object comes to into the object's part of the answer, now or later."""


def named(of: Field, name: str) -> Visit:
    """Answer the name of a type."""
    key = of.key

    def visit(_source: Any, _run: "Run", _path: Path, out: dict[str, Any]) -> None:
        out[key] = name

    return visit


def by_the_book(of: Field) -> Visit:
    """Let the library execute a field of which an expression could not make anything."""
    key = of.key

    def visit(source: Any, run: "Run", path: Path, out: dict[str, Any]) -> None:
        out[key] = None
        out[key] = run.executed(of, source, (path, key))

    return visit


def chosen(found: Field) -> Visit:
    """Return what is done about a field that is more than an attribute."""
    if found.loaded is not None:
        return wanted(found)
    return later(found) if found.is_async else at_once(found)


def at_once(of: Field) -> Visit:
    """Resolve a field that is not waited for."""
    key, has_arguments, is_required = of.key, of.has_arguments, of.is_required
    guards = of.guards

    def visit(source: Any, run: "Run", path: Path, out: dict[str, Any]) -> None:
        here = (path, key)
        begun = len(run.waiting)
        out[key] = None
        try:
            if has_arguments:
                run.given(of, here)
            for guard in guards:
                run.passed(guard, source)
            value = of.call(source, run, here)
            if is_awaitable(value):
                run.waiting.append((of, source, out, here, value))
            else:
                out[key] = of.complete(value, run, here)
        except Exception as fault:
            run.abandon(begun)
            error = of.located(fault, here)
            if is_required:
                raise error from fault
            run.errors.add(error, here)

    return visit


def wanted(of: Field) -> Visit:
    """Note down a field whose row a loader reads, once all that guards it let the caller pass."""
    key, guards, is_required = of.key, of.guards, of.is_required

    def visit(source: Any, run: "Run", path: Path, out: dict[str, Any]) -> None:
        here = (path, key)
        out[key] = None
        try:
            if guards:
                run.let_in(of, source)
        except Exception as fault:
            error = of.located(fault, here)
            if is_required:
                raise error from fault
            run.errors.add(error, here)
        else:
            run.waiting.append((of, source, out, here, None))

    return visit


def later(of: Field) -> Visit:
    """Note down a field that must be waited for. Its arguments are read at once, as the library does."""
    key, has_arguments, is_required = of.key, of.has_arguments, of.is_required

    def visit(source: Any, run: "Run", path: Path, out: dict[str, Any]) -> None:
        here = (path, key)
        out[key] = None
        if has_arguments and of.constant is None:
            try:
                run.arguments(of)
            except Exception as fault:
                error = of.located(fault, here)
                if is_required:
                    raise error from fault
                run.errors.add(error, here)
                return
        run.waiting.append((of, source, out, here, None))

    return visit


def one_by_one(visits: Sequence[Visit]) -> "Project":
    """Return the projection that takes one field after the other, for objects in which one does not fit."""

    def project(source: Any, run: "Run", path: Path) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for visit in visits:
            visit(source, run, path, out)
        return out

    return project
