"""Mimi, the codec of Kyutai's models: sound to codes and back.

Source: parameter shapes of the class of transformers 5.24.0; ``checked: 2026-11-30``, by count.
"""

import math
from dataclasses import dataclass

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.parts import Encoder, Tower, Weights, depth, linear

CLASS_RATIOS = (8, 6, 5, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Convolutions:
    """What the steps down and up in time share."""

    ratios: tuple[int, ...]
    filters: int
    residual_layers: int
    residual_taps: int
    compress: int
    shortcut: bool

    def residual(self, width: int) -> Weights:
        """Into a fraction of the width and back; ``shortcut``: a matrix beside."""
        inner, many = width // self.compress, self.residual_layers
        if not many:
            return ()
        beside = (linear("mimi.shortcut", width, width, copies=many),) if self.shortcut else ()
        return (
            linear("mimi.narrow", self.residual_taps * width, inner, copies=many),
            linear("mimi.wide", inner, width, copies=many),
            *beside,
        )


def mimi(f: Fields) -> Tower:
    """Both halves and the projections of the quantizer; its codebooks are buffers, which no class counts."""
    make = _convolutions(f)
    hidden, channels = f.int("hidden_size"), f.int("audio_channels")
    wide = make.filters * 2 ** len(make.ratios)
    taps, last_taps = f.int("kernel_size"), f.int("last_kernel_size")
    weights: Weights = (
        linear("mimi.conv_in", taps * channels, make.filters),
        linear("mimi.encoded", last_taps * wide, hidden),
        linear("mimi.decoded", taps * hidden, wide),
        linear("mimi.conv_out", last_taps * make.filters, channels),
    )
    for step, ratio in enumerate(reversed(make.ratios)):
        narrow = make.filters * 2**step
        weights += (*make.residual(narrow), linear("mimi.down", 2 * ratio * narrow, 2 * narrow))
        weights += (linear("mimi.up", 2 * ratio * 2 * narrow, narrow), *make.residual(narrow))
    weights += (*_transformer(f, hidden), *_resampling(f, hidden, make), *_quantizer(f, hidden))
    return Tower(weights=weights, width=hidden)


def _convolutions(f: Fields) -> _Convolutions:
    ratios = f.ints("upsampling_ratios") or CLASS_RATIOS
    if min(ratios) < 1:
        raise f.refusal("upsampling_ratios", "a list of whole numbers of at least 1")
    return _Convolutions(
        ratios=ratios,
        filters=f.int("num_filters"),
        residual_layers=f.int("num_residual_layers", least=0),
        residual_taps=f.int("residual_kernel_size"),
        compress=f.int("compress"),
        shortcut=f.flag("use_conv_shortcut"),
    )


def _transformer(f: Fields, hidden: int) -> Weights:
    """One behind the encoder's convolutions, one before the decoder's."""
    heads = f.int("num_attention_heads")
    encoder = Encoder(
        layers=2 * depth(f),
        hidden=hidden,
        intermediate=f.int("intermediate_size"),
        heads=heads,
        kv_heads=f.int("num_key_value_heads"),
        head_dim=f.optional_int("head_dim", least=1) or hidden // heads,
        biases="qkvo" if f.flag("attention_bias") else "",
        vectors=2 * hidden,
    )
    return encoder.weights("mimi.layers")


def _resampling(f: Fields, hidden: int, make: _Convolutions) -> Weights:
    """Between the rate of the convolutions and that of frames, where the two differ."""
    hop, rate = math.prod(make.ratios), f.int("sampling_rate")
    frames = f.raw("frame_rate", None)
    frame_rate = rate / (2 * hop) if frames is None else f.number("frame_rate")
    if frame_rate <= 0:
        raise f.refusal("frame_rate", "a number above 0")
    codec_rate = math.ceil(rate / hop)
    if frame_rate == codec_rate:
        return ()
    taps = 2 * int(codec_rate / frame_rate)
    if not taps:
        raise f.refusal("frame_rate", f"at most {codec_rate}")
    return (
        linear("mimi.downsample", taps * hidden, hidden, bias=False),
        linear("mimi.upsample", taps * hidden // f.int("upsample_groups"), hidden, bias=False),
    )


def _quantizer(f: Fields, hidden: int) -> Weights:
    """Projections of the semantic and of the acoustic codes, unless both widths are one."""
    width = f.int("vector_quantization_hidden_dimension")
    books = f.int("codebook_size") * (f.optional_int("codebook_dim", least=1) or hidden)
    f.warn(
        f"{f.path}: the codec's codebooks ({books * f.int('num_quantizers'):,} numbers) are buffers, not parameters, "
        "and are not counted"
    )
    if width == hidden:
        return ()
    return (
        linear("mimi.quantizer_in", hidden, width, bias=False, copies=2),
        linear("mimi.quantizer_out", width, hidden, bias=False, copies=2),
    )
