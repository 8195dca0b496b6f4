"""Qwen: biases of q, k and v in the second generation, norms of every head from the third on."""

from llm_calc.adapters.architectures.fields import Fields
from llm_calc.adapters.architectures.mixtures import mixture, sparse_step
from llm_calc.adapters.architectures.pieces import Decoder, gqa, when
from llm_calc.adapters.architectures.registry import register
from llm_calc.adapters.architectures.windows import FULL, SLIDING, all_full, all_sliding, by_type, layer_types


def _after_max_window_layers(f: Fields, layers: int) -> tuple[str, ...]:
    """With ``use_sliding_window``, the layers from ``max_window_layers`` on see a window."""
    first = f.optional_int("max_window_layers") or 0
    if not f.flag("use_sliding_window"):
        return all_full(f, layers)
    return tuple(SLIDING if index >= first else FULL for index in range(layers))


def _if_used(f: Fields, layers: int) -> tuple[str, ...]:
    return (all_sliding if f.flag("use_sliding_window") else all_full)(f, layers)


WINDOWS = by_type(layer_types(_after_max_window_layers))

register("qwen2", read=Decoder(attention=gqa(biases="qkv", windows=WINDOWS)))
register(
    "qwen3",
    read=Decoder(attention=gqa(biases=when("attention_bias", "qkvo"), qk_norm="head", windows=WINDOWS)),
)
register(
    "qwen3_moe",
    ignores=("max_window_layers",),
    read=Decoder(
        attention=gqa(biases=when("attention_bias", "qkvo"), qk_norm="head", windows=by_type(_if_used)),
        feed_forward=mixture(sparse=sparse_step),
    ),
)
register(
    "qwen2_moe",
    read=Decoder(
        attention=gqa(biases=when("qkv_bias", "qkv"), windows=WINDOWS),
        feed_forward=mixture(
            sparse=sparse_step,
            shared_width=lambda f: f.int("shared_expert_intermediate_size"),
            shared_gate=True,
        ),
    ),
)
