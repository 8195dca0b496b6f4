"""The peaks that a layout works with, from the GPUs of a cluster and the links between them."""

import math

from llm_calc.core.hardware import Cluster, Gpu
from llm_calc.core.operators.work import StepWork
from llm_calc.core.parallelism import Layout
from llm_calc.core.serving.rates import Machine

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
