"""Audio towers of the Whisper line, and the projectors behind them.

Source: parameter shapes of the classes of transformers, alike in 5.23.0 and 5.24.0, and counts of the classes
themselves (``tests/golden/towers.json``); checked: 2026-11-30, by count.
"""

from dataclasses import replace

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.parts import (
    Encoder,
    Tower,
    Weights,
    depth,
    encoder_of,
    linear,
    norm,
    table,
    two_layers,
)


def _encoder(f: Fields, *, biases: str = "qvoud", grouped: bool = False) -> Encoder:
    """Whisper's layers: biases everywhere but in the keys; ``grouped``: keys and values may have heads of their own."""
    heads = f.int("num_attention_heads")
    f.agree(head_dim=f.int("hidden_size") // heads)
    if not grouped:
        f.agree(num_key_value_heads=heads)
    return replace(
        encoder_of(f),
        kv_heads=f.optional_int("num_key_value_heads", None, least=1) if grouped else None,
        biases=biases,
    )


def _stem(f: Fields, hidden: int) -> Weights:
    """Two convolutions of width 3 over the mel bins."""
    return (linear("conv_1", 3 * f.int("num_mel_bins"), hidden), linear("conv_2", 3 * hidden, hidden))


def whisper(f: Fields) -> Tower:
    """Whisper's encoder with its table of positions (Qwen2-Audio, Voxtral, MOSS)."""
    hidden = f.int("hidden_size")
    weights = (
        *_stem(f, hidden),
        table("position_embedding", f.int("max_source_positions"), hidden),
        *_encoder(f).weights(),
        norm("final_norm", hidden),
    )
    return Tower(weights=weights, width=hidden)


def glm_asr(f: Fields) -> Tower:
    """Whisper's encoder with rotary positions."""
    hidden = f.int("hidden_size")
    weights = (*_stem(f, hidden), *_encoder(f, grouped=True).weights(), norm("final_norm", hidden))
    return Tower(weights=weights, width=hidden)


def qwen2_5_omni(f: Fields) -> Tower:
    """Qwen2.5-Omni: fixed positions, a projection of its own, and embeddings of begin and end."""
    hidden, out = f.int("hidden_size"), f.int("output_dim")
    weights = (
        *_stem(f, hidden),
        table("bos_eos_embedding", 2, out),
        *_encoder(f).weights(),
        norm("final_norm", hidden),
        linear("proj", hidden, out),
    )
    return Tower(weights=weights, width=out)


def qwen3_omni(f: Fields) -> Tower:
    """Qwen3-Omni: three 3 x 3 convolutions over time and mel bins, then biased layers and two projections."""
    hidden, out = f.int("hidden_size"), f.int("output_dim")
    tower = qwen3_asr(f)
    weights = (*tower.weights, *two_layers("proj", (hidden, hidden, out)))
    return Tower(weights=weights, width=out)


def qwen3_asr(f: Fields) -> Tower:
    """The encoder of Qwen3-ASR, whose projections belong to the wrapper."""
    hidden, channels = f.int("hidden_size"), f.int("downsample_hidden_size")
    bins = f.int("num_mel_bins")
    for _ in range(3):
        bins = (bins + 1) // 2
    weights = (
        linear("conv_1", 9, channels),
        linear("conv_2", 9 * channels, channels, copies=2),
        linear("conv_out", channels * bins, hidden, bias=False),
        *_encoder(f, biases="qkvoud").weights(),
        norm("final_norm", hidden),
    )
    return Tower(weights=weights, width=hidden)


def voxtral_realtime(f: Fields) -> Tower:
    """Voxtral realtime: gated layers with RMS norms, a window (which changes no size), rotary positions."""
    hidden, heads = f.int("hidden_size"), f.int("num_attention_heads")
    encoder = Encoder(
        layers=depth(f),
        hidden=hidden,
        intermediate=f.int("intermediate_size"),
        heads=heads,
        head_dim=f.optional_int("head_dim", least=1),
        gated=True,
        biases="qvod",
        norm_bias=False,
    )
    weights = (*_stem(f, hidden), *encoder.weights(), norm("final_norm", hidden, bias=False))
    return Tower(weights=weights, width=hidden)


def voxtral_projector(_: Fields, part: Fields, __: Tower, text: int) -> Weights:
    """Frames joined up to the tower's intermediate size, two matrices."""
    return two_layers("projector", (part.int("intermediate_size"), text, text), bias=False)


def voxtral_realtime_projector(f: Fields, _: Fields, tower: Tower, text: int) -> Weights:
    """``downsample_factor`` frames joined, two matrices."""
    return two_layers("projector", (tower.width * f.int("downsample_factor"), text, text), bias=False)


def glm_asr_projector(_: Fields, part: Fields, __: Tower, text: int) -> Weights:
    """Frames joined up to the tower's intermediate size, through twice the text's width."""
    return two_layers("projector", (part.int("intermediate_size"), 2 * text, text))


def qwen3_asr_projector(_: Fields, part: Fields, tower: Tower, __: int) -> Weights:
    """Two matrices to ``output_dim``."""
    return two_layers("projector", (tower.width, tower.width, part.int("output_dim")))


def flamingo_projector(f: Fields, _: Fields, tower: Tower, text: int) -> Weights:
    """Two matrices with an optional bias; positions of frames in time are angles."""
    return two_layers("projector", (tower.width, text, text), bias=f.flag("projector_bias"))


def moss_projector(f: Fields, _: Fields, tower: Tower, text: int) -> Weights:
    """``audio_merge_size`` frames joined, two matrices and a norm."""
    joined = tower.width * f.int("audio_merge_size")
    return (
        *two_layers("projector", (joined, text, text), bias=f.flag("projector_bias")),
        norm("projector.norm", text),
    )


def omni_asr(f: Fields) -> Tower:
    """Omnilingual ASR: convolutions over the sound itself, grouped convolved positions, plain layers."""
    hidden, bias = f.int("hidden_size"), f.flag("conv_bias")
    channels, kernels = f.ints("conv_dim") or (), f.ints("conv_kernel") or ()
    if not channels or len(channels) != len(kernels) or min((*channels, *kernels)) < 1:
        raise f.refusal("conv_kernel", "as many numbers of at least 1 as conv_dim has")
    weights: Weights = ()
    before = 1
    for kernel, width in zip(kernels, channels, strict=True):
        weights += (linear("conv", kernel * before, width, bias=bias), norm("conv.norm", width))
        before = width
    taps, groups = f.int("num_conv_pos_embeddings"), f.int("num_conv_pos_embedding_groups")
    encoder = encoder_of(f)
    weights += (
        norm("conv.last_norm", before),
        linear("projection", before, hidden),
        linear("positions", taps * (hidden // groups), hidden),
        *encoder.weights(),
        norm("final_norm", hidden),
    )
    return Tower(weights=weights, width=hidden)
