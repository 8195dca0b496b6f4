"""Caches and FLOPs of text model types, and of variants in heads and windows, against counts on the classes."""

import json
from pathlib import Path
from typing import Any

import pytest

from llm_calc.adapters.config_file import read_config
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.flops import reference_decode_flops, reference_prefill_flops
from llm_calc.core.memory import CacheFormat, kv_cache_bytes_per_token
from llm_calc.core.model import Model

ROWS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "golden" / "passes.json").read_text(encoding="utf-8")
)["rows"]
EXACT = 1e-3
ELEMENT = CacheFormat(bytes_per_element=1.0)


def label(row: dict[str, Any]) -> str:
    changes = [key for key in row["config"] if key not in ("model_type", "num_hidden_layers", "n_layer")]
    return "-".join([row["config"]["model_type"], *changes])


def exact_model(row: dict[str, Any]) -> Model | None:
    """The model if its reading says that it is exact: only then has it to agree."""
    try:
        reading = read_config(row["config"])
    except InvalidInputError:
        return None
    return reading.model if reading.confidence == "exact" else None


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_what_is_called_exact_is_so(row: dict[str, Any]) -> None:
    model = exact_model(row)
    if model is None:
        return
    assert reference_prefill_flops(model, 1, 128).total == pytest.approx(row["prefill_128_flops"], rel=EXACT)
    if "kv_elements_per_token" in row:
        assert kv_cache_bytes_per_token(model, ELEMENT) == row["kv_elements_per_token"]
    if "decode_64_flops" in row:
        assert reference_decode_flops(model, 64).total == pytest.approx(row["decode_64_flops"], rel=EXACT)


def test_nearly_all_are_called_exact() -> None:
    assert sum(exact_model(row) is not None for row in ROWS) >= 0.9 * len(ROWS)
