"""Requests and answers of ``/api/fit`` and ``/api/models_for``: what runs on a machine, and how fast."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue

from llm_calc.adapters.wire.base import Answer, StrictRequest
from llm_calc.adapters.wire.engines import EngineRelease
from llm_calc.adapters.wire.machines import Machine
from llm_calc.adapters.wire.parts import FormatName, ModelPart, TokenCount
from llm_calc.adapters.wire.serving import BasisKind, Range

FIT_EXAMPLES: list[JsonValue] = [
    {"model": {"name": "qwen3-8b"}, "hardware": {"gpu": "rtx-3060-12gb"}, "context_tokens": 16384}
]
MODELS_FOR_EXAMPLES: list[JsonValue] = [
    {"hardware": {"gpu": "rtx-4090"}, "context_tokens": 8192, "max_models": 5}
]

Sequences = Annotated[int, Field(ge=1, le=256)]
Speed = Annotated[float, Field(ge=0, le=1e6)]
Where = Literal["gpu", "gpu and host", "host", "nowhere"]


class FitRequest(StrictRequest):
    """A model and a machine: which quantization fits, with which cache, and how fast."""

    model_config = ConfigDict(json_schema_extra={"examples": FIT_EXAMPLES})

    model: ModelPart = Field(description="The model")
    hardware: Machine = Field(description="The GPUs and their host; a list where GPUs are of several kinds")
    context_tokens: TokenCount = Field(
        8192, description="Tokens of each sequence, prompt and answer [tokens]"
    )
    concurrency: Sequences = Field(1, description="Sequences at once [sequences]")
    formats: Annotated[list[FormatName], Field(min_length=1, max_length=20)] | None = Field(
        None, description="GGUF kinds to consider; absent: the usual ones and the model's own"
    )
    cache_types: Annotated[list[FormatName], Field(min_length=1, max_length=6)] | None = Field(
        None, description="Formats of the KV cache to consider; absent: f16 and q8_0"
    )
    least_tokens_per_s: Speed = Field(
        5.0, description="Slowest answer that is still of use, for one sequence [tokens/s]"
    )


class Runners(Answer):
    """How the row is run, under each program's own names; null where that program cannot."""

    llama_cpp: str = Field(description="Command of llama-server")
    ollama: str = Field(description="Settings of ollama")
    lm_studio: str = Field(description="Settings of LM Studio")
    mlx: str | None = Field(description="Command of mlx_lm.server with a like number of bits; Apple only")
    vllm: str | None = Field(
        description="Command of vLLM with a checkpoint of a like number of bits, where that fits"
    )


class FitRow(Answer):
    """One quantization with one cache type at the asked context."""

    weights: str = Field(description="GGUF kind")
    kv_cache: str = Field(description="Format of the KV cache")
    file_bytes: int = Field(description="Size of the file but for its header [bytes]")
    bits_per_weight: float = Field(description="Bits a parameter, over the whole file [bits]")
    fits: bool = Field(description="Whether the machine holds it with the asked context")
    where: Where = Field(description="Where the model lies then")
    gpu_layers: int = Field(description="Layers on the GPU, the output counted as one [layers]")
    layers: int = Field(description="All layers, the output counted as one [layers]")
    split_layers: int = Field(
        description="Layers on the GPU of which experts or feed-forward matrices stay with the host [layers]"
    )
    gpu_bytes: int = Field(description="Memory taken on the fullest GPU [bytes]")
    host_bytes: int = Field(description="Memory taken on the host [bytes]")
    longest_context_tokens: int | None = Field(
        description="Longest context with everything on the GPU, at most the model's own; null: none [tokens]"
    )
    tokens_per_s: float | None = Field(
        description="Speed of one sequence's answer; null where it does not fit [tokens/s]"
    )
    likely_tokens_per_s: Range | None = Field(description="Its likely range [tokens/s]")
    ttft_s: float | None = Field(
        description="Time to the first token of the longest prompt that is asked for [s]"
    )
    basis: BasisKind | None = Field(description="What the speed rests on, as in /api/serving_estimate")
    best: bool = Field(description="Whether it is the best for the asked context")
    reason: str = Field(description="Why, in words")
    run_with: Runners | None = Field(description="How to run it; null where it does not fit")


class FitAnswer(Answer):
    """Every quantization with every cache type, most bits first."""

    model: str = Field(description="The model")
    release: EngineRelease = Field(description="The release of llama.cpp whose rules were used")
    context_tokens: int = Field(description="Tokens of each sequence [tokens]")
    rows: list[FitRow] = Field(description="What was considered, most bits first")
    best: int | None = Field(
        description="Place of the best row in rows, from 0; null: nothing fits, or not fast enough"
    )
    assumptions: list[str] = Field(description="What was taken for granted and changes the answer")
    warnings: list[str] = Field(description="What the caller should know")


class ModelsForRequest(StrictRequest):
    """A machine, a context and a speed: which models of the catalog run there."""

    model_config = ConfigDict(json_schema_extra={"examples": MODELS_FOR_EXAMPLES})

    hardware: Machine = Field(description="The GPUs and their host; a list where GPUs are of several kinds")
    context_tokens: TokenCount = Field(8192, description="Tokens of one sequence, prompt and answer [tokens]")
    weights: FormatName | None = Field(
        None,
        description="GGUF kind; absent: the most bits of q8_0, q6_k and q4_k_m (gpt-oss: mxfp4) that fit on the GPU",
    )
    least_tokens_per_s: Speed = Field(10.0, description="Slowest answer that is still of use [tokens/s]")
    family: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        None, description="Only models of this family"
    )
    max_models: Annotated[int, Field(ge=1, le=300)] = Field(20, description="Models in the answer")


class RunningModel(Answer):
    """One model that runs on the machine."""

    model: str = Field(description="Catalog name")
    family: str = Field(description="Its family")
    parameters_billions: float = Field(description="Nominal size [10^9 parameters]")
    weights: str = Field(description="GGUF kind")
    file_bytes: int = Field(description="Size of the file but for its header [bytes]")
    headroom_bytes: int = Field(description="Left on the fullest GPU beside everything [bytes]")
    tokens_per_s: float = Field(description="Speed of one sequence's answer [tokens/s]")
    ttft_s: float = Field(description="Time to the first token of the longest prompt [s]")
    basis: BasisKind = Field(description="What the speed rests on, as in /api/serving_estimate")
    confidence: Literal["exact", "approximate"] = Field(
        description="Whether everything of the model was read, as in /api/inspect_model"
    )


class ModelsForAnswer(Answer):
    """Models that run, the largest first."""

    release: EngineRelease = Field(description="The release of llama.cpp whose rules were used")
    context_tokens: int = Field(description="Tokens of one sequence [tokens]")
    models: list[RunningModel] = Field(description="What runs, largest first")
    more: bool = Field(description="Whether smaller ones were left out for max_models")
    too_slow: list[str] = Field(description="Models that fit and are slower than asked")
    assumptions: list[str] = Field(description="What was taken for granted and changes the answer")
