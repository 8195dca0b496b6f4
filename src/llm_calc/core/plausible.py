"""Figures of a device that can only be in another unit than the one they were read in; files are checked by them.

The bounds are wide: no device that was ever sold comes near them, and a figure in the next unit (TB for GB, MiB
for GiB, GHz for MHz) lies far beyond.
"""

from collections.abc import Iterator

from llm_calc.core.hardware import Gpu

MOST_MEMORY_BYTES = 8 * 2**40
MOST_BANDWIDTH_BYTES_PER_S = 1e17
SLOWEST_READ_S = 1.0
"""Memories of 2006 to 2026 are read whole in 2 to 630 ms."""
FASTEST_READ_S = 4e-3
SRAM_BYTES = 2**36
SRAM_BYTES_PER_S = 5e13
"""A chip that keeps all in SRAM has little memory, or reads it far faster than stacked DRAM (8 TB/s in 2026)."""
CLOCK_HZ = (3e8, 1e10)
POWER_W = (5.0, 1e5)
LINK_BYTES_PER_S = (5e9, 2e13)
FLOPS_PER_BYTE = (3.0, 2e4)
"""Highest peak over bandwidth: 5 (Groq's LPU) to 3800 (Jetson Thor)."""
TYPE_RATIO = 8.0
"""fp16 and bf16 of one device: the same, or one of them emulated."""
LEAST_LATENCY_S, MOST_LATENCY_S = 1e-7, 1e-3
RENT_USD_PER_GPU_HOUR = (0.003, 200.0)


def implausible(gpu: Gpu) -> Iterator[tuple[str, str]]:
    """Fields of a device whose figure is in another unit or of another type, each with what is wrong.

    Args:
        gpu: memory [bytes], bandwidths [bytes/s], peaks [FLOP/s], clock [Hz], power [W].
    """
    memory = list(_of_memory(gpu))
    yield from memory or (*_of_ranges(gpu), *_of_peaks(gpu))


def _of_ranges(gpu: Gpu) -> Iterator[tuple[str, str]]:
    for field, value, (low, high), unit in (
        ("boost_clock_mhz", gpu.boost_clock_hz, CLOCK_HZ, "Hz"),
        ("tdp_w", gpu.tdp_w, POWER_W, "W"),
        ("link.gb_per_s_each_way", gpu.link_bytes_per_s_per_gpu_each_way, LINK_BYTES_PER_S, "bytes/s"),
    ):
        if value is not None and not low <= value <= high:
            yield field, f"{value:.4g} {unit} is none of a device; expected {low:.4g} to {high:.4g} {unit}"


def _of_memory(gpu: Gpu) -> Iterator[tuple[str, str]]:
    if gpu.memory_bytes > MOST_MEMORY_BYTES:
        yield "memory_gib", f"{gpu.memory_bytes:.4g} bytes are more than any device has; the unit is GiB"
        return
    rate = gpu.memory_bandwidth_bytes_per_s
    read_s = gpu.memory_bytes / rate
    on_chip = gpu.memory_bytes < SRAM_BYTES and rate > SRAM_BYTES_PER_S
    if (
        rate > MOST_BANDWIDTH_BYTES_PER_S
        or read_s > SLOWEST_READ_S
        or (read_s < FASTEST_READ_S and not on_chip)
    ):
        yield (
            "memory_bandwidth_gb_per_s",
            f"all of the memory would be read in {read_s:.3g} s; the unit is GB/s (10^9 bytes)",
        )


def _of_peaks(gpu: Gpu) -> Iterator[tuple[str, str]]:
    peaks = dict(gpu.peaks)
    if not peaks:
        return
    intensity = max(peaks.values()) / gpu.memory_bandwidth_bytes_per_s
    low, high = FLOPS_PER_BYTE
    if not low <= intensity <= high:
        yield (
            "peak_tflops_per_s",
            f"the highest is {intensity:.3g} operations a byte of bandwidth; the unit is TFLOP/s",
        )
    for wide, narrow in (("fp16", "fp8"), ("bf16", "fp8"), ("fp8", "fp6"), ("fp8", "fp4")):
        if wide in peaks and narrow in peaks and peaks[narrow] < 0.98 * peaks[wide]:
            yield f"peak_tflops_per_s.{narrow}", f"below that of {wide}, which is wider"
    if "fp16" in peaks and "bf16" in peaks:
        ratio = peaks["fp16"] / peaks["bf16"]
        if not 1 / TYPE_RATIO <= ratio <= TYPE_RATIO:
            yield "peak_tflops_per_s.fp16", f"{ratio:.3g} times that of bf16"
