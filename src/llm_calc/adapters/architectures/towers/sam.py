"""SAM-like image encoders: windowed attention with relative positions, and a neck of convolutions.

Source: parameter shapes of the classes of transformers 5.23.0.
"""

from llm_calc.adapters.architectures.fields import Fields
from llm_calc.adapters.architectures.towers.parts import (
    Encoder,
    Tower,
    Weights,
    depth,
    linear,
    norm,
    pair,
    patch_volume,
    table,
)


def got_ocr2(f: Fields) -> Tower:
    """The encoder of GOT-OCR 2 and PP-Chart2Table."""
    hidden, heads, out = f.int("hidden_size"), f.int("num_attention_heads"), f.int("output_channels")
    encoder = Encoder(
        layers=depth(f),
        hidden=hidden,
        intermediate=f.int("mlp_dim"),
        heads=heads,
        biases="oud" + ("qkv" if f.flag("qkv_bias") else ""),
    )
    weights = (
        linear("patch_embedding", patch_volume(f), hidden),
        *_positions(f, hidden, hidden // heads),
        *encoder.weights(),
        linear("neck.1", hidden, out, bias=False),
        linear("neck.2", 9 * out, out, bias=False),
        norm("neck.norms", out, copies=2),
    )
    return Tower(weights=weights, width=out)


def _positions(f: Fields, hidden: int, head_dim: int) -> Weights:
    """A table of the grid, and two of relative offsets a layer: of the window, or of the grid in global layers."""
    (height, _), (patch, _) = pair(f, "image_size"), pair(f, "patch_size")
    side, window, layers = height // patch, f.int("window_size", least=0), depth(f)
    everywhere = {index for index in f.ints("global_attn_indexes") or () if 0 <= index < layers}
    f.ignore("use_abs_pos", "use_rel_pos")
    tables = (table("position_embedding", side**2, hidden),) if f.flag("use_abs_pos") else ()
    if not f.flag("use_rel_pos"):
        return tables
    near = 2 * (window or side) - 1
    windowed = layers - len(everywhere)
    rows = 2 * (len(everywhere) * (2 * side - 1) + windowed * near)
    return (*tables, table("relative_positions", rows, head_dim))
