"""Graphs of vLLM that a request bounds: steps above them are of unknown time."""

from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.certainty import basis_kind
from llm_calc.adapters.serving import place_request
from llm_calc.adapters.wire.serving import ServingEstimateRequest

BOUNDS: list[tuple[dict[str, Any], int, bool]] = [
    ({"max_cudagraph_capture_size": 4}, 8, True),
    ({"max_cudagraph_capture_size": 8}, 8, False),
    ({"cudagraph_capture_sizes": [1, 2, 4]}, 8, True),
    ({"cudagraph_capture_sizes": [1, 16]}, 8, False),
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
    assert ({*options} <= {*found.untimed}) is named
    assert (basis_kind(found) == "formula_only") is named
