"""Which values does an input type take?

Lists and objects are made of what is inside them; what a leaf is given is for whoever asks to say.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    is_required_input_field,
)

LIST_MAX = 3


@dataclass(frozen=True, slots=True)
class Inputs:
    """Values by one source of chance; `leaf` is asked for those of scalars, by the name they are given under."""

    chance: random.Random
    leaf: Callable[[GraphQLScalarType, str], Any]
    null: float
    """How likely nothing is given where nothing may be."""
    optional: float
    """How likely a field is given that need not be."""
    nesting_max: int
    """How many objects stand inside each other until only required fields are given."""

    def value(self, kind: GraphQLInputType, name: str, depth: int = 0) -> Any:
        """Return a value for an argument or field of this name, sometimes null where that is one."""
        if isinstance(kind, GraphQLNonNull):
            return self.given(kind.of_type, name, depth)
        return None if self.chance.random() < self.null else self.given(kind, name, depth)

    def given(self, kind: Any, name: str, depth: int) -> Any:
        """Return a value that is not null."""
        match kind:
            case GraphQLList():
                count = self.chance.randint(0, LIST_MAX)
                return [self.value(kind.of_type, name, depth + 1) for _ in range(count)]
            case GraphQLEnumType():
                return self.chance.choice(sorted(kind.values))
            case GraphQLInputObjectType():
                return self._object(kind, depth)
        return self.leaf(kind, name)

    def _object(self, kind: GraphQLInputObjectType, depth: int) -> dict[str, Any]:
        fields = list(kind.fields.items())
        if kind.is_one_of:
            name, chosen = self.chance.choice(fields)
            return {name: self.given(chosen.type, name, depth + 1)}
        return {
            name: self.value(each.type, name, depth + 1)
            for name, each in fields
            if is_required_input_field(each) or (depth < self.nesting_max and self.chance.random() < self.optional)
        }
