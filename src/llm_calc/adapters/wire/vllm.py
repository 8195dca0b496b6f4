"""The engine part of a request for vLLM."""

from typing import Annotated, Any, Literal

from pydantic import Field

from llm_calc.adapters.wire.engine_base import EngineBase, Fraction, Length, Size, StageLayersText
from llm_calc.adapters.wire.media_limits import MediaLimits

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
    enable_eplb: bool | None = Field(
        None, description="Whether experts are balanced over GPUs as they are used"
    )
    num_redundant_experts: Annotated[int, Field(ge=0, le=100_000)] | None = Field(
        None, description="Experts of each layer that are stored twice (of eplb_config) [experts]"
    )
    language_model_only: bool | None = Field(
        None, description="Whether it serves text alone: no tower is loaded, no encoder is profiled"
    )
    limit_mm_per_prompt: MediaLimits | None = Field(
        None,
        description="Most images, videos and sounds of a prompt, as a number or as count beside the sides of the item "
        "that is profiled; 0 of all that a tower sees: not loaded",
    )
    skip_mm_profiling: bool | None = Field(None, description="Whether the encoder's dummy pass is left out")
    mm_encoder_tp_mode: Literal["weights", "data"] | None = Field(
        None,
        description="data: each GPU of a tensor group keeps the whole tower and encodes its share of items",
    )
    mm_processor_kwargs: dict[str, Any] | None = Field(
        None, max_length=100, description="Limits of the processor, such as max_pixels, for what is profiled"
    )
