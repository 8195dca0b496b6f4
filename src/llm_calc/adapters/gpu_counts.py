"""How many GPUs a name says: ``8x h200``, ``RTX 4090 x2``, ``p5.48xlarge``.

A count stands before or behind the name of a GPU, with x, × or *. The name of a cloud's instance says GPU and count
(``catalogs/clouds``).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
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
    found = _instances().get(_PREFIX.sub("", normal_name(text)))
    if found is None:
        return Counted(gpu=text, count=times)
    gpu, gpus = found
    return Counted(gpu=gpu, count=gpus * (times or 1), node=gpus if gpus > 1 else None)


def _split(text: str) -> tuple[str, int | None]:
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
