"""Vision transformers of the CLIP and SigLIP line.

Source: parameter shapes of the classes of transformers, alike in 5.23.0 and 5.24.0, and counts of the classes
themselves (``tests/golden/towers.json``); checked: 2026-11-30, by count.
"""

from dataclasses import replace

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.pieces import known_word
from llm_calc.core.architectures.towers.parts import (
    Encoder,
    Tower,
    Weights,
    depth,
    encoder_of,
    linear,
    norm,
    pair,
    patch_grid,
    patch_volume,
    per_patch,
    placed,
    positive,
    table,
    two_layers,
    vector,
)

INTERN_VIT = {
    "hidden_size": 3200,
    "num_hidden_layers": 48,
    "intermediate_size": 12800,
    "num_attention_heads": 25,
    "image_size": 224,
    "patch_size": 14,
    "num_channels": 3,
    "qkv_bias": False,
    "qk_normalization": True,
    "norm_type": "rms_norm",
}
"""What the authors' configuration class assumes of absent keys."""


def clip(f: Fields) -> Tower:
    """CLIP: a class token, no bias on the patches, norms before and after."""
    hidden = f.int("hidden_size")
    weights = (
        vector("class_embedding", hidden),
        per_patch("patch_embedding", patch_volume(f), hidden, bias=False),
        table("position_embedding", patch_grid(f) + 1, hidden),
        norm("pre_norm", hidden),
        *encoder_of(f).weights(),
        norm("post_norm", hidden),
    )
    return Tower(weights=weights, width=hidden)


def siglip(f: Fields) -> Tower:
    """SigLIP: positions of the patch grid, a norm after, a pooling head unless it is switched off."""
    return _siglip(f, patch_grid(f), pooled=f.flag("vision_use_head"))


def pooled_siglip(f: Fields) -> Tower:
    """SigLIP that always has its pooling head."""
    return _siglip(f, patch_grid(f), pooled=True)


def siglip2(f: Fields) -> Tower:
    """SigLIP 2 (NaFlex): ``num_patches`` positions whatever the image size."""
    return _siglip(f, f.int("num_patches"), pooled=f.flag("vision_use_head"))


def headless_siglip(f: Fields) -> Tower:
    """SigLIP as Idefics, SmolVLM, Aria and PaddleOCR hold it: without the pooling head."""
    return _siglip(f, patch_grid(f), pooled=False)


def headless_siglip2(f: Fields) -> Tower:
    """SigLIP 2 without the pooling head."""
    return _siglip(f, f.int("num_patches"), pooled=False)


def without_positions(f: Fields) -> Tower:
    """The same with rotary positions instead of learned ones (VideoLLaMA 3)."""
    return _siglip(f, 0, pooled=False)


def _siglip(f: Fields, positions: int, *, pooled: bool) -> Tower:
    hidden = f.int("hidden_size")
    weights = (
        per_patch("patch_embedding", patch_volume(f), hidden),
        *((table("position_embedding", positions, hidden),) if positions else ()),
        *encoder_of(f).weights(),
        norm("post_norm", hidden),
        *(placed(_pooling_head(hidden, f.int("intermediate_size")), "beside") if pooled else ()),
    )
    return Tower(weights=weights, width=hidden)


def _pooling_head(hidden: int, intermediate: int) -> Weights:
    return (
        vector("head.probe", hidden),
        linear("head.attention_in", hidden, 3 * hidden),
        linear("head.attention_out", hidden, hidden),
        norm("head.norm", hidden),
        *two_layers("head.mlp", (hidden, intermediate, hidden)),
    )


def janus(f: Fields) -> Tower:
    """Janus: SigLIP whose feed-forward width is a multiple, with optional q/k norms and biases of q, k and v."""
    hidden = f.int("hidden_size")
    encoder = Encoder(
        layers=depth(f),
        hidden=hidden,
        intermediate=int(hidden * positive(f, "mlp_ratio")),
        heads=f.int("num_attention_heads"),
        biases="oud" + ("qkv" if f.flag("attention_bias") else ""),
        vectors=4 * hidden if f.flag("use_qk_norm") else 0,
    )
    weights = (
        per_patch("patch_embedding", patch_volume(f), hidden),
        table("position_embedding", patch_grid(f), hidden),
        *encoder.weights(),
        norm("post_norm", hidden),
    )
    return Tower(weights=weights, width=hidden)


def janus_aligner(_: Fields, part: Fields, tower: Tower, __: int) -> Weights:
    """``depth`` matrices, the first from the tower's width."""
    width, more = part.int("projection_dim"), part.int("depth", most=1000) - 1
    inner = (linear("projector", width, width, copies=more),) if more else ()
    return (linear("projector", tower.width, width), *inner)


