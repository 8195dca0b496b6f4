"""Cells and states of llama.cpp v0.5.0, as its own dry run allocates them for files with these models' keys.

``tests/golden/llama_cpp_cache.json`` is written by ``python -m tools.llama_cpp_dry_run FOLDER``.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.operations import MEMORY_PLAN

pytestmark = pytest.mark.no_cover  # many plans of the same lines
GOLDEN = json.loads(
    (Path(__file__).parents[2] / "golden" / "llama_cpp_cache.json").read_text(encoding="utf-8")
)
LARGE_BYTES = 1 << 42


def planned(model: str, options: dict[str, Any], figure: str = "kv_cache_bytes") -> int:
    request = {
        "model": model,
        "precision": "f16",
        "hardware": {"gpu": "h100-80gb-sxm", "gpu_memory_bytes": LARGE_BYTES},
        "engine": {"name": "llama.cpp", "version": GOLDEN["release"], **options},
    }
    found: int = getattr(MEMORY_PLAN.answered(request, load_catalogs()).per_gpu, figure)
    return found


@pytest.mark.parametrize("model", sorted(GOLDEN["cache_bytes"]))
def test_cells_and_states_are_those_of_the_library(model: str) -> None:
    rows = GOLDEN["cache_bytes"][model]
    found = {json.dumps(row["options"]): planned(model, row["options"]) for row in rows}
    assert found == {json.dumps(row["options"]): row["bytes"] for row in rows}


@pytest.mark.parametrize("model", sorted(GOLDEN["compute_bytes"]))
def test_compute_buffers_of_dense_models_and_mixtures_are_those_of_the_library(model: str) -> None:
    """Within the few bytes that the allocator aligns to."""
    for row in GOLDEN["compute_bytes"][model]:
        found = planned(model, row["options"], "activation_peak_bytes")
        assert found == pytest.approx(row["bytes"], rel=2e-4), row


def test_many_architectures_were_loaded() -> None:
    assert len(GOLDEN["cache_bytes"]) >= 15


@pytest.mark.parametrize("model", sorted(GOLDEN["offloaded_compute_bytes"]))
def test_compute_buffers_hold_what_prompts_copy_from_the_host(model: str) -> None:
    """Where single tensors stay with the host to a thousandth.

    Whole layers within 15 %: the allocator leaves holes between copies of unlike size, which are not followed.
    """
    for row in GOLDEN["offloaded_compute_bytes"][model]:
        found = planned(model, {"n_parallel": 1, **row["options"]}, "activation_peak_bytes")
        near = 1e-3 if "override_tensor" in row["options"] else 0.15
        assert found == pytest.approx(row["bytes"], rel=near), row
