"""Names that say a memory size: ``m4 max 64gb``, ``Mac Studio M3 Ultra 256``, ``strix halo 64 GB``.

GPUs that share the machine's memory are sold with several sizes; of others a name may say the one that they have. Words
of the machine are left out.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from llm_calc.adapters.catalog.gpus import CatalogGpu
from llm_calc.adapters.units import GB, GIB
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.hardware import LAPTOP, Gpu
from llm_calc.core.names import NameIndex, normal_name

_MACHINE = re.compile(
    r"\b(mac-?book-(pro|air|neo)|mac-?book|mac-(studio|mini|pro)|imac|apple|hgx|unified|memory|ram|1[3-6]-inch|with)\b"
)
_SIZE = re.compile(r"(?:^|-)(\d{1,4})-?(?:gb|gib|g)(?=-|$)")
_LAST = re.compile(r"-(\d{2,4})$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """A name without its size, and the size [GiB]; None where it says none."""

    chip: str
    gib: int | None


def read_sized(name: str) -> Sized:
    """The chip and the size that a name says.

    >>> read_sized("MacBook Pro M4 Max 64GB"), read_sized("mac studio m3 ultra 256").gib
    (Sized(chip='m4-max', gib=64), 256)
    """
    plain = normal_name(re.sub(r"[(),\"'”]", " ", name))
    found = _SIZE.search(plain) or _LAST.search(plain)
    rest = plain if found is None else plain[: found.start()] + "-" + plain[found.end() :]
    chip = re.sub(r"-+", "-", _MACHINE.sub("-", rest)).strip("-")
    return Sized(chip=chip, gib=None if found is None else int(found[1]))


def sized_gpu(name: str, index: NameIndex[CatalogGpu], field: str | None) -> Gpu:
    """The GPU of a name that no entry has, by its chip and its memory.

    Raises:
        UnknownNameError: no such chip; offers the nearest.
        InvalidInputError: a size that the chip is not sold with.
    """
    said = read_sized(name)
    if not said.chip or said.chip not in index:
        return index.find(name, field).gpu
    entry = index[said.chip]
    return entry.gpu if said.gib is None else _of_size(entry, said.gib, name, field)


def _of_size(entry: CatalogGpu, gib: int, name: str, field: str | None) -> Gpu:
    sizes = [int(size) for size in entry.memory_options_gib] or [int(entry.memory_gib)]
    if gib not in sizes:
        where = field or "gpu"
        sold = ", ".join(map(str, sizes))
        msg = (
            f"{where}: {name[:60]!r}: {entry.id} is sold with {sold} GB; another size is hardware.gpu_memory_bytes "
            "beside the id"
        )
        raise InvalidInputError(msg, field=field, accepted=[f"{entry.id}-{size}gb" for size in sizes])
    whole = entry.gpu.with_memory(gib * GIB) if gib * GIB != entry.gpu.memory_bytes else entry.gpu
    smaller = next((each for each in entry.smaller if gib in each.memory_gib), None)
    if smaller is None or entry.sm_count is None:
        return whole
    part = smaller.sm_count / entry.sm_count
    return replace(
        whole,
        id=f"{entry.id}-{gib}gb",
        name=f"{entry.name} ({smaller.sm_count} GPU cores)",
        memory_bandwidth_bytes_per_s=smaller.memory_bandwidth_gb_per_s * GB,
        peaks=tuple((number_type, rate * part) for number_type, rate in whole.peaks),
        sm_count=smaller.sm_count,
    )


def sold_gpus(entries: Iterable[CatalogGpu], beside: str) -> tuple[Gpu, ...]:
    """GPUs sold by themselves, each with every memory that it is sold with; those for one country beside one."""
    known = tuple(entries)
    abroad = {each.id for each in known if each.export_version}
    left_out = set() if beside in abroad else abroad
    sold = (each for each in known if each.id not in left_out and each.gpu.form_factor != LAPTOP)
    return tuple(gpu for each in sold for gpu in _sizes(each))


def _sizes(entry: CatalogGpu) -> tuple[Gpu, ...]:
    """The GPU with each memory that its machines are sold with, under the id that says it; else as it is."""
    sizes = [int(size) for size in entry.memory_options_gib] if entry.unified_memory else []
    if len(sizes) < 2:
        return (entry.gpu,)
    found = ((gib, _of_size(entry, gib, entry.id, None)) for gib in sizes)
    return tuple(replace(gpu, id=f"{entry.id}-{gib}gb", name=f"{gpu.name}, {gib} GB") for gib, gpu in found)


def chip_of(gpu: Gpu) -> str:
    """The id without the memory that it may say."""
    return re.sub(r"-\d+gb$", "", gpu.id) if gpu.unified_memory else gpu.id


def smaller_chip(index: NameIndex[CatalogGpu], name: str, memory_bytes: int) -> Gpu | None:
    """The chip with fewer cores where only that is sold with so much memory; None elsewhere."""
    gib, rest = divmod(memory_bytes, GIB)
    entry = index.find(name)
    if rest or not any(gib in each.memory_gib for each in entry.smaller):
        return None
    return _of_size(entry, gib, name, None)


def sizes_words(entry: CatalogGpu) -> str | None:
    """Of a chip that is sold with several sizes: which one was taken for lack of a word."""
    if not entry.unified_memory or len(entry.memory_options_gib) < 2:
        return None
    sizes = ", ".join(f"{size:g}" for size in entry.memory_options_gib)
    taken = f"{entry.memory_gib:g}"
    other = f"{entry.id}-{entry.memory_options_gib[0]:g}gb"
    return f"hardware.gpu: {entry.id} is sold with {sizes} GB; taken with {taken}, say another as {other}"
