"""Granite Speech: a conformer with a text head in its middle, and a Q-Former that shortens it.

Source: parameter shapes of the classes of transformers, alike in 5.23.0 and 5.24.0, and counts of the classes
themselves (``tests/golden/towers.json``); checked: 2026-11-30, by count.
"""

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.parts import (
    Encoder,
    Tower,
    Weights,
    linear,
    norm,
    table,
    two_layers,
    vector,
)


def granite_encoder(f: Fields) -> Tower:
    """Half feed-forwards around attention and a gated convolution; ``output_dim`` characters are predicted midway."""
    hidden, layers, out = f.int("hidden_dim"), f.int("num_layers", most=1000), f.int("output_dim")
    heads = f.int("num_heads")
    head_dim = f.int("dim_head") if f.known("dim_head") else hidden // heads
    inner, attended = hidden * f.int("feedforward_mult"), heads * head_dim
    wide = hidden * f.int("conv_expansion_factor")
    weights = (
        linear("input", f.int("input_dim"), hidden),
        *two_layers("feed_forward", (hidden, inner, hidden), copies=2 * layers),
        linear("attention.qkv", hidden, 3 * attended, bias=False, copies=layers),
        linear("attention.out", attended, hidden, copies=layers),
        table("attention.positions", 2 * f.int("max_pos_emb") + 1, head_dim, copies=layers),
        linear("convolution.in", hidden, 2 * wide, copies=layers),
        linear("convolution.depthwise", f.int("conv_kernel_size"), wide, bias=False, copies=layers),
        norm("convolution.batch_norm", wide, copies=layers),
        linear("convolution.out", wide, hidden, copies=layers),
        norm("norms", hidden, copies=5 * layers),
        linear("characters", hidden, out),
        linear("characters_back", out, hidden),
    )
    return Tower(weights=weights, width=hidden)


def granite_projector(f: Fields, _: Fields, __: Tower, text: int) -> Weights:
    """Learned queries that attend to windows of frames, and a matrix into the text."""
    part = f.part("projector_config")
    queries = f.int("window_size") // f.int("downsample_rate")
    width = part.int("hidden_size")
    return (
        vector("projector.queries", queries * width),
        *qformer(part),
        linear("projector", width, text),
    )


def qformer(f: Fields) -> Weights:
    """BERT layers with cross attention in every ``cross_attention_frequency``-th."""
    hidden, layers = f.int("hidden_size"), f.int("num_hidden_layers", most=1000)
    crossing = len(range(0, layers, f.int("cross_attention_frequency")))
    encoder = Encoder(
        layers=layers,
        hidden=hidden,
        intermediate=f.int("intermediate_size"),
        heads=f.int("num_attention_heads"),
    )
    cross = (
        linear("qformer.cross_qo", hidden, hidden, copies=2 * crossing),
        linear("qformer.cross_kv", f.int("encoder_hidden_size"), hidden, copies=2 * crossing),
        norm("qformer.cross_norm", hidden, copies=crossing),
    )
    return (
        norm("qformer.norm", hidden),
        *encoder.weights("qformer"),
        *cross,
        *_text_branch(f, hidden, layers),
    )


def _text_branch(f: Fields, hidden: int, layers: int) -> Weights:
    """A second feed-forward block a layer where the Q-Former reads text too."""
    if not f.flag("use_qformer_text_input"):
        return ()
    mlp = two_layers("qformer.text", (hidden, f.int("intermediate_size"), hidden), copies=layers)
    return (*mlp, norm("qformer.text_norm", hidden, copies=layers))
