"""Commands about one deployment: what a model is, what memory holds, what users wait for."""

from dataclasses import dataclass
from typing import Annotated

from llm_calc.cli.answers import answer_and_present, end
from llm_calc.cli.completion import engine_names, one_of
from llm_calc.cli.options import (
    FORMATS,
    GPUS,
    LOAD,
    PATHS,
    SHARE,
    TOKENS,
    CalibrationFile,
    Gpu,
    InputTokens,
    KvCache,
    LinkedOptions,
    N,
    OutputTokens,
    RequestOptions,
    TraceFile,
    Weights,
    option,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectOptions(RequestOptions):
    """A model, its formats and the lengths to count for."""

    weights: Weights = None
    kv_cache: KvCache = None
    engine: Annotated[
        str | None,
        option(
            "--engine",
            "-e",
            panel=FORMATS,
            of="ENGINE",
            what="Engine whose defaults decide what is left open.",
            complete=engine_names,
        ),
    ] = None
    input_tokens: InputTokens = None
    output_tokens: OutputTokens = None
    context_tokens: Annotated[
        list[int] | None,
        option(
            "--context",
            panel=LOAD,
            of=TOKENS,
            what="Context at which to give the cache's size; may be repeated.",
        ),
    ] = None


def inspect(options: InspectOptions) -> None:
    """Parameters, weight bytes, KV cache and FLOPs of a model."""
    from llm_calc.adapters.operations import INSPECT_MODEL
    from llm_calc.cli.views.memory import show_inspected

    answer_and_present(INSPECT_MODEL, options, {**PATHS, "context_tokens": "context_tokens"}, show_inspected)


def memory(options: LinkedOptions) -> None:
    """Where the memory of each GPU goes, and how many sequences fit. Exit code 3 if it does not fit."""
    from llm_calc.adapters.operations import MEMORY_PLAN
    from llm_calc.cli.answers import answer, present
    from llm_calc.cli.links import as_the_page_asks, asked_deployment
    from llm_calc.cli.views.memory import show_memory

    asked = asked_deployment(options, "memory")
    found = answer(MEMORY_PLAN, as_the_page_asks(asked.body) if asked.is_linked else asked.body)
    present(found, show_memory, as_json=options.as_json)
    end(yes=found.fits)


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateOptions(LinkedOptions):
    """A deployment, and what was measured on it."""

    calibration: CalibrationFile = None
    trace: TraceFile = None


def estimate(options: EstimateOptions) -> None:
    """Time to first token, time per token and throughput, how sure they are, and what it costs.

    Exit code 3 if the engine does not start or holds no request: the figures then hold only if it is made to fit.
    """
    from llm_calc.adapters.operations import SERVING_ESTIMATE
    from llm_calc.cli.answers import answer, present
    from llm_calc.cli.bodies import with_calibration, with_trace
    from llm_calc.cli.deployed import deployed
    from llm_calc.cli.links import asked_deployment
    from llm_calc.cli.views.serving import show_estimate

    asked = asked_deployment(options)
    body = with_calibration(with_trace(asked.body, options.trace), options.calibration)
    found = answer(SERVING_ESTIMATE, body)
    beside = deployed(body, found, asked.usd_per_gpu_hour)
    present(found, lambda screen, each: show_estimate(screen, each, beside), as_json=options.as_json)
    end(yes=beside.runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalculateOptions(RequestOptions):
    """A model on one kind of GPU, all flat."""

    gpu: Gpu = None
    gpu_tflops: Annotated[
        float | None,
        option("--gpu-tflops", panel=GPUS, of="TFLOP/s", what="Dense peak in place of a GPU.", default="312"),
    ] = None
    num_gpus: Annotated[
        int | None,
        option("--count", "-n", panel=GPUS, of=N, what="GPUs in all.", default="as few as hold it"),
    ] = None
    tp_size: Annotated[
        int | None, option("--tensor", "-t", panel=GPUS, of=N, what="Tensor-parallel GPUs.")
    ] = None
    pp_size: Annotated[int | None, option("--pipeline", panel=GPUS, of=N, what="Pipeline stages.")] = None
    precision: Annotated[
        str | None,
        option(
            "--precision",
            panel=FORMATS,
            of="FORMAT",
            what="fp32, fp16, bf16, fp8, int8 or int4, for everything.",
            default="fp16",
            complete=one_of("fp32", "fp16", "bf16", "fp8", "int8", "int4"),
        ),
    ] = None
    seq_length: Annotated[
        int | None,
        option("--seq-length", panel=LOAD, of=TOKENS, what="Length of each sequence.", default="2048"),
    ] = None
    batch_size: Annotated[
        int | None,
        option("--batch-size", panel=LOAD, of=N, what="Sequences processed at once.", default="1"),
    ] = None
    efficiency_factor: Annotated[
        float | None,
        option("--efficiency", panel=GPUS, of=SHARE, what="Reachable share of the peak.", default="0.3"),
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
