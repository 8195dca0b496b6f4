"""SAM-like image encoders: windowed attention with relative positions, and a neck of convolutions.

Source: parameter shapes of the classes of transformers, alike in 5.23.0 and 5.24.0, and counts of them
(``tests/golden/towers.json``); of DeepSeek-OCR 2, Unlimited-OCR and DeepSeek-VL read in 5.24.0; checked: 2026-11-30.
"""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.parts import (
    Encoder,
    Tower,
    Weights,
    depth,
    linear,
    norm,
    pair,
    patch_grid,
    patch_volume,
    per_patch,
    table,
    vector,
)
from llm_calc.core.architectures.towers.projectors import Projector


def got_ocr2(f: Fields) -> Tower:
    """The encoder of GOT-OCR 2 and PP-Chart2Table."""
    hidden, heads, out = f.int("hidden_size"), f.int("num_attention_heads"), f.int("output_channels")
    encoder = Encoder(
        layers=depth(f),
        hidden=hidden,
        intermediate=_inner(f, hidden),
        heads=heads,
        biases="oud" + ("qkv" if f.flag("qkv_bias") else ""),
    )
    weights = (
        per_patch("patch_embedding", patch_volume(f), hidden),
        *_positions(f, hidden, hidden // heads),
        *encoder.weights(),
        *_neck(hidden, out),
    )
    return Tower(weights=weights, width=out)


def _inner(f: Fields, hidden: int) -> int:
    """The feed-forward width, else a multiple of the hidden one."""
    stated = f.optional_int("mlp_dim", f.defaults.keys.get("mlp_dim"), least=1)
    ratio = f.number("mlp_ratio", f.defaults.keys.get("mlp_ratio", 4.0))
    return int(hidden * ratio) if stated is None else stated


def _neck(hidden: int, out: int) -> Weights:
    return (
        linear("neck.1", hidden, out, bias=False),
        linear("neck.2", 9 * out, out, bias=False),
        norm("neck.norms", out, copies=2),
    )


def _narrowed(out: int, first: int, second: int) -> Weights:
    """Two convolutions that quarter the patches each."""
    return (linear("narrow.1", 9 * out, first, bias=False), linear("narrow.2", 9 * first, second, bias=False))


def sam(f: Fields) -> Tower:
    """SAM itself: the same encoder."""
    return got_ocr2(f)


def high_resolution(_: Fields, part: Fields, tower: Tower, text: int) -> Weights:
    """DeepSeek-VL: a second neck, two convolutions, a gate, and the half of the projector that takes them in."""
    out = part.int("output_channels")
    return (
        *_neck(part.int("hidden_size"), tower.width),
        *_narrowed(out, 2 * out, 4 * out),
        vector("alpha", 1),
        linear("projector.high_resolution", 4 * out, text // 2),
    )


def low_resolution(_: Fields, __: Fields, tower: Tower, text: int) -> Weights:
    """DeepSeek-VL: the other half, and a matrix over both."""
    return (linear("projector.low_resolution", tower.width, text // 2), linear("projector", text, text))


OCR_CHANNELS = {"deepseek_ocr2_vision": (512, 896), "unlimited_ocr_vision": (512, 1024)}
"""Channels of the two convolutions where the file has none, which the class fills in."""
QUERIES = 144 + 256
"""Learned queries of DeepSeek-OCR 2: for its smaller images and its larger ones."""


def _channels(f: Fields, part: Fields) -> tuple[int, int]:
    given = part.ints("downsample_channels", None)
    if given is None:
        return OCR_CHANNELS[f.model_type]
    if len(given) < 2 or min(given) < 1:
        raise part.refusal("downsample_channels", "a list of two numbers of at least 1")
    return given[0], given[1]


def _narrow_sam(f: Fields) -> tuple[Tower, int]:
    """SAM and its two convolutions, and what they end with."""
    part = f.part("sam_config")
    tower = got_ocr2(part)
    first, second = _channels(f, part)
    return Tower(weights=(*tower.weights, *_narrowed(tower.width, first, second)), width=second), second


def deepseek_ocr2(f: Fields) -> Tower:
    """SAM, then a decoder without embeddings over its patches and learned queries."""
    sam_tower, _ = _narrow_sam(f)
    part = f.part("encoder_config")
    hidden, heads = part.int("hidden_size"), part.int("num_attention_heads")
    encoder = Encoder(
        layers=depth(part),
        hidden=hidden,
        intermediate=part.int("intermediate_size"),
        heads=heads,
        kv_heads=part.optional_int("num_key_value_heads", part.defaults.keys.get("num_key_value_heads"))
        or heads,
        gated=True,
        biases="qkv",
        norm_bias=False,
    )
    ends = (norm("encoder.norm", hidden, bias=False), table("queries", QUERIES, hidden))
    return Tower(weights=(*sam_tower.weights, *encoder.weights("encoder"), *ends), width=hidden)


def unlimited_ocr(f: Fields) -> Tower:
    """SAM, then CLIP over its patches, without patches of its own and a norm behind; both are joined."""
    sam_tower, narrowed = _narrow_sam(f)
    part = f.part("encoder_config")
    hidden = part.int("hidden_size")
    encoder = Encoder(
        layers=depth(part),
        hidden=hidden,
        intermediate=part.int("intermediate_size"),
        heads=part.int("num_attention_heads"),
    )
    weights = (
        vector("class_embedding", hidden),
        table("encoder.position_embedding", patch_grid(part) + 1, hidden),
        norm("encoder.pre_norm", hidden),
        *encoder.weights("encoder"),
    )
    return Tower(weights=(*sam_tower.weights, *weights), width=narrowed + hidden)


def separated(*, rows: bool) -> Projector:
    """One matrix, an embedding between the views of an image, and one that ends its ``rows``."""
    return lambda _, __, tower, text: (
        linear("projector", tower.width, text),
        vector("separators", text, copies=2 if rows else 1),
    )


def _positions(f: Fields, hidden: int, head_dim: int) -> Weights:
    """A table of the grid, and two of relative offsets a layer: of the window, or of the grid in global layers."""
    (height, _), (patch, _) = pair(f, "image_size"), pair(f, "patch_size")
    side, window, layers = height // patch, f.int("window_size", least=0), depth(f)
    everywhere = {index for index in f.ints("global_attn_indexes") or () if 0 <= index < layers}
    tables = (table("position_embedding", side**2, hidden),) if f.flag("use_abs_pos") else ()
    if not f.flag("use_rel_pos"):
        return tables
    near = 2 * (window or side) - 1
    windowed = layers - len(everywhere)
    rows = 2 * (len(everywhere) * (2 * side - 1) + windowed * near)
    return (*tables, table("relative_positions", rows, head_dim))
