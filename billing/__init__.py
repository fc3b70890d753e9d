"""THE RULES: what is owed, and why. Pure functions on the standard library; no clock, no database, no float."""
