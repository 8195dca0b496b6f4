"""Axes are counted before they are made; equal set-ups are evaluated once; set-ups are bounded."""

import tracemalloc
from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.sweep.grid import SweepLimits, build_grid
from llm_calc.adapters.sweep.run import Sweep, ready_sweep
from llm_calc.adapters.wire.sweep import RangePart, SweepRequest
from llm_calc.core.errors import InvalidInputError

BASE = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "h100-80gb-sxm"}}
MANY = SweepLimits(rows=10**9)


def values_of(**part: Any) -> list[Any]:
    grid = build_grid({"n": RangePart.model_validate(part)}, frozenset("n"), MANY)
    return list(grid.arrays[0].values)


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ({"start": 1, "stop": 3}, [1, 2, 3]),
        ({"start": 1, "stop": 8, "step": 3}, [1, 4, 7]),
        ({"start": 1, "stop": 2, "step": 0.5}, [1.0, 1.5, 2.0]),
        ({"start": 1, "stop": 64, "count": 3, "spacing": "log"}, [1, 8, 64]),
        ({"start": 1, "stop": 3, "count": 50}, [1, 2, 3]),
        ({"start": 0.0, "stop": 1.0, "count": 3}, [0.0, 0.5, 1.0]),
        ({"start": 1, "stop": 4, "count": 1000, "spacing": "log"}, [1, 2, 3, 4]),
    ],
)
def test_ranges(part: dict[str, Any], values: list[Any]) -> None:
    found = values_of(**part)
    assert found == values
    assert list(map(type, found)) == list(map(type, values))


def test_rows_are_counted_before_any_value_is_made() -> None:
    axis = RangePart(start=1, stop=1_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(InvalidInputError, match="1000000 x 1000000 = 1000000000000 rows"):
            build_grid({"a": axis, "b": axis}, frozenset(("a", "b")), MANY)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["start", "stop", "step"])
def test_numbers_beyond_all_sense_are_refused(name: str) -> None:
    part = {"start": 1, "stop": 2, "step": 1, name: 10**30}
    with pytest.raises(ValueError, match=name):
        RangePart.model_validate(part)


def test_set_ups_are_bounded() -> None:
    request = SweepRequest.model_validate(
        {
            "target": "memory_plan",
            "base": BASE,
            "grid": {"hardware.gpu_memory_bytes": list(range(10**10, 10**10 + 11))},
        }
    )
    with pytest.raises(InvalidInputError, match=r"makes 11 set-ups.* at most 10 "):
        ready_sweep(request, load_catalogs(), SweepLimits(rows=1000, setups=10))
    assert ready_sweep(request, load_catalogs(), SweepLimits(rows=1000, setups=11)).grid.rows == 11


def test_simulated_rows_are_bounded() -> None:
    grid = {"workload.concurrency": {"start": 2, "stop": 12}}
    request = SweepRequest.model_validate(
        {"target": "serving_estimate", "base": BASE, "grid": grid, "method": "as_endpoint"}
    )
    with pytest.raises(InvalidInputError, match="as_endpoint simulates each of 11 rows"):
        ready_sweep(request, load_catalogs(), SweepLimits(rows=1000, setups=10))


def test_equal_set_ups_are_evaluated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    catalogs = load_catalogs()
    request = SweepRequest.model_validate(
        {"target": "memory_plan", "base": BASE, "grid": {"precision.weights": ["bf16", "fp8"] * 200}}
    )
    sweep = ready_sweep(request, catalogs, SweepLimits(rows=1000, setups=2))
    evaluated: list[Any] = []
    evaluate = Sweep._evaluate

    def counted(self: Sweep, piece: Any, *rest: Any) -> Any:
        evaluated.append(piece.fixed)
        return evaluate(self, piece, *rest)

    monkeypatch.setattr(Sweep, "_evaluate", counted)
    rows = [row for batch in sweep.batches(catalogs) for row in batch]
    assert len(rows) == 400
    assert evaluated == [{"precision.weights": "bf16"}, {"precision.weights": "fp8"}]
    assert (
        rows[0].numbers["weights_bytes"]
        > rows[1].numbers["weights_bytes"]
        == rows[399].numbers["weights_bytes"]
    )
