"""Commands that choose or compare deployments, and that fit them to measurements."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from llm_calc.cli.answers import answer, end, present
from llm_calc.cli.completion import engine_names, format_names, gpu_names, one_of
from llm_calc.cli.options import (
    FORMATS,
    GPUS,
    LIMITS,
    LOAD,
    PATHS,
    REQUEST,
    SECONDS,
    TOKENS,
    USD,
    AsJson,
    CalibrationFile,
    Concurrency,
    FromLink,
    Gpus,
    KvCache,
    LoadOptions,
    N,
    RequestOptions,
    ServedOptions,
    Weights,
    option,
)
from llm_calc.core.errors import InvalidInputError

ManifestKindOption = Annotated[
    str | None,
    option(
        "--manifest",
        panel=LIMITS,
        of="KIND",
        what="Print the best as YAML for kubectl apply: kubernetes, leader_worker_set, kserve, dynamo; llm_d for helm.",
        complete=one_of("kubernetes", "leader_worker_set", "kserve", "dynamo", "llm_d"),
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions(LoadOptions):
    """A workload, its limits, and what may be chosen from."""

    ttft_s: Annotated[
        float | None,
        option("--ttft", panel=LIMITS, of=SECONDS, what="Longest time to the first token."),
    ] = None
    tpot_s: Annotated[
        float | None,
        option("--tpot", panel=LIMITS, of=SECONDS, what="Longest time per further token."),
    ] = None
    latency_s: Annotated[
        float | None, option("--latency", panel=LIMITS, of=SECONDS, what="Longest time of a request.")
    ] = None
    usd_per_hour: Annotated[
        float | None,
        option("--usd-per-hour", "--budget", panel=LIMITS, of=USD, what="Most rent of all GPUs an hour."),
    ] = None
    max_gpus: Annotated[
        int | None, option("--max-gpus", panel=LIMITS, of=N, what="Most GPUs in all.", default="64")
    ] = None
    objective: Annotated[
        str | None,
        option(
            "--objective",
            panel=LIMITS,
            of="WHAT",
            what="What is best: cost, budget, throughput, latency, ttft, tpot, energy or gpus.",
            default="cost",
            complete=one_of("cost", "budget", "throughput", "latency", "ttft", "tpot", "energy", "gpus"),
        ),
    ] = None
    concurrency: Annotated[
        int | None,
        option(
            "--concurrency",
            "-c",
            panel=LOAD,
            of=N,
            what="Requests always in flight.",
            default="as many as the limits allow",
        ),
    ] = None
    gpus: Gpus = None
    formats: Annotated[
        list[str] | None,
        option(
            "--weights",
            "-w",
            panel=FORMATS,
            of="FORMAT",
            what="Format of the weights; may be repeated.",
            default="as published, and fp8 or q8_0",
            complete=format_names,
        ),
    ] = None
    engines: Annotated[
        list[str] | None,
        option(
            "--engine",
            "-e",
            panel=FORMATS,
            of="ENGINE",
            what="Engine to consider; may be repeated.",
            default="all that run on the GPU",
            complete=engine_names,
        ),
    ] = None
    max_plans: Annotated[
        int | None, option("--max-plans", panel=LIMITS, of=N, what="Plans in the answer.", default="10")
    ] = None
    percentile: Annotated[
        str | None,
        option(
            "--percentile",
            panel=LIMITS,
            of="WHICH",
            what="What the limits on time hold for beside the mean: mean, p50, p90, p95 or p99.",
            default="p90 if requests arrive at random, else mean",
            complete=one_of("mean", "p50", "p90", "p95", "p99"),
        ),
    ] = None
    manifest: ManifestKindOption = None
    calibration: CalibrationFile = None


PLAN_PATHS = {
    **PATHS,
    "ttft_s": "limits.ttft_s",
    "tpot_s": "limits.tpot_s",
    "latency_s": "limits.request_latency_s",
    "usd_per_hour": "limits.usd_per_hour",
    "max_gpus": "limits.max_gpus",
    "percentile": "limits.percentile",
    **{name: name for name in ("objective", "gpus", "formats", "engines", "max_plans")},
}


def plan(options: PlanOptions) -> None:
    """The best ways to serve a workload under limits. Exit code 3 if there is none."""
    from llm_calc.adapters.operations import DEPLOYMENT_PLANS
    from llm_calc.cli.bodies import body_of, with_calibration
    from llm_calc.cli.views.manifests import print_manifest
    from llm_calc.cli.views.planning import show_plans

    body = with_calibration(body_of(options, PLAN_PATHS), options.calibration)
    kinds = {} if options.manifest is None else {"manifests": [options.manifest]}
    found = answer(DEPLOYMENT_PLANS, body | kinds)
    if options.manifest is not None and not options.as_json:
        end(yes=print_manifest(found, options.manifest))
        return
    present(found, show_plans, as_json=options.as_json)
    end(yes=bool(found.plans))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendOptions(RequestOptions):
    """A model with its context, and what may be chosen from."""

    weights: Weights = None
    kv_cache: KvCache = None
    engine: Annotated[
        str | None,
        option(
            "--engine",
            "-e",
            panel=FORMATS,
            of="ENGINE",
            what="vllm, sglang, trtllm, llama.cpp, mlx or generic.",
            default="vllm where it runs, else llama.cpp",
            complete=engine_names,
        ),
    ] = None
    context_tokens: Annotated[
        int | None,
        option("--context", panel=LOAD, of=TOKENS, what="Tokens of each sequence.", default="8192"),
    ] = None
    concurrency: Concurrency = None
    gpus: Gpus = None
    max_gpus: Annotated[
        int | None, option("--max-gpus", panel=GPUS, of=N, what="Most GPUs of one kind.", default="8")
    ] = None
    objective: Annotated[
        str | None,
        option(
            "--objective",
            panel=LIMITS,
            of="WHAT",
            what="What is best: cost, latency or gpus.",
            default="cost",
            complete=one_of("cost", "latency", "gpus"),
        ),
    ] = None
    manifest: ManifestKindOption = None


RECOMMEND_PATHS = {
    **{name: PATHS[name] for name in ("weights", "kv_cache", "engine")},
    **{name: name for name in ("context_tokens", "concurrency", "gpus", "max_gpus", "objective")},
}


def recommend(options: RecommendOptions) -> None:
    """The fewest GPUs of each kind that hold a model. Exit code 3 if none does."""
    from llm_calc.adapters.operations import RECOMMEND_GPUS
    from llm_calc.cli.bodies import body_of
    from llm_calc.cli.views.manifests import print_recommended
    from llm_calc.cli.views.planning import show_recommended

    kinds = {} if options.manifest is None else {"manifests": [options.manifest]}
    found = answer(RECOMMEND_GPUS, body_of(options, RECOMMEND_PATHS) | kinds)
    if options.manifest is not None and not options.as_json:
        end(yes=print_recommended(found, options.manifest))
        return
    present(found, show_recommended, as_json=options.as_json)
    end(yes=bool(found.recommendations))


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareOptions(ServedOptions):
    """One deployment on several GPUs, or a request with scenarios."""

    gpus: Annotated[
        list[str] | None,
        option(
            "--gpu",
            "-g",
            panel=GPUS,
            of="GPU",
            what='GPU or "4x GPU": a scenario for each; may be repeated.',
            complete=gpu_names,
        ),
    ] = None
    link: FromLink = None


def compare(options: CompareOptions) -> None:
    """Scenarios side by side: one for each --gpu, or those of --request or --link."""
    from llm_calc.adapters.operations import COMPARE
    from llm_calc.cli.bodies import body_of
    from llm_calc.cli.links import linked_scenarios
    from llm_calc.cli.views.compare import show_compared

    if options.link is not None:
        body = linked_scenarios(options)
    else:
        body = body_of(options, PATHS)
        if options.gpus is not None and len(options.gpus) == 1:
            raise InvalidInputError("--gpu: must be given at least twice; each is a scenario")
        if options.gpus:
            body = {"scenarios": [{**body, "label": gpu, "hardware": gpu} for gpu in options.gpus]}
    present(answer(COMPARE, body), show_compared, as_json=options.as_json)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrateOptions:
    """Measurements, and where the calibration goes."""

    measurements: Annotated[
        str,
        typer.Argument(
            help='File with {"measurements": […]} as /api/calibrate takes it, or - for stdin.',
            metavar="FILE",
        ),
    ]
    save: Annotated[
        Path | None,
        option(
            "--save",
            panel=REQUEST,
            of="FILE",
            what="File to write the calibration to, for --calibration of other commands.",
        ),
    ] = None
    as_json: AsJson = False


def calibrate(options: CalibrateOptions) -> None:
    """Fit the efficiencies to your own measurements."""
    from llm_calc.adapters.operations import CALIBRATE
    from llm_calc.cli.bodies import request_file
    from llm_calc.cli.views.compare import show_calibration

    found = answer(CALIBRATE, request_file(options.measurements))
    present(found, show_calibration, as_json=options.as_json)
    if options.save is None:
        return
    try:
        options.save.write_text(found.calibration.model_dump_json() + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"--save {options.save}: cannot be written: {error.strerror}") from error
