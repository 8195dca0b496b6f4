"""GPUs of several kinds in one machine: which they are, and what deals layers to them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.catalog.sizes import read_sized, sizes_words, smaller_chip
from llm_calc.adapters.custom_gpu import CUSTOM_GPU, FIGURES, custom_gpu, custom_notes, refuse_figures
from llm_calc.adapters.wire.machines import UnlikeHardware
from llm_calc.adapters.wire.parts import HardwarePart
from llm_calc.core.engines import OWN_MACHINE, engines_that, traits_of
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.hardware import Gpu

MOST_UNLIKE = 16
"""GPUs of a list in all (GGML_SCHED_MAX_BACKENDS) [GPUs]."""
ONE_KIND_APART = "hardware: GPUs of several kinds are one deployment; prefill and decode apart take one kind"


def requested_gpu(hardware: HardwarePart, catalogs: Catalogs) -> Gpu:
    """The catalog's GPU, with the memory that the request puts in place of its own; or one by its figures.

    Raises:
        UnknownNameError: no such GPU; offers the nearest.
        InvalidInputError: a custom GPU without its figures, or figures beside a GPU of the catalog.
    """
    if hardware.gpu.strip().lower() == CUSTOM_GPU:
        return custom_gpu(hardware, catalogs)
    if not hardware.model_fields_set.isdisjoint(FIGURES):
        refuse_figures(hardware)
    gpu = catalogs.gpu(hardware.gpu, "hardware.gpu")
    if hardware.gpu_memory_bytes is None:
        return gpu
    smaller = smaller_chip(catalogs.gpu_names, gpu.id, hardware.gpu_memory_bytes)
    if smaller is not None:
        return smaller
    beyond = hardware.gpu_memory_bytes > _most_sold_bytes(gpu, catalogs)
    return replace(gpu.with_memory(hardware.gpu_memory_bytes), enlarged=beyond)


def _most_sold_bytes(gpu: Gpu, catalogs: Catalogs) -> float:
    """The most memory that the GPU is sold with [bytes]."""
    sizes = catalogs.gpu_entry(gpu.id).memory_options_gib
    return max([gpu.memory_bytes, *(size * (1 << 30) for size in sizes)])


def unlike_gpus(hardware: HardwarePart, catalogs: Catalogs, engine: str) -> tuple[Gpu, ...]:
    """Every GPU of a list in its order, a device each; none where all are of one kind.

    Raises:
        UnsupportedError: the engine takes one kind of GPU, or one of them shares the machine's memory.
        InvalidInputError: an entry that cannot be right; names it by its place.
    """
    if not isinstance(hardware, UnlikeHardware):
        return ()
    if not traits_of(engine).deals_layers:
        splitters = engines_that(lambda each: each.deals_layers)
        named = " and ".join(dict.fromkeys(part.gpu[:40] for part in hardware.kinds))
        msg = (
            f"hardware: {engine} is planned on one kind of GPU only; it is {named}. {', '.join(splitters)} "
            "deals layers to unlike GPUs; else give one kind and its count"
        )
        raise UnsupportedError(msg, field="hardware", engines=sorted(splitters))
    if hardware.count != sum(part.count for part in hardware.kinds):
        raise UnsupportedError(ONE_KIND_APART, field="hardware")
    if hardware.count > MOST_UNLIKE:
        msg = f"hardware: must be at most {MOST_UNLIKE} GPUs in all, what llama.cpp takes; it is {hardware.count}"
        raise UnsupportedError(msg, field="hardware", accepted=[MOST_UNLIKE])
    found = [(_in_place(place, part, catalogs), part.count) for place, part in enumerate(hardware.kinds)]
    _refuse_shared([gpu for gpu, _ in found])
    return tuple(gpu for gpu, count in found for _ in range(count))


def _in_place(place: int, part: HardwarePart, catalogs: Catalogs) -> Gpu:
    """One entry's GPU; what is wrong names its place in the list."""
    try:
        return requested_gpu(part, catalogs)
    except InvalidInputError as error:
        where = f"hardware[{place}]."
        field = (error.field or "hardware.gpu").replace("hardware.", where, 1)
        details: Mapping[str, object] = {k: v for k, v in error.details.items() if k != "field"}
        msg = error.message.replace("hardware.", where, 1)
        raise InvalidInputError(msg, field=field, **details) from error


