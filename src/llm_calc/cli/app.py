"""The command's table of contents."""

from typing import Annotated

import typer

from llm_calc import __version__
from llm_calc.cli import choices, lists, processes, questions, sweeping
from llm_calc.cli.commands import HELP, add_command
from llm_calc.cli.options import DeploymentOptions

app = typer.Typer(
    name="llm-calc",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=HELP,
    help="Parameters, memory, FLOPs, latency, throughput and cost of large language models.",
    epilog="Exit codes: 0 answered, 1 failed, 2 refused, 3 the answer is no.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"llm-calc {__version__}")
        raise typer.Exit


@app.callback()
def _start(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Take options that belong to no command."""


add_command(app, "serve", processes.ServeOptions, processes.serve)
add_command(app, "calculate", questions.CalculateOptions, questions.calculate)
add_command(app, "inspect", questions.InspectOptions, questions.inspect)
add_command(app, "memory", DeploymentOptions, questions.memory)
add_command(app, "estimate", questions.EstimateOptions, questions.estimate)
add_command(app, "plan", choices.PlanOptions, choices.plan)
add_command(app, "recommend", choices.RecommendOptions, choices.recommend)
add_command(app, "compare", choices.CompareOptions, choices.compare)
add_command(app, "sweep", sweeping.SweepOptions, sweeping.sweep)
add_command(app, "calibrate", choices.CalibrateOptions, choices.calibrate)
add_command(app, "models", lists.ListOptions, lists.models)
add_command(app, "gpus", lists.ListOptions, lists.gpus)
add_command(app, "mcp", processes.McpOptions, processes.mcp)
