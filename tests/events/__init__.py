"""News: the log's tail, what follows it, and how it crosses processes."""
