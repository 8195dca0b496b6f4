"""Timings of single matrix products: how far formats and chips stand apart, whatever an engine adds."""

import csv
import math
import statistics
from collections import defaultdict
from collections.abc import Mapping

from tools.calibrate.measurements import ROOT

SIXTEEN, FIRST = "16-bit", "hopper"
SERVED_FORMATS = (SIXTEEN, "fp8", "nvfp4")
"""Formats of dense matrices that were measured under servers."""


def format_centres(column: str) -> Mapping[str, float]:
    """Where the deviations of formats are expected to stand, by key [ln].

    ``mean of ln(fraction of the peak) of a format - mean over formats``; keys are ``format:<class of formats>``.
    """
    found: dict[str, list[float]] = defaultdict(list)
    for row in _timed(column):
        found[f"format:{row['format']}"].append(math.log(float(row[column])))
    means = {key: sum(values) / len(values) for key, values in found.items()}
    middle = sum(means.values()) / len(means)
    return {key: value - middle for key, value in means.items()}


def shortest_centres() -> Mapping[str, float]:
    """The same of the shortest product, beside the middle of formats and Hopper [ln].

    Medians; chips by 16-bit products, which quantize no activations.
    """
    formats = {name: _shortest("format", name) for name in SERVED_FORMATS}
    middle = statistics.fmean(math.log(value) for value in formats.values())
    found = {f"format:{name}": math.log(value) - middle for name, value in formats.items()}
    chips = {row["chip"] for row in _timed("shortest_s")} - {FIRST}
    first = _shortest("chip", FIRST, SIXTEEN)
    return found | {
        f"generation:{chip}": math.log(_shortest("chip", chip, SIXTEEN) / first) for chip in chips
    }


def _shortest(column: str, label: str, only: str = "") -> float:
    rows = [row for row in _timed("shortest_s") if row[column] == label and only in ("", row["format"])]
    return statistics.median(float(row["shortest_s"]) for row in rows)


def _timed(column: str) -> list[dict[str, str]]:
    with (ROOT / "matrix_kernels.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if row[column] and float(row[column]) > 0]
