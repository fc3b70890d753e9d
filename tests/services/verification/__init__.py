"""Everything that must always be true, broken by hand one thing at a time."""
