"""Commands that choose or compare deployments, and that fit them to measurements."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from llm_calc.cli.answers import answer, answer_and_present, end, present
from llm_calc.cli.options import (
    FORMATS,
    GPUS,
    LOAD,
    PATHS,
    REQUEST,
    AsJson,
    CalibrationFile,
    Concurrency,
    Engine,
    Gpus,
    KvCache,
    LoadOptions,
    RequestOptions,
    ServedOptions,
    Weights,
)
from llm_calc.core.errors import InvalidInputError

LIMITS = "Limits"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions(LoadOptions):
    """A workload, its limits, and what may be chosen from."""

    ttft_s: Annotated[
        float | None,
        typer.Option("--ttft", help="Longest time to the first token [s].", rich_help_panel=LIMITS),
    ] = None
    tpot_s: Annotated[
        float | None,
        typer.Option("--tpot", help="Longest time per further token [s].", rich_help_panel=LIMITS),
    ] = None
    latency_s: Annotated[
        float | None, typer.Option("--latency", help="Longest time of a request [s].", rich_help_panel=LIMITS)
    ] = None
    usd_per_hour: Annotated[
        float | None,
        typer.Option("--usd-per-hour", help="Most rent of all GPUs [USD/h].", rich_help_panel=LIMITS),
    ] = None
    max_gpus: Annotated[int | None, typer.Option(help="Most GPUs in all.", rich_help_panel=LIMITS)] = None
    objective: Annotated[
        str | None,
        typer.Option(
            help="cost, budget, throughput, latency, ttft, tpot, energy or gpus.", rich_help_panel=LIMITS
        ),
    ] = None
    gpus: Gpus = None
    formats: Annotated[
        list[str] | None,
        typer.Option("--weights", help="Format of the weights; may be repeated.", rich_help_panel=FORMATS),
    ] = None
    engines: Annotated[
        list[str] | None,
        typer.Option("--engine", "-e", help="Engine; may be repeated.", rich_help_panel=FORMATS),
    ] = None
    max_plans: Annotated[int | None, typer.Option(help="Plans in the answer.", rich_help_panel=REQUEST)] = (
        None
    )
    calibration: CalibrationFile = None


PLAN_PATHS = {
    **PATHS,
    "ttft_s": "limits.ttft_s",
    "tpot_s": "limits.tpot_s",
    "latency_s": "limits.request_latency_s",
    "usd_per_hour": "limits.usd_per_hour",
    "max_gpus": "limits.max_gpus",
    **{name: name for name in ("objective", "gpus", "formats", "engines", "max_plans")},
}


def plan(options: PlanOptions) -> None:
    """The best ways to serve a workload under limits. Exit code 3 if there is none."""
    from llm_calc.adapters.operations import DEPLOYMENT_PLANS
    from llm_calc.cli.bodies import body_of, with_calibration
    from llm_calc.cli.views.planning import show_plans

    found = answer(DEPLOYMENT_PLANS, with_calibration(body_of(options, PLAN_PATHS), options.calibration))
    present(found, show_plans, as_json=options.as_json)
    end(yes=bool(found.plans))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendOptions(RequestOptions):
    """A model with its context, and what may be chosen from."""

    weights: Weights = None
    kv_cache: KvCache = None
    engine: Engine = None
    context_tokens: Annotated[
        int | None, typer.Option("--context", help="Tokens of each sequence.", rich_help_panel=LOAD)
    ] = None
    concurrency: Concurrency = None
    gpus: Gpus = None
    max_gpus: Annotated[int | None, typer.Option(help="Most GPUs of one kind.", rich_help_panel=GPUS)] = None
    objective: Annotated[str | None, typer.Option(help="cost, latency or gpus.", rich_help_panel=LIMITS)] = (
        None
    )


RECOMMEND_PATHS = {
    **{name: PATHS[name] for name in ("weights", "kv_cache", "engine")},
    **{name: name for name in ("context_tokens", "concurrency", "gpus", "max_gpus", "objective")},
}


def recommend(options: RecommendOptions) -> None:
    """The fewest GPUs of each kind that hold a model. Exit code 3 if none does."""
    from llm_calc.adapters.operations import RECOMMEND_GPUS
    from llm_calc.cli.views.planning import show_recommended

    found = answer_and_present(RECOMMEND_GPUS, options, RECOMMEND_PATHS, show_recommended)
    end(yes=bool(found.recommendations))


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareOptions(ServedOptions):
    """One deployment on several GPUs, or a request with scenarios."""

    gpus: Annotated[
        list[str] | None,
        typer.Option("--gpu", "-g", help='GPU or "4x GPU", one scenario each.', rich_help_panel=GPUS),
    ] = None


def compare(options: CompareOptions) -> None:
    """Scenarios side by side: one for each --gpu, or those of --request."""
    from llm_calc.adapters.operations import COMPARE
    from llm_calc.cli.bodies import body_of
    from llm_calc.cli.views.serving import show_compared

    body = body_of(options, PATHS)
    if options.gpus:
        body = {"scenarios": [{**body, "label": gpu, "hardware": gpu} for gpu in options.gpus]}
    present(answer(COMPARE, body), show_compared, as_json=options.as_json)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrateOptions:
    """Measurements, and where the calibration goes."""

    measurements: Annotated[
        str,
        typer.Argument(help='File with {"measurements": […]} as /api/calibrate takes it, or - for stdin.'),
    ]
    save: Annotated[
        Path | None,
        typer.Option(help="File to write the calibration to, for --calibration of other commands."),
    ] = None
    as_json: AsJson = False


def calibrate(options: CalibrateOptions) -> None:
    """Fit the efficiencies to your own measurements."""
    from llm_calc.adapters.operations import CALIBRATE
    from llm_calc.cli.bodies import request_file
    from llm_calc.cli.views.serving import show_calibration

    found = answer(CALIBRATE, request_file(options.measurements))
    present(found, show_calibration, as_json=options.as_json)
    if options.save is None:
        return
    try:
        options.save.write_text(found.calibration.model_dump_json() + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"--save {options.save}: cannot be written: {error.strerror}") from error
