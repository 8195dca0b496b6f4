"""The engine part of a request: one type an engine, with its own flags under their own names."""

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field

from llm_calc.adapters.wire.base import Answer
from llm_calc.adapters.wire.engine_base import (
    EngineBase,
    FormatName,
    Fraction,
    Length,
    Share,
    Size,
)
from llm_calc.adapters.wire.engine_names import typed_engine
from llm_calc.adapters.wire.mlx import MlxEngine
from llm_calc.adapters.wire.sglang import SglangEngine
from llm_calc.adapters.wire.vllm import VllmEngine
from llm_calc.core.engines.llama_cpp_traits import MOST_PARALLEL
from llm_calc.core.engines.ollama import from_ollama

__all__ = [
    "ENGINE_PARTS",
    "EngineBase",
    "EngineName",
    "EnginePart",
    "EngineRelease",
    "GenericEngine",
    "LlamaCppEngine",
    "MlxEngine",
    "SglangEngine",
    "TrtllmEngine",
    "VllmEngine",
]


class TrtllmEngine(EngineBase):
    """TensorRT-LLM and its options; those left out take TensorRT-LLM's own defaults."""

    name: Literal["trtllm"] = Field("trtllm", description="TensorRT-LLM")
    free_gpu_memory_fraction: Fraction | None = Field(
        None, description="Share of free memory for the KV cache, 0 to 1 [-]"
    )
    max_seq_len: Length | None = Field(None, description="Longest context of a request [tokens]")
    max_num_tokens: Length | None = Field(None, description="Most tokens in one step [tokens]")
    max_batch_size: Size | None = Field(None, description="Most sequences in one step [sequences]")
    tokens_per_block: Size | None = Field(None, description="Tokens in one block of the KV cache [tokens]")
    max_tokens: Length | None = Field(
        None, description="Most tokens of the KV cache; the smaller of it and the share counts [tokens]"
    )
    mamba_ssm_cache_dtype: Literal["auto", "float32", "bfloat16", "float16"] | None = Field(
        None, description="Number type of recurrent states whose type the model's file leaves open"
    )
    enable_block_reuse: bool | None = Field(
        None, description="Whether the cache of equal prompt beginnings is reused"
    )
    enable_chunked_prefill: bool | None = Field(None, description="Whether long prompts are cut")
    cuda_graph: bool | None = Field(None, description="Whether CUDA graphs are captured")
    kv_cache_dtype: str | None = Field(None, description="The same as precision.kv_cache")
    tp_size: Size | None = Field(None, description="The same as parallelism.tensor [GPUs]")
    pp_size: Size | None = Field(None, description="The same as parallelism.pipeline [stages]")
    ep_size: Size | None = Field(None, description="The same as parallelism.expert [GPUs]")
    enable_attention_dp: bool | None = Field(
        None, description="Whether each GPU of tp_size is a group of its own"
    )


