"""The vision towers of HunYuan-VL and HunYuan v4: a plain encoder, then convolutions that merge squares of patches.

Source: parameter shapes of the classes of transformers 5.24.0; ``checked: 2026-11-30``.
"""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.parts import (
    Tower,
    Weights,
    encoder_of,
    linear,
    norm,
    patch_volume,
    per_patch,
    table,
    vector,
)


def _patches(f: Fields) -> Weights:
    """Patches with a bias, positions of the largest grid and one more, and the encoder."""
    hidden = f.int("hidden_size")
    grid = f.int("max_image_size") // f.int("patch_size")
    return (
        per_patch("patch_embedding", patch_volume(f), hidden),
        table("position_embedding", grid**2 + 1, hidden),
        *encoder_of(f).weights(),
        norm("merger.before", hidden, bias=False),
    )


def hunyuan_v4(f: Fields) -> Tower:
    """Two convolutions into the width of the text, and an embedding that ends each row."""
    hidden, out, merge = f.int("hidden_size"), f.int("out_hidden_size"), f.int("spatial_merge_size")
    merged = hidden * merge**2
    weights = (
        *_patches(f),
        linear("merger.conv", merged, merged),
        linear("merger.out", merged, out),
        vector("image_newline", out),
    )
    return Tower(weights=weights, width=out)


def hunyuan_vl(f: Fields) -> Tower:
    """Two convolutions into four times the width; the matrix into the text stands in the projector."""
    hidden, merge = f.int("hidden_size"), f.int("spatial_merge_size")
    weights = (
        *_patches(f),
        linear("merger.conv", hidden * merge**2, 2 * hidden),
        linear("merger.out", 2 * hidden, 4 * hidden),
        vector("image_newline", 4 * hidden),
    )
    return Tower(weights=weights, width=4 * hidden)


def hunyuan_projector(_: Fields, __: Fields, tower: Tower, text: int) -> Weights:
    """A matrix into the text, a norm, and three embeddings that stand around and between images."""
    return (
        linear("projector", tower.width, text),
        vector("image_marks", text, copies=3),
        norm("merger.after", text, bias=False),
    )
