"""The fields of each request as keyword arguments: what type checkers and editors show.

A part may be written as a mapping, as an object of ``adapters.wire``, or in its short form (``shorthand``).
"""

import os
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, Signature, signature
from typing import Any, Literal, NotRequired, Required, TypedDict, TypeVar

from llm_calc.adapters.wire.base import LenientRequest, StrictRequest


class _Absent:
    """Stands for what a request leaves out, where ``help`` prints it."""

    def __repr__(self) -> str:
        return "…"


ABSENT = _Absent()
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])
Part = Mapping[str, Any] | StrictRequest
ModelLike = str | os.PathLike[str] | Part
"""A catalog name, a path of a config.json, GGUF file or folder, a whole configuration, or a part."""
ShortPart = str | Part
"""``"2x h100-80gb-sxm"``, ``"fp8"``, ``"vllm"``, or a part."""


Hardware = ShortPart | Sequence[ShortPart]
"""A part or its short form, or several: GPUs of several kinds."""


class InspectFields(TypedDict, total=False):
    """Fields of ``inspect_model``."""

    model: Required[ModelLike]
    precision: ShortPart
    engine: ShortPart | None
    workload: Part
    context_tokens: Sequence[int] | None


class DeploymentFields(TypedDict, total=False):
    """Fields that a memory plan and an estimate share."""

    model: Required[ModelLike]
    hardware: Required[Hardware]
    precision: ShortPart
    parallelism: Part | None
    engine: ShortPart
    workload: Part | None


class MemoryPlanFields(DeploymentFields, total=False):
    """Fields of ``memory_plan``."""

    speculative: Part | None
    lora: Part | None
    disaggregated: Part | None
    kv_tiers: Sequence[Part] | None


class EstimateFields(DeploymentFields, total=False):
    """Fields of ``serving_estimate``."""

    speculative: Part | None
    lora: Part | None
    disaggregated: Part | None
    kv_tiers: Sequence[Part]
    calibration: Part | None


class PlanFields(TypedDict, total=False):
    """Fields of ``deployment_plans``."""

    model: Required[ModelLike]
    workload: Part
    day: Part | None
    limits: Part
    gpus: Sequence[str] | None
    formats: Sequence[str] | None
    kv_cache_formats: Sequence[str]
    engines: Sequence[str] | None
    objective: Literal["cost", "budget", "throughput", "latency", "ttft", "tpot", "energy", "gpus"]
    prices: Mapping[str, float]
    rental: Literal["on_demand", "spot", "reserved"]
    owner: Part | None
    gpus_per_node: int
    max_plans: int
    speculative: Part | None
    lora: Part | None
    kv_tiers: Sequence[Part]
    context_parallel: Sequence[int]
    prefill_apart: bool
    manifests: Sequence[str] | None
    calibration: Part | None


class RecommendFields(TypedDict, total=False):
    """Fields of ``recommend_gpus``."""

    model: Required[ModelLike]
    precision: ShortPart
    context_tokens: int
    concurrency: int
    max_gpus: int
    gpus: Sequence[str] | None
    engine: ShortPart | None
    objective: Literal["cost", "latency", "gpus"]
    prices: Mapping[str, float]
    rental: Literal["on_demand", "spot", "reserved"]
    owner: Part | None
    manifests: Sequence[str] | None
    calibration: Part | None


class FitFields(TypedDict, total=False):
    """Fields of ``fit``."""

    model: Required[ModelLike]
    hardware: Required[Hardware]
    context_tokens: int
    concurrency: int
    formats: Sequence[str] | None
    cache_types: Sequence[str] | None
    least_tokens_per_s: float


class ModelsForFields(TypedDict, total=False):
    """Fields of ``models_for``."""

    hardware: Required[Hardware]
    context_tokens: int
    weights: str | None
    least_tokens_per_s: float
    family: str | None
    max_models: int


class CompareFields(TypedDict):
    """Fields of ``compare``."""

    scenarios: Sequence[Part]
    prices: NotRequired[Mapping[str, float]]
    rental: NotRequired[Literal["on_demand", "spot", "reserved"]]
    owner: NotRequired[Part | None]


class CalibrateFields(TypedDict):
    """Fields of ``calibrate``."""

    measurements: Sequence[Part]


class CalculateFields(TypedDict, total=False):
    """Fields of ``calculate``."""

    calculation_type: str
    model_name: str
    hidden_dim: int | None
    ff_dim: int | None
    num_layers: int | None
    vocab_size: int | None
    hf_config: Mapping[str, Any] | None
    num_attention_heads: int | None
    num_key_value_heads: int | None
    head_dim: int | None
    tie_word_embeddings: bool
    gated_mlp: bool
    attention_bias: bool
    mlp_bias: bool
    sliding_window: int | None
    num_experts: int
    num_experts_per_tok: int | None
    moe_intermediate_size: int | None
    shared_expert_intermediate_size: int
    num_dense_layers: int
    seq_length: int
    batch_size: int
    gpu: str | None
    gpu_tflops: float
    precision: str
    efficiency_factor: float
    overheads: Mapping[str, float] | LenientRequest
    parallelism: Mapping[str, Any] | LenientRequest | None


class SweepFields(TypedDict, total=False):
    """Fields of a sweep whose rows are read one by one."""

    target: Required[Literal["serving_estimate", "memory_plan", "calculate"]]
    base: Required[Mapping[str, Any]]
    grid: Required[Mapping[str, Any]]
    method: Literal["auto", "as_endpoint", "closed_form"]


def takes(fields: type) -> Callable[[FunctionT], FunctionT]:
    """Shows the fields of a request as the keyword arguments that they are, where ``help`` prints a function."""

    def shown(function: FunctionT) -> FunctionT:
        own = signature(function)
        first = [each for each in own.parameters.values() if each.kind is not Parameter.VAR_KEYWORD]
        required: frozenset[str] = fields.__required_keys__  # type: ignore[attr-defined]
        keywords = [
            Parameter(name, Parameter.KEYWORD_ONLY, default=Parameter.empty if name in required else ABSENT)
            for name in fields.__annotations__
        ]
        function.__signature__ = Signature(  # type: ignore[attr-defined]
            [*first, *keywords], return_annotation=own.return_annotation
        )
        return function

    return shown
