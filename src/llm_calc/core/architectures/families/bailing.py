"""Ling and Ring before their third version: experts behind grouped attention, or behind lightning layers as well.

The lightning layers of Ring linear stand between grouped attention, those of 2.5 and 2.6 between latent attention.
Source: ``bailing_moe.py`` and ``bailing_moe_linear.py`` of vLLM 0.33.0 and of mlx-lm (d78bf58e); ``checked:
2026-11-30``, read.
"""

from collections.abc import Mapping
from functools import partial

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.hybrids import LINEAR, alternating, same
from llm_calc.core.architectures.latent import latent
from llm_calc.core.architectures.mixtures import first_dense, mixture
from llm_calc.core.architectures.pieces import Decoder, gqa, head_width, hidden_size, when
from llm_calc.core.architectures.registry import register
from llm_calc.core.architectures.windows import FULL
from llm_calc.core.blocks import Block, Custom, LightningAttention, Parts
from llm_calc.core.model import Model
from llm_calc.core.weights import vector

EARLIER = "BailingMoeV2_5ForCausalLM"
UNSAID: Mapping[str, object] = {
    "first_k_dense_replace": 0,
    "kv_lora_rank": 512,
    "layer_group_size": 1,
    "moe_router_enable_shared_expert": True,
    "num_shared_experts": 0,
    "q_lora_rank": None,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "tie_word_embeddings": False,
    "use_bias": False,
    "use_qk_norm": False,
    "use_qkv_bias": False,
    "v_head_dim": 128,
}
"""What the classes take where a file is silent."""


def _shared_width(f: Fields) -> int:
    if not f.flag("moe_router_enable_shared_expert"):
        return 0
    own = f.optional_int("moe_shared_expert_intermediate_size", None, least=1)
    return f.int("num_shared_experts", least=0) * (own or f.int("moe_intermediate_size"))


def _biases(f: Fields) -> str:
    return when("use_qkv_bias", "qkv")(f) + when("use_bias", "o")(f)


def _kinds(f: Fields, layers: int) -> tuple[str, ...]:
    """The last of each ``layer_group_size`` layers attends to all, as do those behind the last whole group."""
    size = f.int("layer_group_size")
    return tuple(
        FULL if (index + 1) % size == 0 or index >= layers // size * size else LINEAR
        for index in range(layers)
    )


def _lightning(f: Fields) -> Block:
    """As many heads of keys and values as of queries, with a norm of each head's queries and keys."""
    hidden, heads = hidden_size(f), f.int("num_attention_heads")
    width = head_width(f, hidden, heads)
    normed = (vector("qk_norms", "ssm", 2 * width),) if f.flag("use_qk_norm") else ()
    if _biases(f):
        f.assume("use_bias and use_qkv_bias were not counted in lightning layers")
    parts = LightningAttention(hidden=hidden, heads=heads, head_dim=width).parts()
    return Custom(name="lightning_attention", content=parts + Parts(weights=normed))


EXPERTS = mixture(
    sparse=first_dense(),
    shared_width=_shared_width,
    biases=when("use_bias", "gud"),
    dense_biases=when("use_bias", "gud"),
    shared_biases=when("use_bias", "gud"),
)
GROUPED = gqa(biases=_biases, qk_norm=when("use_qk_norm", "head"))
READERS = {
    "BailingMoeForCausalLM": Decoder(attention=GROUPED, feed_forward=EXPERTS),
    "BailingMoeLinearForCausalLM": Decoder(
        attention=alternating(_kinds, {FULL: GROUPED, LINEAR: same(_lightning)}), feed_forward=EXPERTS
    ),
    EARLIER: Decoder(
        attention=alternating(_kinds, {FULL: latent(), LINEAR: same(_lightning)}), feed_forward=EXPERTS
    ),
}
READERS |= {
    "BailingMoeV2ForCausalLM": READERS["BailingMoeForCausalLM"],
    "BailingMoeLinearV2ForCausalLM": READERS["BailingMoeLinearForCausalLM"],
}


def read_as_class(f: Fields, usual: str) -> Model:
    """By the class that the file names, since files of one ``model_type`` have several; else by the usual one."""
    named = (name for name in f.items("architectures", ()) or () if isinstance(name, str))
    f.fallbacks = {**UNSAID, **f.fallbacks}
    f.pass_by("bailing_moe")
    f.agree(use_rmsnorm=True, use_sliding_window=False)
    return READERS[next((name for name in named if name in READERS), usual)](f)


register("bailing_moe", "bailing_moe_v2", read=partial(read_as_class, usual="BailingMoeForCausalLM"))
register(
    "bailing_moe_linear",
    "bailing_moe_linear_v2",
    read=partial(read_as_class, usual="BailingMoeLinearForCausalLM"),
)
register("bailing_moe_v2_5", read=partial(read_as_class, usual=EARLIER))
