"""Vision towers of the Qwen-VL line and of those that follow it: rotary positions, patches merged in squares.

Source: parameter shapes of the classes of transformers, alike in 5.23.0 and 5.24.0, and counts of the classes
themselves (``tests/golden/towers.json``); checked: 2026-11-30, by count.
"""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.parts import (
    Encoder,
    Tower,
    Weights,
    depth,
    gated,
    linear,
    norm,
    patch_grid,
    patch_volume,
    per_patch,
    positive,
    table,
    two_layers,
)


def _patches(f: Fields, hidden: int, *, bias: bool) -> Weights:
    """A patch of ``temporal_patch_size`` frames as one vector; files repeat its sizes under older names."""
    f.agree(in_chans=f.int("in_channels"), spatial_patch_size=f.int("patch_size"))
    volume = f.int("temporal_patch_size") * patch_volume(f, "in_channels")
    return (per_patch("patch_embedding", volume, hidden, bias=bias),)


def _merged(f: Fields, hidden: int) -> int:
    return hidden * f.int("spatial_merge_size") ** 2


def qwen2_vl(f: Fields) -> Tower:
    """Qwen2-VL: ``embed_dim`` wide inside; ``hidden_size`` is the width it hands on."""
    width, out = f.int("embed_dim"), f.int("hidden_size")
    inner, merged = int(width * positive(f, "mlp_ratio")), _merged(f, width)
    encoder = Encoder(layers=depth(f, "depth"), hidden=width, intermediate=inner, heads=f.int("num_heads"))
    weights = (
        *_patches(f, width, bias=False),
        *encoder.weights(),
        norm("merger.norm", width),
        *two_layers("merger", (merged, merged, out)),
    )
    return Tower(weights=weights, width=out)


def qwen2_5_vl(f: Fields) -> Tower:
    """Qwen2.5-VL: gated layers with biases, RMS norms, windows (which change no size)."""
    hidden, out = f.int("hidden_size"), f.int("out_hidden_size")
    merged = _merged(f, hidden)
    kv_heads = f.int("num_key_value_heads") if f.known("num_key_value_heads") else None
    if kv_heads and hidden % f.int("num_heads"):
        raise f.refusal("num_heads", f"a divisor of the hidden size ({hidden})")
    encoder = Encoder(
        layers=depth(f, "depth"),
        hidden=hidden,
        intermediate=f.int("intermediate_size"),
        heads=f.int("num_heads"),
        kv_heads=kv_heads,
        gated=True,
        norm_bias=False,
    )
    weights = (
        *_patches(f, hidden, bias=False),
        *encoder.weights(),
        norm("merger.norm", hidden, bias=False),
        *two_layers("merger", (merged, merged, out)),
    )
    return Tower(weights=weights, width=out)


def qwen3_vl(f: Fields) -> Tower:
    """Qwen3-VL: learned positions, plain layers, and a merger of its own for each tapped layer."""
    return _qwen3(f, taps=len(f.items("deepstack_visual_indexes") or ()))


def qwen3_5(f: Fields) -> Tower:
    """Qwen3.5: the same, no layer is tapped."""
    return _qwen3(f, taps=0)


def _qwen3(f: Fields, *, taps: int) -> Tower:
    hidden, out = f.int("hidden_size"), f.int("out_hidden_size")
    merged = _merged(f, hidden)
    encoder = Encoder(
        layers=depth(f, "depth"),
        hidden=hidden,
        intermediate=f.int("intermediate_size"),
        heads=f.int("num_heads"),
    )
    weights = (
        *_patches(f, hidden, bias=True),
        table("position_embedding", f.int("num_position_embeddings"), hidden),
        *encoder.weights(),
        norm("merger.norm", hidden),
        *two_layers("merger", (merged, merged, out)),
        *_tapped_mergers(taps, merged, out),
    )
    return Tower(weights=weights, width=out)


def _tapped_mergers(taps: int, merged: int, out: int) -> Weights:
    if not taps:
        return ()
    mergers = two_layers("deepstack_merger", (merged, merged, out), copies=taps)
    return (norm("deepstack_merger.norm", merged, copies=taps), *mergers)


def glm4v(f: Fields) -> Tower:
    """GLM-4V: gated layers as wide as ``out_hidden_size``, RMS norms, learned positions, a gated merger."""
    hidden, out = f.int("hidden_size"), f.int("out_hidden_size")
    weights = (
        table("position_embedding", patch_grid(f), hidden),
        *_patches(f, hidden, bias=True),
        norm("post_patch_norm", hidden, bias=False),
        *_glm_encoder(f, hidden, out, "qkv" if f.flag("attention_bias") else "", qk_norm=False),
        *_glm_merger(hidden, out, f.int("intermediate_size"), f.int("spatial_merge_size")),
    )
    return Tower(weights=weights, width=out)


def glm_ocr(f: Fields) -> Tower:
    """GLM-OCR: the same with q/k norms, biases and rotary positions; the merger is three times its input wide."""
    return _glm_ocr(f, f.int("out_hidden_size") * f.int("in_channels"))


def glm5_next(f: Fields) -> Tower:
    """GLM-5-Next: as GLM-OCR, with a stated width of the merger."""
    return _glm_ocr(f, f.int("projection_intermediate_size"))


def _glm_ocr(f: Fields, middle: int) -> Tower:
    hidden, out = f.int("hidden_size"), f.int("out_hidden_size")
    biases = "qkvogud" if f.flag("attention_bias") else ""
    weights = (
        *_patches(f, hidden, bias=True),
        *_glm_encoder(f, hidden, f.int("intermediate_size"), biases, qk_norm=True),
        *_glm_merger(hidden, out, middle, f.int("spatial_merge_size")),
    )
    return Tower(weights=weights, width=out)


def _glm_encoder(f: Fields, hidden: int, inner: int, biases: str, *, qk_norm: bool) -> Weights:
    heads = f.int("num_heads")
    encoder = Encoder(
        layers=depth(f, "depth"),
        hidden=hidden,
        intermediate=inner,
        heads=heads,
        gated=True,
        biases=biases,
        norm_bias=False,
        vectors=2 * (hidden // heads) if qk_norm else 0,
    )
    return encoder.weights()


def _glm_merger(hidden: int, out: int, middle: int, merge: int) -> Weights:
    return (
        norm("post_norm", hidden, bias=False),
        linear("downsample", hidden * merge**2, out),
        linear("merger.proj", out, out, bias=False),
        norm("merger.norm", out),
        *gated("merger", (out, middle, out)),
    )


def ernie(f: Fields) -> Tower:
    """ERNIE-4.5-VL: plain layers with biases over single frames, a norm after."""
    hidden = f.int("hidden_size")
    encoder = Encoder(
        layers=depth(f, "depth"),
        hidden=hidden,
        intermediate=f.int("intermediate_size"),
        heads=f.int("num_heads"),
    )
    weights = (
        per_patch("patch_embedding", patch_volume(f, "in_channels"), hidden, bias=False),
        *encoder.weights(),
        norm("final_norm", hidden),
    )
    return Tower(weights=weights, width=hidden)
