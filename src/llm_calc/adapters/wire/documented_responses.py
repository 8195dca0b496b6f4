"""Answers of the documented endpoints. Sizes in "GB" are 2^30 bytes, the unit in which drivers report memory."""

from typing import Literal

from pydantic import Field

from llm_calc.adapters.wire.base import Answer

StrategyName = Literal["none", "tensor", "pipeline", "tensor_pipeline", "sequence", "expert"]
GIB = "[GiB]"


class Vram(Answer):
    """Memory of the whole model, and the largest share of each part that one GPU holds."""

    model_base: float = Field(description=f"Weights {GIB}")
    kv_cache_base: float = Field(description=f"KV cache of the whole batch {GIB}")
    activations_base: float = Field(description=f"Most working memory alive at once in a forward pass {GIB}")
    model_with_overhead: float = Field(description=f"Weights with their overhead {GIB}")
    kv_cache_with_overhead: float = Field(description=f"KV cache with its overhead {GIB}")
    activations_with_overhead: float = Field(description=f"Activations with their overhead {GIB}")
    total_base: float = Field(description=f"Sum of the three {GIB}")
    total_with_component_overhead: float = Field(description=f"Sum of the three with their overheads {GIB}")
    total_system_wide: float = Field(description=f"That sum with the system overhead {GIB}")
    model_per_gpu: float = Field(description=f"Weights on the GPU that holds most {GIB}")
    kv_cache_per_gpu: float = Field(description=f"KV cache on the GPU that holds most of it {GIB}")
    activations_per_gpu: float = Field(description=f"Activations on one GPU {GIB}")
    model_per_gpu_with_overhead: float = Field(
        description=f"Weights on the GPU that holds most, with overhead {GIB}"
    )
    kv_cache_per_gpu_with_overhead: float = Field(
        description=f"KV cache on the GPU that holds most of it, with overhead {GIB}"
    )
    activations_per_gpu_with_overhead: float = Field(
        description=f"Activations on one GPU with overhead {GIB}"
    )
    total_base_per_gpu: float = Field(description=f"Sum of the three: no GPU holds more {GIB}")
    total_per_gpu_with_component_overhead: float = Field(
        description=f"Sum of the three with overheads: no GPU holds more {GIB}"
    )


class FlopCounts(Answer):
    """FLOPs, 2 a multiply-add: prefill_total = num_layers x (attention + feedforward) + other + lm_head."""

    attention: float = Field(
        description="Mean layer's attention (or linear mixer) in one prefill of the batch [FLOP]"
    )
    feedforward: float = Field(
        description="Mean layer's feed-forward (router and experts) in one prefill [FLOP]"
    )
    lm_head: float = Field(description="Output head for every position of the prefill [FLOP]")
    other: float = Field(description="What is in none of them, in one prefill [FLOP]")
    prefill_total: float = Field(description="One prefill of the whole batch [FLOP]")
    per_token: float = Field(
        description="One decode step of one sequence at a context of the sequence length [FLOP]"
    )


class CorePerformance(Answer):
    """Flat-roofline timing."""

    tokens_per_second: float = Field(description="Decode throughput of the batch [tokens/s]")
    prefill_latency: float = Field(description="Prefill of the whole batch [s]")
    token_latency: float = Field(description="One decode step of the whole batch [s]")
    time_for_1000_tokens: float = Field(description="1000 decode steps [s]")


class NamedPerformance(CorePerformance):
    """Timing, and the same request on the catalog's GPUs."""

    throughput_by_gpu: dict[str, float] = Field(
        description="Decode throughput by GPU id, same number of GPUs [tokens/s]"
    )


class FullPerformance(NamedPerformance):
    """Timing with its bound."""

    does_not_fit: list[str] = Field(
        description="GPUs that support the precision and whose memory is too small"
    )
    bandwidth_utilization: float | None = Field(
        description="Bytes moved in a decode step / token_latency / peak bandwidth, 0 to 1 [-]; null if no gpu is given"
    )
    bound: Literal["compute", "memory", "compute_only"] = Field(
        description="What limits decode; compute_only: no gpu was given, so the memory roof is not known"
    )


class ParallelismAnswer(Answer):
    """The split that the per-GPU figures are for, in both vocabularies of the document."""

    recommended_strategy: StrategyName = Field(
        description="Strategy in use: the requested or the recommended one"
    )
    tensor_parallel_gpus: int = Field(description="Tensor-parallel GPUs [GPUs]")
    pipeline_parallel_gpus: int = Field(description="Pipeline stages [GPUs]")
    strategy: StrategyName = Field(description="The same as recommended_strategy")
    tp_size: int = Field(description="The same as tensor_parallel_gpus [GPUs]")
    pp_size: int = Field(description="The same as pipeline_parallel_gpus [GPUs]")
    num_gpus: int = Field(description="GPUs in all [GPUs]")
    effective_tflops: float = Field(description="Peak of the GPUs that work on one step at once [TFLOP/s]")


