"""Vision and audio towers of Gemma 3n and Gemma 4.

Source: parameter shapes of the classes of transformers, alike in 5.23.0 and 5.24.0, and counts of the classes
themselves (``tests/golden/towers.json``); checked: 2026-11-30, by count.
"""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.parts import (
    Encoder,
    Tower,
    Weights,
    depth,
    linear,
    norm,
    per_patch,
    table,
    vector,
)

MOBILENET = "mobilenetv5_300m_enc"
MOBILENET_PARAMETERS = 294_126_912
"""Counted on the class of timm 1.0.31."""


def gemma4_vision(f: Fields) -> Tower:
    """Gated layers without biases, four RMS norms a layer, q/k norms, one table of positions for each axis."""
    hidden, heads, head_dim = f.int("hidden_size"), f.int("num_attention_heads"), f.int("head_dim")
    encoder = Encoder(
        layers=depth(f),
        hidden=hidden,
        intermediate=f.int("intermediate_size"),
        heads=heads,
        kv_heads=f.int("num_key_value_heads"),
        head_dim=head_dim,
        gated=True,
        biases="",
        norms=4,
        norm_bias=False,
        vectors=2 * head_dim,
    )
    weights = (
        per_patch("patch_embedding", 3 * f.int("patch_size") ** 2, hidden, bias=False),
        table("position_embedding", 2 * f.int("position_embedding_size"), hidden),
        *encoder.weights(),
    )
    return Tower(weights=weights, width=hidden)


def gemma4_audio(f: Fields) -> Tower:
    """A conformer: convolutions over time and mel bins, then layers of half feed-forwards, attention, convolution."""
    hidden, out = f.int("hidden_size"), f.int("output_proj_dims")
    first, second = f.ints("subsampling_conv_channels") or (0, 0)
    weights = (
        *_subsampling((9, 9), (first, second), (first // 4) * second, hidden),
        *_conformer_layers(hidden, depth(f), f.int("num_attention_heads"), f.int("conv_kernel_size")),
        linear("output", hidden, out),
    )
    return Tower(weights=weights, width=out)


def gemma3n_audio(f: Fields) -> Tower:
    """The same conformer as in Gemma 4 behind convolutions of stated sizes, without an output matrix."""
    hidden, channels = f.int("hidden_size"), f.ints("sscp_conv_channel_size") or ()
    kernels, strides = _sizes(f, "sscp_conv_kernel_size"), _sizes(f, "sscp_conv_stride_size")
    bins = f.int("input_feat_size")
    for (_, width), (__, stride) in zip(kernels, strides, strict=True):
        bins = (bins + 2 - width) // stride + 1
    if len(channels) != len(kernels) or bins < 1:
        raise f.refusal("sscp_conv_channel_size", "a list of two numbers of channels")
    areas = tuple(height * width for height, width in kernels)
    weights = (
        *_subsampling((areas[0], areas[1]), (channels[0], channels[1]), channels[1] * bins, hidden),
        *_conformer_layers(
            hidden,
            depth(f, "conf_num_hidden_layers"),
            f.int("conf_num_attention_heads"),
            f.int("conf_conv_kernel_size"),
        ),
    )
    return Tower(weights=weights, width=hidden)


def gemma3n_vision(f: Fields) -> Tower:
    """MobileNet-V5, of which one size is published: its parameters as one vector."""
    if f.text("architecture") != MOBILENET:
        f.assume(f"{f.path}.architecture is not {MOBILENET}, whose size was taken")
    return Tower(weights=(vector("mobilenet", MOBILENET_PARAMETERS),), width=f.int("hidden_size"))


def gemma3n_projector(_: Fields, part: Fields, tower: Tower, text: int) -> Weights:
    """Embeddings of the modality's own tokens, a norm for them and one for soft tokens, one matrix."""
    return (
        table("projector.tokens", part.int("vocab_size"), tower.width),
        norm("projector.norms", 2 * tower.width, bias=False),
        linear("projector", tower.width, text, bias=False),
    )


def _sizes(f: Fields, key: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """Two pairs of numbers, one for each convolution."""
    pairs = f.items(key) or ()
    sizes = [tuple(pair) for pair in pairs if isinstance(pair, list | tuple)]
    if len(sizes) != len(pairs) or [len(size) for size in sizes] != [2, 2]:
        raise f.refusal(key, "a list of two pairs of numbers")
    if not all(isinstance(number, int) and number > 0 for size in sizes for number in size):
        raise f.refusal(key, "a list of two pairs of numbers of at least 1")
    return sizes[0], sizes[1]


def _subsampling(areas: tuple[int, int], channels: tuple[int, int], joined: int, hidden: int) -> Weights:
    """Two convolutions over time and mel bins, each with a norm; what remains of the bins is joined."""
    first, second = channels
    return (
        linear("subsampling.conv_1", areas[0], first, bias=False),
        norm("subsampling.norm_1", first, bias=False),
        linear("subsampling.conv_2", areas[1] * first, second, bias=False),
        norm("subsampling.norm_2", second, bias=False),
        linear("subsampling.proj", joined, hidden, bias=False),
    )


def _conformer_layers(hidden: int, layers: int, heads: int, kernel: int) -> Weights:
    return (
        linear("feed_forward.up", hidden, 4 * hidden, bias=False, copies=2 * layers),
        linear("feed_forward.down", 4 * hidden, hidden, bias=False, copies=2 * layers),
        norm("feed_forward.norms", 2 * hidden, bias=False, copies=2 * layers),
        linear("attention", hidden, hidden, bias=False, copies=5 * layers),
        vector("attention.scale", hidden // heads, copies=layers),
        linear("convolution.in", hidden, 2 * hidden, bias=False, copies=layers),
        linear("convolution.depthwise", kernel, hidden, bias=False, copies=layers),
        linear("convolution.out", hidden, hidden, bias=False, copies=layers),
        norm("convolution.norms", 2 * hidden, bias=False, copies=layers),
        norm("norms", 3 * hidden, bias=False, copies=layers),
    )
