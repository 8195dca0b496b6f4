"""Offsets of measured stacks: what their runs took over the formulas, shrunk where runs were few."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from llm_calc.adapters.config_file import read_config
from llm_calc.core.architectures.shape import shape_of
from llm_calc.core.arrays import FloatArray
from llm_calc.core.calibration import offset_load
from llm_calc.core.engines import traits_of
from llm_calc.core.parallelism import Layout
from llm_calc.core.serving.calibrated import layout_key, stack_key
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


def learned(cases: Sequence[Case], residuals: FloatArray, rows: "npt.NDArray[np.bool_]") -> Offsets:
    """Offsets of all stacks among the chosen cases, then of their layouts: medians times n / (n + 4)."""
    found: dict[str, float] = {}
    left = residuals.copy()
    for keys in (_stacks(cases), _layouts(cases)):
        members: dict[str, list[float]] = defaultdict(list)
        for at in np.flatnonzero(rows).tolist():
            key = keys[at]
            if key is not None:
                members[key].append(_sign(cases[at]) * float(left[at]))
        own = {key: _shrunk(values) for key, values in members.items()}
        left = left - _told(cases, keys, own)
        found |= own
    return found


def taken(cases: Sequence[Case], offsets: Offsets) -> FloatArray:
    """What the offsets take off the residual of every case."""
    return _told(cases, _stacks(cases), offsets) + _told(cases, _layouts(cases), offsets)


def _told(cases: Sequence[Case], keys: Sequence[str | None], offsets: Offsets) -> FloatArray:
    found = [0.0 if key is None else offsets.get(key, 0.0) for key in keys]
    return np.array([_sign(case) * value for case, value in zip(cases, found, strict=True)])


def _stacks(cases: Sequence[Case]) -> Sequence[str | None]:
    return [key_of(case) for case in cases]


def _layouts(cases: Sequence[Case]) -> Sequence[str | None]:
    return [layout_key_of(case) for case in cases]


def key_of(case: Case) -> str | None:
    """The stack of a case, its load and the metric that an offset is applied to; None where there is none."""
    return _key(case, _stack(case))


def layout_key_of(case: Case) -> str | None:
    """The same of the stack in the layout of the case; None of engines for one's own machine, which share layouts."""
    row = case.row
    if traits_of(row.engine).load.own_machine or row.load != "closed_loop":
        return None
    layout = Layout(tensor=row.tensor, pipeline=row.pipeline, data=row.data, expert=row.expert)
    return _key(case, layout_key(_stack(case), layout))


def _stack(case: Case) -> str:
    return stack_key(case.row.engine, case.row.gpu, measured_shape(case.row.model), case.work)


def _key(case: Case, of: str) -> str | None:
    metric = METRICS.get((case.row.load, case.row.metric))
    return None if metric is None else f"{of}|{offset_load(case.row.engine, case.row.load)}|{metric}"


@cache
def measured_shape(model: str) -> str:
    """The shape of a measured model, which tells it from others."""
    return shape_of(read_config(read_config_of(model)).model)


def _sign(case: Case) -> float:
    """Rates stand for times the other way round, but where the rate itself is what an answer gives."""
    return -1.0 if case.row.metric in ("decode_tokens_per_s", "prefill_tokens_per_s") else 1.0


def _shrunk(values: Sequence[float]) -> float:
    count = len(values)
    middle = float(np.median(values)) * count / (count + SHRINK)
    return min(MOST, max(-MOST, middle))
