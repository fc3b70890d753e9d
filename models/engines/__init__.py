"""The two databases as Tortoise engines, each with the one thing Tortoise's own lacks: a transaction that survives.

Tortoise opens a transaction on whichever task asks for it. A cancelled task then leaves SQLite locked for good or a
PostgreSQL connection lost to its pool. These engines offer `transaction()`, which only the runner calls, on a task
that nobody can cancel, and which no other task may use.
"""
