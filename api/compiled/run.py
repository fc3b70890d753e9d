"""What happens when a plan is carried out?

Level by level: everything that can be answered at once is, and what must be waited for is noted down with its place.
Then all of it is waited for together, completed in place, and notes down what comes below it. So the number of turns
of the event loop, and of statements behind the loaders, depends on the depth of an operation and not on its rows.

Of several required fields that fail and would make the same place null, the one is told that stands first in the
answer, whichever failed first; so what stands before a failure is waited for, and what stands behind it is left.
"""

from collections.abc import Awaitable, Coroutine
from inspect import iscoroutine
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from graphql import ExecutionResult, GraphQLAbstractType, GraphQLError, default_type_resolver, get_argument_values
from graphql.execution import Executor
from graphql.execution.values import VariableValues
from graphql.pyutils import Path as LibraryPath
from strawberry.types.arguments import convert_arguments

from api.compiled import lanes
from api.compiled.fields import Field, Path, PlanInfo, Waiting, keys
from schema.access import Guard
from schema.batches import Loader
from schema.loaded import Loaded

if TYPE_CHECKING:
    from api.compiled.plans import Plan

_IMMUTABLE: Final = frozenset({str, int, bool, NoneType})


class Errors:
    """The errors of an answer, in the order of time, none of them inside of what is null because of another."""

    def __init__(self) -> None:
        self.all: list[GraphQLError] = []
        self.places: set[Path] = set()

    def add(self, error: GraphQLError, path: Path) -> None:
        """Add an error that made a place null."""
        if not self.cover(path):
            self.places.add(path)
            self.all.append(error)

    def cover(self, path: Path) -> bool:
        """Return whether a place, or one that it is in, is null because of an error."""
        while path is not None:
            if path in self.places:
                return True
            path = path[0]
        return None in self.places


class _Book:
    """Our errors, as the library's executor keeps its own."""

    def __init__(self, errors: Errors) -> None:
        self._errors = errors

    def add(self, error: GraphQLError, path: LibraryPath | None) -> None:
        """Add an error that made a place null."""
        here: Path = None
        for key in path.as_list() if path is not None else ():
            here = (here, key)
        self._errors.add(error, here)


