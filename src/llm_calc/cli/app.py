"""The command's table of contents."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from llm_calc import __version__
from llm_calc.cli import choices, fitting, lists, processes, questions, sweeping
from llm_calc.cli.commands import add_command
from llm_calc.cli.examples import EXAMPLES
from llm_calc.cli.options import LinkedOptions
from llm_calc.cli.parsing import HELP_OPTIONS, Group

app = typer.Typer(
    name="llm-calc",
    cls=Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=HELP_OPTIONS,
    help="Parameters, memory, FLOPs, latency, throughput and cost of large language models.",
    epilog="Exit codes: 0 answered, 1 failed, 2 refused, 3 the answer is no, 130 interrupted.\n\n"
    "llm-calc COMMAND --help shows options and examples.",
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


ASK, CHOOSE, LOOK_UP, RUN = "One deployment", "Choose and compare", "Look up", "Run"

_COMMANDS: tuple[tuple[str, str, type[Any], Callable[[Any], None]], ...] = (
    (ASK, "inspect", questions.InspectOptions, questions.inspect),
    (ASK, "memory", LinkedOptions, questions.memory),
    (ASK, "estimate", questions.EstimateOptions, questions.estimate),
    (ASK, "calculate", questions.CalculateOptions, questions.calculate),
    (CHOOSE, "plan", choices.PlanOptions, choices.plan),
    (CHOOSE, "recommend", choices.RecommendOptions, choices.recommend),
    (CHOOSE, "fit", fitting.FitOptions, fitting.fit),
    (CHOOSE, "models-for", fitting.ModelsForOptions, fitting.models_for),
    (CHOOSE, "compare", choices.CompareOptions, choices.compare),
    (CHOOSE, "sweep", sweeping.SweepOptions, sweeping.sweep),
    (CHOOSE, "calibrate", choices.CalibrateOptions, choices.calibrate),
    (LOOK_UP, "models", lists.ModelListOptions, lists.models),
    (LOOK_UP, "gpus", lists.GpuListOptions, lists.gpus),
    (LOOK_UP, "engines", lists.ListOptions, lists.engines),
    (LOOK_UP, "formats", lists.ListOptions, lists.formats),
    (LOOK_UP, "prices", lists.ListOptions, lists.prices),
    (LOOK_UP, "links", lists.ListOptions, lists.links),
    (RUN, "serve", processes.ServeOptions, processes.serve),
    (RUN, "mcp", processes.McpOptions, processes.mcp),
)
for _panel, _name, _options, _act in _COMMANDS:
    add_command(app, _name, _options, _act, panel=_panel, examples=EXAMPLES[_name])
