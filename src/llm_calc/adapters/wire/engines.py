"""The engine part of a request: one type an engine, with its own flags under their own names."""

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import Field

from llm_calc.adapters.wire.base import Answer
from llm_calc.adapters.wire.engine_base import (
    EngineBase,
    FormatName,
    Fraction,
    Length,
    Ratio,
    Share,
    Size,
    StageLayersText,
)
from llm_calc.adapters.wire.mlx import MlxEngine
from llm_calc.core.planning.options import MOST_PARALLEL

GraphMode = Literal["NONE", "PIECEWISE", "FULL", "FULL_DECODE_ONLY", "FULL_AND_PIECEWISE"]


class VllmEngine(EngineBase):
    """vLLM and its command-line options; those left out take vLLM's own defaults."""

    name: Literal["vllm"] = Field("vllm", description="vLLM")
    kv_cache_dtype: str | None = Field(None, description="The same as precision.kv_cache")
    tensor_parallel_size: Size | None = Field(None, description="The same as parallelism.tensor [GPUs]")
    pipeline_parallel_size: Size | None = Field(None, description="The same as parallelism.pipeline [stages]")
    pp_layer_partition: StageLayersText | None = Field(
        None,
        description="VLLM_PP_LAYER_PARTITION, such as 24,40: the same as parallelism.stage_layers [layers]",
    )
    data_parallel_size: Size | None = Field(None, description="The same as parallelism.data [groups]")
    enable_expert_parallel: bool | None = Field(
        None, description="Whether parallelism.expert is all GPUs of a stage"
    )
    gpu_memory_utilization: Fraction | None = Field(
        None, description="Share of the GPU's memory to plan with, 0 to 1 [-]"
    )
    kv_cache_memory_bytes: Annotated[int, Field(ge=1, le=10**15)] | None = Field(
        None, description="Memory of each GPU for the KV cache, in place of a share of it [bytes]"
    )
    num_gpu_blocks_override: Length | None = Field(
        None, description="Blocks of KV cache, in place of what the memory gives [blocks]"
    )
    max_model_len: Length | Literal["auto", -1] | None = Field(
        None, description="Longest context of a request; auto or -1: the longest that memory holds [tokens]"
    )
    max_num_batched_tokens: Length | None = Field(None, description="Most tokens in one step [tokens]")
    max_num_seqs: Size | None = Field(None, description="Most sequences in one step [sequences]")
    block_size: Size | None = Field(None, description="Tokens in one block of the KV cache [tokens]")
    enforce_eager: bool | None = Field(None, description="Whether CUDA graphs are switched off")
    cudagraph_mode: GraphMode | None = Field(
        None, description="Which CUDA graphs are captured (of the compilation config)"
    )
    max_cudagraph_capture_size: Size | None = Field(
        None, description="Largest step with a CUDA graph (of the compilation config) [tokens]"
    )
    cudagraph_capture_sizes: (
        Annotated[tuple[Size, ...], Field(min_length=1, max_length=2000, strict=False)] | None
    ) = Field(None, description="Steps with a CUDA graph, in place of vLLM's own list [tokens]")
    performance_mode: Literal["balanced", "interactivity", "throughput"] | None = Field(
        None,
        description="throughput: twice the tokens and sequences of a step where they are not given; interactivity: "
        "graphs of all small batches",
    )
    usage_context: Literal["OPENAI_API_SERVER", "LLM_CLASS"] | None = Field(
        None,
        description="What starts vLLM: its server, or Python's class LLM, whose steps take more tokens where they are "
        "not given; absent: the server",
    )
    enable_chunked_prefill: bool | None = Field(None, description="Whether long prompts are cut into pieces")
    enable_prefix_caching: bool | None = Field(
        None, description="Whether the cache of equal prompt beginnings is reused"
    )
    async_scheduling: bool | None = Field(
        None, description="Whether a step is scheduled while the one before it runs"
    )
    mamba_cache_mode: Literal["none", "align", "all"] | None = Field(
        None, description="How recurrent states are kept for prefix caching"
    )
    mamba_ssm_cache_dtype: Literal["auto", "float32", "float16", "bfloat16"] | None = Field(
        None, description="Type of recurrent states; auto: as the model's file says"
    )
    disable_hybrid_kv_cache_manager: bool | None = Field(
        None, description="Whether layers with a window keep the whole context"
    )
    decode_context_parallel_size: Annotated[int, Field(ge=1, le=1024)] | None = Field(
        None, description="GPUs that the tokens of a sequence's cache are dealt over [GPUs]"
    )
    cpu_offload_gb: Annotated[float, Field(ge=0, le=100_000)] | None = Field(
        None, description="Weights of each GPU that stay in the host's memory [GiB]"
    )


