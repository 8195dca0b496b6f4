"""Many deployments at once: each row as if it had been evaluated alone, and bounds that are bounds."""

from dataclasses import replace

import numpy as np
import pytest

from llm_calc.adapters.calibration import load_calibration
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.engines import build_engine
from llm_calc.core.architectures.shape import shape_of
from llm_calc.core.engines import Setup
from llm_calc.core.model import Model
from llm_calc.core.operators import step_work, summed
from llm_calc.core.parallelism import Layout
from llm_calc.core.planning.bounds import (
    Limits,
    awake_fraction,
    held_bytes,
    largest_load,
    most_sequences,
    under_load,
)
from llm_calc.core.planning.space import LayoutRules, layouts
from llm_calc.core.planning.split import LOADS, Load, split_load, with_fewer_each
from llm_calc.core.planning.stacking import stack
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.calibrated import host_of, rates_of
from llm_calc.core.serving.estimate import Deployment
from llm_calc.core.serving.machine import machine_of
from tests.builders import deepseek_v3, llama, plain_numbers

LENGTHS = Lengths(input_tokens=1000.0, output_tokens=200.0)
FIGURES = ("ttft_s", "tpot_s", "request_latency_s", "output_tokens_per_s", "requests_per_s")


def deployment(model: Model, gpu_id: str, layout: Layout) -> Deployment:
    catalogs, calibration, numbers = load_catalogs(), load_calibration("served"), plain_numbers()
    gpu = catalogs.gpu(gpu_id)
    work = summed(step_work(model, numbers.recipe, layout, numbers.cache_format))
    weights, each = held_bytes(work, 1200.0)
    machine = machine_of(catalogs.cluster(gpu, layout.gpus), work, layout, half_sums=False)
    return Deployment(
        work=work,
        rates=rates_of(calibration, machine, work, "vllm", gpu),
        capacity=most_sequences(weights, each, layout.pipeline * gpu.usable_memory_bytes, layout.data),
        limit=np.inf,
        host=host_of(calibration, "vllm", gpu, work, shape_of(model)),
    )


def some(model: Model) -> list[Deployment]:
    gpus = ("h100-80gb-sxm", "mi300x", "b200-180gb-sxm")
    return [
        deployment(model, gpu, layout) for gpu in gpus for layout in layouts(model, LayoutRules(), 8)[::3]
    ]


@pytest.mark.parametrize("model", [llama(), deepseek_v3()])
@pytest.mark.parametrize("kind", ["concurrency", "batch", "offline"])
def test_rows_of_a_stack_are_what_each_is_alone(model: Model, kind: str) -> None:
    rows, loads = some(model), np.array([[1.0, 16.0, 200.0]])
    together = under_load(stack(rows), kind, LENGTHS, loads)
    for place, row in enumerate(rows):
        alone = under_load(row, kind, LENGTHS, loads[0])
        for name in FIGURES:
            expected = np.atleast_1d(np.asarray(getattr(alone, name)))
            assert np.asarray(getattr(together, name))[place] == pytest.approx(expected)


def test_no_engine_holds_more_than_the_bound() -> None:
    numbers, gpu = plain_numbers(), load_catalogs().gpu("h100-80gb-sxm")
    for layout in layouts(llama(), LayoutRules(), 8):
        bound = deployment(llama(), gpu.id, layout).capacity
        for name in ("vllm", "sglang", "trtllm"):
            plan = build_engine(name).plan(Setup(model=llama(), numbers=numbers, layout=layout, gpu=gpu))
            assert plan.sequences(1200) <= bound


@pytest.mark.parametrize(
    "limits", [Limits(tpot_s=0.03), Limits(ttft_s=1.0), Limits(request_latency_s=4.0), Limits()]
)
def test_the_largest_load_is_that_of_trying_all(limits: Limits) -> None:
    rows = stack(some(llama()))
    found = largest_load(rows, "concurrency", LENGTHS, limits, LOADS)
    everything = under_load(rows, "concurrency", LENGTHS, LOADS[np.newaxis, :])
    held = limits.allow(everything) & (LOADS[np.newaxis, :] <= np.asarray(rows.capacity))
    expected = np.where(held, LOADS, 0.0).max(axis=1, keepdims=True)
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("kind", ["concurrency", "batch", "request_rate"])
def test_replicas_carry_the_whole_load_within_the_limits(kind: str) -> None:
    rows, load = stack(some(llama())), Load(kind=kind, amount=300.0)
    limits, most = Limits(tpot_s=0.05, ttft_s=60.0), np.full((len(np.asarray(rows.capacity)), 1), 100.0)
    found = split_load(rows, "served", LENGTHS, load, limits, most)
    possible = found.possible[:, 0] > 0
    assert possible.any()
    assert np.all((found.each * found.replicas)[possible] >= 300.0 - 1e-6)
    assert np.all(np.asarray(found.estimate.tpot_s)[possible] <= 0.05)
    fewer = with_fewer_each(rows, "served", LENGTHS, load, found, 0.5, most)
    chosen = fewer.possible[:, 0] > 0
    assert np.all(fewer.replicas[chosen] >= found.replicas[chosen])
    assert np.all(
        np.asarray(fewer.estimate.tpot_s)[chosen] <= np.asarray(found.estimate.tpot_s)[chosen] * (1 + 1e-9)
    )


def test_the_fastest_take_as_many_replicas_as_are_allowed() -> None:
    rows = stack(some(llama())[:2])
    load = Load(kind="concurrency", amount=40.0, fastest=True)
    found = split_load(rows, "served", LENGTHS, load, Limits(), np.array([[8.0], [100.0]]))
    assert found.replicas.tolist() == [[8.0], [40.0]]
    assert found.each.tolist() == [[5.0], [1.0]]


def test_an_open_load_grows_until_a_limit_binds() -> None:
    rows = stack(some(llama()))
    most = np.full((len(np.asarray(rows.capacity)), 1), 1.0)
    found = split_load(
        rows, "served", LENGTHS, Load(kind="concurrency", open=True), Limits(tpot_s=0.03), most
    )
    tighter = split_load(
        rows, "served", LENGTHS, Load(kind="concurrency", open=True), replace(Limits(), tpot_s=0.015), most
    )
    assert np.all(tighter.each <= found.each)
    assert np.all(found.replicas == 1)


def test_of_sessions_that_pause_as_long_as_a_request_takes_half_are_awake() -> None:
    one = deployment(llama(), "h100-80gb-sxm", Layout())
    alone = float(under_load(one, "concurrency", LENGTHS, 1.0).request_latency_s)
    assert float(awake_fraction(one, LENGTHS, alone)) == pytest.approx(0.5)
    assert awake_fraction(one, LENGTHS, 0.0) == 1.0


def test_twice_the_sessions_fit_where_half_of_them_are_awake() -> None:
    rows, grid = stack([deployment(llama(), "h100-80gb-sxm", Layout())]), np.arange(1.0, 4097.0)
    limits = Limits(tpot_s=0.02)
    whole, half = (
        float(largest_load(rows, "concurrency", LENGTHS, limits, grid, awake)[0, 0]) for awake in (1.0, 0.5)
    )
    assert half == pytest.approx(2 * whole, abs=1)
    unlimited = float(largest_load(rows, "concurrency", LENGTHS, Limits(), grid, 0.5)[0, 0])
    assert unlimited == np.floor(2 * float(np.asarray(rows.capacity)[0, 0]))
