"""The peaks that a layout works with, from GPUs and the links between them, what multiplies, and overlapping roofs.

An operator streams bytes and multiplies; a kernel overlaps the two, but not perfectly. Its time lies between the
larger of both times and their sum, and is taken as their p-norm: ``(a^p + b^p)^(1/p)``. With efficiencies of at
most one, no operator ever beats a roof.
"""

import math
from typing import Final

import numpy as np

from llm_calc.core.arrays import Quantity, ceil_div, larger, smaller, where
from llm_calc.core.hardware import Cluster, Gpu
from llm_calc.core.operators.work import GROUPS, ContextWork, LinearWork, StepWork
from llm_calc.core.parallelism import Layout
from llm_calc.core.serving.rates import Machine, Rates

SUSTAINED_W_PER_TFLOPS = 1.5
"""Below so many watts a 16-bit TFLOP/s a part lowers its clock under long matrix work."""
_SIXTEEN_BIT = ("bf16", "fp16", "tf32", "fp32")
_WHOLE = "fp32"
_HALF_SUMS = ("fp16_acc16", *_SIXTEEN_BIT)


def machine_of(cluster: Cluster, work: StepWork, layout: Layout, *, half_sums: bool) -> Machine:
    """Peaks for each group of matrices, and the link of a layout [bytes/s, FLOP/s].

    ``power_fraction = min(1, watts / 16-bit TFLOP/s / 1.5)`` on NVIDIA GPUs, 1 elsewhere. A type that the GPU does
    not multiply runs in 16 bits after dequantizing, matrices in 32 bits in these (PyTorch's ``allow_tf32`` is off for
    them by default); llama.cpp sums in 16 bits where the GPU is faster so, and keeps its matrix kernels in one type
    for all formats.
    Choice: peaks are those of ``catalogs/gpus``; the ladder of types and 1.5 W a TFLOP/s are this calculator's own.
    Leaves out: clocks of single devices.
    """
    gpu = cluster.gpu
    ladder = _HALF_SUMS if half_sums else _SIXTEEN_BIT
    wide = _first_peak(gpu, ladder)
    groups = [_group_peak(gpu, None if half_sums else each.compute, wide) for each in work.linear]
    return Machine(
        memory_bytes_per_s=gpu.memory_bandwidth_bytes_per_s,
        group_flops_per_s=tuple(groups),
        wide_flops_per_s=wide,
        vector_flops_per_s=_first_peak(gpu, ("fp32",), otherwise=wide / 4),
        link_bytes_per_s=cluster.link(layout.stage_gpus).bytes_per_s_per_gpu_each_way,
        power_fraction=_power_fraction(gpu, wide),
    )


def matrix_type(gpu: Gpu, compute: str | None, *, half_sums: bool) -> str:
    """The number type in which matrices of a format are multiplied, a key of ``gpu.peaks``.

    ``compute``: the type that the format is multiplied in where the GPU can.
    Choice: as in ``machine_of``, whose peaks these are of.
    Leaves out: engines without a kernel for the type.
    """
    ladder = _HALF_SUMS if half_sums else _SIXTEEN_BIT
    native = (
        compute is not None and (compute not in _SIXTEEN_BIT or compute == _WHOLE) and gpu.supports(compute)
    )
    if compute is not None and native and not half_sums:
        return compute
    return next((name for name in ladder if gpu.supports(name)), ladder[-1])


def _group_peak(gpu: Gpu, compute: str | None, wide: float) -> float:
    if compute is None or not gpu.supports(compute) or (compute in _SIXTEEN_BIT and compute != _WHOLE):
        return wide
    return gpu.peak_flops_per_s(compute)


def _first_peak(gpu: Gpu, types: tuple[str, ...], otherwise: float | None = None) -> float:
    for name in types:
        if gpu.supports(name):
            return gpu.peak_flops_per_s(name)
    if otherwise is not None:
        return otherwise
    return max(peak for _, peak in gpu.peaks) if gpu.peaks else gpu.peak_flops_per_s("bf16")


