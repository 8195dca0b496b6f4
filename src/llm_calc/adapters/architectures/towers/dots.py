"""Vision and audio towers of dots3-note: the last vision layers are mixtures of ever more experts.

Source: parameter shapes of the classes of transformers 5.23.0.
"""

from collections.abc import Mapping

from llm_calc.adapters.architectures.fields import Fields
from llm_calc.adapters.architectures.towers.parts import (
    Encoder,
    Tower,
    Weights,
    depth,
    gated,
    linear,
    norm,
    patch_volume,
    two_layers,
)

CLASS_EXPERTS = (*[0] * 25, *range(4, 65, 4), 64)
"""Experts of each layer where the file says nothing; 0 is a dense layer."""


def dots3_vision(f: Fields) -> Tower:
    """RMS norms, norms of each head's queries and keys, gated feed-forward; a merger into the text's width."""
    f.ignore("num_experts_per_tok", "router_scaling_factor", "adapter_in_dim", "adapter_merge_size")
    hidden, heads = f.int("hidden_size"), f.int("num_attention_heads")
    merged, out = hidden * f.int("spatial_merge_size") ** 2, f.int("adapter_out_dim")
    weights = (
        linear("patch_embedding", patch_volume(f), hidden),
        norm("patch_norm", hidden, bias=False),
        *_layers(f, hidden, heads, _experts(f)),
        norm("merger.norm", hidden),
        *two_layers("merger", (merged, merged, out)),
        norm("final_norm", hidden, bias=False),
    )
    return Tower(weights=weights, width=out)


def _experts(f: Fields) -> tuple[int, ...]:
    """Experts of each layer: stated one by one, as a pyramid, by kinds of layers, or the class's pyramid."""
    layers = depth(f)
    pyramid, kinds = f.ints("pyramid_num_routed", None), f.texts("mlp_layer_types", None)
    if pyramid is not None:
        counts = tuple(max(count, 0) for count in pyramid)
    elif kinds is not None:
        counts = tuple(f.int("num_local_experts") if kind == "sparse" else 0 for kind in kinds)
    else:
        counts = CLASS_EXPERTS
    if len(counts) != layers:
        raise f.refusal("mlp_layer_types", f"a list of {layers} of dense, sparse")
    f.ignore("num_local_experts")
    return _overridden(counts, f.mapping("per_layer_config", None))


def _overridden(counts: tuple[int, ...], layers: Mapping[str, object]) -> tuple[int, ...]:
    """Counts with those of single layers put in their place."""
    stated = {
        int(key): value for key, value in layers.items() if key.isdigit() and isinstance(value, Mapping)
    }
    overrides = {index: value.get("num_local_experts") for index, value in stated.items()}
    return tuple(
        count if not isinstance(override := overrides.get(index), int) else override
        for index, count in enumerate(counts)
    )


def _layers(f: Fields, hidden: int, heads: int, experts: tuple[int, ...]) -> Weights:
    dense, routed = experts.count(0), sum(experts)
    biases = "qkvo" if f.flag("attention_bias") else ""
    attention = Encoder(
        layers=len(experts),
        hidden=hidden,
        intermediate=0,
        heads=heads,
        biases=biases,
        norm_bias=False,
        vectors=2 * (hidden // heads),
    )
    mlp = gated("mlp", (hidden, f.int("intermediate_size"), hidden), bias=f.flag("mlp_bias"), copies=dense)
    width = f.int("moe_intermediate_size")
    mixture = (
        *gated("experts", (hidden, width, hidden), copies=routed),
        linear("router", hidden, 1, bias=False, copies=routed),
    )
    return (*attention.weights(), *(mlp if dense else ()), *(mixture if routed else ()))


def dots3_audio(f: Fields) -> Tower:
    """Three 3 x 3 convolutions over time and mel bins, gated layers with RMS norms, two matrices into the text."""
    f.ignore("max_position_embeddings", "sampling_rate", "hop_length", "samples_per_token")
    hidden, channels, out = f.int("hidden_size"), f.int("downsample_hidden_size"), f.int("adapter_out_dim")
    f.ignore("num_key_value_heads", "head_dim")
    joined = channels * ((f.int("feature_size") + 7) // 8)
    adapter = f.int("adapter_input_size")
    encoder = Encoder(
        layers=depth(f),
        hidden=hidden,
        intermediate=f.int("intermediate_size"),
        heads=f.int("num_attention_heads"),
        gated=True,
        biases="gud" + ("qvo" if f.flag("attention_bias") else ""),
        norm_bias=False,
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
