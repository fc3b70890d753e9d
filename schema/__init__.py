"""THE NOUNS: object types, inputs, scalars, errors, connections and loaders of the graph."""
