"""Whether predictions put deployments in the order in which they were measured.

``python -m tools.plan_order``: wherever the shipped measurements hold the same model, engine, weight format, lengths
and load on several GPUs or layouts, every pair of them that differs by more than 20 % is compared with the order of the
predictions, for each figure and for tokens a second of one GPU.
"""

import csv
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Any

from llm_calc.adapters.catalog import Catalogs, load_catalogs
from llm_calc.adapters.catalog.files import catalog_root
from llm_calc.adapters.serving import place_request, time_load
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.errors import CalcError
from llm_calc.core.serving.estimate import Estimate

ROOT = catalog_root() / "calibration"
ENGINES = ("vllm", "sglang", "trtllm", "llama.cpp")
LOADS = {"closed_loop": "concurrency", "single_stream": "concurrency", "static_batch": "batch"}
LEAST_RATIO = 1.2
PER_GPU = "output tokens/s of one GPU"
Row = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One measured deployment: what was measured, and what is predicted; more is better in both."""

    measured: float
    predicted: float
    deployment: tuple[str, ...]


def rows() -> list[Row]:
    """The shipped measurements."""
    with (ROOT / "measurements.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def request_of(row: Row) -> ServingEstimateRequest:
    """The measured deployment as a request."""
    layout = {name: int(row[name]) for name in ("tensor", "pipeline", "data", "expert")}
    workload: dict[str, Any] = {
        "input_tokens": max(1, round(float(row["input_tokens"] or 1))),
        "output_tokens": max(1, round(float(row["output_tokens"] or 1))),
    }
    workload |= {LOADS[row["load"]]: int(row["requests"] or 1)} if row["load"] in LOADS else {"offline": True}
    cache_format = next(
        (name for name in ("fp8", "int8", "fp16", "bf16") if name in row["kv_cache"].lower()), "auto"
    )
    return ServingEstimateRequest.model_validate(
        {
            "model": {"hf_config": config_of(row["model"])},
            "precision": {"weights": row["weights"], "kv_cache": cache_format},
            "hardware": {
                "gpu": row["gpu"],
                "count": layout["tensor"] * layout["pipeline"] * layout["data"],
            },
            "parallelism": layout,
            "engine": {"name": row["engine"] if row["engine"] in ENGINES else "generic"},
            "workload": workload,
        }
    )


@cache
def config_of(model: str) -> dict[str, Any]:
    """The configuration of a measured model."""
    config: dict[str, Any] = json.loads((ROOT / "models" / f"{model}.json").read_text(encoding="utf-8"))
    return config


def figure_of(row: Row, found: Estimate, request: ServingEstimateRequest) -> float:
    """The prediction of what was measured."""
    load = request.workload
    values: dict[str, Callable[[], float]] = {
        "decode_tokens_per_s": lambda: load.requests_in_flight / float(found.tpot_s),
        "prefill_tokens_per_s": lambda: (
            load.requests_in_flight * load.mean_input_tokens / float(found.ttft_s)
        ),
    }
    metric = row["metric"]
    return values[metric]() if metric in values else float(getattr(found, metric))


def points(catalogs: Catalogs) -> Iterator[tuple[tuple[str, ...], Point]]:
    """Every measurement that has others to be compared with, by what they have in common."""
    grouped: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows():
        same = ("engine", "model", "weights", "input_tokens", "output_tokens", "load", "requests")
        grouped[(row["metric"], *(row[name] for name in same))].append(row)
    for key, found in grouped.items():
        if len({_deployment(row) for row in found}) > 1:
            yield from ((other, point) for row in found for other, point in _points(key, row, catalogs))


def _deployment(row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in ("gpu", "tensor", "pipeline", "data", "expert"))


def _points(key: tuple[str, ...], row: Row, catalogs: Catalogs) -> Iterator[tuple[tuple[str, ...], Point]]:
    """A measurement; times are turned round, and a time a token is also one GPU's throughput."""
    try:
        request = request_of(row)
        found = time_load(place_request(request, catalogs), request.workload)
    except CalcError:
        return
    measured, predicted = float(row["value"]), figure_of(row, found, request)
    if row["metric"].endswith("_s") and not row["metric"].endswith("per_s"):
        measured, predicted = 1 / measured, 1 / predicted
    yield key, Point(measured=measured, predicted=predicted, deployment=_deployment(row))
    if row["metric"] == "tpot_s" or row["metric"] == "output_tokens_per_s":
        gpus = request.hardware.count
        other = (PER_GPU, *key[1:])
        yield (
            other,
            Point(measured=measured / gpus, predicted=predicted / gpus, deployment=_deployment(row)),
        )


def agreement(group: Sequence[Point]) -> tuple[int, int]:
    """Pairs in the measured order, and pairs that were measured to differ."""
    agreeing = compared = 0
    for one, other in combinations(group, 2):
        low, high = sorted((one, other), key=lambda point: point.measured)
        if one.deployment != other.deployment and high.measured > LEAST_RATIO * low.measured:
            compared += 1
            agreeing += high.predicted > low.predicted
    return agreeing, compared


def main() -> None:
    """Print the share of pairs in the measured order, by figure and load, and over all."""
    grouped: dict[tuple[str, ...], list[Point]] = defaultdict(list)
    for key, point in points(load_catalogs()):
        grouped[key].append(point)
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for key, group in grouped.items():
        for place, count in enumerate(agreement(group)):
            counts[(key[0], key[6])][place] += count
    for (figure, load), (agreeing, compared) in sorted(counts.items()):
        if compared:
            print(f"{figure}, {load}: {agreeing} of {compared} pairs, {agreeing / compared:.1%}")
    agreeing, compared = (sum(each[place] for each in counts.values()) for place in (0, 1))
    print(f"all: {agreeing} of {compared} pairs, {agreeing / compared:.1%}")


if __name__ == "__main__":
    main()
