"""K2 Horizon: grouped attention with an optional gate; sparse layers choose experts of values as of feed-forward.

Source: ``k2_horizon.py`` of the models of vLLM 0.33.0; checked: 2026-12-01, read.
"""

from collections.abc import Mapping
from dataclasses import replace

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.mixtures import mixture, shared_times, sparse_step
from llm_calc.core.architectures.pieces import (
    Decoder,
    LayerBlocks,
    gqa,
    head_width,
    hidden_size,
    known_word,
    kv_head_count,
    num_layers,
    when,
)
from llm_calc.core.architectures.registry import family
from llm_calc.core.blocks import Attention, Block, Custom
from llm_calc.core.model import Model
from llm_calc.core.weights import Weight

UNSAID: Mapping[str, object] = {
    "attention_bias": False,
    "attention_gate_func": None,
    "decoder_sparse_step": 1,
    "mlp_only_layers": (),
    "moe_gate_bias": False,
    "mova_num_experts": 0,
    "num_experts": 0,
    "num_shared_experts": 0,
    "query_key_norm": False,
    "tie_word_embeddings": False,
}
"""What is taken where a file is silent: a dense model without gate, norms of queries and keys, and biases."""
GATES = ("silu", "softplus")


def _gated(f: Fields) -> str:
    return (
        "channel" if f.known("attention_gate_func") and known_word(f, "attention_gate_func", *GATES) else ""
    )


GROUPED = gqa(
    biases=when("attention_bias", "qkvo"),
    qk_norm=when("query_key_norm", "full"),
    gate=_gated,
)


def _value_experts(f: Fields) -> tuple[Weight, ...]:
    """A router, and as many projections to values as it chooses from; none has a bias."""
    hidden, heads = hidden_size(f), f.int("num_attention_heads")
    kv = kv_head_count(f, heads)
    many = f.int("mova_num_experts")
    used = f.int("mova_num_experts_per_tok", most=many)
    bias = many if f.flag("moe_gate_bias") else 0
    return (
        Weight(name="v_router", component="attention", rows=hidden, cols=many, bias=bias),
        Weight(
            name="v_experts",
            component="attention",
            rows=hidden,
            cols=kv * head_width(f, hidden, heads),
            copies=many,
            used=used,
            units=kv,
        ),
    )


def _chosen(block: Block, experts: tuple[Weight, ...]) -> Block:
    """Attention whose values come of the experts."""
    if not isinstance(block, Attention):
        return block
    parts = block.parts()
    kept = tuple(weight for weight in parts.weights if weight.name != "v_proj")
    return Custom(name="attention_of_value_experts", content=replace(parts, weights=(*kept, *experts)))


def _attention(f: Fields) -> LayerBlocks:
    """Layers with experts of values are those with experts of feed-forward."""
    usual = GROUPED(f)
    if not f.int("mova_num_experts", least=0):
        return usual
    experts, sparse = _value_experts(f), sparse_step(f, num_layers(f))
    return lambda index: (
        tuple(_chosen(block, experts) for block in usual(index)) if sparse(index) else usual(index)
    )


EXPERTS = mixture(
    sparse=sparse_step,
    shared_width=shared_times("num_shared_experts"),
    router_bias=lambda f: f.flag("moe_gate_bias"),
)


@family("k2_horizon")
def k2_horizon(f: Fields) -> Model:
    """Norms over groups of channels have a weight for every channel."""
    f.fallbacks = {**UNSAID, **f.fallbacks}
    f.agree(mlp_bias=False, use_sliding_window=False)
    return Decoder(attention=_attention, feed_forward=EXPERTS)(f)
