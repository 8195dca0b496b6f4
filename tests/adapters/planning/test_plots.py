"""What candidates are made of: kept from one question to the next, and each layout with formats of its own."""

from typing import Any

import numpy as np
import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.planning import plots
from llm_calc.adapters.planning.plans import answer_deployment_plans
from llm_calc.adapters.wire.plans import DeploymentPlansRequest
from tests.core.planning.test_candidates import searched

GPUS = ["h100-80gb-sxm", "l40s", "mi300x"]


def question(**more: Any) -> DeploymentPlansRequest:
    return DeploymentPlansRequest.model_validate({"model": {"name": "qwen3-32b"}, "gpus": GPUS, **more})


OTHERS: list[dict[str, Any]] = [
    {"workload": {"input_tokens": 30000, "output_tokens": 100}},
    {"workload": {"concurrency": 8}, "objective": "latency"},
    {"workload": {"batch": 4}, "formats": ["fp8", "q4_k_m"]},
    {"workload": {}, "limits": {"max_gpus": 4}},
    {"workload": {}, "gpus": GPUS[:2]},
    {"workload": {}, "calibration": {"scales": {"kv_bandwidth_fraction": 0.8}}},
]


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_what_was_asked_before_changes_no_answer(other: dict[str, Any]) -> None:
    request = question(**other)
    catalogs = load_catalogs()
    plots._kept_plots.cache_clear()
    alone = answer_deployment_plans(request, catalogs)
    plots._kept_plots.cache_clear()
    answer_deployment_plans(question(workload={}), catalogs)
    assert answer_deployment_plans(request, catalogs) == alone
    assert answer_deployment_plans(request, catalogs) == alone


def test_a_question_of_other_lengths_finds_its_plots_again() -> None:
    plots._kept_plots.cache_clear()
    for tokens in (100, 1000, 10000):
        answer_deployment_plans(question(workload={"input_tokens": tokens}), load_catalogs())
    kept = plots._kept_plots.cache_info()
    assert (kept.misses, kept.hits) == (1, 2)
    assert kept.maxsize is not None


def test_a_layout_is_timed_with_the_formats_of_its_own_pieces() -> None:
    """Blocks of 128 do not divide eighths of GLM-5.1's inner width: such pieces stay at 16 bits."""
    found = searched(
        DeploymentPlansRequest.model_validate(
            {
                "model": {"name": "glm-5.1"},
                "gpus": ["b200-180gb-sxm"],
                "engines": ["trtllm"],
                "formats": ["fp8"],
            }
            | {"workload": {}}
        )
    )
    (part,) = found.candidates
    rates = np.broadcast_to(part.rows.deployment.rates.linear[1].flops_per_s, part.rows.gpus.shape)[:, 0]
    by_tensor = {part.rows.row(at).layout.tensor: rates[at] for at in range(len(rates))}
    sixteen_bits = part.rows.deployment.rates.linear[3].flops_per_s  # of the head, which is never quantized
    assert by_tensor[8] == sixteen_bits < by_tensor[4]
