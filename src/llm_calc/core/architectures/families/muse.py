"""Muse: gated attention between four norms, windows in three of four layers counted from the last one.

Source: parameter shapes and layer rules of the classes of transformers 5.24.0; ``checked: 2026-11-29``.
"""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.mixtures import by_mlp_types, every_layer, routed
from llm_calc.core.architectures.pieces import (
    Decoder,
    LayerBlocks,
    gqa,
    hidden_size,
    mlp,
    norms,
    num_layers,
    when,
)
from llm_calc.core.architectures.registry import register
from llm_calc.core.architectures.windows import FULL, SLIDING, by_type, layer_types
from llm_calc.core.blocks import Block, Custom, Mlp, Norm, Parts
from llm_calc.core.weights import Weight, vector


def _types(_: Fields, layers: int) -> tuple[str, ...]:
    return tuple(SLIDING if (layers - 1 - index) % 4 else FULL for index in range(layers))


ATTENTION = gqa(biases=when("attention_bias", "qkvo"), gate="channel", windows=by_type(layer_types(_types)))

register(
    "muse_glimmer_text",
    read=Decoder(attention=ATTENTION, norms=norms(4)),
)


def _narrow_experts(f: Fields) -> tuple[Block, ...]:
    """Experts of their own width: a projection into it with a norm, a norm of what they answer, a projection back."""
    hidden, inner = hidden_size(f), f.int("moe_hidden_size")
    many, used = routed(f, "num_local_experts", "num_experts_per_tok")
    around = (
        Weight(name="router", component="router", rows=hidden, cols=many),
        Weight(name="pre_expert_proj", component="mlp", rows=hidden, cols=inner),
        Weight(name="post_expert_proj", component="mlp", rows=inner, cols=hidden),
        vector("expert_norms", "norms", 2 * inner),
    )
    experts = Mlp(
        hidden=inner,
        intermediate=f.int("moe_intermediate_size"),
        component="experts",
        copies=many,
        used=used,
    )
    return Custom(name="expert_projections", content=Parts(weights=around)), experts


def _feed_forward(f: Fields) -> LayerBlocks:
    """Experts in the layers that the file calls sparse, in all where it says nothing."""
    layers = num_layers(f)
    is_sparse = by_mlp_types(every_layer)(f, layers)
    dense = mlp()(f) if not all(is_sparse(index) for index in range(layers)) else (lambda _: ())
    experts = _narrow_experts(f)
    return lambda index: experts if is_sparse(index) else dense(index)


def _gated_residuals(f: Fields) -> LayerBlocks:
    """Three norms, and a gate of every channel on both residual additions."""
    hidden = hidden_size(f)
    gates = Custom(
        name="residual_gates", content=Parts(weights=(vector("residual_gates", "other", 2 * hidden),))
    )
    return lambda _: (Norm(width=hidden, count=3), gates)


register(
    "muse_spark_text",
    read=Decoder(attention=ATTENTION, feed_forward=_feed_forward, norms=_gated_residuals),
)
