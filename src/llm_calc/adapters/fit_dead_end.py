"""What would fit where nothing does: fewer tokens, fewer bits, more memory."""

from collections.abc import Callable, Iterator

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.units import GIB, gib
from llm_calc.adapters.wire.fitting import FitRequest, FitRow
from llm_calc.adapters.wire.hosts import HostPart
from llm_calc.adapters.wire.machines import UnlikeHardware
from llm_calc.core.errors import CalcError

FEWER_BITS = ("iq3_xxs", "iq2_xxs", "iq1_m")
"""Kinds below the usual ones, most bits first."""
LEAST_CONTEXT = 1024
HOST_SIZES_GIB = (64, 96, 128, 192, 256, 384, 512, 768, 1024)

Holds = Callable[[FitRequest, str, str], bool]


def ways_out(request: FitRequest, rows: list[FitRow], catalogs: Catalogs, holds: Holds) -> Iterator[str]:
    """Where no row fits: what the least of them lacks, and each single change under which one does."""
    if any(row.fits for row in rows):
        return
    least = min(rows, key=lambda row: (row.file_bytes, row.gpu_bytes + row.host_bytes))
    yield f"nothing fits: the least, {least.weights} with a {least.kv_cache} cache, {least.reason}"
    tried = (
        lambda: _fewer_tokens(request, least, holds),
        lambda: _fewer_bits(request, least, holds),
        lambda: _more_memory(request, least, catalogs, holds),
        lambda: _larger_host(request, least, holds),
    )
    found = [words for words in map(_allowed, tried) if words]
    yield from found
    smaller = "model: /api/models_for (llm-calc models-for) lists what this machine does run"
    yield smaller if found else f"nothing else that was tried fits either; {smaller}"


def _allowed(way: Callable[[], str | None]) -> str | None:
    """What a way leads to; None where the machine or the model has no such thing."""
    try:
        return way()
    except CalcError:
        return None


def _fewer_tokens(request: FitRequest, least: FitRow, holds: Holds) -> str | None:
    """The longest context, by halves of the asked one, that the least row fits with."""
    tokens = request.context_tokens // 2
    while tokens >= LEAST_CONTEXT:
        if holds(request.model_copy(update={"context_tokens": tokens}), least.weights, least.kv_cache):
            return f"context_tokens: {tokens} fits with {least.weights} and a {least.kv_cache} cache"
        tokens //= 2
    return None


def _fewer_bits(request: FitRequest, least: FitRow, holds: Holds) -> str | None:
    """The most bits below the usual kinds that fit; none where the caller chose the kinds or none is smaller."""
    if request.formats is not None:
        return None
    for kind in FEWER_BITS:
        if holds(request, kind, least.kv_cache):
            return f"formats: {kind} with a {least.kv_cache} cache fits, and costs much quality"
    return None


def _more_memory(request: FitRequest, least: FitRow, catalogs: Catalogs, holds: Holds) -> str | None:
    """Another size of a chip that shares the machine's memory, else more cards."""
    hardware = request.hardware
    if isinstance(hardware, UnlikeHardware):
        return None
    gpu = catalogs.gpu(hardware.gpu, "hardware.gpu") if hardware.gpu != "custom" else None
    if gpu is None or not gpu.unified_memory or hardware.count > 1:
        return None
    chip = next(each for each in catalogs.gpus if gpu.id == each.id or gpu.id.startswith(f"{each.id}-"))
    now = hardware.gpu_memory_bytes or gpu.memory_bytes
    for size in sorted(each for each in catalogs.gpu_entry(chip.id).memory_options_gib if each * GIB > now):
        larger = hardware.model_copy(update={"gpu": f"{chip.id}-{size:g}gb", "gpu_memory_bytes": None})
        if holds(request.model_copy(update={"hardware": larger}), least.weights, least.kv_cache):
            return (
                f"hardware.gpu: {chip.id} with {size:g} GB holds it; this one has {gib(now):.0f} GiB in all"
            )
    return None


def _larger_host(request: FitRequest, least: FitRow, holds: Holds) -> str | None:
    """The least memory of the host with which the rest lies there; none where GPU and host share theirs."""
    if isinstance(request.hardware, UnlikeHardware):
        return None
    host = request.hardware.host or HostPart()
    for size in HOST_SIZES_GIB:
        larger = request.hardware.model_copy(
            update={"host": host.model_copy(update={"memory_bytes": size * GIB})}
        )
        if holds(request.model_copy(update={"hardware": larger}), least.weights, least.kv_cache):
            return f"hardware.host: with {size} GiB of memory it fits, in part on the host"
    return None