def _rms(f: Fields) -> bool:
    return known_word(f, "norm_type", "layer_norm", "rms_norm") == "rms_norm"


def internvl(f: Fields) -> Tower:
    """InternViT: class token, layer scales, optional q/k norms; ``attention_bias`` covers q, k and v only."""
    hidden, rms = f.int("hidden_size"), _rms(f)
    qk_norm = 2 * hidden if f.flag("use_qk_norm") else 0
    encoder = replace(
        encoder_of(f),
        biases="oud" + ("qkv" if f.flag("attention_bias") else ""),
        norm_bias=not rms,
        vectors=2 * hidden + qk_norm,
    )
    positions = patch_grid(f) + 1 if f.flag("use_absolute_position_embeddings") else 0
    weights = (
        vector("class_token", hidden * (2 if f.flag("use_mask_token") else 1)),
        *((table("position_embedding", positions, hidden),) if positions else ()),
        per_patch("patch_embedding", patch_volume(f), hidden),
        *encoder.weights(),
        *(() if f.flag("use_mean_pooling") else (norm("final_norm", hidden),)),
    )
    return Tower(weights=weights, width=hidden)


def intern_vit(f: Fields) -> Tower:
    """The same as its authors publish it (``internvl_chat``), under other names and without a last norm."""
    f.fallbacks = INTERN_VIT
    hidden = f.int("hidden_size")
    encoder = replace(
        encoder_of(f),
        biases="oud" + ("qkv" if f.flag("qkv_bias") else ""),
        norm_bias=not _rms(f),
        vectors=2 * hidden * (2 if f.flag("qk_normalization") else 1),
    )
    weights = (
        vector("class_token", hidden),
        table("position_embedding", patch_grid(f) + 1, hidden),
        per_patch("patch_embedding", patch_volume(f), hidden),
        *encoder.weights(),
    )
    return Tower(weights=weights, width=hidden)


def pixtral(f: Fields) -> Tower:
    """Pixtral: gated layers without biases, RMS norms, rotary positions; heads share the hidden size equally."""
    hidden = f.int("hidden_size")
    encoder = replace(encoder_of(f), gated=True, biases="", norm_bias=False)
    weights = (
        per_patch("patch_embedding", patch_volume(f), hidden, bias=False),
        norm("pre_norm", hidden, bias=False),
        *encoder.weights(),
    )
    return Tower(weights=weights, width=hidden)


def ovis2(f: Fields) -> Tower:
    """AIMv2: gated layers, RMS norms; a head that makes probabilities over ``vocab_size`` visual tokens."""
    hidden, stride = f.int("hidden_size"), f.int("hidden_stride")
    tokens = f.int("vocab_size") - f.int("num_visual_indicator_tokens")
    encoder = replace(
        encoder_of(f),
        gated=True,
        biases=("qkvo" if f.flag("qkv_bias") else "") + ("gud" if f.flag("mlp_bias") else ""),
        norm_bias=False,
    )
    weights = (
        per_patch("patch_embedding", patch_volume(f), hidden),
        table("position_embedding", patch_grid(f), hidden),
        *encoder.weights(),
        norm("norms", 2 * hidden, bias=False),
        linear("head", hidden * stride**2, tokens, bias=False),
        norm("head.norm", tokens),
    )
    return Tower(weights=weights, width=f.int("vocab_size"))


def minicpm(f: Fields) -> Tower:
    """SigLIP with a layer in its middle that merges squares of patches by attention."""
    hidden, inner = f.int("hidden_size"), f.int("intermediate_size")
    height, width = pair(f, "window_kernel_size")
    squares = height * width
    merger = (
        linear("merger.attention", hidden, hidden, copies=4),
        norm("merger.attention_norm", hidden),
        norm("merger.norm", hidden * squares),
        *two_layers("merger", (hidden * squares, inner * squares, hidden)),
    )
    return Tower(weights=(*_siglip(f, patch_grid(f), pooled=False).weights, *merger), width=hidden)


def kosmos_2_5(f: Fields) -> Tower:
    """Kosmos-2.5 (Pix2Struct): flattened patches, a table of rows and one of columns, gated layers, RMS norms."""
    hidden, places = f.int("hidden_size"), f.int("max_num_patches")
    encoder = replace(encoder_of(f), head_dim=f.int("head_dim"), gated=True, biases="", norm_bias=False)
    weights = (
        per_patch("patch_embedding", f.int("patch_embed_hidden_size"), hidden),
        table("row_and_column_embedding", 2 * places, hidden),
        *encoder.weights(),
        norm("post_norm", hidden, bias=False),
    )
    return Tower(weights=weights, width=hidden)
