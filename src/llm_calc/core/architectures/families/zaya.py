"""ZAYA: compressed convolutional attention, a router with layers of its own, scaled residuals."""

from collections.abc import Callable

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.hybrids import both, same
from llm_calc.core.architectures.mixtures import routed
from llm_calc.core.architectures.pieces import (
    LayerBlocks,
    assemble,
    final_norm,
    gqa,
    head_width,
    hidden_size,
    kv_head_count,
    norms,
    num_layers,
    when,
)
from llm_calc.core.architectures.registry import family
from llm_calc.core.blocks import Block, Custom, Mlp, Norm, Parts
from llm_calc.core.blocks.recurrent import conv_state, recurrent_state
from llm_calc.core.model import Model
from llm_calc.core.weights import Weight, vector

HYBRID, HYBRID_SLIDING = "hybrid", "hybrid_sliding"


def _windows(f: Fields, layers: int) -> Callable[[int], tuple[int | None, bool]]:
    """``sliding_window`` in the layers of kind ``hybrid_sliding``."""
    kinds = f.texts("layer_types") or (HYBRID,) * layers
    if len(kinds) < layers or not {HYBRID, HYBRID_SLIDING}.issuperset(kinds):
        raise f.refusal("layer_types", f"a list of {layers} of {HYBRID}, {HYBRID_SLIDING}")
    window = f.int("sliding_window") if HYBRID_SLIDING in kinds else None
    return lambda index: (window if kinds[index] == HYBRID_SLIDING else None, False)


ATTENTION = gqa(biases=when("attention_bias", "qkvo"), windows=_windows)


def _convolutions(f: Fields) -> Block:
    """Two convolutions over queries and keys, one a channel and one a head, and a scale a key/value head.

    Half of the values come from the token before, so that they and the convolutions' inputs are kept.
    """
    hidden, heads = hidden_size(f), f.int("num_attention_heads")
    kv_heads, dim = kv_head_count(f, heads), head_width(f, hidden, heads)
    channels, first, second = (heads + kv_heads) * dim, f.int("cca_time0"), f.int("cca_time1")

    def conv(name: str, rows: int) -> Weight:
        return Weight(
            name=name, component="attention", rows=rows, cols=channels, bias=channels, units=kv_heads
        )

    weights = (
        conv("conv_qk_depthwise", first),
        conv("conv_qk_grouped", second * dim),
        vector("key_scale", "attention", kv_heads),
    )
    caches = (
        conv_state(channels, max(1, first + second - 2), units=kv_heads),
        recurrent_state(kv_heads * dim // 2, 16, units=kv_heads),
    )
    return Custom(name="convolutions", content=Parts(weights=weights, caches=caches))


def _router(f: Fields, *, first: bool) -> Block:
    """A router: hidden -> its width; norm; two layers with biases; an output an expert and one for none.

    All layers but the first add the state of the router before them, scaled.
    """
    hidden, width, classes = hidden_size(f), f.int("router_hidden_size"), f.int("num_experts") + 1
    layer = [
        Weight(name=name, component="router", rows=rows, cols=width, bias=width)
        for name, rows in (("down_proj", hidden), ("fc1", width), ("fc2", width))
    ]
    weights = (
        *layer,
        Weight(name="out_proj", component="router", rows=width, cols=classes),
        vector("router_vectors", "router", width if first else 2 * width),
    )
    return Custom(name="router", content=Parts(weights=weights))


def _experts(f: Fields) -> LayerBlocks:
    many, used = routed(f, "num_experts", "num_experts_per_tok")
    experts = Mlp(
        hidden=hidden_size(f),
        intermediate=f.int("moe_intermediate_size"),
        component="experts",
        copies=many,
        used=used,
    )
    first, later = _router(f, first=True), _router(f, first=False)
    return lambda index: (later if index else first, experts)


def _residual_scales(f: Fields) -> Block:
    """Scale and shift of the stream and of each branch, twice a layer."""
    return Norm(width=hidden_size(f), count=8, component="other", name="residual_scales")


@family("zaya")
def zaya(f: Fields) -> Model:
    """One kind of layer; the embedding is scaled and shifted once."""
    piece = both(ATTENTION, same(_convolutions), _experts, norms(2), same(_residual_scales))(f)
    layers = [piece(index) for index in range(num_layers(f))]
    scales = vector("input_scales", "other", 2 * hidden_size(f))
    return assemble(f, layers, outside=(final_norm(f), scales), head_bias=f.flag("lm_head_bias"))
