"""A model from dimensions alone: Llama-2 style unless told otherwise.

Multi-head attention, gated MLP of three matrices, RMSNorm, untied embeddings, no biases: 4096 / 11008 / 32 /
32000 gives 6 738 415 616 parameters, those of Llama-2-7B.
"""

from dataclasses import dataclass

from llm_calc.core.blocks import Attention, Block, Experts, Mlp, Norm
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.model import LayerGroup, Model
from llm_calc.core.weights import Weight, vector

USUAL_HEAD_DIMS = (128, 64, 80, 96, 112, 160, 192, 256, 72, 48, 32, 16, 8)
EXPERT_DIMENSIONS = (
    "num_experts_per_tok",
    "moe_intermediate_size",
    "shared_expert_intermediate_size",
    "num_dense_layers",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimensions:
    """What describes a custom model; None takes the default that the comment names."""

    hidden_dim: int
    ff_dim: int
    num_layers: int
    vocab_size: int
    num_attention_heads: int | None = None
    """Hidden width in heads of 128 (or the next usual width that divides it)."""
    num_key_value_heads: int | None = None
    """As many as attention heads."""
    head_dim: int | None = None
    """hidden_dim / num_attention_heads."""
    tie_word_embeddings: bool = False
    gated_mlp: bool = True
    attention_bias: bool = False
    mlp_bias: bool = False
    sliding_window: int | None = None
    num_experts: int = 0
    num_experts_per_tok: int | None = None
    moe_intermediate_size: int | None = None
    """Width of one expert: ff_dim."""
    shared_expert_intermediate_size: int = 0
    num_dense_layers: int = 0
    """Leading layers that keep a dense MLP of ff_dim."""


def custom_model(dims: Dimensions, name: str = "custom") -> tuple[Model, tuple[str, ...]]:
    """The model, and what had to be assumed about it.

    Raises:
        InvalidInputError: heads that do not divide, experts without a top-k, sizes of experts without experts.
    """
    _refuse_unused(dims)
    heads, head_dim, assumptions = _heads(dims)
    kv_heads = dims.num_key_value_heads or heads
    if heads % kv_heads:
        msg = f"num_key_value_heads: {kv_heads} must divide num_attention_heads = {heads}"
        raise InvalidInputError(msg, field="num_key_value_heads")
    attention = Attention(
        hidden=dims.hidden_dim,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        biases="qkvo" if dims.attention_bias else "",
        window=dims.sliding_window,
    )
    model = Model(
        model_type="custom",
        hidden=dims.hidden_dim,
        num_layers=dims.num_layers,
        vocab=dims.vocab_size,
        groups=_groups(dims, (Norm(width=dims.hidden_dim, count=2), attention)),
        embedding=(_table(dims),),
        head=Weight(
            name="lm_head",
            component="lm_head",
            rows=dims.hidden_dim,
            cols=dims.vocab_size,
            units=dims.vocab_size,
        ),
        head_tied=dims.tie_word_embeddings,
        outside=(vector("final_norm", "norms", dims.hidden_dim),),
        name=name,
    )
    return model, assumptions


def _refuse_unused(dims: Dimensions) -> None:
    """Refuse dimensions that would not change anything: those of experts in a model that has none."""
    if not dims.num_experts:
        for name in EXPERT_DIMENSIONS:
            if getattr(dims, name):
                msg = f"{name}: needs num_experts of 1 or more, the routed experts of a layer"
                raise InvalidInputError(msg, field=name)
    elif dims.num_dense_layers >= dims.num_layers:
        msg = f"num_dense_layers: must be below num_layers = {dims.num_layers} in a model with experts"
        raise InvalidInputError(msg, field="num_dense_layers")


def _heads(dims: Dimensions) -> tuple[int, int, tuple[str, ...]]:
    """Heads, their width, and the assumption where neither was given."""
    if dims.num_attention_heads is not None:
        return (
            dims.num_attention_heads,
            dims.head_dim or _width(dims.hidden_dim, dims.num_attention_heads),
            (),
        )
    usual = USUAL_HEAD_DIMS if dims.head_dim is None else (dims.head_dim,)
    head_dim = next((width for width in usual if dims.hidden_dim % width == 0), dims.hidden_dim)
    if dims.head_dim not in (None, head_dim):
        msg = f"head_dim: {dims.head_dim} must divide hidden_dim = {dims.hidden_dim}, or num_attention_heads be given"
        raise InvalidInputError(msg, field="head_dim")
    heads = dims.hidden_dim // head_dim
    return heads, head_dim, (f"num_attention_heads was not given: {heads} heads of {head_dim} were taken",)


def _width(hidden: int, heads: int) -> int:
    if hidden % heads:
        msg = f"num_attention_heads: {heads} must divide hidden_dim = {hidden}, or head_dim must be given"
        raise InvalidInputError(msg, field="num_attention_heads")
    return hidden // heads


def _groups(dims: Dimensions, common: tuple[Block, ...]) -> tuple[LayerGroup, ...]:
    """Dense layers, then those with experts."""
    mlp = Mlp(
        hidden=dims.hidden_dim,
        intermediate=dims.ff_dim,
        gated=dims.gated_mlp,
        biases="gud" if dims.mlp_bias else "",
    )
    if not dims.num_experts:
        return (LayerGroup(indices=tuple(range(dims.num_layers)), blocks=(*common, mlp)),)
    dense = dims.num_dense_layers
    sparse = LayerGroup(indices=tuple(range(dense, dims.num_layers)), blocks=(*common, _experts(dims)))
    leading = LayerGroup(indices=tuple(range(dense)), blocks=(*common, mlp))
    return (leading, sparse) if dense else (sparse,)


def _experts(dims: Dimensions) -> Experts:
    top_k = dims.num_experts_per_tok
    if top_k is None or top_k > dims.num_experts:
        msg = f"num_experts_per_tok: must be given with num_experts, from 1 to {dims.num_experts}"
        raise InvalidInputError(msg, field="num_experts_per_tok")
    return Experts(
        hidden=dims.hidden_dim,
        experts=dims.num_experts,
        top_k=top_k,
        intermediate=dims.moe_intermediate_size or dims.ff_dim,
        gated=dims.gated_mlp,
        shared_width=dims.shared_expert_intermediate_size,
    )


def _table(dims: Dimensions) -> Weight:
    return Weight(
        name="embed_tokens",
        component="embedding",
        rows=dims.vocab_size,
        cols=dims.hidden_dim,
        kind="table",
        units=dims.vocab_size,
    )
