"""The towers of Inkling and Inkling 2.

Source: parameter shapes of the classes of transformers 5.24.0; ``checked: 2026-11-30``.
"""

import math
from collections.abc import Iterator
from itertools import accumulate, pairwise
from operator import mul

from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.towers.parts import (
    Encoder,
    Tower,
    Weights,
    depth,
    linear,
    norm,
    patch_volume,
    per_patch,
    table,
    two_layers,
    vector,
)

Scale = tuple[int, int, int]
"""Frames, side of a square and channels of what a step of the encoder works on."""
_ROUNDED_TO = 64


def inkling_audio(f: Fields) -> Tower:
    """A table of sound tokens, one for each level of each band, and a norm."""
    out = f.int("text_hidden_size")
    rows = f.int("n_mel_bins") * f.int("mel_vocab_size")
    return Tower(weights=(table("tokens", rows, out), norm("norm", out, bias=False)), width=out)


def inkling_vision(f: Fields) -> Tower:
    """A perceptron over growing squares, then frames, of a patch: one matrix and norm a layer, no attention."""
    layers, out = f.int("num_hidden_layers", most=1000), f.int("text_hidden_size")
    scales = _scales(f, layers)
    weights: Weights = ()
    for index, (before, after) in enumerate(pairwise(scales)):
        joined = before[2] * (after[0] // before[0]) * (after[1] // before[1]) ** 2
        last = index == layers - 1
        width = out if last else after[2]
        weights += (linear("step", joined, width, bias=False),)
        weights += () if last else (norm("step.norm", width, bias=False),)
    return Tower(weights=(*weights, norm("final_norm", out, bias=False)), width=out)


def _scales(f: Fields, layers: int) -> list[Scale]:
    """The sizes before the first step and after each: those nearest to equal growth of the logarithm.

    Where there are fewer steps than sizes each step takes another size, with the least distance in all.
    """
    import numpy as np

    sizes = _sizes(f)
    total = f.int("patch_size") ** 2 * f.int("temporal_patch_size") * f.int("num_channels")
    ideal = np.linspace(0, math.log(total), layers + 1, dtype=np.float32)
    reached = np.array([math.log(frames * side**2) for frames, side, _ in sizes], dtype=np.float32)
    if layers >= len(sizes):
        chosen = [int(index) for index in np.abs(ideal[:, None] - reached[None, :]).argmin(axis=1)]
    else:
        chosen = _assigned(np.abs(ideal[:, None] - reached[None, :]).tolist())
    return [sizes[0], *(sizes[index] for index in chosen[1:-1]), sizes[-1]]


def _sizes(f: Fields) -> list[Scale]:
    """From one pixel to the whole patch: squares first, by its prime factors from the largest, then frames."""
    patch, frames = (f.int(key, most=10_000) for key in ("patch_size", "temporal_patch_size"))
    channels = f.int("num_channels")
    sides = list(accumulate(reversed(list(_primes(patch))), mul))
    times = list(accumulate(reversed(list(_primes(frames))), mul))
    if not sides:
        raise f.refusal("patch_size", "at least 2")
    squares = [(1, side, -(-(side**2 * channels) // _ROUNDED_TO) * _ROUNDED_TO) for side in sides]
    longer = [(time, sides[-1], sides[-1] ** 2 * channels * time * _ROUNDED_TO) for time in times]
    return [(1, 1, channels), *squares, *longer]


def _primes(number: int) -> Iterator[int]:
    """Prime factors, from the smallest."""
    divisor = 2
    while divisor * divisor <= number:
        while number % divisor == 0:
            yield divisor
            number //= divisor
        divisor += 1
    if number > 1:
        yield number


def _assigned(cost: list[list[float]]) -> list[int]:
    """A column for each row, growing from row to row, with the least sum: rows and columns are both in order."""
    columns = len(cost[0])
    best: list[tuple[float, tuple[int, ...]]] = [(cost[0][column], (column,)) for column in range(columns)]
    for row in cost[1:]:
        best = [
            min(
                ((total + row[column], (*path, column)) for total, path in best if path[-1] < column),
                default=(math.inf, (column,)),
            )
            for column in range(columns)
        ]
    return list(min(best)[1])


def inkling2(f: Fields) -> Tower:
    """Layers with scales of both branches, positions of a grid, and two matrices over merged squares."""
    hidden, out, bias = f.int("hidden_size"), f.int("text_hidden_size"), f.flag("projector_bias")
    inner = f.optional_int("intermediate_size", least=1) or int(hidden * f.number("mlp_ratio"))
    encoder = Encoder(
        layers=depth(f),
        hidden=hidden,
        intermediate=inner,
        heads=f.int("num_attention_heads"),
        vectors=2 * hidden,
    )
    merged = hidden * f.int("spatial_merge_size") ** 2
    weights = (
        vector("class_token", 2 * hidden),
        per_patch("patch_embedding", patch_volume(f), hidden, bias=False),
        table("position_embedding", f.int("posemb_grid_size") ** 2, hidden),
        norm("pre_norm", hidden),
        *encoder.weights(),
        *two_layers("merger", (merged, f.int("projection_hidden_dim"), out), bias=bias),
    )
    return Tower(weights=weights, width=out)
