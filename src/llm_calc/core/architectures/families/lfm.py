"""Liquid foundation models: gated short convolutions and attention."""

from collections.abc import Callable
from dataclasses import replace

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.hybrids import CONV, alternating, both, same, short_conv, stated
from llm_calc.core.architectures.mixtures import first_dense, mixture
from llm_calc.core.architectures.pieces import (
    Decoder,
    LayerBlocks,
    Piece,
    gate_weight,
    gqa,
    hidden_size,
    mlp,
    norms,
    when,
)
from llm_calc.core.architectures.registry import family, register
from llm_calc.core.architectures.windows import FULL, SLIDING
from llm_calc.core.blocks import Block, Custom, Parts
from llm_calc.core.model import Model

ATTENTION = gqa(qk_norm="head")


def _by_indices(f: Fields, layers: int) -> tuple[str, ...]:
    """Attention in the layers of ``full_attn_idxs``, in all of them where there is no such list."""
    given = f.ints("full_attn_idxs")
    full = frozenset(range(layers) if given is None else given)
    return tuple(FULL if index in full else CONV for index in range(layers))


def _adjusted_width(f: Fields) -> int:
    """Two thirds of the stated width, times a factor and rounded up where the file has one."""
    width = f.int("block_ff_dim") if "block_ff_dim" in f.values else f.int("intermediate_size")
    multiple = f.int("block_multiple_of")
    if not f.flag("block_auto_adjust_ff_dim"):
        return width
    width = int(2 * width / 3)
    if not f.known("block_ffn_dim_multiplier"):
        return width
    width = int(f.number("block_ffn_dim_multiplier") * width)
    return multiple * -(-width // multiple)


def _liquid(decoder: Decoder, f: Fields) -> Model:
    """A model whose tying may be stated under an older name, which then prevails."""
    model = decoder(f)
    hidden = model.hidden
    f.agree(block_dim=hidden, conv_dim=hidden, conv_dim_out=hidden, num_heads=f.int("num_attention_heads"))
    return replace(model, head_tied=f.flag("tie_embedding")) if "tie_embedding" in f.values else model


LFM2 = Decoder(
    attention=alternating(stated(_by_indices), {FULL: ATTENTION, CONV: same(short_conv)}),
    feed_forward=mlp(width=_adjusted_width),
)
LFM2_MOE = Decoder(
    attention=alternating(stated(_by_indices), {FULL: ATTENTION, CONV: same(short_conv)}),
    feed_forward=mixture(sparse=first_dense("num_dense_layers")),
)


@family("lfm2")
def lfm2(f: Fields) -> Model:
    """LFM2: the width of the feed-forward block is adjusted."""
    return _liquid(LFM2, f)


@family("lfm2_moe")
def lfm2_moe(f: Fields) -> Model:
    """LFM2 with experts after the first layers."""
    return _liquid(LFM2_MOE, f)


def _by_position(_: Fields, layers: int) -> tuple[str, ...]:
    """Full attention in every fourth layer, a window two layers before it, convolutions elsewhere."""
    return tuple(
        FULL if index % 4 == 2 else SLIDING if index % 4 == 0 and index else CONV for index in range(layers)
    )


def _head_gate(f: Fields) -> LayerBlocks:
    """A gate of one output a head, where the file has it."""
    heads = f.int("num_attention_heads")
    gate = gate_weight(hidden_size(f), heads, units=heads)
    blocks: tuple[Block, ...] = (Custom(name="head_gate", content=Parts(weights=(gate,))),)
    return lambda _: blocks if f.flag("use_attention_gate") else ()


def _attention(*, sliding: bool) -> Piece:
    def windows(f: Fields, _: int) -> Callable[[int], tuple[int | None, bool]]:
        window = f.optional_int("sliding_window") if sliding else None
        return lambda _: (window or None, False)

    return both(gqa(biases=when("attention_bias", "qkvo"), qk_norm="head", windows=windows), _head_gate)


register(
    "lfm3",
    read=Decoder(
        attention=alternating(
            stated(_by_position),
            {FULL: _attention(sliding=False), SLIDING: _attention(sliding=True), CONV: same(short_conv)},
        ),
        norms=norms(when("use_sandwich_norm", 4, 2)),
    ),
)
