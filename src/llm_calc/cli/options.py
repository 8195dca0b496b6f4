"""Options that several commands share, as fields with their help."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from llm_calc.cli.completion import engine_names, format_names, gpu_names, model_names
from llm_calc.cli.parsing import OUTPUT, dollars, seconds, tokens

GPUS, FORMATS, LOAD = "GPUs and layout", "Formats and engine", "Load"
LIMITS, SWEEP, SERVICE, REQUEST = "Limits", "Sweep", "Service", "The whole request"
PANELS = (GPUS, FORMATS, LOAD, LIMITS, SWEEP, SERVICE, REQUEST, OUTPUT)
"""The groups of options in the order in which help shows them."""

N, TOKENS, SECONDS, SHARE, FILE, USD = "N", "TOKENS", "SECONDS", "0…1", "FILE", "USD"


_LIKE_A_TAG = re.compile(r"\[(?=[a-z#/@][^\[]*\])")


def literal(text: str) -> str:
    r"""A text for help as it stands: what is in square brackets is no markup.

    >>> print(literal("Arrivals [requests/s]."))
    Arrivals \[requests/s].
    """
    return _LIKE_A_TAG.sub(r"\\[", text)


def option(
    *names: str,
    panel: str,
    what: str,
    of: str = "",
    default: str | None = None,
    complete: Any = None,  # noqa: ANN401 - as Typer takes it
) -> Any:  # noqa: ANN401
    """An option: its names, the group it stands in, what it is, what it takes, and the service's own default."""
    said = literal(what) + (f" [dim]{literal(f'[default: {default}]')}[/dim]" if default else "")
    return typer.Option(
        *names,
        help=said,
        metavar=of,
        rich_help_panel=panel,
        show_default=False,
        autocompletion=complete,
        parser={TOKENS: tokens, SECONDS: seconds, USD: dollars}.get(of),
    )


