"""A GPU that is not in the catalog: its own memory, bandwidth and peaks, and a catalog GPU that it is like."""

from dataclasses import replace

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.wire.parts import HardwarePart
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.hardware import NUMBER_TYPES, Gpu

CUSTOM_GPU = "custom"
NEEDED = ("memory_bytes", "memory_bandwidth_bytes_per_s", "like")
FIGURES = (*NEEDED, "peak_flops_per_s")


def custom_gpu(hardware: HardwarePart, catalogs: Catalogs) -> Gpu:
    """The GPU that a request describes: its figures, with links, vendor and generation of the one that it is like.

    Raises:
        UnknownNameError: ``like`` is no GPU of the catalog; offers the nearest.
        InvalidInputError: a figure is missing, or a number type is not known; names the field.
    """
    for name in NEEDED:
        if getattr(hardware, name) is None:
            msg = f"hardware.{name}: a custom GPU needs it, with {', '.join(each for each in NEEDED if each != name)}"
            raise InvalidInputError(msg, field=f"hardware.{name}")
    if hardware.gpu_memory_bytes is not None:
        msg = (
            "hardware.gpu_memory_bytes: a custom GPU has its memory in hardware.memory_bytes; give that alone"
        )
        raise InvalidInputError(msg, field="hardware.gpu_memory_bytes")
    like = catalogs.gpu(hardware.like or "", "hardware.like")
    peaks = _peaks(hardware, like)
    memory = hardware.memory_bytes or like.memory_bytes
    return replace(
        like,
        id=f"{CUSTOM_GPU}:{like.id}",
        name=f"a GPU like {like.name}",
        memory_bytes=memory,
        usable_memory_bytes=memory,
        usable_memory_estimated=False,
        memory_bandwidth_bytes_per_s=hardware.memory_bandwidth_bytes_per_s
        or like.memory_bandwidth_bytes_per_s,
        peaks=peaks,
        supported_precisions=like.supported_precisions
        if hardware.peak_flops_per_s is None
        else tuple(name for name, _ in peaks),
        tdp_w=None,
    )


def _peaks(hardware: HardwarePart, like: Gpu) -> tuple[tuple[str, float], ...]:
    if hardware.peak_flops_per_s is None:
        return like.peaks
    for name in hardware.peak_flops_per_s:
        if name not in NUMBER_TYPES:
            msg = f"hardware.peak_flops_per_s: {name[:20]!r} is no number type; known: {', '.join(NUMBER_TYPES)}"
            raise InvalidInputError(msg, field="hardware.peak_flops_per_s", accepted=[*NUMBER_TYPES])
    if not {"fp16", "bf16"} & {*hardware.peak_flops_per_s}:
        msg = "hardware.peak_flops_per_s: needs fp16 or bf16, in which attention and dequantized weights are multiplied"
        raise InvalidInputError(msg, field="hardware.peak_flops_per_s")
    return tuple(hardware.peak_flops_per_s.items())


def refuse_figures(hardware: HardwarePart) -> None:
    """A GPU of the catalog has its own figures.

    Raises:
        InvalidInputError: a figure of a custom GPU beside the id of another.
    """
    for name in FIGURES:
        if getattr(hardware, name) is not None:
            named = hardware.gpu[:40]
            msg = (
                f"hardware.{name}: is for hardware.gpu custom, a GPU outside of the catalog; it is {named!r}"
            )
            raise InvalidInputError(msg, field=f"hardware.{name}")


def custom_notes(hardware: HardwarePart) -> tuple[str, ...]:
    """What was taken for granted of a GPU that is not in the catalog."""
    if hardware.like is None:
        return ()
    peaks = "" if hardware.peak_flops_per_s else " and peaks"
    return (
        f"hardware.gpu: custom, with links, efficiencies{peaks} of {hardware.like}; it was never measured itself",
    )
