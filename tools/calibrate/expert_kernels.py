"""Timings of grouped expert kernels by engine, format and class of chips: what is known where nobody served yet."""

import csv
from collections import defaultdict
from collections.abc import Mapping
from math import exp, log

from tools.calibrate.measurements import ROOT


def kernel_medians(column: str) -> Mapping[str, float]:
    """A column of ``expert_kernels.csv`` by key, the geometric mean where several fits share one.

    Keys are those of deviations, ``kernel:<engine>/<class of format>/<class of chips>``.
    """
    found: dict[str, list[float]] = defaultdict(list)
    with (ROOT / "expert_kernels.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            found[f"kernel:{row['engine']}/{row['format']}/{row['chip']}"].append(float(row[column]))
    return {key: exp(sum(map(log, values)) / len(values)) for key, values in found.items()}
