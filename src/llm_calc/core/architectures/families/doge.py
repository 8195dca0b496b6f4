"""Doge: attention whose mask is made from the values, and experts of one vector each."""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.hybrids import both, same
from llm_calc.core.architectures.mixtures import routed
from llm_calc.core.architectures.pieces import (
    Decoder,
    LayerBlocks,
    gqa,
    head_width,
    hidden_size,
    kv_head_count,
    mlp,
    when,
)
from llm_calc.core.architectures.registry import register
from llm_calc.core.architectures.windows import sliding_everywhere
from llm_calc.core.blocks import Block, Custom, Norm, Parts
from llm_calc.core.weights import Weight, vector


def _dynamic_mask(f: Fields) -> Block:
    """Values of all key/value heads -> one number a head; the reference computes it of every cached token."""
    hidden, heads = hidden_size(f), f.int("num_attention_heads")
    kv_heads = kv_head_count(f, heads)
    step = Weight(
        name="dt_proj",
        component="attention",
        rows=kv_heads * head_width(f, hidden, heads),
        cols=kv_heads,
        bias=kv_heads if f.flag("attention_bias") else 0,
        over_context=True,
    )
    return Custom(name="dynamic_mask", content=Parts(weights=(step, vector("decay", "attention", kv_heads))))


def _residual_scales(f: Fields) -> Block:
    return Norm(width=hidden_size(f), count=2, component="other", name="residual_scales")


def _vector_experts(f: Fields) -> Block:
    """Product-key retrieval: two halves of ``sqrt(experts)`` keys choose experts of one vector in, one out."""
    hidden = hidden_size(f)
    many, used = routed(f, "num_experts", "num_experts_per_tok")
    router = Weight(name="router", component="router", rows=hidden, cols=2 * int(many**0.5))
    experts = (
        Weight(name=name, component="experts", rows=hidden, cols=1, copies=many, used=used)
        for name in ("up_embed", "down_embed")
    )
    return Custom(name="vector_experts", content=Parts(weights=(router, *experts)))


def _feed_forward(f: Fields) -> LayerBlocks:
    """The usual gated block; with ``is_moe`` the experts of one vector stand beside it."""
    dense = mlp(biases=when("mlp_bias", "gud"))
    return (both(dense, same(_vector_experts)) if f.flag("is_moe") else dense)(f)


register(
    "doge",
    read=Decoder(
        attention=both(
            gqa(biases=when("attention_bias", "qkvo"), qk_norm="head", windows=sliding_everywhere),
            same(_dynamic_mask),
            same(_residual_scales),
        ),
        feed_forward=_feed_forward,
    ),
)
