"""Qwen: biases of q, k and v in the second generation, norms of every head from the third on."""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.mixtures import mixture, sparse_step
from llm_calc.core.architectures.pieces import Decoder, gqa, stated, when
from llm_calc.core.architectures.registry import register
from llm_calc.core.architectures.windows import (
    FULL,
    SLIDING,
    LayerTypes,
    all_full,
    all_sliding,
    by_type,
    layer_types,
)


def _after_max_window_layers(f: Fields, layers: int) -> tuple[str, ...]:
    """The layers from ``max_window_layers`` on see a window."""
    first = f.optional_int("max_window_layers") or 0
    return tuple(SLIDING if index >= first else FULL for index in range(layers))


def _if_switched_on(types: LayerTypes) -> LayerTypes:
    """``use_sliding_window: false`` switches off whatever ``layer_types`` says."""

    def rule(f: Fields, layers: int) -> tuple[str, ...]:
        stated = types(f, layers)
        return stated if f.flag("use_sliding_window") else all_full(f, layers)

    return rule


def _alternating(f: Fields, layers: int) -> tuple[str, ...]:
    """Every second layer below ``max_window_layers``."""
    first = f.optional_int("max_window_layers") or 0
    return tuple(SLIDING if (i + 1) % 2 and i < first else FULL for i in range(layers))


WINDOWS = by_type(_if_switched_on(layer_types(_after_max_window_layers)))

register(
    "qwen2",
    read=Decoder(attention=gqa(biases=stated("attention_bias", "qkv"), windows=WINDOWS)),
)
register(
    "qwen3",
    read=Decoder(attention=gqa(biases=when("attention_bias", "qkvo"), qk_norm="head", windows=WINDOWS)),
)
register(
    "qwen3_moe",
    repeats={"qkv_bias": False, "shared_expert_intermediate_size": 0},
    read=Decoder(
        attention=gqa(
            biases=when("attention_bias", "qkvo"),
            qk_norm=stated("use_qk_norm", "head"),
            windows=by_type(_if_switched_on(all_sliding)),
        ),
        feed_forward=mixture(sparse=sparse_step),
    ),
)
register(
    "qwen2_moe",
    read=Decoder(
        attention=gqa(
            biases=when("qkv_bias", "qkv"), windows=by_type(_if_switched_on(layer_types(_alternating)))
        ),
        feed_forward=mixture(
            sparse=sparse_step,
            shared_width=lambda f: f.int("shared_expert_intermediate_size"),
            shared_gate=True,
        ),
    ),
)
