"""What does `billgraph bench` offer?

One line for each proof. A proof is a module with a typer function that measures, prints a table and returns whether
everything it promised held; a promise that did not hold is exit status 1.
"""

from importlib import import_module

import typer

from benchmarks import (
    hostile_proof,
    importing,
    ingest,
    kills,
    limits,
    month_close,
    plan_cost,
    plans,
    reserve,
    starting,
    totals,
)
from benchmarks.console import race

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
app.command("import")(importing.run)
app.command("ingest")(ingest.run)
app.command("reserve")(reserve.run)
app.command("totals")(totals.run)
app.command("start")(starting.run)
app.command("console")(race.run)
app.command("hostile")(hostile_proof.run)
app.command("oracle")(plans.run)
app.command("plan")(plan_cost.run)
for command, module, summary in (
    (
        "alerts",
        "benchmarks.alert_delivery",
        "Cut subscribers off while alerts are raised; count what reaches them.",
    ),
    (
        "stalls",
        "benchmarks.stalls",
        "Let a subscriber stop reading while events happen; watch the memory, then read on.",
    ),
    ("fuzz", "benchmarks.fuzz", "Send noise and operations nobody would write; count failures, hangs and leaks."),
    ("fan-out", "benchmarks.fan_out", "Tell one event to thousands of subscribers, beside a minimal Node server."),
):

    @app.command(
        command,
        help=summary,
        add_help_option=False,
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )
    def passed_on(context: typer.Context, module: str = typer.Option(module, hidden=True)) -> None:
        """Hand the rest of the line to a proof that starts itself again in a second process, and reads it there too."""
        raise SystemExit(import_module(module).main(context.args))