def _refuse_shared(gpus: Sequence[Gpu]) -> None:
    for place, gpu in enumerate(gpus):
        if gpu.unified_memory:
            msg = (
                f"hardware[{place}].gpu: {gpu.id} shares the machine's memory and stands beside no other GPU"
            )
            raise UnsupportedError(msg, field=f"hardware[{place}].gpu")


def kinds_of(hardware: HardwarePart) -> tuple[HardwarePart, ...]:
    """The entries of a list, or the one part that there is."""
    return hardware.kinds if isinstance(hardware, UnlikeHardware) else (hardware,)


def check_one_host(hardware: HardwarePart, engine: str) -> None:
    """What deals layers to the GPUs of a machine is not asked for several machines.

    Raises:
        UnsupportedError: GPUs of more than one host.
    """
    said = any("gpus_per_node" in part.model_fields_set for part in kinds_of(hardware))
    if traits_of(engine).deals_layers and said and hardware.count > hardware.gpus_per_node:
        msg = (
            f"hardware.gpus_per_node: {engine} is planned on one host; {hardware.count} GPUs in hosts of "
            f"{hardware.gpus_per_node} are several"
        )
        raise UnsupportedError(msg, field="hardware.gpus_per_node", accepted=f"at least {hardware.count}")


def machine_notes(
    hardware: HardwarePart, gpus: Sequence[Gpu], catalogs: Catalogs, engine: str
) -> Iterator[str]:
    """What was taken for granted of GPUs outside of the catalog and beside each other, and what changes nothing."""
    unlike = gpus if isinstance(hardware, UnlikeHardware) else ()
    if hardware.host is not None and not traits_of(engine).deals_layers:
        yield f"hardware.host: changes nothing, since {engine} is planned with no work on the host"
    if hardware.count > 1 and gpus[0].unified_memory and gpus[0].link_kind is None:
        yield f"hardware.count: {hardware.count} machines; what the network between them takes is not counted"
    for part in kinds_of(hardware):
        yield from custom_notes(part)
        if part.instance is not None:
            yield f"hardware.gpu: {part.instance} is {part.count} x {part.gpu}, as the list of prices has it"
        yield from _size_notes(part, catalogs)
    for gpu in dict.fromkeys(gpus):
        if gpu.enlarged:
            size = gpu.memory_bytes / (1 << 30)
            yield (
                f"hardware.gpu_memory_bytes: {gpu.id} is sold with less than the {size:.1f} GiB that are stated; "
                "such a card was never measured"
            )
    if unlike:
        names = " + ".join(gpu.id for gpu in unlike)
        yield f"hardware: {names}, one pipeline stage each in this order; such pairs were never measured"
    vendors = dict.fromkeys(gpu.vendor for gpu in unlike)
    if len(vendors) > 1:
        yield f"hardware: GPUs of {' and '.join(vendors)} need a build of llama.cpp for both (Vulkan)"


def llama_cpp_notes(hardware: HardwarePart, catalogs: Catalogs) -> Iterator[str]:
    """The same of a machine that llama.cpp is started on."""
    gpus = unlike_gpus(hardware, catalogs, OWN_MACHINE) or (requested_gpu(hardware, catalogs),)
    yield from machine_notes(hardware, gpus, catalogs, OWN_MACHINE)


def _size_notes(part: HardwarePart, catalogs: Catalogs) -> Iterator[str]:
    """Which of a chip's memory sizes was taken where none was said, and what the smaller chip of a size is."""
    if part.gpu_memory_bytes is not None or part.like is not None:
        return
    if part.gpu in catalogs.gpu_names or read_sized(part.gpu).gib is None:
        words = sizes_words(catalogs.gpu_entry(requested_gpu(part, catalogs).id))
        yield from () if words is None else (words,)
        return
    gpu = catalogs.gpu(part.gpu)
    if gpu.id not in catalogs.gpu_names:
        speed = gpu.memory_bandwidth_bytes_per_s / 1e9
        yield f"hardware.gpu: {gpu.id} is the chip with {gpu.sm_count} GPU cores and {speed:.0f} GB/s"


def room_bytes(gpus: Sequence[Gpu]) -> int:
    """Memory that processes find on all of them [bytes]."""
    return sum(gpu.usable_memory_bytes for gpu in gpus)
