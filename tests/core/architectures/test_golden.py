"""Every golden configuration against counts taken on the real classes (transformers 5.23, torch on the meta device).

A row holds the configuration as published or as the class writes its defaults (keys of training and tokens left
out), parameters by component, cached elements a token, and FLOPs of a prefill of 1024 tokens and of one decode
step behind them, scans left out.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from llm_calc.adapters.config_file import read_config
from llm_calc.core.flops import reference_decode_flops, reference_prefill_flops
from llm_calc.core.memory import CacheFormat, kv_cache_bytes_per_token, parameters_by_component

PATH = Path(__file__).parents[2] / "golden" / "architectures.jsonl"
ROWS: list[dict[str, Any]] = [json.loads(line) for line in PATH.read_text(encoding="utf-8").splitlines()]
COUNTED = 1e-3
"""FLOP counters of the classes also see small products that no formula has, such as rotary angles."""


def rows_with(key: str) -> list[Any]:
    return [pytest.param(row, id=row["name"]) for row in ROWS if key in row]


def test_rows_are_many_and_unique() -> None:
    assert len({row["name"] for row in ROWS}) == len(ROWS) > 250
    assert len({row["config"]["model_type"] for row in ROWS}) > 110


@pytest.mark.parametrize("row", rows_with("parameters"))
def test_parameters_by_component(row: dict[str, Any]) -> None:
    counts = dict(parameters_by_component(read_config(row["config"]).model))
    if row.get("text_only"):
        counts.pop("vision")
    assert {key: value for key, value in counts.items() if value} == row["parameters"]


@pytest.mark.parametrize("row", rows_with("cache_elements_per_token"))
def test_cache_elements_per_token(row: dict[str, Any]) -> None:
    element = CacheFormat(bytes_per_element=1.0)
    per_token = kv_cache_bytes_per_token(read_config(row["config"]).model, element)
    assert per_token == row["cache_elements_per_token"]


@pytest.mark.parametrize("row", rows_with("prefill_flops"))
def test_prefill_flops(row: dict[str, Any]) -> None:
    flops = reference_prefill_flops(read_config(row["config"]).model, 1, 1024)
    assert flops.total == pytest.approx(row["prefill_flops"], rel=COUNTED)


@pytest.mark.parametrize("row", rows_with("decode_flops"))
def test_decode_flops(row: dict[str, Any]) -> None:
    flops = reference_decode_flops(read_config(row["config"]).model, 1024)
    assert flops.total == pytest.approx(row["decode_flops"], rel=COUNTED)


def test_published_configurations_are_read_as_exact() -> None:
    """An assumption on a known type has a reason; most files must need none."""
    published = [row for row in ROWS if row["source"] == "real config.json"]
    confidence = Counter(read_config(row["config"]).confidence for row in published)
    assert confidence["approximate"] <= 0.05 * len(published)
