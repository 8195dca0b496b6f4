"""Offsets of measured stacks: what their runs took over the formulas, shrunk where runs were few."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from llm_calc.adapters.calibration import stack_key
from llm_calc.adapters.config_file import read_config
from llm_calc.core.architectures.shape import shape_of
from llm_calc.core.arrays import FloatArray
from llm_calc.core.calibration import offset_load
from tools.calibrate.cases import Case
from tools.calibrate.measurements import read_config_of

Offsets = Mapping[str, float]
"""ln(predicted / measured) by stack, load and metric."""
SHRINK = 4.0
"""Runs that count for no offset."""
MOST = 0.4
"""Largest offset [ln]: what differs by more is another setting, not another stack."""
METRICS = {
    ("closed_loop", "tpot_s"): "tpot_s",
    ("closed_loop", "ttft_s"): "ttft_s",
    ("closed_loop", "ttft_median_s"): "ttft_s",
    ("single_stream", "decode_tokens_per_s"): "tpot_s",
    ("single_stream", "tpot_s"): "tpot_s",
    ("single_stream", "prefill_tokens_per_s"): "ttft_s",
    ("single_stream", "ttft_s"): "ttft_s",
    ("static_batch", "decode_tokens_per_s"): "tpot_s",
    ("static_batch", "prefill_tokens_per_s"): "ttft_s",
    ("offline", "output_tokens_per_s"): "output_tokens_per_s",
}
"""Figures that a stack has offsets of, by the metric of an answer that they are applied to."""


def learned(cases: Sequence[Case], residuals: FloatArray, rows: "np.typing.NDArray[np.bool_]") -> Offsets:
    """Offsets of all stacks among the chosen cases: medians times n / (n + 4)."""
    found: dict[str, list[float]] = defaultdict(list)
    for at in np.flatnonzero(rows).tolist():
        key = key_of(cases[at])
        if key is not None:
            found[key].append(_sign(cases[at]) * float(residuals[at]))
    return {key: _shrunk(values) for key, values in found.items()}


def taken(cases: Sequence[Case], offsets: Offsets) -> FloatArray:
    """What the offsets take off the residual of every case."""
    keys = [key_of(case) for case in cases]
    found = [0.0 if key is None else offsets.get(key, 0.0) for key in keys]
    return np.array([_sign(case) * value for case, value in zip(cases, found, strict=True)])


def key_of(case: Case) -> str | None:
    """The stack of a case, its load and the metric that an offset is applied to; None where there is none."""
    metric = METRICS.get((case.row.load, case.row.metric))
    if metric is None:
        return None
    stack = stack_key(case.row.engine, case.row.gpu, _shape(case.row.model), case.work)
    return f"{stack}|{offset_load(case.row.engine, case.row.load)}|{metric}"


@cache
def _shape(model: str) -> str:
    return shape_of(read_config(read_config_of(model)).model)


def _sign(case: Case) -> float:
    """Rates stand for times the other way round, but where the rate itself is what an answer gives."""
    return -1.0 if case.row.metric in ("decode_tokens_per_s", "prefill_tokens_per_s") else 1.0


def _shrunk(values: Sequence[float]) -> float:
    count = len(values)
    middle = float(np.median(values)) * count / (count + SHRINK)
    return min(MOST, max(-MOST, middle))
