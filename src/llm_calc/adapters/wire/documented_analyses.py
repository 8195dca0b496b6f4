"""Answers of the two analysis methods and of the scaling analysis. Sizes in "GB" are 2^30 bytes."""

from typing import Literal

from pydantic import Field

from llm_calc.adapters.wire.base import Answer
from llm_calc.adapters.wire.documented_responses import (
    GIB,
    CorePerformance,
    FlopCounts,
    NamedPerformance,
    OverheadsUsed,
)


class ModelInfo(Answer):
    """What the model is."""

    name: str = Field(description="Name")
    family: str = Field(description="Family")
    parameters_b: float = Field(description="Exact parameter count [1e9 parameters]")
    hidden_dimensions: int = Field(description="Width of the residual stream [elements]")
    feedforward_dimensions: int = Field(description="Width of the feed-forward layer [elements]")
    num_layers: int = Field(description="Layers [layers]")
    vocab_size: int = Field(description="Vocabulary [tokens]")
    description: str = Field(description="What it is, in words")


class AnalysisParameters(Answer):
    """What was asked."""

    sequence_length: int = Field(description="Sequence length [tokens]")
    batch_size: int = Field(description="Sequences processed at once [sequences]")
    precision: str = Field(description="Number format")
    efficiency_factor: float = Field(description="Fraction of the peak compute [-]")


class NamedAnalysisParameters(AnalysisParameters):
    """What was asked, with the peak."""

    gpu_tflops: float = Field(description="Dense peak of the GPU [TFLOP/s]")


class AnalysisVram(Answer):
    """Memory with overheads."""

    model_weights: float = Field(description=f"Weights with their overhead {GIB}")
    kv_cache: float = Field(description=f"KV cache with its overhead {GIB}")
    activations: float = Field(description=f"Activations with their overhead {GIB}")
    total: float = Field(description=f"Their sum with the system overhead {GIB}")


class ModelVram(Answer):
    """Memory in parts."""

    weights_base: float = Field(description=f"Weights {GIB}")
    kv_cache_base: float = Field(description=f"KV cache {GIB}")
    activations_base: float = Field(description=f"Activations {GIB}")
    weights_with_overhead: float = Field(description=f"Weights with their overhead {GIB}")
    kv_cache_with_overhead: float = Field(description=f"KV cache with its overhead {GIB}")
    activations_with_overhead: float = Field(description=f"Activations with their overhead {GIB}")
    component_subtotal: float = Field(description=f"Sum of the three with overheads {GIB}")
    total: float = Field(description=f"That sum with the system overhead {GIB}")


class GpuAnalysisVram(AnalysisVram):
    """Memory with overheads, and in parts."""

    model: ModelVram = Field(description="Memory in parts")


class GpuInfo(Answer):
    """The GPU."""

    name: str = Field(description="Id of the catalog")
    family: str = Field(description="Vendor")
    vram_gb: float = Field(description=f"Nominal memory {GIB}")
    usable_memory_gb: float = Field(description=f"Memory that a process can allocate {GIB}")
    tflops: float = Field(description="Dense peak for the precision [TFLOP/s]")
    supported_precisions: list[str] = Field(description="Number types with arithmetic of their own")


class Compatibility(Answer):
    """Whether one GPU holds it."""

    fits_on_gpu: bool = Field(description="Whether it fits in usable memory, overheads included")
    vram_utilization_pct: float = Field(description="Memory needed / nominal memory [%]")
    headroom_gb: float = Field(description=f"Usable memory left, negative if short {GIB}")
    minimum_required_vram_gb: float = Field(description=f"Memory needed {GIB}")


class AnalyzeByNameResponse(Answer):
    """Analysis of a model by its name."""

    model_info: ModelInfo = Field(description="The model")
    analysis_parameters: NamedAnalysisParameters = Field(description="What was asked")
    flops: FlopCounts = Field(description="FLOPs")
    vram: AnalysisVram = Field(description="Memory")
    performance: NamedPerformance = Field(description="Flat-roofline timing, compute roof only")
    overheads_used: OverheadsUsed = Field(description="Overhead factors in force")
    assumptions: list[str] = Field(description="What was taken for granted about the model")
    warnings: list[str] = Field(description="What the caller should know about the answer")


class AnalyzeOnGpuResponse(Answer):
    """Analysis of a model on one GPU."""

    model_info: ModelInfo = Field(description="The model")
    gpu_info: GpuInfo = Field(description="The GPU")
    analysis_parameters: AnalysisParameters = Field(description="What was asked")
    flops: FlopCounts = Field(description="FLOPs")
    vram: GpuAnalysisVram = Field(description="Memory")
    performance: CorePerformance = Field(description="Flat-roofline timing")
    compatibility: Compatibility = Field(description="Whether one GPU holds it")
    overheads_used: OverheadsUsed = Field(description="Overhead factors in force")
    assumptions: list[str] = Field(description="What was taken for granted about the model")
    warnings: list[str] = Field(description="What the caller should know about the answer")


class MemoryBreakdown(Answer):
    """Parts on one GPU, without overheads."""

    model_weights_gb: float = Field(description=f"Weights {GIB}")
    kv_cache_gb: float = Field(description=f"KV cache {GIB}")
    activation_memory_gb: float = Field(description=f"Activations {GIB}")
    optimizer_states_gb: float = Field(description=f"Always 0: inference keeps none {GIB}")
    gradient_accumulation_gb: float = Field(description=f"Always 0: inference keeps none {GIB}")


class ScalingOption(Answer):
    """One strategy at the fewest GPUs that hold the model; nulls where no number of GPUs does."""

    feasible: bool = Field(description="Whether any number of GPUs holds the model this way")
    reason: str | None = Field(description="Why not, if not")
    num_gpus: int | None = Field(description="GPUs in all [GPUs]")
    tp_size: int | None = Field(description="Tensor-parallel GPUs [GPUs]")
    pp_size: int | None = Field(description="Pipeline stages [GPUs]")
    vram_per_gpu_gb: float | None = Field(description=f"Memory on the fullest GPU, overheads included {GIB}")
    communication_overhead: Literal["low", "medium", "high"] | None = Field(
        description="low: under 0.25 ms a decode step; high: 2 ms or more"
    )
    communication_s_per_step: float | None = Field(
        description="Modelled communication of one decode step [s]"
    )
    implementation_complexity: Literal["low", "medium", "high"] = Field(description="Effort to run it")


class ScalingDetails(Answer):
    """The comparison."""

    single_gpu_memory_breakdown: MemoryBreakdown = Field(description="Parts if one GPU held everything")
    parallel_strategies: dict[str, ScalingOption] = Field(description="Every strategy by its name")


class ScalingResponse(Answer):
    """How a model spreads over GPUs of a given memory."""

    total_vram_required_gb: float = Field(description=f"Memory needed on one GPU, overheads included {GIB}")
    gpu_vram_capacity_gb: float = Field(description=f"Memory of one GPU, as given {GIB}")
    fits_on_single_gpu: bool = Field(description="Whether one GPU holds it")
    num_gpus_required: int | None = Field(
        description="Fewest GPUs that hold it; null if none considered do [GPUs]"
    )
    recommended_strategy: str = Field(
        description="Strategy with the fewest GPUs, then the least communication"
    )
    scaling_details: ScalingDetails = Field(description="The comparison")
    overheads_used: OverheadsUsed = Field(description="Overhead factors in force")
    assumptions: list[str] = Field(description="What was taken for granted")
    warnings: list[str] = Field(description="What the caller should know about the answer")
