"""First tokens: the scheduler is simulated at the fitted efficiencies, then what servers add is fitted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from llm_calc.adapters.calibration import SchedulingRow
from llm_calc.adapters.polls import polls
from llm_calc.core.arrays import FloatArray
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.calibrated import host_times, is_dealt
from llm_calc.core.serving.estimate import SPREAD, Deployment, serve
from llm_calc.core.serving.host import NO_HOST, with_host, with_polls
from llm_calc.core.serving.rates import Kernels, Rates, pick, reached_rates
from llm_calc.core.serving.traffic import Scheduling, Traffic
from tools.calibrate.cases import Case
from tools.calibrate.offsets import measured_shape
from tools.calibrate.parameters import Point, Rows, Unknowns
from tools.calibrate.predict import Stack
from tools.calibrate.solver import Problem, fit

SCHEDULING: Mapping[str, SchedulingRow] = {
    "vllm": SchedulingRow(policy="mixed", reserved_fraction=0.5, capacity_fraction=0.93),
    "trtllm": SchedulingRow(policy="mixed", reserved_fraction=1.0, capacity_fraction=0.97),
    "sglang": SchedulingRow(policy="prefill_first", reserved_fraction=0.6, capacity_fraction=1.0),
    "llama.cpp": SchedulingRow(policy="mixed", reserved_fraction=1.0, capacity_fraction=1.0),
    "generic": SchedulingRow(policy="mixed", reserved_fraction=1.0, capacity_fraction=1.0),
}
"""How engines form steps, from their documentation, and which part of the planned cache they were seen to fill:
requests in flight times their mean context, where first tokens begin to wait."""


MEDIAN = "ttft_median_s"
"""Half of all first tokens come no later: those of the start, a tenth, hardly move it."""


@dataclass(frozen=True)
class Runs:
    """Of a simulated run for every case: the measured statistic of first tokens, the mean of the others [s]."""

    ttft_s: FloatArray
    tpot_s: FloatArray


def simulate_cases(cases: Sequence[Case], rows: Rows, stacked: Stack, point: Point, kernels: Kernels) -> Runs:
    """The closed loop of each of ``rows`` (indices into ``cases``) through the scheduler."""
    some = stacked.take(rows)
    rates = reached_rates(some.machine, point.only(rows).value, kernels)
    seen: dict[object, tuple[float, float, float]] = {}
    found = np.zeros((len(rows), 2))
    for at, row in enumerate(rows):
        case = cases[row]
        key = (case.row.setting, case.row.requests)
        if key not in seen:
            seen[key] = _statistics(_deployment(case, pick(rates, at)), case)
        mean, middle, tpot = seen[key]
        found[at] = (middle if case.row.metric == MEDIAN else mean), tpot
    return Runs(ttft_s=found[:, 0], tpot_s=found[:, 1])


def _deployment(case: Case, rates: Rates) -> Deployment:
    row = SCHEDULING[case.row.engine]
    scheduling = Scheduling(
        policy=row.policy,
        budget_tokens=float(max(case.plan.limits.max_batched_tokens, 1)),
        replicas=round(1.0 / float(case.work.sequence_share)),
        reserved_fraction=row.reserved_fraction,
    )
    return Deployment(
        work=case.work,
        rates=rates,
        capacity=max(1.0, case.capacity * row.capacity_fraction),
        limit=case.limit,
        scheduling=scheduling,
    )


def _statistics(deployment: Deployment, case: Case) -> tuple[float, float, float]:
    """Mean and median first token, mean of the others; the same for all reruns of one setting."""
    traffic = Traffic(
        input_tokens=case.row.input_tokens,
        output_tokens=case.row.output_tokens,
        slots=case.row.requests,
        spread_fraction=SPREAD,
    )
    served = serve(deployment, traffic)
    tpot = float(served.tpot_s.mean()) if len(served.tpot_s) else float("nan")
    return float(served.ttft_s.mean()), float(np.median(served.ttft_s)), tpot


def host_problem(unknowns: Unknowns, cases: Sequence[Case], rows: Rows, runs: Runs) -> Problem:
    """ln(predicted / measured) of the first tokens of ``rows``; ``runs`` are those of all cases."""
    lengths = Lengths(
        input_tokens=np.array([cases[row].row.input_tokens for row in rows]),
        output_tokens=np.array([cases[row].row.output_tokens for row in rows]),
    )
    means = [cases[row].row.metric != MEDIAN for row in rows]
    together = np.array([float(cases[row].row.requests) for row in rows]) * means
    every = np.array([float(cases[row].row.requests) for row in rows])
    polls = [_polls(cases[row]) for row in rows]
    few, many = (np.array(each, dtype=np.float64) for each in zip(*polls, strict=True))
    measured = np.log([cases[row].row.value for row in rows])
    dealt = np.array([is_dealt(cases[row].work) for row in rows])

    def residuals(point: Point) -> FloatArray:
        host = host_times(lambda name: point.value(name, None), dealt)
        host = replace(host, polled_steps=many, polled_steps_of_few=few)
        first = with_host(runs.ttft_s[rows], runs.tpot_s[rows], lengths, together, host, every)
        return np.asarray(np.log(np.asarray(first)) - measured)

    return Problem(unknowns, rows, residuals)


def _polls(case: Case) -> tuple[float, float]:
    """Steps between looks for new requests, with few in flight and with many, of the servers that were measured."""
    host = with_polls(NO_HOST, polls(), case.row.engine, case.chip, measured_shape(case.row.model), case.work)
    return float(host.polled_steps_of_few), float(host.polled_steps)


def fit_host(unknowns: Unknowns, cases: Sequence[Case], rows: Rows, runs: Runs) -> FloatArray:
    """The host times that explain the first tokens of ``rows``."""
    return fit(host_problem(unknowns, cases, rows, runs), np.zeros(len(unknowns.names)))
