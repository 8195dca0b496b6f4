"""Autoencoders that turn images into tokens of a codebook: Chameleon, Janus, Emu 3, Apertus 1.5.

A pyramid of levels, each of residual blocks of two 3 x 3 convolutions, narrower in space and wider in channels.
Source: parameter shapes of the classes of transformers 5.24.0; ``checked: 2026-11-30``.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.pieces import known_word
from llm_calc.core.architectures.towers.parts import Tower, Weights, linear, norm, table

SQUARE, CUBE, SHORT_CUBE, LONG_CUBE = 9, 27, 3, 36
"""Taps of kernels 3 x 3, 3 x 3 x 3, 3 x 1 x 1 and 4 x 3 x 3."""
Attends = Callable[[int], bool]
"""Whether a level has attention behind each of its blocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pyramid:
    """``widths``: channels of the levels; ``attention``: width of its matrices (0: that of the level).

    ``quant``: channels of the codes from which every norm takes a scale and a shift of its own (0: plain norms).
    """

    widths: tuple[int, ...]
    blocks: int
    attends: Attends
    attention: int = 0
    quant: int = 0

    def norm(self, name: str, width: int) -> Weights:
        """A norm over groups of channels, and the two convolutions that scale and shift it."""
        moved = (linear(f"{name}.codes", self.quant, width, copies=2),) if self.quant else ()
        return (norm(name, width), *moved)

    def residual(self, before: int, after: int) -> Weights:
        """Two norms and convolutions, and a matrix beside them where the width changes."""
        beside = (linear("vq.shortcut", before, after),) if before != after else ()
        return (
            *self.norm("vq.norm", before),
            *self.norm("vq.norm", after),
            linear("vq.conv", SQUARE * before, after),
            linear("vq.conv", SQUARE * after, after),
            *beside,
        )

    def attend(self, width: int) -> Weights:
        """A norm and four matrices."""
        inner = self.attention or width
        return (*self.norm("vq.attention_norm", width), linear("vq.attention", inner, inner, copies=4))

    def middle(self, *, attends: bool = True) -> Weights:
        """Two residual blocks around attention, as wide as the last level."""
        width = self.widths[-1]
        around = 2 * self.residual(width, width)
        return (*around, *self.attend(width)) if attends else around

    def levels(self, first: int, order: tuple[int, ...], blocks: int) -> Weights:
        """The levels in that order from ``first`` channels on, with a convolution between two of them."""
        weights: Weights = ()
        width = first
        for position, level in enumerate(order):
            steps = (width, *([self.widths[level]] * blocks))
            for before, after in pairwise(steps):
                weights += self.residual(before, after)
                weights += self.attend(after) if self.attends(level) else ()
            width = steps[-1]
            if position < len(order) - 1:
                weights += (linear("vq.between", SQUARE * width, width),)
        return weights


def _pyramid(f: Fields, attends: Attends, *, attention: int = 0, quant: int = 0) -> Pyramid:
    multipliers = f.ints("channel_multiplier") or ()
    if not multipliers or min(multipliers) < 1:
        raise f.refusal("channel_multiplier", "a list of numbers of at least 1")
    base = f.int("base_channels")
    return Pyramid(
        widths=tuple(base * factor for factor in multipliers),
        blocks=f.int("num_res_blocks", most=1000),
        attends=attends,
        attention=attention,
        quant=quant,
    )


def _latents(f: Fields) -> int:
    return f.int("latent_channels") * (2 if f.flag("double_latent", default=False) else 1)


def _encoder(f: Fields, pyramid: Pyramid, *, attends: bool = True) -> Weights:
    base, last = f.int("base_channels"), pyramid.widths[-1]
    order = tuple(range(len(pyramid.widths)))
    return (
        linear("vq.conv_in", SQUARE * f.int("in_channels"), base),
        *pyramid.levels(base, order, pyramid.blocks),
        *pyramid.middle(attends=attends),
        norm("vq.norm_out", last),
        linear("vq.conv_out", SQUARE * last, _latents(f)),
    )


