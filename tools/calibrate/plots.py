"""Plots of the accuracy page."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from llm_calc.core.arrays import FloatArray

COLORS = ("#0b6e99", "#c4520c", "#4d7c0f", "#7e3ba8", "#555555")


def scatter(
    path: Path, title: str, measured: FloatArray, residuals: FloatArray, labels: Sequence[str]
) -> None:
    """Predicted against measured on logarithmic axes, with lines at half and double; the same bytes every time."""
    mpl.rcParams["svg.hashsalt"] = "llm-calc"
    figure = Figure(figsize=(5.2, 4.6), layout="constrained")
    axes = figure.add_subplot()
    kinds = np.array(labels)
    for color, kind in zip(COLORS, sorted(set(labels)), strict=False):
        chosen = kinds == kind
        predicted = measured[chosen] * np.exp(residuals[chosen])
        axes.scatter(measured[chosen], predicted, s=7, alpha=0.5, color=color, linewidths=0, label=kind)
    ends = np.array([measured.min() * 0.8, measured.max() * 1.25])
    for factor, style in ((1.0, "-"), (0.5, ":"), (2.0, ":")):
        axes.plot(ends, ends * factor, style, color="#888888", linewidth=0.8)
    axes.set(
        xscale="log", yscale="log", xlabel="measured", ylabel="predicted, configuration held out", title=title
    )
    axes.legend(frameon=False, markerscale=2)
    figure.savefig(path, format="svg", metadata={"Date": None})