AsJson = Annotated[
    bool, option("--json", panel=OUTPUT, what="Print the service's JSON instead of tables, errors too.")
]
Model = Annotated[
    str | None,
    typer.Argument(
        help="Catalog name or Hugging Face id, a config.json, a GGUF file, a folder with either, or - for stdin.",
        metavar="MODEL",
        autocompletion=model_names,
        show_default=False,
    ),
]
Gpu = Annotated[
    str | None,
    option("--gpu", "-g", panel=GPUS, of="GPU", what='GPU, or "4x GPU".', complete=gpu_names),
]
Machine = Annotated[
    list[str] | None,
    option(
        "--gpu",
        "-g",
        panel=GPUS,
        of="GPU",
        what='GPU, or "4x GPU"; of several kinds (llama.cpp) "GPU,GPU", or repeated.',
        complete=gpu_names,
    ),
]
Gpus = Annotated[
    list[str] | None,
    option(
        "--gpu",
        "-g",
        panel=GPUS,
        of="GPU",
        what="GPU to consider; may be repeated.",
        default="all of the catalog",
        complete=gpu_names,
    ),
]
Weights = Annotated[
    str | None,
    option(
        "--weights",
        "-w",
        panel=FORMATS,
        of="FORMAT",
        what="Format of the weights: bf16, fp8, int4-awq, q4_k_m, …",
        default="as published",
        complete=format_names,
    ),
]
KvCache = Annotated[
    str | None,
    option(
        "--kv-cache",
        panel=FORMATS,
        of="FORMAT",
        what="Format of the KV cache.",
        default="auto",
        complete=format_names,
    ),
]
Engine = Annotated[
    str | None,
    option(
        "--engine",
        "-e",
        panel=FORMATS,
        of="ENGINE",
        what="vllm, sglang, trtllm, llama.cpp, ollama, mlx or generic.",
        default="vllm",
        complete=engine_names,
    ),
]
InputTokens = Annotated[
    int | None,
    option("--input", "-i", panel=LOAD, of=TOKENS, what="Prompt tokens of a request.", default="1024"),
]
OutputTokens = Annotated[
    int | None,
    option("--output", "-o", panel=LOAD, of=TOKENS, what="Generated tokens of a request.", default="1024"),
]
Concurrency = Annotated[
    int | None,
    option("--concurrency", "-c", panel=LOAD, of=N, what="Requests always in flight.", default="1"),
]
CalibrationFile = Annotated[
    Path | None,
    option("--calibration", panel=REQUEST, of=FILE, what="File that `llm-calc calibrate --save` wrote."),
]
TraceFile = Annotated[
    str | None,
    option(
        "--trace",
        panel=LOAD,
        of=FILE,
        what="Recorded requests (JSON lines as Mooncake's, or CSV), or - for stdin, in place of lengths and load.",
    ),
]
FromLink = Annotated[
    str | None,
    option(
        "--link",
        "-l",
        panel=REQUEST,
        of="URL",
        what="Link of the page, in quotes, or - for stdin; options go over it.",
    ),
]
ScenarioLetter = Annotated[
    str | None,
    option("--scenario", panel=REQUEST, of="A…D", what="Which scenario of the link.", default="A"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOptions:
    """A request, and fields that go over it."""

    request: Annotated[
        str | None,
        option(
            "--request",
            "-r",
            panel=REQUEST,
            of=FILE,
            what="File with a request as JSON, or - for stdin; options go over it.",
        ),
    ] = None
    assigned: Annotated[
        list[str] | None,
        option(
            "--set",
            panel=REQUEST,
            of="FIELD=VALUE",
            what="Any field of the request, such as engine.max_model_len=16384; may be repeated.",
        ),
    ] = None
    as_json: AsJson = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOptions(FieldOptions):
    """A request about one model."""

    model: Model = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions(RequestOptions):
    """Lengths of a request and one kind of load."""

    input_tokens: InputTokens = None
    output_tokens: OutputTokens = None
    concurrency: Concurrency = None
    request_rate: Annotated[
        float | None, option("--rate", panel=LOAD, of="RATE", what="Poisson arrivals [requests/s].")
    ] = None
    batch: Annotated[
        int | None, option("--batch", panel=LOAD, of=N, what="One static batch of so many requests.")
    ] = None
    offline: Annotated[
        bool | None,
        option("--offline", panel=LOAD, what="A long queue: the most tokens a second."),
    ] = None
    prefix_hits: Annotated[
        float | None,
        option(
            "--prefix-hits",
            panel=LOAD,
            of=SHARE,
            what="Share of prompt tokens already in the cache; left out: 0, of sessions what is found.",
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedOptions(LoadOptions):
    """How a model is stored and served; the GPUs come beside."""

    weights: Weights = None
    kv_cache: KvCache = None
    engine: Engine = None
    tensor: Annotated[
        int | None,
        option("--tensor", "-t", panel=GPUS, of=N, what="Tensor-parallel GPUs.", default="all GPUs"),
    ] = None
    pipeline: Annotated[
        int | None, option("--pipeline", panel=GPUS, of=N, what="Pipeline stages.", default="1")
    ] = None
    data: Annotated[
        int | None, option("--data", panel=GPUS, of=N, what="Data-parallel groups.", default="1")
    ] = None
    expert: Annotated[
        int | None,
        option("--expert", panel=GPUS, of=N, what="GPUs that experts are dealt over.", default="1"),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentOptions(ServedOptions):
    """A model on so many GPUs under one engine and one load."""

    gpu: Machine = None
    count: Annotated[
        int | None, option("--count", "-n", panel=GPUS, of=N, what="GPUs in all.", default="1")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedOptions(DeploymentOptions):
    """A deployment, which a link of the page may describe."""

    context: Annotated[
        int | None,
        option(
            "--context",
            panel=FORMATS,
            of=TOKENS,
            what="Longest context that the engine is started with, under its own flag.",
            default="the engine's own",
        ),
    ] = None
    link: FromLink = None
    scenario: ScenarioLetter = None


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
