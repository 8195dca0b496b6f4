"""Gated delta rules beside attention: Qwen3-Next, Qwen3.5, OLMo-Hybrid, Kimi Linear, Ling 2.5 (bailing_hybrid)."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from llm_calc.core.architectures.families.bailing import EARLIER, read_as_class
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.hybrids import (
    LINEAR,
    alternating,
    both,
    gated_delta,
    linear_but_every,
    same,
    stated,
)
from llm_calc.core.architectures.latent import latent
from llm_calc.core.architectures.mixtures import (
    by_mlp_types,
    first_dense,
    mixture,
    shared_times,
    sparse_step,
)
from llm_calc.core.architectures.pieces import Decoder, LayerBlocks, gate_weight, gqa, hidden_size, when
from llm_calc.core.architectures.registry import family, register
from llm_calc.core.architectures.windows import FULL
from llm_calc.core.blocks import Block, Custom, GatedDeltaNet, KimiDelta, Parts
from llm_calc.core.model import Model


def qwen_delta(f: Fields) -> GatedDeltaNet:
    """The gated delta net of Qwen, beside attention that is always gated."""
    if f.values.get("attn_output_gate") is False:
        f.assume("attn_output_gate is false; the class has the gate all the same, and it was counted")
    return gated_delta(f)


QWEN_ATTENTION = gqa(biases=when("attention_bias", "qkvo"), qk_norm="head", output_gate=True)
QWEN_TYPES = stated(linear_but_every(4, "full_attention_interval"))
QWEN_MIXERS = alternating(QWEN_TYPES, {FULL: QWEN_ATTENTION, LINEAR: same(qwen_delta)})


def _shared_expert(f: Fields) -> int:
    return f.int("shared_expert_intermediate_size")


register(
    "qwen3_next",
    read=Decoder(
        attention=QWEN_MIXERS,
        feed_forward=mixture(sparse=sparse_step, shared_width=_shared_expert, shared_gate=True),
    ),
)
register("qwen3_5_text", read=Decoder(attention=QWEN_MIXERS))
register(
    "qwen3_5_moe_text",
    read=Decoder(attention=QWEN_MIXERS, feed_forward=mixture(shared_width=_shared_expert, shared_gate=True)),
)


def _olmo_types(_: Fields, layers: int) -> tuple[str, ...]:
    """Every fourth layer, and the last one of a shorter stack."""
    kinds = [FULL if index % 4 == 3 else LINEAR for index in range(layers)]
    if FULL not in kinds:
        kinds[-1] = FULL
    return tuple(kinds)


def _olmo_delta(f: Fields) -> GatedDeltaNet:
    """Sizes that the file leaves out follow from the attention heads and the hidden size."""
    hidden, heads = hidden_size(f), f.int("num_attention_heads")
    key_heads = f.optional_int("linear_num_key_heads", least=1) or heads
    key_dim = f.optional_int("linear_key_head_dim", least=1) or max(1, int(0.75 * hidden / key_heads))
    return GatedDeltaNet(
        hidden=hidden,
        key_heads=key_heads,
        value_heads=f.optional_int("linear_num_value_heads", least=1) or heads,
        key_dim=key_dim,
        value_dim=f.optional_int("linear_value_head_dim", least=1) or 2 * key_dim,
        conv_kernel=f.int("linear_conv_kernel_dim"),
    )


register(
    "olmo_hybrid",
    read=Decoder(
        attention=alternating(
            stated(_olmo_types),
            {FULL: gqa(biases=when("attention_bias", "qkvo"), qk_norm="full"), LINEAR: same(_olmo_delta)},
        )
    ),
)


def kimi_types(f: Fields, layers: int) -> tuple[str, ...]:
    """1-based lists of ``linear_attn_config``; without them every fourth layer but the first has attention."""
    lists = f.mapping("linear_attn_config", None)
    full, linear = lists.get("full_attn_layers"), lists.get("kda_layers")
    if full is None or linear is None:
        return tuple(FULL if index and index % 4 == 0 else LINEAR for index in range(layers))
    kinds = dict.fromkeys(_positions(f, full), FULL) | dict.fromkeys(_positions(f, linear), LINEAR)
    if kinds.keys() != set(range(1, layers + 1)):
        raise f.refusal("linear_attn_config", f"two lists that hold the layers 1 to {layers}")
    return tuple(kinds[index + 1] for index in range(layers))


def _positions(f: Fields, layers: object) -> list[int]:
    if not isinstance(layers, list) or not all(isinstance(layer, int) for layer in layers):
        raise f.refusal("linear_attn_config", "an object with lists of layer numbers")
    return layers


def _nested(f: Fields, key: str, inner: str) -> int:
    """A size of the mixer: of ``linear_attn_config`` where that has it, else a key of its own."""
    lists: Mapping[str, object] = f.mapping("linear_attn_config", None)
    value = lists.get(inner)
    own = f.int(key)
    if value is None:
        return own
    if not isinstance(value, int) or value < 1:
        raise f.refusal("linear_attn_config", f"an object whose {inner} is a whole number")
    return value


KIMI_CONFIG_KEYS = {
    "full_attn_layers",
    "gate_lower_bound",
    "head_dim",
    "kda_layers",
    "num_heads",
    "safe_gate",
    "short_conv_kernel_size",
}
FULL_RANK = "use_full_rank_gate"


def kimi_delta(f: Fields, *, known: frozenset[str] = frozenset()) -> KimiDelta:
    """Kimi delta attention by the keys of Kimi Linear; ``known``: further keys of its object."""
    head_dim = _nested(f, "linear_head_dim", "head_dim")
    for name in sorted(f.mapping("linear_attn_config", None).keys() - KIMI_CONFIG_KEYS - known):
        f.assume(f"linear_attn_config.{name} is not understood and may change sizes; it was ignored")
    return KimiDelta(
        hidden=hidden_size(f),
        heads=_nested(f, "linear_num_heads", "num_heads"),
        head_dim=head_dim,
        conv_kernel=_nested(f, "linear_conv_kernel_dim", "short_conv_kernel_size"),
        gate_rank=head_dim,
        direct_output_gate=FULL_RANK in known
        and f.mapping("linear_attn_config", None).get(FULL_RANK) is True,
    )


def as_mixer(block: Block) -> Block:
    """Attention of Kimi Linear, which the class counts as one kind of mixer with its linear layers.

    Its parameters are of the component ``ssm``, and its products with the context stand with the scans.
    """
    parts = block.parts()
    weights = tuple(replace(weight, component="ssm") for weight in parts.weights)
    scores = tuple(replace(score, with_scan=True) for score in parts.scores)
    return Custom(name="latent_attention", content=Parts(weights=weights, scores=scores, caches=parts.caches))


def kimi_latent(f: Fields) -> LayerBlocks:
    """Latent attention of Kimi Linear."""
    blocks = tuple(as_mixer(block) for block in latent(biases=when("attention_bias", "ao"))(f)(0))
    return lambda _: blocks


def untied(decoder: Decoder, f: Fields) -> Model:
    """A model whose class never ties the head, whatever ``tie_word_embeddings`` says."""
    return replace(decoder(f), head_tied=False)


def default_dense(f: Fields, _: int) -> Callable[[int], bool]:
    """The first ``first_k_dense_replace`` layers are dense; one, where the file is silent."""
    dense = f.int("first_k_dense_replace", 1, least=0)
    return lambda index: index >= dense


KIMI_LINEAR = Decoder(
    attention=alternating(stated(kimi_types), {FULL: kimi_latent, LINEAR: same(kimi_delta)}),
    feed_forward=mixture(
        experts="num_local_experts", sparse=by_mlp_types(default_dense), shared_width=shared_times()
    ),
)


def _bailing_delta(f: Fields) -> KimiDelta:
    """Sizes of attention and of the convolution, unless the file states those of the linear layers."""

    def size(own: str, key: str) -> int:
        return f.int(own if own in f.values else key)

    return KimiDelta(
        hidden=hidden_size(f),
        heads=size("linear_num_heads", "num_attention_heads"),
        head_dim=size("linear_head_dim", "head_dim"),
        conv_kernel=size("linear_conv_kernel_dim", "short_conv_kernel_size"),
    )


def _head_gate(f: Fields) -> Block:
    heads = f.int("num_attention_heads")
    gate = gate_weight(hidden_size(f), heads, units=heads)
    return Custom(name="head_gate", content=Parts(weights=(gate,)))


def _bailing_latent(f: Fields) -> LayerBlocks:
    """Latent attention with a gate a head."""
    if f.known("q_lora_rank"):
        f.assume(
            "q_lora_rank is set: queries were taken as compressed, which the class of this type does not do"
        )
    if f.values.get("no_kda_lora") is False:
        f.assume("no_kda_lora is false; decay and gate were taken as projected directly")
    f.agree(
        gated_attention_proj_granularity_type="head_wise",
        moe_shared_expert_intermediate_size=f.int("moe_intermediate_size"),
        group_norm_size=1,
    )
    return both(latent(biases=when("attention_bias", "ao")), same(_head_gate))(f)


BAILING_HYBRID = Decoder(
    attention=alternating(
        stated(linear_but_every(6, "layer_group_size")),
        {FULL: _bailing_latent, LINEAR: same(_bailing_delta)},
    ),
    feed_forward=mixture(
        experts="num_local_experts", sparse=by_mlp_types(first_dense()), shared_width=shared_times()
    ),
)


@family("bailing_hybrid")
def bailing_hybrid(f: Fields) -> Model:
    """Ling 3; files of 2.5 and 2.6 have the same type and name another class."""
    if EARLIER in (f.items("architectures", ()) or ()):
        return read_as_class(f, EARLIER)
    return untied(BAILING_HYBRID, f)