class SglangEngine(EngineBase):
    """SGLang and its server arguments; those left out take SGLang's own defaults."""

    name: Literal["sglang"] = Field("sglang", description="SGLang")
    kv_cache_dtype: str | None = Field(None, description="The same as precision.kv_cache")
    tp_size: Size | None = Field(
        None,
        description="The same as parallelism.tensor; all GPUs of a stage with enable_dp_attention [GPUs]",
    )
    pp_size: Size | None = Field(None, description="The same as parallelism.pipeline [stages]")
    pp_layer_partition: StageLayersText | None = Field(
        None,
        description="SGLANG_PP_LAYER_PARTITION, such as 24,40: the same as parallelism.stage_layers [layers]",
    )
    dp_size: Size | None = Field(None, description="The same as parallelism.data [groups]")
    ep_size: Size | None = Field(None, description="The same as parallelism.expert [GPUs]")
    enable_dp_attention: bool | None = Field(
        None, description="Whether dp_size groups share the GPUs of tp_size"
    )
    mem_fraction_static: Fraction | None = Field(
        None, description="Share of memory for weights and KV pool, 0 to 1 [-]"
    )
    context_length: Length | None = Field(None, description="Longest context of a request [tokens]")
    page_size: Size | None = Field(None, description="Tokens in one page of the KV cache [tokens]")
    dcp_size: Annotated[int, Field(ge=1, le=1024)] | None = Field(
        None, description="GPUs that the tokens of a sequence's cache are dealt over [GPUs]"
    )
    chunked_prefill_size: Length | None = Field(None, description="Most prompt tokens in one step [tokens]")
    max_running_requests: Size | None = Field(
        None, description="Most sequences in one step, of all attention groups together [sequences]"
    )
    max_total_tokens: Length | None = Field(None, description="Most tokens of the KV pool [tokens]")
    cuda_graph_max_bs: Size | None = Field(None, description="Largest batch with a CUDA graph [sequences]")
    disable_cuda_graph: bool | None = Field(None, description="Whether CUDA graphs are switched off")
    disable_prefill_cuda_graph: bool | None = Field(
        None, description="Whether those of prompts are (disable_piecewise_cuda_graph up to 0.5.19)"
    )
    disable_radix_cache: bool | None = Field(
        None, description="Whether the cache of equal prompt beginnings is switched off"
    )
    disable_overlap_schedule: bool | None = Field(
        None, description="Whether a step is planned only after the one before it"
    )
    disable_hybrid_swa_memory: bool | None = Field(
        None, description="Whether sliding layers keep the whole context instead of a pool of their own"
    )
    swa_full_tokens_ratio: Ratio | None = Field(
        None, description="Tokens of sliding layers' pool per token of full layers' [-]"
    )
    mamba_full_memory_ratio: Ratio | None = Field(
        None, description="Memory of state pool per byte of KV pool [-]"
    )
    mamba_radix_cache_strategy: Literal["auto", "no_buffer", "extra_buffer", "extra_buffer_lazy"] | None = (
        Field(
            None,
            description="Whether states are tracked beside the step, which takes further slots a request",
        )
    )
    mamba_ssm_dtype: Literal["float32", "bfloat16", "float16"] | None = Field(
        None, description="Number type of recurrent states; absent: the file's, else float32"
    )
    max_mamba_cache_size: Size | None = Field(
        None, description="Slots of recurrent state, of all attention groups together [slots]"
    )
    attention_backend: (
        Literal["fa3", "fa4", "flashinfer", "flashmla", "triton", "trtllm_mha", "trtllm_mla", "cutedsl_mla"]
        | None
    ) = Field(None, description="Attention kernels, which decide the page size; absent: by GPU and model")


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
        "slots, batch)",
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
]
"""Exactly one engine, told apart by its name."""

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
