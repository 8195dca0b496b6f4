"""The engine part of a request for SGLang."""

from typing import Annotated, Literal

from pydantic import Field

from llm_calc.adapters.wire.engine_base import EngineBase, Fraction, Length, Ratio, Size, StageLayersText

Kernels = Literal[
    "fa3", "fa4", "flashinfer", "flashmla", "triton", "trtllm_mha", "trtllm_mla", "cutedsl_mla", "aiter"
]


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
    attn_dp_size: Size | None = Field(
        None, description="dp_size and enable_dp_attention in one, since 0.5.22 [groups]"
    )
    ep_size: Size | None = Field(None, description="The same as parallelism.expert [GPUs]")
    enable_dp_attention: bool | None = Field(
        None,
        description="Whether dp_size groups are one server on the GPUs of tp_size; off: servers of their own",
    )
    mem_fraction_static: Fraction | None = Field(
        None, description="Share of memory for weights and KV pool, 0 to 1 [-]"
    )
    context_length: Length | None = Field(None, description="Longest context of a request [tokens]")
    page_size: Size | None = Field(None, description="Tokens in one page of the KV cache [tokens]")
    dcp_size: Annotated[int, Field(ge=1, le=1024)] | None = Field(
        None, description="GPUs that the tokens of a sequence's cache are dealt over [GPUs]"
    )
    chunked_prefill_size: Length | Literal[-1] | None = Field(
        None, description="Most prompt tokens in one step; -1: prompts are left whole [tokens]"
    )
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
    attention_backend: Kernels | None = Field(
        None, description="Attention kernels, which decide the page size; absent: by GPU and model"
    )
    schedule_conservativeness: Annotated[float, Field(ge=0, le=100)] | None = Field(
        None,
        description="How much of an answer must fit beside the prompt before its request enters, in parts of SGLang's "
        "own [-]",
    )
    scheduler_recv_interval: Size | None = Field(
        None,
        description="Decode steps between two looks for new requests; absent: as measured servers ran [steps]",
    )
    ep_num_redundant_experts: Annotated[int, Field(ge=0, le=100_000)] | None = Field(
        None, description="Experts of each layer that are stored twice [experts]"
    )