class LlamaCppEngine(EngineBase):
    """llama.cpp and its options; those left out take llama.cpp's own defaults."""

    name: Literal["llama.cpp"] = Field("llama.cpp", description="llama.cpp")
    preset: Annotated[str, Field(min_length=1, max_length=40)] | None = Field(
        None,
        description="ollama: what that program would start llama.cpp with, where no option says it (context by memory, "
        "slots, batch); the same as the engine ollama, with num_ctx, num_gpu, num_parallel, kv_cache_type",
    )
    n_ctx: Length | None = Field(None, description="Context of all parallel sequences together [tokens]")
    n_batch: Length | None = Field(None, description="Most tokens of one logical batch [tokens]")
    n_ubatch: Length | None = Field(None, description="Most tokens computed at once [tokens]")
    n_gpu_layers: Annotated[int, Field(ge=-1, le=100_000)] | None = Field(
        None,
        description="Layers on the GPU, the output counted as one; absent or -1: as many as fit, else all [layers]",
    )
    n_parallel: Annotated[int, Field(ge=1, le=MOST_PARALLEL)] | None = Field(
        None,
        description="Slots: sequences at once, at most llama.cpp's 256; absent: as many as the server takes by itself "
        "[sequences]",
    )
    kv_unified: bool | None = Field(
        None,
        description="Whether all slots share one cache; absent: where the slots are the server's own number",
    )
    flash_attn: bool | None = Field(
        None, description="Whether attention is fused; as llama.cpp decides if absent"
    )
    swa_full: bool | None = Field(None, description="Whether sliding-window layers keep the whole context")
    cache_type_k: FormatName | None = Field(
        None, description="Format of cached keys; precision.kv_cache if absent"
    )
    cache_type_v: FormatName | None = Field(
        None, description="Format of cached values; precision.kv_cache if absent"
    )
    n_cpu_moe: Annotated[int, Field(ge=0, le=100_000)] | None = Field(
        None, description="First layers whose routed experts stay with the host [layers]"
    )
    cpu_moe: bool | None = Field(None, description="Whether all routed experts stay with the host")
    n_cpu_ffn: Annotated[int, Field(ge=0, le=100_000)] | None = Field(
        None, description="First layers whose dense feed-forward matrices stay with the host [layers]"
    )
    override_tensor: Annotated[str, Field(max_length=2000)] | None = Field(
        None, description="Tensors that stay with the host: <pattern>=CPU, several joined by commas"
    )
    offload_kqv: bool | None = Field(
        None, description="Whether the cache of offloaded layers lies on the GPU"
    )
    no_kv_offload: bool | None = Field(None, description="The opposite of offload_kqv, as the server says it")
    op_offload: bool | None = Field(
        None, description="Whether prompts copy the host's weights to the GPU and are computed there"
    )
    tensor_split: Annotated[tuple[Share, ...], Field(max_length=16, strict=False)] | None = Field(
        None, description="Parts of the layers for each GPU; absent: by their memory"
    )
    split_mode: Annotated[str, Field(max_length=20)] | None = Field(
        None, description="layer: layers are dealt to the GPUs; none: all go to main_gpu"
    )
    main_gpu: Annotated[int, Field(ge=0, le=100)] | None = Field(
        None, description="The GPU of split_mode none, counted from 0 [index]"
    )
    fit: bool | None = Field(
        None, description="Whether context and layers that are not said are fitted to the memory at start"
    )
    fit_target: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        None, description="Memory that the fit leaves free on each GPU [MiB]"
    )
    fit_ctx: Length | None = Field(None, description="Least context that the fit goes down to [tokens]")


class GenericEngine(EngineBase):
    """An engine that wastes nothing: exact sizes, one share of the memory."""

    name: Literal["generic"] = Field("generic", description="No engine in particular")
    memory_utilization: Fraction | None = Field(
        None, description="Share of the GPU's memory to plan with, 0 to 1 [-]"
    )
    max_model_len: Length | None = Field(None, description="Longest context of a request [tokens]")
    max_num_batched_tokens: Length | None = Field(None, description="Most tokens in one step [tokens]")
    max_num_seqs: Size | None = Field(None, description="Most sequences in one step [sequences]")


EnginePart = Annotated[
    VllmEngine | SglangEngine | TrtllmEngine | LlamaCppEngine | MlxEngine | GenericEngine,
    Field(discriminator="name"),
    BeforeValidator(from_ollama),
    BeforeValidator(typed_engine),
]
"""Exactly one engine, told apart by its name; ollama is llama.cpp with its preset."""

EngineName = Literal["vllm", "sglang", "trtllm", "llama.cpp", "mlx", "generic"]

ENGINE_PARTS: Mapping[str, type[EngineBase]] = {
    part.model_fields["name"].default: part for part in get_args(get_args(EnginePart)[0])
}
"""The request part of each engine, by name."""


class EngineRelease(Answer):
    """The engine of an answer: the release whose rules hold, and the day when they were read."""

    name: EngineName = Field(description="The engine")
    version: str = Field(description="The release whose rules and defaults were used")
    rules_read_on: str = Field(description="The day when its rules were read, YYYY-MM-DD")
