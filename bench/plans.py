"""Seconds that a search for plans takes over the whole catalog: under a rate and limits, and by default."""

from collections.abc import Iterator
from time import process_time
from typing import Any

from bench._figures import Figure, report
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.planning.plans import answer_deployment_plans
from llm_calc.adapters.wire.plans import DeploymentPlansRequest

CASES: dict[str, dict[str, Any]] = {
    "DeepSeek-V3, five requests a second": {
        "model": {"name": "deepseek-v3"},
        "workload": {"input_tokens": 2048, "output_tokens": 512, "request_rate": 5.0},
        "limits": {"ttft_s": 3.0, "tpot_s": 0.06},
    },
    "DeepSeek-V3": {"model": {"name": "deepseek-v3"}, "workload": {}},
    "Qwen3.5-397B": {"model": {"name": "qwen3.5-397b-a17b"}, "workload": {}},
    "GLM-5.1": {"model": {"name": "glm-5.1"}, "workload": {}},
}
ROUNDS = 2


def seconds_of(body: dict[str, Any]) -> tuple[float, float]:
    """Return the seconds of the first search of a process, and the least of further ones."""
    catalogs = load_catalogs()
    request = DeploymentPlansRequest.model_validate(body)
    seconds = []
    for _ in range(1 + ROUNDS):
        began_s = process_time()
        answer_deployment_plans(request, catalogs)
        seconds.append(process_time() - began_s)
    return seconds[0], min(seconds[1:])


def measure() -> Iterator[Figure]:
    """Yield both for every case."""
    for title, body in CASES.items():
        first, further = seconds_of(body)
        yield Figure(title=f"/api/deployment_plans, {title}, first", value=first, unit="s")
        yield Figure(title=f"/api/deployment_plans, {title}, further", value=further, unit="s")


if __name__ == "__main__":
    report(measure)
