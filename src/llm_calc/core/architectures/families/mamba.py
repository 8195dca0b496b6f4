"""Mamba and Mamba-2, alone and beside attention: Falcon-Mamba, Jamba, Bamba, Granite 4, Falcon-H1."""

from collections.abc import Callable

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.hybrids import (
    LINEAR,
    alternating,
    both,
    dt_rank,
    expanded,
    mamba,
    mamba2,
    nothing,
    same,
    stated,
)
from llm_calc.core.architectures.mixtures import mixture, routed
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
from llm_calc.core.architectures.windows import FULL
from llm_calc.core.blocks import Block, Experts, Mamba, Mamba2, Mlp

ATTENTION = gqa(biases=when("attention_bias", "qkvo"))


def _plain_mamba(f: Fields) -> Mamba:
    """Inner width: ``intermediate_size`` of the file, which its class lets override the expansion."""
    width = expanded(f, "expand")
    inner = f.int("intermediate_size") if f.given("intermediate_size") else width
    f.agree(d_inner=inner, d_model=hidden_size(f), n_layer=num_layers(f), rms_norm=True)
    return Mamba(
        hidden=hidden_size(f),
        inner=inner,
        state=f.int("state_size"),
        conv_kernel=f.int("conv_kernel"),
        dt_rank=dt_rank(f, "time_step_rank"),
        proj_bias=f.flag("use_bias"),
        conv_bias=f.flag("use_conv_bias"),
    )


def _plain_mamba2(f: Fields) -> Mamba2:
    width, heads, head_dim = expanded(f, "expand"), f.int("num_heads"), f.int("head_dim")
    if heads * head_dim != width:
        raise f.refusal("num_heads", f"a number that times head_dim ({head_dim}) gives {width}")
    f.agree(
        intermediate_size=width,
        d_inner=width,
        d_model=hidden_size(f),
        n_layer=num_layers(f),
        rms_norm=True,
    )
    return Mamba2(
        hidden=hidden_size(f),
        heads=heads,
        head_dim=head_dim,
        state=f.int("state_size"),
        groups=f.int("n_groups"),
        conv_kernel=f.int("conv_kernel"),
        proj_bias=f.flag("use_bias"),
        out_bias=f.flag("use_bias"),
        conv_bias=f.flag("use_conv_bias"),
    )


register(
    "mamba",
    "falcon_mamba",
    read=Decoder(attention=same(_plain_mamba), feed_forward=nothing, norms=norms(1)),
)
register(
    "mamba2",
    read=Decoder(attention=same(_plain_mamba2), feed_forward=nothing, norms=norms(1)),
)


def _jamba_types(f: Fields, layers: int) -> tuple[str, ...]:
    period, offset = f.int("attn_layer_period"), f.int("attn_layer_offset", least=0)
    return tuple(FULL if index % period == offset else LINEAR for index in range(layers))


def _jamba_sparse(f: Fields, _: int) -> Callable[[int], bool]:
    period, offset = f.int("expert_layer_period"), f.int("expert_layer_offset", least=0)
    many = f.int("num_experts") > 1
    return lambda index: many and index % period == offset


register(
    "jamba",
    read=Decoder(
        attention=alternating(_jamba_types, {FULL: gqa(), LINEAR: same(lambda f: mamba(f, norms=True))}),
        feed_forward=mixture(width="intermediate_size", sparse=_jamba_sparse),
    ),
)


def _bamba_types(f: Fields, layers: int) -> tuple[str, ...]:
    full = frozenset(f.ints("attn_layer_indices") or ())
    return tuple(FULL if index in full else LINEAR for index in range(layers))


register(
    "bamba",
    read=Decoder(
        attention=alternating(_bamba_types, {FULL: ATTENTION, LINEAR: same(mamba2)}),
        feed_forward=mlp(biases=when("mlp_bias", "gud")),
    ),
)


def _all_linear(_: Fields, layers: int) -> tuple[str, ...]:
    return (LINEAR,) * layers


def _granite_feed_forward(f: Fields) -> LayerBlocks:
    """Routed experts, if there are any, beside a block that sees every token."""
    hidden, shared = hidden_size(f), f.int("shared_intermediate_size")
    if not f.optional_int("num_local_experts"):
        f.pass_by("when:no_experts")
        block: Block = Mlp(hidden=hidden, intermediate=shared, component="shared_experts")
    else:
        many, used = routed(f, "num_local_experts", "num_experts_per_tok")
        block = Experts(
            hidden=hidden,
            experts=many,
            top_k=used,
            intermediate=f.int("intermediate_size"),
            shared_width=shared,
        )
    return lambda _: (block,)


register(
    "granitemoehybrid",
    read=Decoder(
        attention=alternating(stated(_all_linear), {FULL: ATTENTION, LINEAR: same(mamba2)}),
        feed_forward=_granite_feed_forward,
    ),
)


def _falcon_h1_mixer(f: Fields) -> Mamba2:
    inner = f.optional_int("mamba_d_ssm", least=1)
    f.agree(mamba_use_mlp=True, layers_block_type=["hybrid"] * num_layers(f))
    return mamba2(f, inner=inner, out_bias="projectors_bias", gate_norm=lambda f: f.flag("mamba_rms_norm"))


register(
    "falcon_h1",
    read=Decoder(
        attention=both(ATTENTION, same(_falcon_h1_mixer)),
        feed_forward=mlp(biases=when("mlp_bias", "gud")),
    ),
)
