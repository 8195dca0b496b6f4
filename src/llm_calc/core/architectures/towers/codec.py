"""Encoders that turn sound into tokens of a codebook: convolutions that shorten the signal step by step.

Source: parameter shapes of the classes of transformers 5.24.0; ``checked: 2026-11-30``.
"""

from dataclasses import dataclass

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.parts import (
    Encoder,
    Tower,
    Weights,
    depth,
    gated,
    linear,
    norm,
    two_layers,
    vector,
)
from llm_calc.core.model import Model

WEIGHT_NORM, GROUP_NORM = "weight_norm", "time_group_norm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Convolutions:
    """``scaled``: each convolution has a norm of its weights, one number a channel; else a norm behind it."""

    scaled: bool

    def of(self, taps: int, before: int, after: int) -> Weights:
        """One convolution with a bias."""
        plain = linear("codec.conv", taps * before, after)
        return (plain, vector("codec.scale", after) if self.scaled else norm("codec.norm", after))


def _residual(f: Fields, make: Convolutions, width: int) -> Weights:
    """Into a fraction of the width and back, with a matrix beside unless that is switched off."""
    inner = width // f.int("compress")
    if inner < 1:
        raise f.refusal("compress", f"at most {width}")
    beside = make.of(1, width, width) if f.flag("use_conv_shortcut") else ()
    return (*make.of(f.int("residual_kernel_size"), width, inner), *make.of(1, inner, width), *beside)


def _recurrent(f: Fields, width: int) -> Weights:
    """Layers of a long short-term memory: four gates of the input and of the state, each with a bias."""
    layers = f.int("num_lstm_layers", most=1000)
    return (linear("codec.lstm", width, 4 * width, copies=2 * layers),)


def wav_tokenizer(f: Fields) -> Tower:
    """The encoder of WavTokenizer: channels double at each step."""
    kind = f.text("norm_type")
    if kind not in (WEIGHT_NORM, GROUP_NORM):
        raise f.refusal("norm_type", f"{WEIGHT_NORM} or {GROUP_NORM}")
    make, out = Convolutions(scaled=kind == WEIGHT_NORM), f.int("hidden_size")
    width = f.int("num_filters")
    weights = make.of(f.int("kernel_size"), f.int("audio_channels"), width)
    ratios = f.ints("upsampling_ratios") or ()
    if len(ratios) > MOST_STEPS or min(ratios, default=1) < 1:
        raise f.refusal("upsampling_ratios", f"a list of at most {MOST_STEPS} numbers of at least 1")
    for ratio in reversed(ratios):
        weights += _residual(f, make, width) * f.int("num_residual_layers", least=0, most=1000)
        weights += make.of(2 * ratio, width, 2 * width)
        width *= 2
    weights += (*_recurrent(f, width), *make.of(f.int("last_kernel_size"), width, out))
    return Tower(weights=weights, width=out)


MOST_STEPS = 16


def vibevoice(f: Fields) -> Tower:
    """VibeVoice: channels double at each step; between steps, blocks of a depthwise convolution and two matrices."""
    kernel, width, ratio = f.int("kernel_size"), f.int("num_filters"), f.int("ffn_expansion")
    steps, depths = f.ints("downsampling_ratios") or (), f.ints("depths") or ()
    if len(depths) != len(steps) + 1 or len(steps) > MOST_STEPS or min((*steps, *depths)) < 0:
        raise f.refusal("depths", f"one number more than downsampling_ratios, at most {MOST_STEPS}")
    weights: Weights = (linear("codec.stem", kernel * f.int("channels"), width),)
    for step, blocks in zip((0, *steps), depths, strict=True):
        if step:
            weights += (linear("codec.step", 2 * step * width, 2 * width),)
            width *= 2
        weights += _blocks(width, kernel, ratio, blocks)
    out = f.int("hidden_size")
    return Tower(weights=(*weights, linear("codec.out", kernel * width, out)), width=out)


