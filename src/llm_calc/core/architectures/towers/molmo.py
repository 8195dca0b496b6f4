"""Molmo 2: a vision transformer without a last norm, and an adapter that pools patches by attention.

Source: parameter shapes of the classes of transformers, alike in 5.23.0 and 5.24.0, and counts of the classes
themselves (``tests/golden/towers.json``); checked: 2026-11-30, by count.
"""

from dataclasses import replace

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.parts import (
    Tower,
    Weights,
    as_tower,
    encoder_of,
    gated,
    linear,
    patch_grid,
    patch_volume,
    per_patch,
    table,
)
from llm_calc.core.blocks import Attention

CLASS_IMAGE = 378
"""Pixels of a side where the file states none."""


def molmo2(f: Fields) -> Tower:
    """Plain layers; ``num_position_embeddings`` positions, or those of the patch grid."""
    hidden = f.int("hidden_size")
    grid = patch_grid(f) if f.known("image_size") else (CLASS_IMAGE // f.int("patch_size")) ** 2
    positions = f.int("num_position_embeddings") if f.known("num_position_embeddings") else grid
    encoder = replace(
        encoder_of(f),
        kv_heads=f.int("num_key_value_heads"),
        head_dim=f.int("head_dim"),
        biases="ud" + ("qkvo" if f.flag("attention_bias") else ""),
    )
    weights = (
        table("position_embedding", positions, hidden),
        per_patch("patch_embedding", patch_volume(f), hidden),
        *encoder.weights(),
    )
    return Tower(weights=weights, width=hidden)


def molmo2_projector(f: Fields, _: Fields, __: Tower, ___: int) -> Weights:
    """Attention of pooled patches over the tapped layers, joined; then a gated perceptron into the text."""
    part = f.part("adapter_config")
    hidden = part.int("hidden_size")
    pooling = Attention(
        hidden=hidden * len(part.items("vision_feature_layer") or (0, 0)),
        heads=part.int("num_attention_heads"),
        kv_heads=part.int("num_key_value_heads"),
        head_dim=part.int("head_dim"),
        biases="qkvo" if part.flag("attention_bias") else "",
        out=hidden,
    )
    inner, bias = part.int("intermediate_size"), part.flag("mlp_bias")
    gate_up, down = gated("projector", (hidden, inner, 1), bias=bias)[:2], part.int("text_hidden_size")
    return (
        *as_tower(pooling.parts().weights, "pooling"),
        *gate_up,
        linear("projector.down", inner, down, bias=False),
    )
