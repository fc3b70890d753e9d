"""The `billgraph` command."""

from api.cli.commands import main

__all__ = ["main"]
