"""Measurements as cases: the work of a step, the capacity of the cache and the machine, all by the product's rules."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.config_file import read_config
from llm_calc.adapters.engines import build_engine
from llm_calc.adapters.formats import FormatWishes, Precision, resolve_precision
from llm_calc.adapters.served import served_cache, served_capacity, without_kept_states
from llm_calc.core.calibration import chip_class, format_class
from llm_calc.core.engines import MemoryPlan, Setup, traits_of
from llm_calc.core.errors import CalcError
from llm_calc.core.operators import StepWork, step_work, summed
from llm_calc.core.operators.context import visited_pairs
from llm_calc.core.parallelism import Layout
from llm_calc.core.serving.calibrated import kernel_key, maker_of
from llm_calc.core.serving.machine import machine_of
from llm_calc.core.serving.rates import Machine
from tools.calibrate.measurements import Measurement, read_config_of
from tools.calibrate.parameters import Keys
from tools.calibrate.queues import queue_of

CACHE_NAMES = {"fp8": "fp8", "int8": "int8", "fp16": "fp16", "bf16": "fp16"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A measurement with everything that a prediction of it needs."""

    row: Measurement
    work: StepWork
    plan: MemoryPlan
    machine: Machine
    chip: str
    vendor: str

    @property
    def capacity(self) -> float:
        """Sequences of full length that the cache holds at once."""
        return float(served_capacity(self.plan, self.row.input_tokens + self.row.output_tokens))

    @property
    def limit(self) -> float:
        """Sequences at once that the scheduler allows, as the run was started where its source says it."""
        told = queue_of(self.row).max_sequences
        return float((self.plan.limits.max_sequences if told is None else told) * self.plan.replicas)


LARGEST_COMPUTE_FRACTION = 0.62
"""Of the dense peak, for a whole model: above what any published measurement of kernels in a model reaches."""


def above_roof(case: Case) -> bool:
    """Whether a closed loop's time a token implies more FLOP/s than the GPU can deliver, prompts' own included."""
    row = case.row
    if (row.load, row.metric) != ("closed_loop", "tpot_s"):
        return False
    tokens = row.requests * (1 + row.input_tokens / row.output_tokens)
    layers = zip(case.work.linear[:3], case.machine.group_flops_per_s, strict=False)
    least_s = sum(tokens * work.token_share * work.flops_per_token / peak for work, peak in layers)
    prompts = row.requests / row.output_tokens * case.work.sequence_share / case.machine.wide_flops_per_s
    least_s += sum(
        prompts * visited_pairs(each, 0.0, row.input_tokens) * each.prefill_flops_per_pair
        for each in case.work.context
    )
    return bool(least_s / row.value > LARGEST_COMPUTE_FRACTION)


def build_cases(rows: Sequence[Measurement]) -> list[Case]:
    """The cases of rows; set aside also where the roofs forbid a third of what one engine did with one model.

    Such runs sent prompts that were in the prefix cache already: the rest of them are no better.
    """
    cases = [case for row in rows if (case := readable(row)) is not None]
    broken, all_of = Counter[object](), Counter[object]()
    for case in cases:
        all_of[_runs(case.row)] += case.row.metric == "tpot_s"
        broken[_runs(case.row)] += above_roof(case)
    return [_without(case, most=0 < all_of[_runs(case.row)] <= 3 * broken[_runs(case.row)]) for case in cases]


def _runs(row: Measurement) -> object:
    return (
        (row.engine, row.engine_version, row.model, row.weights, row.gpu)
        if row.load == "closed_loop"
        else row
    )


def _without(case: Case, *, most: bool) -> Case:
    if case.row.aside is None and ((most and case.row.load == "closed_loop") or above_roof(case)):
        return replace(case, row=replace(case.row, aside="implies more than 62 % of the peak arithmetic"))
    return case


def readable(row: Measurement) -> Case | None:
    """The case of a row; None where the product refuses its model or layout."""
    try:
        return build_case(row)
    except CalcError as error:
        print(f"left out: {row.model} on {row.gpu}: {error}")
        return None


def build_case(row: Measurement) -> Case:
    """The case of a row."""
    layout = Layout(tensor=row.tensor, pipeline=row.pipeline, data=row.data, expert=row.expert)
    cache_name = next((name for text, name in CACHE_NAMES.items() if text in row.kv_cache.lower()), "auto")
    return Case(row=row, **_resolved(row.model, row.weights, cache_name, row.engine, row.gpu, layout))


@cache
def _resolved(
    model: str, weights: str, kv_cache: str, engine: str, gpu: str, layout: Layout
) -> dict[str, Any]:
    reading = read_config(read_config_of(model), name=model)
    wishes = FormatWishes(weights=weights, kv_cache=kv_cache, engine=engine)
    device = load_catalogs().gpu(gpu)
    precision: Precision = resolve_precision(reading.model, wishes, reading.quantization)
    small = served_cache(precision, wishes, device)
    if small is not None:
        precision = resolve_precision(reading.model, replace(wishes, kv_cache=small), reading.quantization)
    setup = Setup(model=reading.model, numbers=precision.numbers, layout=layout, gpu=device)
    work = summed(step_work(reading.model, precision.numbers.recipe, layout, precision.numbers.cache_format))
    return {
        "work": work,
        "plan": without_kept_states(build_engine(engine).plan(setup)),
        "machine": machine_of(
            load_catalogs().cluster(device, layout.gpus), work, layout, half_sums=traits_of(engine).half_sums
        ),
        "chip": chip_class(device),
        "vendor": device.vendor.lower(),
    }


def keys_of(cases: Sequence[Case]) -> Keys:
    """Keys of every case, as the product builds them for a request."""
    return Keys(
        plain={
            "engine": [case.row.engine for case in cases],
            "generation": [case.chip for case in cases],
            "vendor": [case.vendor for case in cases],
            "maker": [maker_of(case.vendor) for case in cases],
            "pair": [f"{case.row.engine}/{case.chip}" for case in cases],
            "kernel": [kernel_key(case.row.engine, case.work.linear[2].format, case.chip) for case in cases],
        },
        formats=[[format_class(case.work.linear[group].format) for case in cases] for group in range(4)],
    )
