"""How many GPUs a name says: ``8x h200``, ``RTX 4090 x2``, ``p5.48xlarge``.

A count stands before or behind the name of a GPU, with x, × or *, or behind a colon as schedulers have it. The name of
a cloud's instance says GPU and count (``catalogs/clouds``), that of a DGX or of a slice of TPUs by itself.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

from llm_calc.adapters.catalog.files import catalog_root, read_csv
from llm_calc.adapters.catalog.prices import RentalPrice
from llm_calc.core.names import normal_name

# An "xt" or "xtx" after a number is the end of a name: 7900xtx.
_BEFORE = re.compile(r"(\d{1,6})\s*(?:x(?!tx?\b)|×|\*)\s*(\S.*)|(\d{1,2})\s+(?!gi?b?\b)(\S.*)", re.IGNORECASE)
# An "x" within a word is its own: RX 7900, MI300X.
_BEHIND = re.compile(r"(.*\S)(?:\s+(?:x|×|\*)\s*|(?<=\d)(?:x|×|\*))(\d{1,3})", re.IGNORECASE)
# A number of three digits and more before an "x" is the card's own: 4090 x2.
_NUMBERED = re.compile(r"(\d{3,5}(?:\s+\w+)*?)\s*(?:x|×|\*)\s*(\d{1,2})", re.IGNORECASE)
_TURNED = re.compile(r"(?:x|×|\*)\s*(\d{1,3})\s+(\S.*)|(\S.*?)\s+(\d{1,3})\s*(?:x|×|\*)", re.IGNORECASE)
_COLON = re.compile(r"(?:gpu:)?(\S.*?)\s*:\s*(\d{1,4})", re.IGNORECASE)
_SLICE = re.compile(r"(?:google[\s_-]*)?(?:tpu[\s_-]*)?(v5e|v5litepod|v6e|v5p)[\s_-](\d{1,5})", re.IGNORECASE)
_CHIPS_OF_A_SLICE = {"v5e": 1.0, "v5litepod": 1.0, "v6e": 1.0, "v5p": 0.5}
"""Chips [1] for each unit of the number in a TPU slice's name: chips in v5e and v6e, in v5p their two cores.
Source: cloud.google.com/tpu/docs, pages v5e, v6e and v5p; checked: 2026-11-30, excerpts of copies read."""
_DGX = re.compile(r"(?:nvidia[\s_-]*)?dgx[\s_-]+([abh][1-3]00(?:[\s_-].*)?)", re.IGNORECASE)
_GPUS_OF_A_DGX = 8
_PREFIX = re.compile(r"^(ml\.|standard-)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A name with the number that it says; ``count`` and ``node``, GPUs in one host, None where it says none [GPUs]."""

    gpu: str
    count: int | None = None
    node: int | None = None


@lru_cache(maxsize=4096)
def read_counted(name: str) -> Counted:
    """The GPU and the number of GPUs that a name says.

    >>> read_counted("8x h200"), read_counted("RTX 4090 x2").count, read_counted("rx 7900 xtx").count
    (Counted(gpu='h200', count=8, node=None), 2, None)
    >>> read_counted("2 x p5.48xlarge")
    Counted(gpu='h100-80gb-sxm', count=16, node=8)
    """
    text, times = _split(name.strip())
    machine = _machine(text)
    if machine is not None and machine.count is not None:
        node = machine.node if times is None else machine.count
        return replace(machine, count=machine.count * (times or 1), node=node)
    found = _instances().get(_PREFIX.sub("", normal_name(text)))
    if found is None:
        return Counted(gpu=text, count=times)
    gpu, gpus = found
    return Counted(gpu=gpu, count=gpus * (times or 1), node=gpus if gpus > 1 else None)


def _machine(text: str) -> Counted | None:
    """A slice of TPUs, or a machine that is always sold with so many GPUs, by its name."""
    slice_ = _SLICE.fullmatch(text)
    if slice_ is not None:
        kind = slice_[1].lower()
        chips = int(slice_[2]) * _CHIPS_OF_A_SLICE[kind]
        gpu = "tpu-v5e" if kind == "v5litepod" else f"tpu-{kind}"
        return Counted(gpu=gpu, count=int(chips)) if chips >= 1 and chips.is_integer() else None
    dgx = _DGX.fullmatch(text)
    return None if dgx is None else Counted(gpu=dgx[1].lower(), count=_GPUS_OF_A_DGX, node=_GPUS_OF_A_DGX)


def _split(text: str) -> tuple[str, int | None]:
    counted = _COLON.fullmatch(text)
    if counted is not None:
        return counted[1], int(counted[2])
    numbered = _NUMBERED.fullmatch(text)
    if numbered is not None:
        return numbered[1], int(numbered[2])
    turned = _TURNED.fullmatch(text)
    if turned is not None:
        return turned[2] or turned[3], int(turned[1] or turned[4])
    before = _BEFORE.fullmatch(text)
    if before is not None:
        return before[2] or before[4], int(before[1] or before[3])
    behind = _BEHIND.fullmatch(text)
    return (text, None) if behind is None else (behind[1], int(behind[2]))


@cache
def _instances(path: Path | None = None) -> Mapping[str, tuple[str, int]]:
    """GPU and GPUs of an instance by its name; none of names that stand for several, or say a GPU themselves."""
    found: dict[str, set[tuple[str, int]]] = {}
    for file in sorted((catalog_root(path) / "clouds").glob("*.csv")):
        for row in read_csv(RentalPrice, file):
            said = found.setdefault(_PREFIX.sub("", normal_name(row.instance)), set())
            said.add((row.gpu, row.gpus))
    return {
        name: next(iter(rows)) for name, rows in found.items() if len(rows) == 1 and _split(name)[1] is None
    }
