"""Requests of the documented endpoints; names, types and defaults are those of the API document."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, JsonValue

from llm_calc.adapters.wire.base import LenientRequest

Dimension = Annotated[int, Field(ge=1, le=10_000_000)]
Count = Annotated[int, Field(ge=1, le=100_000)]
Layers = Annotated[int, Field(ge=1, le=1000)]
Tokens = Annotated[int, Field(ge=1, le=100_000_000)]
Batch = Annotated[int, Field(ge=1, le=10_000_000)]
Factor = Annotated[float, Field(ge=1, le=10)]
Efficiency = Annotated[float, Field(ge=1e-6, le=1)]
Tflops = Annotated[float, Field(ge=1e-3, le=1e9)]
Strategy = Literal["none", "tensor", "pipeline", "tensor_pipeline", "sequence", "expert"]

PRECISION = (
    "Number format of weights, KV cache, activations and arithmetic: fp32, fp16, bf16, fp8, int8 or int4"
)
EFFICIENCY = "Reachable fraction of the peak compute, above 0 and up to 1 [-]"


class OverheadFactors(LenientRequest):
    """Factors of 1 or more on each part of the memory."""

    weights: Factor = Field(1.05, description="Factor on the weights [-]")
    kv_cache: Factor = Field(1.05, description="Factor on the KV cache [-]")
    activations: Factor = Field(1.1, description="Factor on the activations [-]")
    system: Factor = Field(1.05, description="Factor on the sum of the parts [-]")


class RequestedParallelism(LenientRequest):
    """How the model is split; sizes left out follow from the strategy and num_gpus."""

    strategy: Strategy | None = Field(
        None,
        description="none, tensor, pipeline, tensor_pipeline, sequence or expert; read from the sizes if absent",
    )
    tp_size: Annotated[int, Field(ge=1, le=1024)] | None = Field(
        None, description="Tensor-parallel GPUs [GPUs]"
    )
    pp_size: Annotated[int, Field(ge=1, le=1024)] | None = Field(None, description="Pipeline stages [GPUs]")
    num_gpus: Annotated[int, Field(ge=1, le=4096)] | None = Field(None, description="GPUs in all [GPUs]")


class FurtherDimensions(LenientRequest):
    """What may describe a custom model beyond its four dimensions."""

    num_attention_heads: Count | None = Field(
        None, description="Query heads; hidden width in heads of 128 if absent"
    )
    num_key_value_heads: Count | None = Field(
        None, description="Key and value heads; as many as query heads if absent"
    )
    head_dim: Dimension | None = Field(
        None, description="Width of a head [elements]; hidden width / heads if absent"
    )
    tie_word_embeddings: bool = Field(
        default=False, description="Whether the output head is the embedding's tensor"
    )
    gated_mlp: bool = Field(default=True, description="Whether the MLP has three matrices (SwiGLU) or two")
    attention_bias: bool = Field(default=False, description="Whether the attention projections have biases")
    mlp_bias: bool = Field(default=False, description="Whether the MLP's matrices have biases")
    sliding_window: Tokens | None = Field(
        None, description="Tokens that attention looks back [tokens]; all if absent"
    )
    num_experts: Annotated[int, Field(ge=0, le=100_000)] = Field(
        0, description="Routed experts a layer; 0: dense"
    )
    num_experts_per_tok: Count | None = Field(None, description="Experts that a token is sent to")
    moe_intermediate_size: Dimension | None = Field(
        None, description="Width of one expert [elements]; the feed-forward width if absent"
    )
    shared_expert_intermediate_size: Annotated[int, Field(ge=0, le=10_000_000)] = Field(
        0, description="Width of the experts that every token meets [elements]"
    )
    num_dense_layers: Annotated[int, Field(ge=0, le=100_000)] = Field(
        0, description="Leading layers with a dense MLP [layers]"
    )


CALCULATE_EXAMPLES: list[JsonValue] = [
    {
        "model_name": "llama2-7b",
        "gpu": "a100-40gb-sxm",
        "seq_length": 2048,
        "batch_size": 1,
        "precision": "fp16",
    },
    {"hidden_dim": 4096, "ff_dim": 11008, "num_layers": 32, "vocab_size": 32000, "gpu_tflops": 312.0},
]


class CalculateRequest(FurtherDimensions):
    """A predefined model by name, or a custom one by its dimensions, on one kind of GPU."""

    model_config = ConfigDict(json_schema_extra={"examples": CALCULATE_EXAMPLES})

    calculation_type: str = Field("model", description='Type of calculation; only "model" is supported')
    model_name: str = Field("custom", description='Name of a predefined model, or "custom"', max_length=200)
    hidden_dim: Dimension | None = Field(None, description="Width of the residual stream [elements]")
    ff_dim: Dimension | None = Field(None, description="Width of the feed-forward layer [elements]")
    num_layers: Layers | None = Field(None, description="Transformer layers [layers]")
    vocab_size: Dimension | None = Field(None, description="Vocabulary [tokens]")
    hf_config: dict[str, Any] | None = Field(
        None, description="A whole Hugging Face config.json instead of dimensions"
    )
    seq_length: Tokens = Field(2048, description="Sequence length [tokens]")
    batch_size: Batch = Field(1, description="Sequences processed at once [sequences]")
    gpu: str | None = Field(
        None, description="Id or alias of a catalog GPU; absent: gpu_tflops is used", max_length=200
    )
    gpu_tflops: Tflops = Field(312.0, description="Dense peak of the GPU [TFLOP/s]; ignored if gpu is given")
    precision: str = Field("fp16", description=PRECISION, max_length=50)
    efficiency_factor: Efficiency = Field(0.3, description=EFFICIENCY)
    overheads: OverheadFactors = Field(default_factory=OverheadFactors, description="Overhead factors [-]")
    parallelism: RequestedParallelism | None = Field(
        None, description="How the model is split; absent: the fewest GPUs on which it fits"
    )


class ScalingRequest(FurtherDimensions):
    """A model by its dimensions, and the memory of one GPU."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "gpu_vram_gb": 16.0,
                    "hidden_dimensions": 4096,
                    "feedforward_dimensions": 11008,
                    "num_layers": 32,
                    "vocab_size": 32000,
                }
            ]
        }
    )

    gpu_vram_gb: Annotated[float, Field(ge=1e-3, le=1e6)] = Field(description="Memory of one GPU [GiB]")
    batch_size: Batch = Field(1, description="Sequences processed at once [sequences]")
    sequence_length: Tokens = Field(2048, description="Sequence length [tokens]")
    hidden_dimensions: Dimension = Field(description="Width of the residual stream [elements]")
    feedforward_dimensions: Dimension = Field(description="Width of the feed-forward layer [elements]")
    num_layers: Layers = Field(description="Transformer layers [layers]")
    vocab_size: Dimension = Field(description="Vocabulary [tokens]")
    precision: str = Field("fp16", description=PRECISION, max_length=50)
    overheads: OverheadFactors = Field(default_factory=OverheadFactors, description="Overhead factors [-]")


