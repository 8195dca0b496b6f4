"""Predictions of stacked cases, by the product's own formulas."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from llm_calc.core.arrays import FloatArray, Quantity
from llm_calc.core.operators import StepWork
from llm_calc.core.serving import batch, closed_loop
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.rates import Kernels, Machine, Rates, reached_rates
from tools.calibrate.cases import Case
from tools.calibrate.parameters import Point, Rows
from tools.calibrate.queues import output_tokens_per_s, queue_of
from tools.calibrate.solver import Residuals
from tools.calibrate.stacking import stack_machines, stack_work, take

LENGTH_MEAN = 0.9
"""Clients of closed loops draw lengths between 0.8 and 1 of the nominal ones."""


@dataclass(frozen=True)
class Stack:
    """Cases as arrays."""

    work: StepWork
    machine: Machine
    requests: FloatArray
    lengths: Lengths
    capacity: FloatArray
    limit: FloatArray
    budget: FloatArray
    queue: FloatArray

    def take(self, rows: Rows) -> "Stack":
        """Some of the cases."""
        lengths = Lengths(
            input_tokens=np.asarray(self.lengths.input_tokens)[rows],
            output_tokens=np.asarray(self.lengths.output_tokens)[rows],
        )
        return Stack(
            work=take(self.work, rows),
            machine=take(self.machine, rows),
            requests=self.requests[rows],
            lengths=lengths,
            capacity=self.capacity[rows],
            limit=self.limit[rows],
            budget=self.budget[rows],
            queue=self.queue[rows],
        )


def stack(cases: Sequence[Case]) -> Stack:
    """Cases as arrays."""

    def column(of: Callable[[Case], float]) -> FloatArray:
        return np.array([float(of(case)) for case in cases])

    return Stack(
        work=stack_work([case.work for case in cases]),
        machine=stack_machines([case.machine for case in cases]),
        requests=column(lambda case: case.row.requests),
        lengths=Lengths(
            input_tokens=column(lambda case: case.row.input_tokens),
            output_tokens=column(lambda case: case.row.output_tokens),
        ),
        capacity=column(lambda case: case.capacity),
        limit=column(lambda case: case.limit),
        budget=column(lambda case: max(case.plan.limits.max_batched_tokens, 1)),
        queue=column(lambda case: queue_of(case.row).requests),
    )


def predict(load: str, metrics: FloatArray, stacked: Stack, rates: Rates) -> FloatArray:
    """The measured metric of every case, all under one kind of load."""
    if load == "closed_loop":
        return np.asarray(_closed_loop(stacked, rates))
    if load == "offline":
        room = (stacked.capacity, stacked.limit, stacked.queue)
        return output_tokens_per_s(stacked.work, rates, stacked.lengths, *room)
    return _together(metrics, stacked, rates)


def _closed_loop(stacked: Stack, rates: Rates) -> object:
    lengths = Lengths(
        input_tokens=stacked.lengths.input_tokens * LENGTH_MEAN,
        output_tokens=stacked.lengths.output_tokens * LENGTH_MEAN,
    )
    fits = np.minimum(stacked.capacity / MEAN_OCCUPANCY, stacked.limit)
    found = closed_loop.steady_state(
        stacked.work, rates, lengths, stacked.requests, fits, budget_tokens=stacked.budget
    )
    return found.tpot_s


MEAN_OCCUPANCY = 0.9
"""A sequence holds on average so much of its full nominal length while it runs (paged caches grow with it)."""


def _together(metrics: FloatArray, stacked: Stack, rates: Rates) -> FloatArray:
    requests, lengths = stacked.requests, stacked.lengths
    prefill = np.asarray(batch.prefill_seconds(stacked.work, rates, requests, lengths))
    decode = np.asarray(batch.decode_seconds(stacked.work, rates, requests, lengths))
    latency = prefill + (lengths.output_tokens - 1) * decode
    found = {
        "ttft_s": prefill,
        "tpot_s": decode,
        "decode_tokens_per_s": requests / decode,
        "prefill_tokens_per_s": requests * lengths.input_tokens / prefill,
        "output_tokens_per_s": requests * lengths.output_tokens / latency,
        "total_tokens_per_s": requests * (lengths.input_tokens + lengths.output_tokens) / latency,
    }
    return np.select([metrics == name for name in found], list(found.values()), np.nan)


def residuals_of(cases: Sequence[Case], rows: Rows, stacked: Stack, kernels: Kernels) -> Residuals:
    """A function of a point of the fit: ln(predicted / measured) of the cases ``rows``."""
    kinds = [_kind(case.row.load) for case in cases]
    parts = []
    for kind in sorted({kinds[row] for row in rows}):
        places = np.array([at for at, row in enumerate(rows) if kinds[row] == kind])
        measured = np.log([cases[rows[at]].row.value for at in places])
        metrics = np.array([cases[rows[at]].row.metric for at in places])
        own = replace(kernels, prompt_tokens=_prompt_steps(cases, rows[places], kernels))
        parts.append((kind, places, stacked.take(rows[places]), metrics, measured, own))

    def residuals(point: Point) -> FloatArray:
        result = np.empty(len(rows))
        for load, places, some, metrics, measured, own in parts:
            rates = reached_rates(some.machine, point.only(rows[places]).value, own)
            result[places] = np.log(predict(load, metrics, some, rates)) - measured
        return result

    return residuals


PROMPT_STEPS = {"mlx": 2048}
"""Engines of a family that read prompts in other steps than the rest of it (``prefill_step_size``) [tokens]."""


def _prompt_steps(cases: Sequence[Case], rows: Rows, kernels: Kernels) -> Quantity:
    engines = [cases[row].row.engine for row in rows]
    if not PROMPT_STEPS.keys() & set(engines):
        return kernels.prompt_tokens
    return np.array([PROMPT_STEPS.get(engine, kernels.prompt_tokens) for engine in engines], dtype=np.float64)


def _kind(load: str) -> str:
    """Loads that are predicted alike: requests that run together from start to end, one or many."""
    return load if load in ("closed_loop", "offline") else "together"
