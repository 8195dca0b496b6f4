"""Commands about one deployment: what a model is, what memory holds, what users wait for."""

from dataclasses import dataclass
from typing import Annotated

import typer

from llm_calc.cli.answers import answer_and_present, end
from llm_calc.cli.options import (
    FORMATS,
    GPUS,
    LOAD,
    PATHS,
    CalibrationFile,
    DeploymentOptions,
    Engine,
    Gpu,
    InputTokens,
    KvCache,
    OutputTokens,
    RequestOptions,
    Weights,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectOptions(RequestOptions):
    """A model, its formats and the lengths to count for."""

    weights: Weights = None
    kv_cache: KvCache = None
    engine: Engine = None
    input_tokens: InputTokens = None
    output_tokens: OutputTokens = None
    context_tokens: Annotated[
        list[int] | None,
        typer.Option(
            "--context",
            help="Context at which to give the cache's size; may be repeated.",
            rich_help_panel=LOAD,
        ),
    ] = None


def inspect(options: InspectOptions) -> None:
    """Parameters, weight bytes, KV cache and FLOPs of a model."""
    from llm_calc.adapters.operations import INSPECT_MODEL
    from llm_calc.cli.views.memory import show_inspected

    answer_and_present(INSPECT_MODEL, options, {**PATHS, "context_tokens": "context_tokens"}, show_inspected)


def memory(options: DeploymentOptions) -> None:
    """Where the memory of each GPU goes, and how many sequences fit. Exit code 3 if it does not fit."""
    from llm_calc.adapters.operations import MEMORY_PLAN
    from llm_calc.cli.views.memory import show_memory

    end(yes=answer_and_present(MEMORY_PLAN, options, PATHS, show_memory).fits)


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateOptions(DeploymentOptions):
    """A deployment, and what was measured on it."""

    calibration: CalibrationFile = None


def estimate(options: EstimateOptions) -> None:
    """Time to first token, time per token and throughput, with how sure they are."""
    from llm_calc.adapters.operations import SERVING_ESTIMATE
    from llm_calc.cli.answers import answer, present
    from llm_calc.cli.bodies import body_of, with_calibration
    from llm_calc.cli.views.serving import show_estimate

    body = with_calibration(body_of(options, PATHS), options.calibration)
    present(answer(SERVING_ESTIMATE, body), show_estimate, as_json=options.as_json)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalculateOptions(RequestOptions):
    """A model on one kind of GPU, all flat."""

    gpu: Gpu = None
    gpu_tflops: Annotated[
        float | None, typer.Option(help="Dense peak in place of a GPU [TFLOP/s].", rich_help_panel=GPUS)
    ] = None
    num_gpus: Annotated[
        int | None, typer.Option("--count", "-n", help="GPUs in all.", rich_help_panel=GPUS)
    ] = None
    tp_size: Annotated[
        int | None, typer.Option("--tensor", "-t", help="Tensor-parallel GPUs.", rich_help_panel=GPUS)
    ] = None
    pp_size: Annotated[
        int | None, typer.Option("--pipeline", help="Pipeline stages.", rich_help_panel=GPUS)
    ] = None
    precision: Annotated[
        str | None,
        typer.Option(help="fp32, fp16, bf16, fp8, int8 or int4, for everything.", rich_help_panel=FORMATS),
    ] = None
    seq_length: Annotated[
        int | None, typer.Option(help="Sequence length [tokens].", rich_help_panel=LOAD)
    ] = None
    batch_size: Annotated[
        int | None, typer.Option(help="Sequences processed at once.", rich_help_panel=LOAD)
    ] = None
    efficiency_factor: Annotated[
        float | None,
        typer.Option("--efficiency", help="Reachable share of the peak, 0 to 1.", rich_help_panel=GPUS),
    ] = None


SPLIT = ("num_gpus", "tp_size", "pp_size")
FLAT = ("gpu", "gpu_tflops", "precision", "seq_length", "batch_size", "efficiency_factor")
CALCULATE_PATHS = {**{name: f"parallelism.{name}" for name in SPLIT}, **{name: name for name in FLAT}}


def calculate(options: CalculateOptions) -> None:
    """Memory, FLOPs and flat-roofline timing of a model on one kind of GPU."""
    from llm_calc.adapters.operations import CALCULATE
    from llm_calc.cli.answers import answer, present
    from llm_calc.cli.bodies import documented_body
    from llm_calc.cli.views.calculator import show_calculation

    present(
        answer(CALCULATE, documented_body(options, CALCULATE_PATHS)),
        show_calculation,
        as_json=options.as_json,
    )
