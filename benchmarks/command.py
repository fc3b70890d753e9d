"""What does `billgraph bench` offer?

One line for each proof. A proof is a module with a typer function that measures, prints a table and returns whether
everything it promised held; a promise that did not hold is exit status 1.
"""

import typer

from benchmarks import kills, limits, month_close

app = typer.Typer(
    name="bench",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def proofs() -> None:
    """Measure and prove, on a database that is made for the run and thrown away."""


app.command("close")(month_close.run)
app.command("limits")(limits.run)
app.command("kills")(kills.run)
