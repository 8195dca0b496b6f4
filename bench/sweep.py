"""Rows per second of a sweep over numeric axes, from the grid to the bytes of the answer, on one core."""

from collections.abc import Iterator
from time import process_time
from typing import Any

from bench._figures import Figure, report
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.sweep.run import ready_sweep
from llm_calc.adapters.sweep.writers import written
from llm_calc.adapters.wire.sweep import SweepRequest

BASE: dict[str, Any] = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "h100-80gb-sxm"}}
LENGTHS = {"start": 128, "stop": 8192, "count": 1000}
REQUESTS = {"start": 1, "stop": 500}
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "memory_plan": (
        "memory_plan",
        BASE,
        {"workload.input_tokens": LENGTHS, "workload.concurrency": REQUESTS},
    ),
    "serving_estimate, static batches": (
        "serving_estimate",
        BASE,
        {"workload.input_tokens": LENGTHS, "workload.batch": REQUESTS},
    ),
    "serving_estimate, closed loops in closed form": (
        "serving_estimate",
        BASE,
        {"workload.input_tokens": LENGTHS, "workload.concurrency": REQUESTS},
    ),
    "calculate": (
        "calculate",
        {"model_name": "llama2-7b", "gpu": "a100-80gb"},
        {"seq_length": LENGTHS, "batch_size": REQUESTS},
    ),
}


def rows_per_s(target: str, base: dict[str, Any], grid: dict[str, Any], name: str) -> float:
    """Return the rate of one sweep in one format."""
    catalogs = load_catalogs()
    request = SweepRequest.model_validate({"target": target, "base": base, "grid": grid, "format": name})
    began_s = process_time()
    sweep = ready_sweep(request, catalogs, 10**7)
    for _ in written(sweep, sweep.batches(catalogs)):
        pass
    return sweep.grid.rows / (process_time() - began_s)


def measure() -> Iterator[Figure]:
    """Yield the rate of each target in each format."""
    for title, (target, base, grid) in CASES.items():
        for name, wanted in (("parquet", 1_000_000), ("ndjson", 600_000), ("csv", 600_000)):
            yield Figure(
                title=f"/api/sweep {title}, {name}",
                value=rows_per_s(target, base, grid, name),
                unit="rows/s",
                more=True,
                wanted=f"at least {wanted:,} are wanted",
            )


if __name__ == "__main__":
    report(measure)
