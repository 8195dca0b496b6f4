"""The vision tower of DeepSeek-V4.1 and what leads into its text.

Source: ``deepseek_v41_vit.py`` of SGLang 0.5.23; checked: 2026-12-01, read.
"""

from dataclasses import replace

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.parts import (
    Tower,
    Weights,
    encoder_of,
    norm,
    per_patch,
    two_layers,
    vector,
)

MARKS = 3
"""Embeddings that stand before, behind and between the rows of images."""


def deepseek_v41_vision(f: Fields) -> Tower:
    """RMS norms, gated feed-forward without biases, squares of patches joined for the text."""
    hidden, patch = f.int("hidden_size"), f.int("patch_size")
    layers = replace(encoder_of(f), gated=True, biases="qkvo", norm_bias=False)
    weights = (
        per_patch("patch_embedding", 3 * patch**2, hidden),
        *layers.weights(),
        norm("final_norm", hidden, bias=False),
    )
    return Tower(weights=weights, width=hidden * f.int("downsample_ratio") ** 2)


def deepseek_v41_aligner(_: Fields, __: Fields, tower: Tower, text: int) -> Weights:
    """Two matrices with biases, and what stands around and between images."""
    return (
        *two_layers("projector", (tower.width, text, text)),
        vector("image_marks", text, copies=MARKS),
    )
