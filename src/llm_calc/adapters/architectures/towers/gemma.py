"""Vision and audio towers of Gemma 4.

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
    table,
    vector,
)


def gemma4_vision(f: Fields) -> Tower:
    """Gated layers without biases, four RMS norms a layer, q/k norms, one table of positions for each axis."""
    f.ignore(
        "standardize", "use_clipped_linears", "pooling_kernel_size", "default_output_length", "attention_bias"
    )
    f.ignore("global_head_dim", "image_seq_length", "video_seq_length", "max_position_embeddings")
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
        linear("patch_embedding", 3 * f.int("patch_size") ** 2, hidden, bias=False),
        table("position_embedding", 2 * f.int("position_embedding_size"), hidden),
        *encoder.weights(),
    )
    return Tower(weights=weights, width=hidden)


def gemma4_audio(f: Fields) -> Tower:
    """A conformer: convolutions over time and mel bins, then layers of half feed-forwards, attention, convolution."""
    f.ignore(
        "use_clipped_linears", "attention_chunk_size", "attention_context_left", "attention_context_right"
    )
    f.ignore("attention_logit_cap", "residual_weight", "gradient_clipping", "attention_invalid_logits_value")
    hidden, layers = f.int("hidden_size"), depth(f)
    out = f.int("output_proj_dims")
    weights = (
        *_subsampling(f, hidden),
        *_conformer_layers(f, hidden, layers),
        linear("output", hidden, out),
    )
    return Tower(weights=weights, width=out)


def _subsampling(f: Fields, hidden: int) -> Weights:
    """Two 3 x 3 convolutions that halve time and 128 mel bins each; the remaining bins are joined."""
    first, second = f.ints("subsampling_conv_channels") or (0, 0)
    return (
        linear("subsampling.conv_1", 9, first, bias=False),
        norm("subsampling.norm_1", first, bias=False),
        linear("subsampling.conv_2", 9 * first, second, bias=False),
        norm("subsampling.norm_2", second, bias=False),
        linear("subsampling.proj", (first // 4) * second, hidden, bias=False),
    )


def _conformer_layers(f: Fields, hidden: int, layers: int) -> Weights:
    head_dim = hidden // f.int("num_attention_heads")
    return (
        linear("feed_forward.up", hidden, 4 * hidden, bias=False, copies=2 * layers),
        linear("feed_forward.down", 4 * hidden, hidden, bias=False, copies=2 * layers),
        norm("feed_forward.norms", 2 * hidden, bias=False, copies=2 * layers),
        linear("attention", hidden, hidden, bias=False, copies=5 * layers),
        vector("attention.scale", head_dim, copies=layers),
        linear("convolution.in", hidden, 2 * hidden, bias=False, copies=layers),
        linear("convolution.depthwise", f.int("conv_kernel_size"), hidden, bias=False, copies=layers),
        linear("convolution.out", hidden, hidden, bias=False, copies=layers),
        norm("convolution.norms", 2 * hidden, bias=False, copies=layers),
        norm("norms", 3 * hidden, bias=False, copies=layers),
    )
