"""Groups that are held out of a fit to see how it does on what it has not seen."""

import zlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

from llm_calc.core.serving.calibrated import maker_of
from tools.calibrate.cases import Case
from tools.calibrate.parameters import Rows

MOST_FOLDS = 6
HELD_OUT = ("row", "model", "gpu", "generation", "vendor")
"""``row``: a quarter of the configurations, all metrics and reruns of one kept together. ``generation``: an engine on
a class of chips; ``vendor``: on all chips of one vendor."""


def label(case: Case, held_out: str) -> str:
    """The group of a case."""
    row = case.row
    if held_out == "row":
        return str(zlib.crc32(repr((row.setting, row.requests)).encode()) % 4)
    return {
        "model": row.model,
        "gpu": row.gpu,
        "generation": f"{row.engine}/{case.chip}",
        "vendor": f"{row.engine}/{maker_of(case.vendor)}",
    }[held_out]


def group(case: Case, held_out: str) -> str:
    """What a range must hold for as a whole: the group that was held out, for rows the stack they belong to."""
    row = case.row
    return f"{row.engine}/{row.gpu}/{row.model}" if held_out == "row" else label(case, held_out)


def setting_group(case: Case) -> str:
    """What a range of one pair of engine and chips must hold for as a whole: runs of one setting."""
    return repr((case.row.setting, case.row.requests))


def folds(cases: Sequence[Case], held_out: str) -> Rows:
    """A fold a case; groups beyond ``MOST_FOLDS`` share folds, largest first."""
    labels = [label(case, held_out) for case in cases]
    ranks = {name: rank % MOST_FOLDS for rank, (name, _) in enumerate(Counter(labels).most_common())}
    return np.array([ranks[name] for name in labels])