class Run:
    """One execution of a plan."""

    def __init__(
        self, plan: "Plan", context: Any, variables: VariableValues, raw: dict[str, Any], *, is_known: bool
    ) -> None:
        self.plan = plan
        self.context = context
        self.errors = Errors()
        self.waiting: list[Waiting] = []
        self._variables = variables
        self._raw = raw
        self._is_known = is_known
        self._arguments: dict[Field, dict[str, Any]] = {}
        self._given: dict[Field, dict[str, Any]] = {}
        self._open: set[tuple[Guard, str]] = set()
        self.open_to: dict[Field, Any] = {}
        """The organization of whose things a guarded field is open to the caller without asking again."""
        self._executor: Executor[Any] | None = None
        self._data: dict[str, Any] | None = None
        self._failed: dict[Path, tuple[tuple[int, ...], GraphQLError]] = {}

    async def answer(self, source: Any = None) -> ExecutionResult:
        """Return the answer of the operation on its root value."""
        try:
            self._data = self.plan.project(source, self, None)
        except GraphQLError as error:  # what may not be null was, all the way up
            self.errors.add(error, None)
            return ExecutionResult(None, self.errors.all)
        if self.waiting:
            await lanes.Lanes(self).travel()
            for place in sorted(self._failed, key=_depth):
                self._end(place, self._failed[place][1])
        return ExecutionResult(self._data, self.errors.all or None)

    def taken(self) -> list[Waiting]:
        """Return what was noted down and is to be resolved."""
        taken, self.waiting = self.waiting, []
        return taken

    def start(self, one: Waiting) -> Coroutine[Any, Any, Any] | None:
        """Return what resolves a field, when all that guards it lets the caller pass."""
        of, source, _, path, resolved = one
        if self._is_over(of, path):
            return None
        if resolved is not None:
            return _awaited(resolved)
        if of.is_direct:
            if of.has_arguments:
                self.given(of, path)
            for guard in of.guards:
                self.passed(guard, source)
        coroutine: Coroutine[Any, Any, Any] = of.call(source, self, path)
        return coroutine

    def settle(self, one: Waiting, value: Any, fault: Exception | None) -> None:
        """Put what a field was resolved to into its place, or what went wrong to the errors."""
        of, _, out, path, _ = one
        if self._is_over(of, path):
            return
        begun = len(self.waiting)
        try:
            if fault is not None:
                raise fault
            out[of.key] = of.complete(value, self, path)
        except Exception as raised:
            self._fail(of, path, raised, begun)

    def loader(self, how: Loaded) -> Loader[Any, Any]:
        """Return what reads the rows that a field is made of."""
        return how.loader(self.context.loaders)

    def arrive(self, wish: lanes.Wish, fault: BaseException | None) -> None:
        """Make a field of the rows that were read, for each object; what is not known could not be read."""
        of, known = wish.of, wish.loader.known
        assert of.loaded is not None, "it waited for rows"
        make, complete, name, errors, waiting = of.loaded.make, of.complete, of.key, self.errors, self.waiting
        for (_, source, out, path, _), key in zip(wish.those, wish.keys, strict=True):
            if (errors.places or self._failed) and self._is_over(of, path):
                continue
            begun = len(waiting)
            try:
                if fault is not None and key not in known:
                    raise fault
                out[name] = complete(make(source, known[key]), self, path)
            except Exception as raised:
                self._fail(of, path, raised, begun)

    def _fail(self, of: Field, path: Path, fault: Exception, begun: int) -> None:
        """Note what went wrong with a field, and forget what was noted down below it since."""
        self.abandon(begun)
        error = of.located(fault, path)
        if not of.is_required:
            self.errors.add(error, path)
            return
        place, position = _caught(of, path), self._position(path)
        if place not in self._failed or position < self._failed[place][0]:
            self._failed[place] = position, error

    def _is_over(self, of: Field, path: Path) -> bool:
        """Return whether nothing of a field would be told any more.

        Either it is inside of what is null, or a required field that stands before it failed and makes the same null.
        """
        if self.errors.places and self.errors.cover(path):
            return True
        if not self._failed:
            return False
        place = _caught(of, path)
        if place in self._failed and self._failed[place][0] < self._position(path):
            return True
        while place is not None:
            place = place[0]
            if place in self._failed:
                return True
        return False

    def _position(self, path: Path) -> tuple[int, ...]:
        """Return where a place stands in the answer, so that places compare as they follow each other in it."""
        position: list[int] = []
        inside: Any = self._data
        for key in keys(path):
            position.append(key if isinstance(key, int) else list(inside).index(key))
            inside = inside[key]
        return tuple(position)

    def _end(self, place: Path, error: GraphQLError) -> None:
        """Make a place null because of a required field inside of it."""
        if self.errors.cover(place):
            return
        self.errors.add(error, place)
        if place is None:
            self._data = None
            return
        *way, last = keys(place)
        inside: Any = self._data
        for key in way:
            inside = inside[key]
        inside[last] = None

    def abandon(self, begun: int) -> None:
        """Forget what was noted down since, for the part of the answer it belongs to is null."""
        for *_, resolved in self.waiting[begun:]:
            if iscoroutine(resolved):
                resolved.close()
        del self.waiting[begun:]

    def passed(self, guard: Guard, source: Any) -> None:
        """Raise what the guard raises; whoever is let at all of an organization is asked about once."""
        organization_id = source.owner.organization_id
        if (guard, organization_id) in self._open:
            return
        principal = self.context.principal
        guard.check(principal, source)
        if guard.opens_all(principal, organization_id):
            self._open.add((guard, organization_id))

    def let_in(self, of: Field, source: Any) -> None:
        """Raise what a guard of a field raises; see in `open_to` for whose things nobody has to be asked any more."""
        for guard in of.guards:
            self.passed(guard, source)
        owner = source.owner
        if all((guard, owner.organization_id) in self._open for guard in of.guards):
            self.open_to[of] = owner

    def arguments(self, of: Field) -> dict[str, Any]:
        """Return the arguments of a field as the library reads them, or raise what it raises."""
        found = self._arguments.get(of)
        if found is None:
            found = self._arguments[of] = get_argument_values(
                of.definition, of.nodes[0], self._variables, None, hide_suggestions=not self._is_known
            )
        return found

    def given(self, of: Field, path: Path) -> dict[str, Any]:
        """Return the arguments of a field as its function takes them, or raise what strawberry raises."""
        found = of.constant or self._given.get(of)
        if found is None:
            assert of.declared is not None, "only what strawberry declared is called directly"
            converter = self.plan.converter
            found = self._given[of] = convert_arguments(
                self.arguments(of),
                of.declared.arguments,
                scalar_registry=converter.scalar_registry,
                config=converter.config,
                info=PlanInfo(self, of, path),
            )
            if of.is_given_literally and all(value.__class__ in _IMMUTABLE for value in found.values()):
                of.constant = found
        return found

    def raw_info(self, of: Field, path: Path) -> Any:
        """Return what the library tells resolvers of a request."""
        place = _library_path(path)
        assert place is not None, "a field has a place"
        return self._library().build_resolve_info(of.definition, of.nodes, of.parent, place)

    def executed(self, of: Field, source: Any, path: Path) -> Any:
        """Return what the library makes of a field; raise what it raises."""
        place = _library_path(path)
        assert place is not None, "a field has a place"
        return self._library().execute_field(of.parent, source, of.details, place, None)

    def completed(self, of: Field, value: Any, path: Path) -> Any:
        """Return what the library makes of the value of a field; raise what it raises."""
        place = _library_path(path)
        assert place is not None, "a field has a place"
        info = self.raw_info(of, path)
        return self._library().complete_value(of.definition.type, of.details, info, place, value, None)

    def runtime_type(self, of: Field, declared: GraphQLAbstractType, value: Any, path: Path) -> str:
        """Return the name of an object's type; raise what the library raises for one that cannot be."""
        info = self.raw_info(of, path)
        name = (declared.resolve_type or default_type_resolver)(value, info, declared)
        return self._library().ensure_valid_runtime_type(name, declared, of.details, info, value).name

    def _library(self) -> Executor[Any]:
        if self._executor is None:
            self._executor = self.plan.executor(self.context, self._raw, is_known=self._is_known)
            self._executor.collected_errors = _Book(self.errors)  # type: ignore[assignment]  # it does nothing but add
        return self._executor


def _caught(of: Field, path: Path) -> Path:
    """Return the place that is null when a field cannot be answered."""
    if of.catch is None:
        return None
    for _ in range(of.catch):
        assert path is not None, "what may be null is above the field"
        path = path[0]
    return path


def _depth(path: Path) -> int:
    return len(keys(path))


def _library_path(path: Path) -> LibraryPath | None:
    return None if path is None else LibraryPath(_library_path(path[0]), path[1], None)


async def _awaited(resolved: Awaitable[Any]) -> Any:
    return await resolved