def _decoder(f: Fields, pyramid: Pyramid) -> Weights:
    first, last = pyramid.widths[-1], pyramid.widths[0]
    order = tuple(reversed(range(len(pyramid.widths))))
    return (
        linear("vq.decoder_in", SQUARE * f.int("latent_channels"), first),
        *pyramid.middle(),
        *pyramid.levels(first, order, pyramid.blocks + 1),
        *pyramid.norm("vq.decoder_norm", last),
        linear("vq.decoder_out", SQUARE * last, f.int("out_channels")),
    )


def _codes(f: Fields, entries: str, *, back: bool = True, taps: int = 1) -> Weights:
    """The codebook, and the convolutions between its width and the latents'."""
    width, latent = f.int("embed_dim"), f.int("latent_channels")
    into = linear("vq.quantize", taps * latent, width)
    out_of = (linear("vq.unquantize", taps * width, latent),) if back else ()
    return (table("vq.codebook", f.int(entries), width), into, *out_of)


def _at_resolutions(f: Fields) -> Attends:
    """Levels at one of the stated resolutions, which halve from level to level."""
    resolution, wanted = (
        f.int("resolution"),
        f.ints("attn_resolutions", f.defaults.keys.get("attn_resolutions")) or (),
    )
    return lambda level: resolution // 2**level in wanted


def chameleon(f: Fields) -> Tower:
    """Chameleon: the encoder and its codes alone."""
    vanilla, found = known_word(f, "attn_type", "vanilla", "none") == "vanilla", _at_resolutions(f)
    pyramid = _pyramid(f, lambda level: vanilla and found(level))
    weights = (*_encoder(f, pyramid, attends=vanilla), *_codes(f, "num_embeddings"))
    return Tower(weights=weights, width=f.int("embed_dim"))


def apertus(f: Fields) -> Tower:
    """Apertus 1.5: the encoder and its codes, no way back."""
    pyramid = _pyramid(f, _at_resolutions(f))
    weights = (*_encoder(f, pyramid), *_codes(f, "codebook_size", back=False))
    return Tower(weights=weights, width=f.int("embed_dim"))


def janus(f: Fields) -> Tower:
    """Janus: both ways, and what makes tokens of images into states of the text and back."""
    last = len(f.ints("channel_multiplier") or ()) - 1
    pyramid = _pyramid(f, lambda level: level == last)
    entries, width, inner = f.int("num_embeddings"), f.int("embed_dim"), f.int("projection_dim")
    weights = (
        *_encoder(f, pyramid),
        *_decoder(f, pyramid),
        *_codes(f, "num_embeddings"),
        table("generation.embedding", entries, width),
        linear("generation.aligner", width, inner),
        linear("generation.aligner", inner, inner, copies=f.int("num_hidden_layers", most=1000) - 1),
        linear("generation.head", f.int("image_token_embed_dim"), inner),
        linear("generation.head", inner, entries),
    )
    return Tower(weights=tuple(w for w in weights if w.copies), width=inner)


def emu3(f: Fields) -> Tower:
    """Emu 3: both ways, with convolutions over time; norms of the way back take the codes in."""
    wanted, inner = f.ints("attn_resolutions") or (), f.int("hidden_size")
    down = _pyramid(f, lambda level: level in wanted, attention=inner)
    up = _pyramid(f, lambda level: level in wanted, attention=inner, quant=f.int("embed_dim"))
    halvings = int(math.log2(f.int("temporal_downsample_factor")))
    wide, latent, blocks = _latents(f), f.int("latent_channels"), f.int("num_res_blocks")
    weights = (
        *_encoder(f, down),
        *_over_time(wide, blocks),
        *((linear("vq.time", LONG_CUBE * wide, wide, copies=halvings),) if halvings else ()),
        *_over_time(latent, blocks),
        *((linear("vq.time", CUBE * latent, latent, copies=halvings),) if halvings else ()),
        *_decoder(f, up),
        *_codes(f, "codebook_size", taps=SHORT_CUBE),
    )
    return Tower(weights=weights, width=f.int("embed_dim"))


def _over_time(width: int, blocks: int) -> Weights:
    return (
        norm("vq.time_norm", width, copies=2 * blocks),
        linear("vq.time_conv", CUBE * width, width, copies=2 * blocks),
    )
