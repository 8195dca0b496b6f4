"""Units at the edge: the only place where gibibytes, gigabytes and tera-operations meet base SI.

The core counts bytes, seconds and operations; people and data sheets do not.
"""

from llm_calc.core.arrays import Quantity

GIB = 2**30
"""Bytes of a gibibyte: the unit in which drivers and engines report GPU memory."""
MIB = 2**20
"""Bytes of a mebibyte."""
GB = 10**9
"""Bytes of a gigabyte: the unit of bandwidths."""
MB = 10**6
"""Bytes of a megabyte."""
TERA = 10**12
"""Operations of a tera-operation."""
MEGA = 10**6
"""Hertz of a megahertz."""
MICRO = 1e-6
"""Seconds of a microsecond."""


def gib(size_bytes: Quantity) -> float:
    """Bytes as GiB."""
    return float(size_bytes) / GIB
