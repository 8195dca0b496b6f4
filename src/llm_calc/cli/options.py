"""Options that several commands share, as fields with their help."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from llm_calc.cli.completion import gpu_names, model_names

LOAD, GPUS, FORMATS = "Load", "GPUs and layout", "Formats and engine"
REQUEST = "Request"

AsJson = Annotated[bool, typer.Option("--json", help="Print the service's JSON instead of tables.")]
Model = Annotated[
    str | None,
    typer.Argument(
        help="Catalog name or Hugging Face id, a config.json, a GGUF file, a folder with either, or - for stdin.",
        autocompletion=model_names,
        show_default=False,
    ),
]
Gpu = Annotated[
    str | None,
    typer.Option("--gpu", "-g", help='GPU, or "4x GPU".', autocompletion=gpu_names, rich_help_panel=GPUS),
]
Gpus = Annotated[
    list[str] | None,
    typer.Option("--gpu", "-g", help="GPU; may be repeated.", autocompletion=gpu_names, rich_help_panel=GPUS),
]
Weights = Annotated[
    str | None,
    typer.Option(help="Format of the weights (bf16, fp8, int4-awq, q4_k_m, …).", rich_help_panel=FORMATS),
]
KvCache = Annotated[str | None, typer.Option(help="Format of the KV cache.", rich_help_panel=FORMATS)]
Engine = Annotated[
    str | None,
    typer.Option(
        "--engine", "-e", help="vllm, sglang, trtllm, llama.cpp or generic.", rich_help_panel=FORMATS
    ),
]
InputTokens = Annotated[
    int | None, typer.Option("--input", "-i", help="Prompt tokens of a request.", rich_help_panel=LOAD)
]
OutputTokens = Annotated[
    int | None, typer.Option("--output", "-o", help="Generated tokens of a request.", rich_help_panel=LOAD)
]
Concurrency = Annotated[
    int | None, typer.Option("--concurrency", "-c", help="Requests always in flight.", rich_help_panel=LOAD)
]
CalibrationFile = Annotated[
    Path | None,
    typer.Option(
        "--calibration", help="File that `llm-calc calibrate --save` wrote.", rich_help_panel=REQUEST
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOptions:
    """A request, and fields that go over it."""

    model: Model = None
    request: Annotated[
        str | None,
        typer.Option(
            "--request",
            "-r",
            help="File with a request as JSON, or - for stdin; options go over it.",
            rich_help_panel=REQUEST,
        ),
    ] = None
    assigned: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="FIELD=VALUE",
            help="Any field of the request, such as engine.max_model_len=16384; may be repeated.",
            rich_help_panel=REQUEST,
        ),
    ] = None
    as_json: AsJson = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions(RequestOptions):
    """Lengths of a request and one kind of load."""

    input_tokens: InputTokens = None
    output_tokens: OutputTokens = None
    concurrency: Concurrency = None
    request_rate: Annotated[
        float | None, typer.Option("--rate", help="Poisson arrivals a second.", rich_help_panel=LOAD)
    ] = None
    batch: Annotated[int | None, typer.Option(help="One static batch.", rich_help_panel=LOAD)] = None
    offline: Annotated[
        bool | None,
        typer.Option("--offline", help="A long queue: the most tokens a second.", rich_help_panel=LOAD),
    ] = None
    prefix_hits: Annotated[
        float | None,
        typer.Option(help="Share of prompt tokens already in the cache, 0 to 1.", rich_help_panel=LOAD),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedOptions(LoadOptions):
    """How a model is stored and served; the GPUs come beside."""

    weights: Weights = None
    kv_cache: KvCache = None
    engine: Engine = None
    tensor: Annotated[
        int | None, typer.Option("--tensor", "-t", help="Tensor-parallel GPUs.", rich_help_panel=GPUS)
    ] = None
    pipeline: Annotated[int | None, typer.Option(help="Pipeline stages.", rich_help_panel=GPUS)] = None
    data: Annotated[int | None, typer.Option(help="Data-parallel groups.", rich_help_panel=GPUS)] = None
    expert: Annotated[
        int | None, typer.Option(help="GPUs that experts are dealt over.", rich_help_panel=GPUS)
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentOptions(ServedOptions):
    """A model on so many GPUs under one engine and one load."""

    gpu: Gpu = None
    count: Annotated[int | None, typer.Option("--count", "-n", help="GPUs in all.", rich_help_panel=GPUS)] = (
        None
    )


PATHS = {
    "input_tokens": "workload.input_tokens",
    "output_tokens": "workload.output_tokens",
    "concurrency": "workload.concurrency",
    "request_rate": "workload.request_rate",
    "batch": "workload.batch",
    "offline": "workload.offline",
    "prefix_hits": "workload.prefix_cache_hit_fraction",
    "weights": "precision.weights",
    "kv_cache": "precision.kv_cache",
    "engine": "engine.name",
    "tensor": "parallelism.tensor",
    "pipeline": "parallelism.pipeline",
    "data": "parallelism.data",
    "expert": "parallelism.expert",
    "gpu": "hardware",
    "count": "hardware.count",
}
"""Where the options of a deployment stand in its request."""