class AnalyzeByNameRequest(LenientRequest):
    """A predefined model on a GPU of which only the peak is known."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"model_name": "llama2-7b", "sequence_length": 2048}]}
    )

    model_name: str = Field(description="Name of a predefined model", max_length=200)
    sequence_length: Tokens = Field(2048, description="Sequence length [tokens]")
    batch_size: Batch = Field(1, description="Sequences processed at once [sequences]")
    precision: str = Field("fp16", description=PRECISION, max_length=50)
    gpu_tflops: Tflops = Field(312.0, description="Dense peak of the GPU [TFLOP/s]")
    efficiency_factor: Efficiency = Field(0.3, description=EFFICIENCY)


class AnalyzeOnGpuRequest(LenientRequest):
    """A predefined model on one catalog GPU."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"model_name": "llama2-7b", "gpu_name": "a100-80gb", "batch_size": 1}]
        }
    )

    model_name: str = Field(description="Name of a predefined model", max_length=200)
    gpu_name: str = Field(description="Id or alias of a catalog GPU", max_length=200)
    sequence_length: Tokens = Field(2048, description="Sequence length [tokens]")
    batch_size: Batch = Field(1, description="Sequences processed at once [sequences]")
    precision: str = Field("fp16", description=PRECISION, max_length=50)
    efficiency_factor: Efficiency = Field(0.3, description=EFFICIENCY)
