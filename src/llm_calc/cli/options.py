"""Options that several commands share, each written once."""

from enum import StrEnum
from typing import Annotated

import typer

DEPLOYMENT, WORKLOAD, OUTPUT = "Deployment", "Workload", "Output"


class Engine(StrEnum):
    """Engines whose rules are known."""

    VLLM = "vllm"
    SGLANG = "sglang"
    TRTLLM = "trtllm"
    LLAMA_CPP = "llama.cpp"
    GENERIC = "generic"


Model = Annotated[
    str, typer.Argument(help="Catalog name, config.json, folder that holds one, or - for standard input")
]
Gpu = Annotated[str, typer.Argument(help="Id or alias of a catalog GPU; `llm-calc gpus` lists them")]
Json = Annotated[bool, typer.Option("--json", help="Print the API's answer", rich_help_panel=OUTPUT)]

Count = Annotated[int | None, typer.Option(help="GPUs in all [GPUs]; 1", rich_help_panel=DEPLOYMENT)]
GpusPerNode = Annotated[
    int | None, typer.Option(help="GPUs in one host [GPUs]; 8", rich_help_panel=DEPLOYMENT)
]
Weights = Annotated[
    str | None,
    typer.Option(help="Format of the weights: bf16, fp8, int4-awq, q4_k_m…", rich_help_panel=DEPLOYMENT),
]
KvCache = Annotated[str | None, typer.Option(help="Format of the KV cache", rich_help_panel=DEPLOYMENT)]
Activations = Annotated[str | None, typer.Option(help="Format of activations", rich_help_panel=DEPLOYMENT)]
Tensor = Annotated[int | None, typer.Option(help="Tensor-parallel GPUs [GPUs]", rich_help_panel=DEPLOYMENT)]
Pipeline = Annotated[int | None, typer.Option(help="Pipeline stages", rich_help_panel=DEPLOYMENT)]
Data = Annotated[
    int | None, typer.Option(help="Replicas, or attention data parallelism", rich_help_panel=DEPLOYMENT)
]
Expert = Annotated[
    int | None, typer.Option(help="GPUs that experts are dealt over", rich_help_panel=DEPLOYMENT)
]
EngineName = Annotated[Engine, typer.Option(help="Serving engine", rich_help_panel=DEPLOYMENT)]
Flags = Annotated[
    list[str] | None,
    typer.Option(
        "--engine-option",
        help="One of the engine's own flags, as name=value; may be repeated",
        rich_help_panel=DEPLOYMENT,
    ),
]

InputTokens = Annotated[
    int | None, typer.Option(help="Prompt tokens of a request [tokens]; 1024", rich_help_panel=WORKLOAD)
]
OutputTokens = Annotated[
    int | None, typer.Option(help="Generated tokens of a request [tokens]; 1024", rich_help_panel=WORKLOAD)
]
Concurrency = Annotated[int | None, typer.Option(help="Requests always in flight", rich_help_panel=WORKLOAD)]
RequestRate = Annotated[
    float | None, typer.Option(help="Poisson arrivals [requests/s]", rich_help_panel=WORKLOAD)
]
Batch = Annotated[int | None, typer.Option(help="Requests of one static batch", rich_help_panel=WORKLOAD)]
Offline = Annotated[bool | None, typer.Option("--offline", help="A long queue", rich_help_panel=WORKLOAD)]
Ttft = Annotated[
    float | None, typer.Option("--ttft", help="Most time to first token [s]", rich_help_panel="Limits")
]
Tpot = Annotated[
    float | None, typer.Option("--tpot", help="Most time per further token [s]", rich_help_panel="Limits")
]
Latency = Annotated[
    float | None, typer.Option("--latency", help="Most time of a request [s]", rich_help_panel="Limits")
]
MaxGpus = Annotated[int | None, typer.Option(help="Most GPUs [GPUs]", rich_help_panel="Limits")]
Budget = Annotated[
    float | None, typer.Option("--usd-per-hour", help="Most rent [USD/h]", rich_help_panel="Limits")
]
OnlyGpus = Annotated[
    list[str] | None, typer.Option("--gpu", help="A GPU to consider; may be repeated; all if absent")
]
ContextTokens = Annotated[int | None, typer.Option(help="Prompt and answer of a sequence [tokens]; 8192")]