class OverheadsUsed(Answer):
    """Factors in force."""

    weights: float = Field(description="Factor on the weights [-]")
    kv_cache: float = Field(description="Factor on the KV cache [-]")
    activations: float = Field(description="Factor on the activations [-]")
    system: float = Field(description="Factor on their sum [-]")


class HistoryEntry(Answer):
    """One step that was taken for this request."""

    operation: str = Field(description="Name of the step")
    result: str = Field(description="What it gave, in words")
    timestamp: str = Field(description="When, ISO 8601 in UTC")


class CalculateResponse(Answer):
    """Memory, FLOPs, timing and parallelism of one request."""

    model_name: str = Field(description="Name of the model, or custom")
    parameters_billions: float = Field(description="Exact parameter count [1e9 parameters]")
    vram: Vram = Field(description="Memory")
    flops: FlopCounts = Field(description="FLOPs")
    performance: FullPerformance = Field(description="Flat-roofline timing")
    parallelism: ParallelismAnswer = Field(description="How the model is split")
    overheads_used: OverheadsUsed = Field(description="Overhead factors in force")
    history: list[HistoryEntry] = Field(description="Steps taken for this request")
    assumptions: list[str] = Field(description="What was taken for granted about the model")
    warnings: list[str] = Field(description="What the caller should know about the answer")


class UiResponse(Answer):
    """The unified format of the web UI, made from either analysis."""

    model_name: str = Field(description="Name of the model")
    parameters_billions: float = Field(description="Exact parameter count [1e9 parameters]")
    vram: Vram = Field(description="Memory")
    flops: FlopCounts = Field(description="FLOPs")
    performance: NamedPerformance = Field(description="Flat-roofline timing")
    parallelism: ParallelismAnswer = Field(description="How the model is split")
    overheads_used: OverheadsUsed = Field(description="Overhead factors in force")
    history: list[str] = Field(description="Steps taken, in words")
    assumptions: list[str] = Field(description="What was taken for granted about the model")
    warnings: list[str] = Field(description="What the caller should know about the answer")


class AvailableModel(Answer):
    """One predefined model."""

    name: str = Field(description="Name, as model_name takes it")
    hidden_dim: int = Field(description="Width of the residual stream [elements]")
    ff_dim: int = Field(
        description="Width of the feed-forward layer, or of one expert [elements]; 0 without one"
    )
    num_layers: int = Field(description="Layers [layers]")
    vocab_size: int = Field(description="Vocabulary [tokens]")
    seq_len: int = Field(description="Context length [tokens]")
    family: str = Field(description="Family")
    parameter_count: float = Field(description="Nominal size, as the name says [1e9 parameters]")
    parameters: int = Field(description="Exact number of parameters")
    active_parameters: int = Field(description="Parameters that one token meets")
    aliases: list[str] = Field(description="Further names that are accepted")
    hugging_face_ids: list[str] = Field(description="Ids on the Hugging Face hub")
    confidence: Literal["exact", "approximate"] = Field(
        description="Whether the architecture is one that is known"
    )


class AvailableGpu(Answer):
    """One catalog GPU; peaks are dense, null is what nobody published."""

    id: str = Field(description="Id, as gpu takes it")
    name: str = Field(description="Name of the product")
    vendor: str = Field(description="Vendor")
    family: str = Field(description="Product family")
    generation: str = Field(description="Architecture")
    aliases: list[str] = Field(description="Further names that are accepted")
    vram_gb: float = Field(description=f"Nominal memory {GIB}")
    memory_options_gb: list[float] = Field(
        description=f"Memory sizes that it is sold with, where it shares the machine's {GIB}"
    )
    usable_memory_gb: float = Field(description=f"Memory that a process can allocate {GIB}")
    memory_bandwidth_gb_per_s: float = Field(description="Peak memory bandwidth [1e9 bytes/s]")
    tflops: dict[str, float] = Field(description="Dense peak by number type [TFLOP/s]")
    supported_precisions: list[str] = Field(description="Number types with arithmetic of their own")
    link_gb_per_s_each_way: float | None = Field(description="GPU-to-GPU link, each way [1e9 bytes/s]")
    gpus_per_fast_domain: int = Field(description="GPUs that this link joins [GPUs]")
    tdp_w: float | None = Field(description="Board power [W]")
    typical_usd_per_hour: float | None = Field(
        description="Typical rent of one GPU [USD/h]; null where none is known"
    )
    price_as_of: str | None = Field(description="Day or month of that price, as its source says it")
    price_source: str | None = Field(description="Where that price stands")
