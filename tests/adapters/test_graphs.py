"""Graphs of vLLM that a request bounds: steps above them are of unknown time."""

from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.certainty import basis_kind
from llm_calc.adapters.graphs import OF_VLLM
from llm_calc.adapters.operations import MEMORY_PLAN
from llm_calc.adapters.serving import place_request
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.errors import InvalidInputError

BOUNDS: list[tuple[dict[str, Any], int, bool]] = [
    ({"max_cudagraph_capture_size": 4}, 8, True),
    ({"max_cudagraph_capture_size": 8}, 8, False),
    ({"cudagraph_capture_sizes": [1, 2, 4]}, 8, True),
    ({"cudagraph_capture_sizes": [1, 16]}, 8, False),
    ({"cudagraph_capture_sizes": [1, 512]}, 64, True),  # filled up eight times
    ({"cudagraph_capture_sizes": [1, 512]}, 512, False),
    ({"cudagraph_capture_sizes": [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]}, 33, False),
    ({"cudagraph_capture_sizes": [8, 512]}, 3, True),
    ({"max_cudagraph_capture_size": 512}, 1000, False),  # as many as vLLM captures by itself
]


@pytest.mark.parametrize(("options", "concurrency", "named"), BOUNDS)
def test_steps_beyond_the_graphs_are_of_unknown_time(
    options: dict[str, Any], concurrency: int, named: bool
) -> None:
    body = {
        "model": {"name": "llama-3.1-8b"},
        "hardware": {"gpu": "h100-80gb-sxm"},
        "engine": {"name": "vllm", **options},
        "workload": {"input_tokens": 1000, "output_tokens": 100, "concurrency": concurrency},
    }
    found = place_request(ServingEstimateRequest.model_validate(body), load_catalogs())
    assert bool({*options} & {*found.untimed} & {*OF_VLLM}) is named
    assert (basis_kind(found) == "formula_only") is named


@pytest.mark.parametrize(("rate", "named"), [(0.05, False), (8.0, True)])
def test_random_arrivals_that_fall_in_a_gap_are_of_unknown_time(rate: float, named: bool) -> None:
    """At 1 request in 20 s of about 1 s each, one runs at a time; at 8 a second several do, filled up to 512."""
    body = {
        "model": {"name": "llama-3.1-8b"},
        "hardware": {"gpu": "h100-80gb-sxm"},
        "engine": {"name": "vllm", "cudagraph_capture_sizes": [1, 2, 512]},
        "workload": {"input_tokens": 1000, "output_tokens": 100, "request_rate": rate},
    }
    found = place_request(ServingEstimateRequest.model_validate(body), load_catalogs())
    assert ("cudagraph_capture_sizes" in found.untimed) is named


@pytest.mark.parametrize(
    ("options", "accepted"),
    [
        ({"cudagraph_capture_sizes": [1, 2, 4], "max_cudagraph_capture_size": 512}, 4),
        (
            {
                "cudagraph_capture_sizes": [1, 9000],
                "max_cudagraph_capture_size": 9000,
                "max_num_batched_tokens": 2048,
            },
            1,
        ),
    ],
)
def test_a_largest_graph_that_contradicts_the_list_is_refused(options: dict[str, Any], accepted: int) -> None:
    """As ``_set_cudagraph_sizes`` of vLLM 0.33.0 does, which drops sizes above a step first."""
    engine = {"name": "vllm", **options}
    request = {"model": "llama-3.1-8b", "hardware": "h100-80gb-sxm", "engine": engine}
    with pytest.raises(InvalidInputError, match="cudagraph_capture_sizes") as refused:
        MEMORY_PLAN.answered(request, load_catalogs())
    assert refused.value.details["accepted"] == [accepted]
    for change in ({"max_cudagraph_capture_size": accepted}, {"enforce_eager": True}):
        MEMORY_PLAN.answered({**request, "engine": {**engine, **change}}, load_catalogs())
