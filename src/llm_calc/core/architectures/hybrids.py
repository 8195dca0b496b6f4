"""Pieces of stacks whose layers differ in kind: which layer is of which, and the mixers by their usual keys."""

import math
from collections.abc import Callable, Mapping

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.pieces import Choice, LayerBlocks, Piece, choose, hidden_size, num_layers
from llm_calc.core.architectures.windows import FULL, LayerTypes
from llm_calc.core.blocks import Block, GatedDeltaNet, Mamba, Mamba2, ShortConvolution

LINEAR, CONV = "linear_attention", "conv"
_LEGACY = {
    "mamba": LINEAR,
    "attention": FULL,
    "deepseek_sparse_attention": "indexed_attention",
    "qwen_sparse_attention": "indexed_attention",
}
_BITS = {"float32": 32, "float16": 16, "bfloat16": 16, "auto": 0}


def nothing(_: Fields) -> LayerBlocks:
    """No blocks: stacks that have no feed-forward part of their own."""
    return lambda _: ()


def stated(default: LayerTypes, *, key: str = "layer_types") -> LayerTypes:
    """Kinds of layers from ``key`` (older names are understood), else by the rule."""

    def types(f: Fields, layers: int) -> tuple[str, ...]:
        given = f.texts(key, None)
        if given is None:
            return default(f, layers)
        if len(given) < layers:
            raise f.refusal(key, f"a list of {layers} kinds of layers")
        return tuple(_LEGACY.get(kind, kind) for kind in given[:layers])

    return types


def linear_but_every(period: int, key: str) -> LayerTypes:
    """The last layer of each ``period`` has full attention; ``key`` may hold another period."""

    def types(f: Fields, layers: int) -> tuple[str, ...]:
        step = f.int(key, period)
        return tuple(LINEAR if (index + 1) % step else FULL for index in range(layers))

    return types


def alternating(
    types: LayerTypes, pieces: Mapping[str, Piece], *, key: str = "layer_types", layers: int | None = None
) -> Piece:
    """For each layer the blocks of its kind; ``layers``: how many, if not what the file says."""

    def piece(f: Fields) -> LayerBlocks:
        kinds = types(f, layers or num_layers(f))
        if not pieces.keys() >= set(kinds):
            raise f.refusal(key, f"a list of {', '.join(sorted(pieces))}")
        blocks = {kind: make(f) for kind, make in pieces.items()}
        return lambda index: blocks[kinds[index]](index)

    return piece


def both(*pieces: Piece) -> Piece:
    """The blocks of several pieces in every layer."""

    def piece(f: Fields) -> LayerBlocks:
        made = [make(f) for make in pieces]
        return lambda index: tuple(block for blocks in made for block in blocks(index))

    return piece


def same(make: Callable[[Fields], Block]) -> Piece:
    """One block, the same in every layer."""

    def piece(f: Fields) -> LayerBlocks:
        block = make(f)
        return lambda _: (block,)

    return piece


def state_bits(f: Fields, key: str, default: str = "auto") -> int:
    """Width of recurrent states as the file asks for it; 0 where it leaves that to the engine."""
    name = f.text(key, default) or default
    if name not in _BITS:
        raise f.refusal(key, f"one of {', '.join(sorted(_BITS))}")
    return _BITS[name]


def automatic(f: Fields, key: str, value: int) -> int:
    """A whole number, or ``value`` where the file says ``auto`` or null."""
    return value if f.raw(key) in ("auto", None) else f.int(key)


def expanded(f: Fields, key: str) -> int:
    """The hidden size times a factor."""
    width = int(f.number(key) * hidden_size(f))
    if width < 1:
        raise f.refusal(key, "a positive number")
    return width


def dt_rank(f: Fields, key: str) -> int:
    """Rank of the time-step projection: a sixteenth of the hidden size unless given."""
    return automatic(f, key, math.ceil(hidden_size(f) / 16))


def mamba(f: Fields, *, norms: bool = False, fused: bool = False) -> Mamba:
    """A Mamba mixer by keys of the form ``mamba_d_state``; ``norms``: over time step, B and C."""
    rank, state = dt_rank(f, "mamba_dt_rank"), f.int("mamba_d_state")
    return Mamba(
        hidden=hidden_size(f),
        inner=expanded(f, "mamba_expand"),
        state=state,
        conv_kernel=f.int("mamba_d_conv"),
        dt_rank=rank,
        proj_bias=f.flag("mamba_proj_bias"),
        conv_bias=f.flag("mamba_conv_bias"),
        norm_params=rank + 2 * state if norms else 0,
        fused_selection=fused,
    )


def mamba2(
    f: Fields,
    *,
    inner: int | None = None,
    out_bias: str = "mamba_proj_bias",
    gate_norm: Choice[bool] = True,
) -> Mamba2:
    """A Mamba-2 mixer by keys of the form ``mamba_n_heads``; ``inner`` if it is not the expanded hidden size."""
    width = inner or expanded(f, "mamba_expand")
    heads = f.int("mamba_n_heads")
    head_dim = automatic(f, "mamba_d_head", width // heads)
    if heads * head_dim != width:
        raise f.refusal("mamba_n_heads", f"a number that times mamba_d_head ({head_dim}) gives {width}")
    return Mamba2(
        hidden=hidden_size(f),
        heads=heads,
        head_dim=head_dim,
        state=f.int("mamba_d_state"),
        groups=f.int("mamba_n_groups"),
        conv_kernel=f.int("mamba_d_conv"),
        proj_bias=f.flag("mamba_proj_bias"),
        out_bias=f.flag(out_bias),
        conv_bias=f.flag("mamba_conv_bias"),
        gate_norm=choose(gate_norm, f),
        state_bits=state_bits(f, "mamba_ssm_cache_dtype"),
    )


def gated_delta(f: Fields) -> GatedDeltaNet:
    """A gated delta net by keys of the form ``linear_num_key_heads``."""
    keys, values = f.int("linear_num_key_heads"), f.int("linear_num_value_heads")
    if values % keys:
        raise f.refusal("linear_num_value_heads", f"a multiple of linear_num_key_heads ({keys})")
    return GatedDeltaNet(
        hidden=hidden_size(f),
        key_heads=keys,
        value_heads=values,
        key_dim=f.int("linear_key_head_dim"),
        value_dim=f.int("linear_value_head_dim"),
        conv_kernel=f.int("linear_conv_kernel_dim"),
        state_bits=state_bits(f, "mamba_ssm_dtype"),
    )


def short_conv(f: Fields) -> ShortConvolution:
    """The gated convolution of LFM."""
    return ShortConvolution(
        hidden=hidden_size(f), conv_kernel=f.int("conv_L_cache"), bias=f.flag("conv_bias")
    )
