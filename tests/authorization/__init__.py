"""Who may see and do what: every field of the graph, every kind of caller, one reviewed file."""
