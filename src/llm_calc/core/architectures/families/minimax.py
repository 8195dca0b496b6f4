"""MiniMax-Text-01 and M1: lightning attention, every so often full attention, experts in every layer."""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.hybrids import LINEAR, alternating, same, stated
from llm_calc.core.architectures.mixtures import mixture
from llm_calc.core.architectures.pieces import Decoder, gqa, head_width, hidden_size
from llm_calc.core.architectures.registry import register
from llm_calc.core.architectures.windows import FULL, LayerTypes
from llm_calc.core.blocks import LightningAttention


def _lightning(f: Fields) -> LightningAttention:
    hidden, heads = hidden_size(f), f.int("num_attention_heads")
    return LightningAttention(hidden=hidden, heads=heads, head_dim=head_width(f, hidden, heads))


def _every_other(_: Fields, layers: int) -> tuple[str, ...]:
    """Full attention comes first."""
    return tuple(LINEAR if index % 2 else FULL for index in range(layers))


def _by_flags(f: Fields, layers: int) -> tuple[str, ...]:
    """``attn_type_list`` of the published files: 0 is lightning attention, 1 is softmax attention."""
    flags = f.ints("attn_type_list", None)
    if flags is None:
        return _every_other(f, layers)
    if len(flags) < layers or not {0, 1}.issuperset(flags):
        raise f.refusal("attn_type_list", f"a list of {layers} of 0 and 1")
    return tuple(FULL if flag else LINEAR for flag in flags[:layers])


def _model(types: LayerTypes) -> Decoder:
    return Decoder(
        attention=alternating(types, {FULL: gqa(), LINEAR: same(_lightning)}),
        feed_forward=mixture(experts="num_local_experts", width="intermediate_size"),
    )


register("minimax", read=_model(stated(_every_other)))
register(
    "minimax_m1",
    "minimax_text_01",
    defaults="minimax",
    repeats={"shared_intermediate_size": 0},
    read=_model(stated(_by_flags)),
)
