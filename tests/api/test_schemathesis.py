"""Generated requests against the application, all checks: no 5xx, no undocumented status, no wrong schema.

One check is left out: that whatever fits the schema is accepted. A schema cannot say that heads divide a width or
that a GPU runs a precision; such requests are answered 400, in the documented shape, which is checked.

The requests are the same on every run. ``make schemathesis CASES=…`` searches longer.
"""

from collections import Counter
from collections.abc import Iterator
from math import ceil
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from llm_calc.api.app import create_app
from llm_calc.api.settings import Settings

APP = create_app(Settings(request_time_limit_s=600))
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", APP)
OPERATIONS = {
    operation.label: operation
    for operation in (SCHEMA[path][method] for path in SCHEMA for method in SCHEMA[path])
}
WITH_INPUT = [label for label, operation in OPERATIONS.items() if operation.body or operation.query]
LONGEST_S = 600.0
"""Searches take seconds of a core, of which a busy machine gives a few in a hundred [s]."""
SEARCHES = ("POST /api/deployment_plans", "POST /api/recommend_gpus")
NAMES = {
    "gpu": ["h100-80gb", "a100-80gb", "rtx-4090"],
    "model_name": ["llama2-7b", "deepseek-v3", "gemma-3-27b", "gpt-oss-120b"],
}
NAMES |= {
    "gpu_name": NAMES["gpu"],
    "hardware.gpu": NAMES["gpu"],
    "model.name": NAMES["model_name"],
    "precision.activations": ["auto"],
    "precision.kv_cache": ["auto", "fp8"],
    "precision.weights": ["bf16", "fp8", "int4-awq", "q4_k_m"],
}


@pytest.fixture(scope="module", autouse=True)
def started() -> Iterator[None]:
    """Load the catalogs."""
    with TestClient(APP):
        yield


def with_known_names(value: Any, path: str = "") -> Any:
    """Put known names where names stand, and leave nulls out: nearly all else would be refused."""
    if isinstance(value, dict):
        return {
            key: with_known_names(entry, f"{path}.{key}".lstrip("."))
            for key, entry in value.items()
            if entry is not None
        }
    if isinstance(value, str) and path in NAMES:
        return NAMES[path][len(value) % len(NAMES[path])]
    return value


FIT, COMPARE, SWEEP = "POST /api/fit", "POST /api/compare", "POST /api/sweep"
CALCULATE, CALIBRATE = "POST /api/calculate", "POST /api/calibrate"
DEPLOYMENTS = ("POST /api/memory_plan", "POST /api/serving_estimate")
GRID = {"precision.weights": ["bf16", "fp8"], "workload.concurrency": [1, 8]}
APART = ("parallelism", "lora", "speculative", "disaggregated", "calibration", "kv_tiers")


def runnable(body: dict[str, Any], label: str) -> None:
    """Leave of a request what seldom is refused."""
    if label in DEPLOYMENTS:
        plainer(body)
    if label == CALCULATE:
        body.update({"model_name": NAMES["model_name"][0], "precision": "fp16"})
        for part in ("gpu", "parallelism"):
            body.pop(part, None)
    if label == FIT:
        body["model"] = {"name": NAMES["model_name"][2]}
    if label == COMPARE:
        for scenario in body["scenarios"]:
            plainer(scenario)
            scenario.pop("workload", None)
    if label == CALIBRATE:
        for run in body["measurements"]:
            plainer(run)
            run["workload"] = {"input_tokens": 1000, "output_tokens": 100, "concurrency": 4}
            run["measured"] = {"tpot_s": 0.02}
    if label == SWEEP:
        body.update({"target": "memory_plan", "base": {}, "grid": GRID})
        plainer(body["base"])


def plainer(deployment: dict[str, Any]) -> None:
    """Options drawn at random contradict each other: the engine and the catalog are left to decide."""
    deployment.update({"hardware": {"gpu": NAMES["gpu"][0]}, "engine": {"name": "vllm"}})
    deployment["model"] = {"name": NAMES["model_name"][0]}
    for part in APART:
        deployment.pop(part, None)


def named(case: Case[Any]) -> Case[Any]:
    """Return the request with known names in its body; every second one with a deployment that runs."""
    case.body = with_known_names(case.body)
    if not isinstance(case.body, dict):
        return case
    label = case.operation.label
    if label in SEARCHES:
        case.body.setdefault("gpus", [*NAMES["gpu"][:2]])
    if len(str(case.body)) % 2:
        runnable(case.body, label)
    if label == FIT:
        case.body["hardware"] = {"gpu": NAMES["gpu"][0]}
        for lists in ("formats", "cache_types"):
            case.body.pop(lists, None)
    return case


def checked_requests(strategy: Any, at_most: int) -> Counter[int]:
    """Send up to ``at_most`` requests, run all checks on each answer, and count the statuses."""
    statuses: Counter[int] = Counter()

    @settings(
        max_examples=at_most,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def send(case: Case[Any]) -> None:
        answer = case.call_and_validate(excluded_checks=[positive_data_acceptance], timeout=LONGEST_S)
        statuses[answer.status_code] += 1

    send()
    return statuses


@pytest.mark.parametrize("label", WITH_INPUT)
def test_sound_requests(label: str, pytestconfig: pytest.Config) -> None:
    wanted = cases_per_test(pytestconfig)
    strategy = OPERATIONS[label].as_strategy(generation_mode=GenerationMode.POSITIVE).map(named)
    statuses = checked_requests(strategy, wanted)
    assert statuses.total() >= wanted
    assert statuses[200] > 0


@pytest.mark.parametrize("label", WITH_INPUT)
def test_unsound_requests(label: str, pytestconfig: pytest.Config) -> None:
    wanted = cases_per_test(pytestconfig)
    strategy = OPERATIONS[label].as_strategy(generation_mode=GenerationMode.NEGATIVE)
    assert checked_requests(strategy, wanted).total() >= wanted


@pytest.mark.parametrize("label", sorted(set(OPERATIONS) - set(WITH_INPUT)))
def test_requests_without_input(label: str) -> None:
    assert checked_requests(OPERATIONS[label].as_strategy(), 1)[200] >= 1


def cases_per_test(pytestconfig: pytest.Config) -> int:
    """Return the share of one test of all generated requests."""
    return ceil(int(pytestconfig.getoption("--schemathesis-cases")) / len(WITH_INPUT) / 2)
