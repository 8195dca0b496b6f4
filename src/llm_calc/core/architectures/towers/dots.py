"""Towers of dots.ocr and of dots3-note, whose last vision layers are mixtures of ever more experts.

Source: parameter shapes of the classes of transformers, alike in 5.23.0 and 5.24.0, and counts of the classes
themselves (``tests/golden/towers.json``); checked: 2026-11-30, by count.
"""

from collections.abc import Mapping
from dataclasses import replace

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.parts import (
    Encoder,
    Tower,
    Weights,
    depth,
    encoder_of,
    gated,
    linear,
    norm,
    patch_volume,
    per_patch,
    placed,
    two_layers,
)
from llm_calc.core.architectures.windows import sizes_by_layer
from llm_calc.core.weights import Weight

CLASS_EXPERTS = (*[0] * 25, *range(4, 65, 4), 64)
"""Experts of each layer where the file says nothing; 0 is a dense layer."""
TOP_K, CLASS_TOP_K = "num_experts_per_tok", 2
"""Experts of each patch, and how many where the file says neither that nor ``capacity_factor``."""
OVERRIDDEN = frozenset(
    {"num_local_experts", "num_experts_per_tok", "intermediate_size", "moe_intermediate_size"}
)
"""What ``per_layer_config`` may say of a layer."""


def dots3_vision(f: Fields) -> Tower:
    """RMS norms, norms of each head's queries and keys, gated feed-forward; a merger into the text's width."""
    f.also("hidden_size", "embed_dim")
    f.also("num_attention_heads", "num_heads")
    f.also("attention_bias", "use_bias")
    hidden = f.int("hidden_size")
    merged, out = hidden * f.int("spatial_merge_size") ** 2, f.int("adapter_out_dim")
    weights = (
        per_patch("patch_embedding", patch_volume(f), hidden),
        norm("patch_norm", hidden, bias=False),
        *_attention(f, hidden),
        *_feed_forward(f, hidden),
        norm("merger.norm", hidden),
        *two_layers("merger", (merged, merged, out)),
        norm("final_norm", hidden, bias=False),
    )
    return Tower(weights=weights, width=out)


def dots_vit(f: Fields) -> Tower:
    """dots.ocr: RMS norms, gated feed-forward; a merger of squares of patches into the text's width.

    Source: ``modeling_dots_vision.py`` of rednote-hilab/dots.ocr as public code holds it; checked: 2026-11-30, read.
    """
    hidden, out = f.int("embed_dim"), f.int("hidden_size")
    merged = hidden * f.int("spatial_merge_size") ** 2
    encoder = Encoder(
        layers=depth(f),
        hidden=hidden,
        intermediate=f.int("intermediate_size"),
        heads=f.int("num_attention_heads"),
        gated=True,
        biases="qkvogud" if f.flag("use_bias") else "",
        norm_bias=False,
    )
    weights = (
        per_patch("patch_embedding", patch_volume(f), hidden),
        norm("patch_norm", hidden, bias=False),
        *encoder.weights(),
        *((norm("final_norm", hidden, bias=False),) if f.flag("post_norm") else ()),
        norm("merger.norm", hidden),
        *two_layers("merger", (merged, merged, out)),
    )
    return Tower(weights=weights, width=out)


def _experts(f: Fields, stated: Mapping[int, Mapping[str, int]]) -> tuple[int, ...]:
    """Experts of each layer: stated one by one, as a pyramid, by kinds of layers, or the class's pyramid."""
    layers = depth(f)
    pyramid, kinds = f.ints("pyramid_num_routed", None), f.texts("mlp_layer_types", None)
    usual = f.int("num_local_experts") if f.known("num_local_experts") else 0
    counts = CLASS_EXPERTS if pyramid is None else tuple(max(count, 0) for count in pyramid)
    if pyramid is None and kinds is not None:
        counts = tuple(usual if kind == "sparse" else 0 for kind in kinds)
    elif "per_layer_config" in f.values:
        counts = tuple(usual if count else 0 for count in counts)
    if len(counts) != layers or not {"dense", "sparse"}.issuperset(kinds or ()):
        raise f.refusal("mlp_layer_types", f"a list of {layers} of dense, sparse")
    return tuple(
        stated.get(index, {}).get("num_local_experts", count) if count else 0
        for index, count in enumerate(counts)
    )


def _attention(f: Fields, hidden: int) -> Weights:
    heads = f.int("num_attention_heads")
    encoder = Encoder(
        layers=depth(f),
        hidden=hidden,
        intermediate=0,
        heads=heads,
        biases="qkvo" if f.flag("attention_bias") else "",
        norm_bias=False,
        vectors=2 * (hidden // heads),
    )
    return encoder.weights()


def _feed_forward(f: Fields, hidden: int) -> Weights:
    """Each layer's, as dense or as sparse as it is, and as wide as ``per_layer_config`` may say."""
    stated = sizes_by_layer(f, "per_layer_config", OVERRIDDEN)
    dense, routed = "intermediate_size", "moe_intermediate_size"
    usual, bias = {key: f.int(key) for key in (dense, routed)}, f.flag("mlp_bias")
    top_k = f.int(TOP_K) if f.known(TOP_K) else f.int("capacity_factor", CLASS_TOP_K)
    copies: dict[tuple[str, int], tuple[int, int]] = {}
    for index, experts in enumerate(_experts(f, stated)):
        key, own = routed if experts else dense, stated.get(index, {})
        width, used = own.get(key, usual[key]), min(own.get(TOP_K, top_k), experts)
        many, met = copies.get((key, width), (0, 0))
        copies[key, width] = many + (experts or 1), met + (used or 1)
    weights: list[Weight] = []
    for (key, width), (many, met) in copies.items():
        name = "mlp" if key == dense else "experts"
        three = gated(name, (hidden, width, hidden), bias=bias and key == dense, copies=many)
        weights += placed(three, "patches", met)
        if key == routed:
            weights += placed((linear("router", hidden, 1, bias=False, copies=many),), "patches")
    return tuple(weights)


def dots3_audio(f: Fields) -> Tower:
    """Three 3 x 3 convolutions over time and mel bins, gated layers with RMS norms, two matrices into the text."""
    hidden, channels, out = f.int("hidden_size"), f.int("downsample_hidden_size"), f.int("adapter_out_dim")
    joined = channels * ((f.int("feature_size") + 7) // 8)
    adapter = f.int("adapter_input_size")
    encoder = replace(
        encoder_of(f), gated=True, biases="gud" + ("qvo" if f.flag("attention_bias") else ""), norm_bias=False
    )
    weights = (
        linear("conv_1", 9, channels),
        linear("conv_2", 9 * channels, channels, copies=2),
        linear("conv_out", f.int("conv_output_size", joined), hidden, bias=False),
        *encoder.weights(),
        norm("final_norm", hidden, bias=False),
        norm("adapter.norm", adapter),
        *two_layers("adapter", (adapter, out, out)),
    )
    return Tower(weights=weights, width=out)