def _power_fraction(gpu: Gpu, wide: float) -> float:
    if gpu.tdp_w is None or gpu.vendor.lower() != "nvidia":
        return 1.0
    return min(1.0, gpu.tdp_w / (wide / 1e12) / SUSTAINED_W_PER_TFLOPS) if math.isfinite(wide) else 1.0


MATRIX_LOSS = 1.2
"""A choice, not a fit: about what matrices took at 16 sequences over two batches of 8 in the static batches that were
published of an M2 Ultra (gemma-3-4b in Q4_0, launches aside) [1]."""


def multiply_seconds(work: LinearWork, tokens: Quantity, read_s: Quantity, rates: Rates) -> Quantity:
    """Arithmetic of one matrix whose weights are read in ``read_s``: few tokens on vector units, more on others [s].

    ``m = (whole tiles + saturation) x FLOPs / matrix FLOP/s``, ``v = tokens x FLOPs / vector FLOP/s``: v up to
    ``vector_tokens``, then m, never below the v of that many; within the first tile at most 1.2 times as long as the
    tokens in batches of ``vector_tokens``, weights read for each. ``quicker``: ``min(m, v)``.
    Choice: of llama.cpp's switch the published static batches show twice the time of 8 sequences at 16, no more
    (``docs/performance.md``); MLX chooses its switch by chip and shape (``mlx/backend/metal/quantized.cpp``).
    Leaves out: the shapes of single kernels, and where exactly MLX switches.
    """
    kernels, reached = rates.kernels, rates.linear[GROUPS.index(work.group)]
    tile = kernels.tile_tokens
    tiles = tokens if tile == 1 else ceil_div(tokens, tile) * tile
    filled = tiles + where(tokens > 0, rates.saturation_tokens, 0.0)
    matrix_s = filled * work.flops_per_token / reached.flops_per_s
    if not kernels.vector_tokens:
        return matrix_s
    vector_s = tokens * (work.flops_per_token / reached.vector_flops_per_s)
    if kernels.quicker:
        return smaller(matrix_s, vector_s)
    most_s = kernels.vector_tokens * (work.flops_per_token / reached.vector_flops_per_s)
    batches = ceil_div(tokens, kernels.vector_tokens)
    dealt_s = MATRIX_LOSS * batches * (most_s + read_s) - read_s
    wide_s = where(tokens <= tile, smaller(matrix_s, dealt_s), matrix_s)
    return where(tokens <= kernels.vector_tokens, vector_s, larger(wide_s, most_s))


def pair_seconds(work: ContextWork, rates: Rates) -> Quantity:
    """Time of one pair of a query and a key in a prompt [s].

    ``FLOPs / reached FLOP/s + bytes / reached bytes/s`` of what lies between kernels.
    Choice: kernels run one after another; the bytes are those of :func:`.context.context_works`.
    Leaves out: scores that are written while others are multiplied.
    """
    seconds = work.prefill_flops_per_pair / rates.prefill_attention_flops_per_s
    return seconds + work.prefill_bytes_per_pair / rates.activation_bytes_per_s


OVERLAP_EXPONENT: Final = 3.0
"""p of the p-norm: 1 would add both times (no overlap), infinity take the larger (perfect overlap)."""


def overlapped(bytes_s: Quantity, compute_s: Quantity, exponent: float = OVERLAP_EXPONENT) -> Quantity:
    """Time of an operator that moves bytes and multiplies, from the times of both alone [s].

    ``(bytes_s^p + compute_s^p)^(1/p)``: never below the larger, at most their sum.
    Choice: a p-norm between perfect overlap and none. With p = 3 (llama.cpp: 1) the fit to measurements leaves the
    errors of ``docs/accuracy.md``.
    Leaves out: how single kernels overlap; equal times always take ``2^(1/p)`` of one.
    """
    if exponent == OVERLAP_EXPONENT:
        return cube_root(bytes_s * bytes_s * bytes_s + compute_s * compute_s * compute_s)
    if exponent == 1:
        return bytes_s + compute_s
    return (bytes_s**exponent + compute_s**exponent) ** (1 / exponent)


def cube_root(value: Quantity) -> Quantity:
    """``value ** (1/3)`` [1].

    Definition: element by element for arrays.
    """
    return np.cbrt(value) if isinstance(value, np.ndarray) else math.cbrt(value)
