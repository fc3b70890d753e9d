"""How is an operation turned into functions?

Which fields an object is asked for is the library's to say: its own `collect_fields` merges fields, spreads fragments
and obeys `@skip` and `@include`, once for each combination of the variables these depend on. For each selection one
function is written. It makes the part of the answer with everything in its place: what can be worked out at once is
there when it returns, and what must be waited for is noted down with the place it goes to.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from graphql import (
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
)
from graphql.execution.collect_fields import FieldDetailsList, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.executor import invalid_return_type_error
from graphql.execution.values import VariableValues

from api.compiled import steps, values
from api.compiled.fields import Complete, Field, Path, call_of
from api.compiled.writing import Module, Writer

if TYPE_CHECKING:
    from api.compiled.run import Run

Project = Callable[[Any, "Run", Path], dict[str, Any]]
"""Make the part of the answer that an object is asked for."""


class Uncompilable(Exception):
    """The operation has something in it that only the library knows how to execute. The message says what."""


class Selections:
    """The selections of one operation, for one combination of what its conditions depend on."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._fragments = {name: FragmentDetails(node, None) for name, node in fragments.items()}
        self._variables = variables
        self._fields: dict[tuple[GraphQLObjectType, int], list[Field]] = {}
        self._kept: list[FieldDetailsList] = []

    def root(self) -> Project:
        """Return the function that answers the operation as far as it can be answered at once."""
        root = self._schema.get_root_type(self._operation.operation)
        assert root is not None, "a valid operation has a root"
        collected = collect_fields(self._schema, self._fragments, self._variables, root, self._operation)
        if collected.new_defer_usages:
            raise Uncompilable("@defer")
        fields = [self._field(root, key, details, None) for key, details in collected.grouped_field_set.items()]
        return self._project(root, fields, None)

    def _below(self, declared: GraphQLObjectType, of: Field) -> list[Field]:
        """Return the fields that are selected of an object of a type that a field leads to."""
        known = self._fields.get((declared, id(of.details)))
        if known is None:
            collected = collect_subfields(
                self._schema, self._fragments, self._variables, self._operation, declared, of.details
            )
            if collected.new_defer_usages:
                raise Uncompilable("@defer")
            self._kept.append(of.details)  # as long as it lives its id is its own
            catch = _catch(of.definition.type, of.catch)
            groups = collected.grouped_field_set.items()
            known = [self._field(declared, key, details, catch) for key, details in groups]
            self._fields[declared, id(of.details)] = known
        return known

    def _field(self, parent: GraphQLObjectType, key: str, details: FieldDetailsList, catch: int | None) -> Field:
        name = details[0].node.name.value
        definition = self._schema.get_field(parent, name)
        if definition is None or (name.startswith("__") and name != "__typename"):
            raise Uncompilable(name)
        is_required, _ = values.shape(definition.type)
        own = 0 if not is_required else None if catch is None else catch + 1
        return Field(key, parent, definition, details, own)

    def _project(self, declared: GraphQLObjectType, fields: list[Field], of: Field | None) -> Project:
        """Return the function that projects objects of a type, and keeps what must be waited for."""
        module = Module()
        writer = Writer(module, self._below)
        parts, visits, careful = [], [], []
        for each in fields:
            if each.is_typename:
                parts.append(f"{each.key!r}: {declared.name!r}")
                careful.append(steps.named(each, declared.name))
            elif self._is_pure(each):
                parts.append(f"{each.key!r}: {writer.read(each, 'o')}")
                careful.append(steps.by_the_book(each))
            else:
                each.call = call_of(each)
                each.complete = self._completion(each)
                visit = steps.chosen(each)
                parts.append(f"{each.key!r}: None")
                visits += _noted(module, each, visit)
                careful.append(visit)
        module.names["careful"] = steps.one_by_one(careful)
        module.write("def project(o, run, path):")
        if declared.is_type_of is not None:
            assert of is not None, "the root is no object that could be another"
            wrong = module.name("wrong", lambda value: invalid_return_type_error(declared, value, of.details))
            module.write(f" if {writer.is_other('o', declared)}: raise {wrong}(o)")
        module.write(" try:", f"  out = {{{', '.join(parts)}}}", " except Exception:")
        module.write("  return careful(o, run, path)", *visits, " return out")
        (project,) = module.build("project")
        return project  # type: ignore[no-any-return]  # what was just written

    def _is_pure(self, of: Field) -> bool:
        return of.is_pure and self._leads_to_pure(of.definition.type, of)

    def _leads_to_pure(self, declared: Any, of: Field) -> bool:
        _, named = values.shape(declared)
        if is_list_type(named):
            return self._leads_to_pure(named.of_type, of)
        if is_abstract_type(named):
            return False
        return is_leaf_type(named) or all(each.is_typename or self._is_pure(each) for each in self._below(named, of))

    def _completion(self, of: Field) -> Complete:
        if self._leads_to_pure(of.definition.type, of):
            module = Module()
            expression = Writer(module, self._below).value(of.definition.type, of, "value", 0)
            named = module.name("of", of)
            module.write("def complete(value, run, path):", " try:", f"  return {expression}")
            module.write(" except Exception:", f"  return run.completed({named}, value, path)")
            (complete,) = module.build("complete")
            return complete  # type: ignore[no-any-return]  # what was just written
        return self._completed(of.definition.type, of)

    def _completed(self, declared: Any, of: Field) -> Complete:
        is_required, named = values.shape(declared)
        if is_list_type(named):
            inner, _ = values.shape(named.of_type)
            complete = values.listed(of, self._completed(named.of_type, of), is_required=inner)
        elif is_leaf_type(named):
            complete = values.leaf(named)
        elif is_abstract_type(named):
            complete = values.one_of(of, named, _Projects(lambda name: self._projected(name, of)))
        else:
            complete = values.one(self._projected(named.name, of))
        return values.required(of, complete) if is_required else complete

    def _projected(self, name: str, of: Field) -> Project:
        declared = self._schema.type_map[name]
        assert isinstance(declared, GraphQLObjectType), "only objects are projected"
        return self._project(declared, self._below(declared, of), of)


class _Projects(dict[str, Project]):
    """The projections of an abstract type's objects, each written when the first object of its type comes."""

    def __init__(self, make: Callable[[str], Project]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, name: str) -> Project:
        project = self[name] = self._make(name)
        return project


def _noted(module: Module, of: Field, visit: steps.Visit) -> list[str]:
    """Return the lines that visit a field: in place, where all there is to do about it is to note it down."""
    called = f"{module.name('visit', visit)}(o, run, path, out)"
    if of.has_arguments or not (of.is_async or of.loaded is not None):
        return [f" {called}"]
    named = module.name("of", of)
    noted = f"run.waiting.append(({named}, o, out, (path, {of.key!r}), None))"
    if of.loaded is None or not of.guards:
        return [f" {noted}"]
    return [f" if run.open_to.get({named}) is o.owner: {noted}", f" else: {called}"]


def _catch(declared: Any, catch: int | None) -> int | None:
    """Return how many keys up from the objects in a field's value the nearest place is that may be null.

    `catch` is the same for the field itself, where a place that may be null counts as zero.
    """
    is_required, named = values.shape(declared)
    while is_list_type(named):
        is_required, named = values.shape(named.of_type)
        catch = 0 if not is_required else None if catch is None else catch + 1
    return catch
