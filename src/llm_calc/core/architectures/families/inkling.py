"""Inkling: attention with learned relative positions, short convolutions on four streams of every layer."""

from collections.abc import Callable

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.mixtures import routed
from llm_calc.core.architectures.pieces import (
    LayerBlocks,
    assemble,
    embedding_table,
    hidden_size,
    norms,
    num_layers,
)
from llm_calc.core.architectures.registry import family
from llm_calc.core.blocks import Attention, Block, Custom, Experts, Mlp, Parts, Smoothing
from llm_calc.core.model import Model
from llm_calc.core.weights import Weight, vector

HYBRID, HYBRID_SLIDING = "hybrid", "hybrid_sliding"


def hybrid_types(f: Fields, layers: int) -> tuple[str, ...]:
    """``layer_types``, else a window in ``local_layer_ids``, else in five of six layers."""
    given, local = f.texts("layer_types", None), f.ints("local_layer_ids", None)
    if given is not None:
        if len(given) < layers or not {HYBRID, HYBRID_SLIDING}.issuperset(given):
            raise f.refusal("layer_types", f"a list of {layers} of {HYBRID}, {HYBRID_SLIDING}")
        return given[:layers]
    ids = {index for index in range(layers) if (index + 1) % 6} if local is None else frozenset(local)
    return tuple(HYBRID_SLIDING if index in ids else HYBRID for index in range(layers))


def _attention(f: Fields, prefix: str, window: int | None) -> tuple[Block, ...]:
    """Attention, its relative-position logits, and the convolutions on keys, values and both branches."""
    hidden, kernel = hidden_size(f), f.int("conv_kernel_size")
    heads, kv_heads = f.int(f"{prefix}num_attention_heads"), f.int(f"{prefix}num_key_value_heads")
    dim, rank = f.int(f"{prefix}head_dim"), f.int("d_rel")
    if heads % kv_heads:
        raise f.refusal(f"{prefix}num_key_value_heads", f"a divisor of the {heads} attention heads")
    extent = f.int("rel_extent")
    positions = (
        Weight(name="r_proj", component="attention", rows=hidden, cols=heads * rank, units=heads),
        Weight(name="relative_logits", component="attention", rows=rank, cols=window or extent, used=heads),
    )
    return (
        Attention(
            hidden=hidden, heads=heads, kv_heads=kv_heads, head_dim=dim, vector_params=2 * dim, window=window
        ),
        Custom(name="relative_positions", content=Parts(weights=positions)),
        Smoothing(channels=2 * kv_heads * dim + 2 * hidden, conv_kernel=kernel),
    )


def _widths(f: Fields) -> tuple[int, int]:
    """Of dense and of expert layers; in older files ``intermediate_size`` is that of the experts."""
    dense, experts = f.int("intermediate_size"), f.int("moe_intermediate_size")
    older = f.optional_int("dense_intermediate_size", None, least=1)
    return (dense, experts) if older is None else (older, dense)


def _sparse(f: Fields, layers: int) -> Callable[[int], bool]:
    kinds, dense = f.texts("mlp_layer_types", None), f.int("dense_mlp_idx", 0, least=0)
    if kinds is None:
        return lambda index: index >= dense
    if len(kinds) < layers or not {"dense", "sparse"}.issuperset(kinds):
        raise f.refusal("mlp_layer_types", f"a list of {layers} of dense, sparse")
    return lambda index: kinds[index] == "sparse"


def _feed_forward(f: Fields) -> LayerBlocks:
    """A router over routed and shared experts alike, with one scale; or a dense block with one."""
    hidden, (width, expert_width) = hidden_size(f), _widths(f)
    many, used = routed(f, "n_routed_experts", "num_experts_per_tok")
    shared = f.optional_int("n_shared_experts") or 0
    sparse = _sparse(f, num_layers(f))
    moe: tuple[Block, ...] = (
        Experts(
            hidden=hidden,
            experts=many,
            top_k=used,
            intermediate=expert_width,
            router_outputs=many + shared,
            router_bias=1,
            shared_width=shared * expert_width,
        ),
    )
    scale = Custom(name="scale", content=Parts(weights=(vector("global_scale", "mlp", 1),)))
    dense: tuple[Block, ...] = (Mlp(hidden=hidden, intermediate=width), scale)
    return lambda index: moe if sparse(index) else dense


@family(
    "inkling_text",
)
def inkling_text(f: Fields) -> Model:
    """Two norms a layer, and one on the embeddings, which counts with them; the head is never tied."""
    kinds = hybrid_types(f, num_layers(f))
    mixers = {
        HYBRID: _attention(f, "", None),
        HYBRID_SLIDING: _attention(f, "swa_", f.int("sliding_window_size")),
    }
    norm, feed_forward = norms(2)(f), _feed_forward(f)
    layers = [norm(index) + mixers[kind] + feed_forward(index) for index, kind in enumerate(kinds)]
    table = (embedding_table(f), vector("embedding_norm", "embedding", hidden_size(f)))
    return assemble(f, layers, embedding=table, tied=False)
