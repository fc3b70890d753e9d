"""How fast is it? Each module is one question, answered as a ratio against something run in the same command."""
