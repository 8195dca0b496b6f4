"""Models without softmax attention, or nearly: RecurrentGemma, RWKV-4, xLSTM."""

from llm_calc.core.architectures.fields import MOST_LAYERS, Fields
from llm_calc.core.architectures.hybrids import LINEAR, alternating, same
from llm_calc.core.architectures.pieces import (
    Decoder,
    assemble,
    final_norm,
    gqa,
    hidden_size,
    mlp,
    norms,
    num_layers,
)
from llm_calc.core.architectures.registry import family, register
from llm_calc.core.architectures.windows import SLIDING, all_sliding, by_type
from llm_calc.core.blocks import Block, MatrixLstm, Mlp, Norm, RgLru, RwkvChannelMix, RwkvTimeMix
from llm_calc.core.model import Model
from llm_calc.core.weights import vector

GRIFFIN_KINDS = {"recurrent": LINEAR, "attention": SLIDING}


def _griffin_types(f: Fields, layers: int) -> tuple[str, ...]:
    """``block_types`` over and over."""
    pattern = f.texts("block_types")
    if not pattern or not GRIFFIN_KINDS.keys() >= set(pattern):
        raise f.refusal("block_types", "a list of recurrent, attention")
    f.agree(_block_types=list(pattern))
    return tuple(GRIFFIN_KINDS[pattern[index % len(pattern)]] for index in range(layers))


def _rg_lru(f: Fields) -> RgLru:
    hidden, heads = hidden_size(f), f.int("num_attention_heads")
    width = f.optional_int("lru_width", least=1) or hidden
    if width % heads:
        raise f.refusal("lru_width", f"a multiple of the {heads} attention heads")
    return RgLru(hidden=hidden, width=width, heads=heads, conv_kernel=f.int("conv1d_width"))


def _half_width(f: Fields) -> int:
    return max(1, f.int("intermediate_size") // 2)


register(
    "recurrent_gemma",
    read=Decoder(
        attention=alternating(
            _griffin_types,
            {
                LINEAR: same(_rg_lru),
                SLIDING: gqa(
                    biases=lambda f: "qkvo" if f.flag("attention_bias") else "o",
                    windows=by_type(all_sliding, "attention_window_size"),
                ),
            },
        ),
        feed_forward=mlp(width=_half_width, biases="gud"),
    ),
)


@family("rwkv")
def rwkv(f: Fields) -> Model:
    """RWKV-4: time mixing, channel mixing, LayerNorms, one more of them before the first layer.

    The norms of a layer count as part of its mixers (``ssm``).
    """
    hidden = hidden_size(f)
    mixers: tuple[Block, ...] = (
        RwkvTimeMix(hidden=hidden, width=f.optional_int("attention_hidden_size", least=1) or hidden),
        RwkvChannelMix(
            hidden=hidden, intermediate=f.optional_int("intermediate_size", least=1) or 4 * hidden
        ),
    )
    layers = [
        (Norm(width=hidden, count=2 if index else 3, bias=True, component="ssm"), *mixers)
        for index in range(num_layers(f))
    ]
    return assemble(f, layers, outside=(final_norm(f, bias=True),))


def _rounded_up(width: float, multiple: int) -> int:
    return int(-(-width // multiple)) * multiple


@family("xlstm")
def xlstm(f: Fields) -> Model:
    """One mLSTM and a gated feed-forward block a layer, each behind an RMS norm; the class never ties the head."""
    hidden, bias, heads = hidden_size(f), f.flag("use_bias"), f.int("num_heads")
    keys, values = int(hidden * f.number("qk_dim_factor")), int(hidden * f.number("v_dim_factor"))
    if keys % heads or values % heads:
        raise f.refusal("num_heads", f"a divisor of the widths of keys ({keys}) and values ({values})")
    f.agree(add_post_blocks_norm=True, head_dim=values // heads, embedding_dim=hidden)
    inner = _rounded_up(hidden * f.number("ffn_proj_factor"), f.int("ffn_round_up_to_multiple_of"))
    blocks: tuple[Block, ...] = (
        MatrixLstm(
            hidden=hidden,
            heads=heads,
            key_width=keys,
            value_width=values,
            bias=bias,
        ),
        Mlp(hidden=hidden, intermediate=inner, biases="gud" if bias else ""),
    )
    norm = norms(2, bias=bias)(f)
    count = f.optional_int("num_blocks", least=1, most=MOST_LAYERS) or num_layers(f)
    layers = [norm(index) + blocks for index in range(count)]
    return assemble(f, layers, outside=(vector("out_norm", "norms", hidden),), tied=False)