def vibevoice_both_ways(f: Fields) -> Tower:
    """The encoder and its mirror image, which turns tokens back into sound."""
    there = vibevoice(f)
    kernel, width, ratio = f.int("kernel_size"), f.int("num_filters"), f.int("ffn_expansion")
    steps, depths = f.ints("downsampling_ratios") or (), f.ints("depths") or ()
    widths = [width * 2**step for step in range(len(depths))]
    back: Weights = (linear("codec.back", kernel * there.width, widths[-1]),)
    for wide, blocks in zip(widths, depths, strict=True):
        back += _blocks(wide, kernel, ratio, blocks)
    for wide, step in zip(widths, steps, strict=False):
        back += (linear("codec.back.step", 2 * step * 2 * wide, wide),)
    back += (linear("codec.back.out", kernel * width, f.int("channels")),)
    return Tower(weights=(*there.weights, *back), width=there.width)


def vibevoice_diffusion(f: Fields, text: Model) -> Weights:
    """What makes frames of sound of hidden states: adaptive layers as wide as the text, and two scales."""
    part = f.part("diffusion_head_config")
    hidden, latent, layers = text.hidden, f.part("audio_config").int("hidden_size"), depth(part)
    part.agree(hidden_size=hidden, latent_size=latent)
    weights = (
        vector("diffusion.scale", 2),
        linear("diffusion.noise", latent, hidden, bias=False),
        linear("diffusion.condition", hidden, hidden, bias=False),
        *two_layers("diffusion.time", (part.int("frequency_embedding_size"), hidden, hidden), bias=False),
        linear("diffusion.last_scales", hidden, 2 * hidden, bias=False),
        linear("diffusion.out", hidden, latent, bias=False),
    )
    if not layers:
        return weights
    inner, bias = part.int("intermediate_size"), part.flag("mlp_bias")
    return (
        *weights,
        *gated("diffusion.mlp", (hidden, inner, hidden), bias=bias, copies=layers),
        norm("diffusion.norm", hidden, bias=False, copies=layers),
        linear("diffusion.scales", hidden, 3 * hidden, bias=False, copies=layers),
    )


def _blocks(width: int, kernel: int, ratio: int, many: int) -> Weights:
    """Scales of both branches, two norms, a depthwise convolution, two matrices."""
    if not many:
        return ()
    return (
        vector("codec.scales", 4 * width, copies=many),
        linear("codec.depthwise", kernel, width, copies=many),
        *two_layers("codec.mlp", (width, ratio * width, width), copies=many),
    )


def vibevoice_projector(_: Fields, __: Fields, tower: Tower, text: int) -> Weights:
    """Two matrices with a norm between them."""
    return (*two_layers("projector", (tower.width, text, text)), norm("projector.norm", text, bias=False))


def fun_asr(f: Fields) -> Tower:
    """Fun-ASR: layers with a memory of near frames; the first sees stacked frames of the spectrum.

    The last one that transcribes and the last one that marks times have a norm behind them, if there are such.
    """
    hidden, layers = f.int("hidden_size"), depth(f)
    marking = f.int("num_timestamp_prediction_layers", least=0)
    normed = {layers - 1, layers - 1 - marking}.intersection(range(layers))
    stacked = f.int("num_mel_bins") * f.int("num_stacked_frames")
    encoder = Encoder(
        layers=layers,
        hidden=hidden,
        intermediate=f.int("intermediate_size"),
        heads=f.int("num_attention_heads"),
    )
    first = linear("first.qkv", stacked - hidden, hidden, bias=False, copies=3)
    weights = (
        first,
        norm("first.norm", stacked - hidden),
        *encoder.weights(),
        vector("memory", hidden * f.int("fsmn_kernel_size"), copies=layers),
        *((norm("final_norms", hidden, copies=len(normed)),) if normed else ()),
    )
    return Tower(weights=weights, width=hidden)


def fun_asr_adaptor(f: Fields, _: Fields, tower: Tower, text: int) -> Weights:
    """Two matrices, then layers as wide as the text."""
    part = f.part("adaptor_config")
    middle, width = part.int("projector_hidden_size"), part.int("hidden_size")
    if width != text:
        raise part.refusal("hidden_size", f"the hidden size of the text ({text})")
    encoder = Encoder(
        layers=depth(part),
        hidden=width,
        intermediate=part.int("intermediate_size"),
        heads=part.int("num_attention_heads"),
    )
    return (*two_layers("projector", (tower.width, middle, width)), *encoder.weights("adaptor"))
