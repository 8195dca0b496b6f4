"""Request and answer of ``/api/inspect_model``."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue, model_validator

from llm_calc.adapters.wire.base import Answer, StrictRequest
from llm_calc.adapters.wire.cache_flag import with_cache_flag
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.adapters.wire.homes import with_own_names
from llm_calc.adapters.wire.parts import ModelPart, PrecisionPart, TokenCount, WorkloadPart

Number = int | float

INSPECT_EXAMPLES: list[JsonValue] = [
    {
        "model": {"name": "llama2-7b"},
        "precision": {"weights": "fp16"},
        "workload": {"input_tokens": 1024, "output_tokens": 128, "concurrency": 1},
        "context_tokens": [2048, 4096],
    },
    {"model": {"custom": {"hidden_dim": 4096, "ff_dim": 11008, "num_layers": 32, "vocab_size": 32000}}},
]


class InspectRequest(StrictRequest):
    """A model, how its numbers are stored, and the lengths to count for."""

    model_config = ConfigDict(json_schema_extra={"examples": INSPECT_EXAMPLES})

    model: ModelPart = Field(description="The model")
    precision: PrecisionPart = Field(
        PrecisionPart(), description="Number formats of weights, KV cache, activations"
    )
    engine: EnginePart | None = Field(
        None, description="Engine whose defaults decide what auto stands for; llama.cpp: GGUF files"
    )
    workload: WorkloadPart = Field(
        WorkloadPart(),
        description="Lengths that FLOPs are counted for: one request, or the whole of a static batch",
    )
    context_tokens: Annotated[list[TokenCount], Field(max_length=1000)] | None = Field(
        None, description="Context lengths at which to give the size of one sequence's cache [tokens]"
    )

    @model_validator(mode="before")
    @classmethod
    def _cache_of_the_engine(cls, data: object) -> object:
        return with_cache_flag(with_own_names(data))


class Parameters(Answer):
    """Parameters as the reference classes hold them."""

    total: int = Field(description="All parameters; a tied output head counts once [parameters]")
    active: int = Field(
        description="Parameters that one token meets: of routed experts only those chosen; input embedding and head "
        "both counted, of which some makers leave the former out [parameters]"
    )
    by_component: dict[str, int] = Field(
        description="Parameters of each component; together the total [parameters]"
    )


class FormatShare(Answer):
    """What is stored in one number format."""

    format: str = Field(description="Number format")
    bits_per_element: float = Field(description="Stored bits an element, scales included [bits]")
    parameters: int = Field(description="Parameters stored in it [parameters]")
    bytes: int = Field(description="Bytes of them [bytes]")


class CacheOfKind(Answer):
    """What the layers of one kind keep of a sequence."""

    layers: int = Field(description="Layers of this kind [layers]")
    elements_per_token: Number = Field(
        description="Elements that all of them keep of one token, below the window [elements/token]"
    )
    bytes_per_token: Number = Field(description="Growth with one more token, below the window [bytes/token]")
    window_tokens: list[int] = Field(description="Windows of these layers; empty: none [tokens]")
    state_bytes_per_sequence: Number = Field(description="Constant state of one sequence [bytes]")


class SequenceCache(Answer):
    """What the model keeps of each sequence, one copy over all GPUs; engines reserve more."""

    bytes_per_token: Number = Field(
        description="Growth with one more token, context below every window [bytes/token]"
    )
    bytes_per_token_beyond_windows: Number = Field(
        description="Growth with one more token once every window is full [bytes/token]"
    )
    by_layer_kind: dict[str, CacheOfKind] = Field(
        description="By kind of layer: full, sliding, chunked, latent, compressed, state"
    )
    state_bytes_per_sequence: Number = Field(
        description="Recurrent state, whatever the context [bytes/sequence]"
    )
    bytes_at: dict[str, Number] = Field(
        description="Size of one sequence's cache at a context length in tokens [bytes]"
    )


class FlopsByComponent(Answer):
    """FLOPs of one pass; a multiply-add is 2."""

    attention_projections: int = Field(description="Query, key, value and output projections [FLOPs]")
    attention_scores: int = Field(
        description="Products of queries with keys and of scores with values [FLOPs]"
    )
    mlp: int = Field(description="Dense feed-forward layers [FLOPs]")
    experts: int = Field(description="Routed experts that tokens are sent to [FLOPs]")
    shared_experts: int = Field(description="Experts that every token meets [FLOPs]")
    router: int = Field(description="Routing scores [FLOPs]")
    ssm: int = Field(description="Projections of state-space and linear-attention layers [FLOPs]")
    lm_head: int = Field(description="Logits [FLOPs]")
    other: int = Field(description="Whatever is in none of these [FLOPs]")
    total: int = Field(description="Sum of all above [FLOPs]")
    scan: int = Field(
        description="Scans of recurrent layers, which depend on the implementation; not in the total [FLOPs]"
    )


class FlopsOfPhases(Answer):
    """FLOPs of the whole prompt, and of one decode step."""

    prefill: FlopsByComponent = Field(description="All prompts of the request or static batch together")
    decode: FlopsByComponent = Field(description="One token of each sequence after input_tokens of context")


class InspectedModel(Answer):
    """What the model is called and how large it is."""

    name: str = Field(description="Catalog name, or custom")
    model_type: str = Field(description="Architecture family, as config.json names it")
    hidden_size: int = Field(description="Width of the residual stream [elements]")
    num_layers: int = Field(description="Layers [layers]")
    vocab_size: int = Field(description="Vocabulary [tokens]")
    context_length_tokens: int | None = Field(description="Longest context that the model states [tokens]")


class UsedPrecision(Answer):
    """Number formats of the calculation, every auto decided."""

    weights: str = Field(description="Format of the weights")
    kv_cache: str = Field(description="Format of the KV cache")
    activations: str = Field(description="Format of the activations")


class InspectResponse(Answer):
    """What a model is: parameters, bytes, cache and FLOPs, and how sure that is."""

    confidence: Literal["exact", "approximate"] = Field(
        description="exact: a known architecture, every key understood; approximate: see assumptions"
    )
    assumptions: list[str] = Field(description="What was assumed and changes the figures")
    warnings: list[str] = Field(description="What the reader should know besides")
    model: InspectedModel = Field(description="Name and dimensions")
    architecture: str = Field(description="The architecture in words")
    quantization: str = Field(description="How the weights are stored, in words")
    precision: UsedPrecision = Field(description="Number formats used")
    parameters: Parameters = Field(description="Parameter counts")
    weights_bytes: int = Field(description="Bytes of all weights, one copy, as stored [bytes]")
    bits_per_weight: float = Field(description="weights_bytes x 8 / parameters.total [bits]")
    weights_by_format: list[FormatShare] = Field(
        description="The weights by number format, largest share first"
    )
    kv_cache: SequenceCache = Field(description="Cache and state of one sequence")
    flops: FlopsOfPhases = Field(
        description="As the reference classes compute them: full score matrices, logits of every position"
    )
    flops_executed: FlopsOfPhases = Field(
        description="As engines run them: causal, within windows, latent attention absorbed in decode, one logit row"
    )
