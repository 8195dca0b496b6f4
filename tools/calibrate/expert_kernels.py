"""Timings of grouped expert kernels by engine, format and class of chips: what is known where nobody served yet."""

import csv
import math
from collections import defaultdict
from collections.abc import Mapping

from tools.calibrate.measurements import ROOT

ALTERNATIVES = frozenset(("mxfp4",))
"""Formats of which an engine has kernels with 16-bit and with 8-bit activations for the same file, and takes one."""


def kernel_centres(column: str, base: float) -> Mapping[str, float]:
    """Where the deviations of kernels are expected to stand, by key [ln].

    ``ln(geometric mean of the timings / base)``; keys are ``kernel:<engine>/<class of format>/<class of
    chips>``.
    """
    found: dict[str, list[float]] = defaultdict(list)
    for row in _taken():
        found[f"kernel:{row['engine']}/{row['format']}/{row['chip']}"].append(
            math.log(float(row[column]) / base)
        )
    return {key: sum(values) / len(values) for key, values in found.items()}


def _taken() -> list[dict[str, str]]:
    """Kernels that an engine takes: of alternatives for one format the one that is done first with few tokens."""
    with (ROOT / "expert_kernels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    groups: dict[tuple[str, ...], list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        kernel = "" if row["format"] in ALTERNATIVES else row["kernel"]
        groups[row["engine"], row["gpu"], row["format"], kernel, kernel and row["releases"]].append(row)
    return [min(some, key=_slowness) for some in groups.values()]


def _slowness(row: dict[str, str]) -> float:
    return float(row["fixed_s"]) / float(row["bandwidth_fraction"])
