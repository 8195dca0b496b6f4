"""What vLLM 0.33.0's own model classes and planner answered, without a GPU.

Each class was made on PyTorch's meta device, with a card's compute capability and memory in the place of a GPU's; its
layers said what they keep, its backends which blocks they take, and the planner of the cache how much it holds of the
bytes given. Recorded on 2026-11-30 with the release's wheel; FlashInfer was not installed.
"""

import csv
import json
from pathlib import Path

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.memory_plan import planned_memory
from llm_calc.adapters.wire.memory import MemoryPlanRequest

GOLDEN = Path(__file__).parents[1] / "golden" / "vllm_models.csv"
ROWS = list(csv.DictReader(GOLDEN.read_text(encoding="utf-8").splitlines()))


@pytest.mark.parametrize(
    "row", ROWS, ids=lambda row: f"{row['model']}-{row['max_model_len']}-{row['options']}"
)
def test_the_cache_holds_what_the_engines_own_classes_say(row: dict[str, str]) -> None:
    tensor, pipeline = int(row["tensor"]), int(row["pipeline"])
    request = MemoryPlanRequest.model_validate(
        {
            "model": {"name": row["model"]},
            "hardware": {"gpu": row["gpu"], "count": tensor * pipeline},
            "parallelism": {"tensor": tensor, "pipeline": pipeline},
            "engine": {
                "name": "vllm",
                "version": "0.33.0",
                "max_model_len": int(row["max_model_len"]),
                "kv_cache_memory_bytes": int(row["memory_bytes"]),
                **json.loads(row["options"] or "{}"),
            },
        }
    )
    plan = planned_memory(request, load_catalogs()).plan
    assert round(plan.budget.kv_cache_bytes / plan.pools[0].claims[0].block_bytes) == int(row["blocks"])
    length = plan.max_model_len_tokens
    assert float(plan.sequences(length)) == pytest.approx(float(row["max_concurrency"]), rel=1e-3)
    assert plan.kv_cache_tokens == pytest.approx(int(row["tokens"]), rel=1e-3, abs=1)
