"""Speed of serving estimates: whole answers by kind of load, and what they are made of, where the build has it.

Whole answers are measured in processor time, each question with other lengths, so that no answer is a kept one: of one
deployment under many loads, as users ask, and of deployments of which nothing was asked before.
"""

import time
from collections.abc import Callable, Iterator
from itertools import product
from statistics import median
from typing import Any

import numpy as np

from bench._figures import Figure, report
from llm_calc.adapters.catalog import Catalogs, load_catalogs
from llm_calc.adapters.serving import answer_serving_estimate
from llm_calc.adapters.wire.serving import ServingEstimateRequest

REQUEST: dict[str, Any] = {
    "model": {"name": "llama-3.1-70b"},
    "precision": {"weights": "fp8"},
    "hardware": {"gpu": "h100-80gb-sxm", "count": 4},
    "parallelism": {"tensor": 4},
    "engine": {"name": "vllm"},
}
LOADS: dict[str, dict[str, Any]] = {
    "a closed loop of 64, ten requests a slot": {"output_tokens": 1024, "concurrency": 64},
    "a closed loop of 64, prompts of 8 000 tokens": {
        "input_tokens": 8000,
        "output_tokens": 500,
        "concurrency": 64,
    },
    "a closed loop of 256": {"output_tokens": 1024, "concurrency": 256},
    "random arrivals": {"output_tokens": 256, "request_rate": 4.0},
    "random arrivals close to what is served at most": {"output_tokens": 256, "request_rate": 10.0},
    "one request": {"output_tokens": 256, "batch": 1},
}
NEW = {"a closed loop of 64, ten requests a slot": "llama-3.1-8b", "one request": "qwen3-32b"}
QUESTIONS = 40
GPUS = ("h100-80gb-sxm", "h200-141gb-sxm", "a100-80gb-sxm", "h20-96gb-sxm", "l40s")
GROUPS = ((1, 1), (2, 2), (4, 4), (8, 8))
WEIGHTS = ("fp8", "bf16")


def best_s(call: Callable[[], object], repeats: int) -> float:
    """Least time of some calls."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def deployment_of(number: int, model: str | None) -> dict[str, Any]:
    """The same deployment at every question, or another one of this model."""
    if model is None:
        return REQUEST
    gpu, (count, tensor), weights = tuple(product(GPUS, GROUPS, WEIGHTS))[number]
    return {
        **REQUEST,
        "model": {"name": model},
        "precision": {"weights": weights},
        "hardware": {"gpu": gpu, "count": count},
        "parallelism": {"tensor": tensor},
    }


def answer_s(workload: dict[str, Any], catalogs: Catalogs, model: str | None = None) -> float:
    """Processor time of one answer: the middle of questions that differ in both lengths."""
    times = []
    for number in range(QUESTIONS):
        output = workload["output_tokens"] + number
        prompt = workload.get("input_tokens", 1024) + number
        load = {**workload, "input_tokens": prompt, "output_tokens": output}
        request = ServingEstimateRequest.model_validate({**deployment_of(number, model), "workload": load})
        began_s = time.process_time()
        answer_serving_estimate(request, catalogs)
        times.append(time.process_time() - began_s)
    return median(times)


def measure() -> Iterator[Figure]:
    """Yield whole answers, then parts."""
    catalogs = load_catalogs()
    for title, workload in LOADS.items():
        yield Figure(
            title=f"/api/serving_estimate of {title}, no HTTP",
            value=1e6 * answer_s(workload, catalogs),
            unit="us",
        )
    for title, model in NEW.items():
        yield Figure(
            title=f"/api/serving_estimate of {title}, each of a new deployment, no HTTP",
            value=1e6 * answer_s(LOADS[title], catalogs, model),
            unit="us",
        )
    yield from parts(catalogs)


def parts(catalogs: Catalogs) -> Iterator[Figure]:
    """Yield what an answer is made of; earlier builds are made of other functions."""
    try:
        from llm_calc.adapters.mean_lengths import lengths_of
        from llm_calc.adapters.nearest import evidence_of
        from llm_calc.adapters.serving import place_request, time_load
        from llm_calc.core.serving import estimate as core
        from llm_calc.core.serving.arrivals import simulated_arrivals
        from llm_calc.core.serving.batch import Lengths
        from llm_calc.core.serving.step import StepLoad, step_seconds
    except ImportError:
        return
    asked = {**REQUEST, "workload": {"input_tokens": 1024, "output_tokens": 1024, "concurrency": 64}}
    request = ServingEstimateRequest.model_validate(asked)
    placed = place_request(request, catalogs)
    found = time_load(placed, request.workload)
    deployment, lengths = placed.deployment, lengths_of(request.workload)
    load = StepLoad(sequences=64.0, context_start=1024.0, context_end=2048.0)
    axes = np.meshgrid(
        np.arange(1.0, 101.0), np.linspace(128, 8192, 100), np.linspace(64, 2048, 100), indexing="ij"
    )
    many = Lengths(input_tokens=axes[1].ravel(), output_tokens=axes[2].ravel())
    calls: dict[str, tuple[Callable[[], object], int]] = {
        "one step of all operators": (lambda: step_seconds(deployment.work, load, deployment.rates), 500),
        "one closed form": (lambda: core.closed_form(deployment, lengths, 64.0), 200),
        "one simulated closed loop of 64": (lambda: core.simulated_loop(deployment, lengths, 64), 20),
        "one simulated run of Poisson arrivals": (
            lambda: simulated_arrivals(deployment, lengths, 2.0),
            20,
        ),
        "the published runs nearest to a question": (
            lambda: evidence_of(request, placed, found, catalogs),
            200,
        ),
        "a million closed forms": (lambda: core.closed_form(deployment, many, axes[0].ravel()), 2),
    }
    for name, (call, repeats) in calls.items():
        yield Figure(title=f"serving: {name}", value=1e6 * best_s(call, repeats), unit="us")


if __name__ == "__main__":
    report(measure)
