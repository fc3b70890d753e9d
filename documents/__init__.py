"""ON PAPER: a frozen invoice as a file. Reads values, never the database."""
