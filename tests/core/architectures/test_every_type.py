"""Every model type that is read has a count of its real class, or one by hand that is written out."""

import json
from pathlib import Path
from typing import Any

import pytest

from llm_calc.adapters.config_file import read_config
from llm_calc.core.architectures.registry import known_types
from llm_calc.core.memory import total_parameters

GOLDEN = Path(__file__).parents[2] / "golden"
BY_HAND: list[dict[str, Any]] = json.loads((GOLDEN / "by_hand.json").read_text(encoding="utf-8"))["rows"]


def _types_in(value: object) -> set[str]:
    """Every ``model_type`` in configurations, nested ones too, of golden rows."""
    if isinstance(value, list):
        return set().union(*(_types_in(item) for item in value), set())
    if not isinstance(value, dict):
        return set()
    own = value.get("model_type")
    return ({own} if isinstance(own, str) else set()).union(*(_types_in(item) for item in value.values()))


def _counted_in(value: object) -> set[str]:
    """The types of every configuration, at any depth, that stands beside the parameters that were counted of it."""
    if isinstance(value, list):
        return set().union(*(_counted_in(item) for item in value), set())
    if not isinstance(value, dict):
        return set()
    own = _types_in(value["config"]) if "config" in value and "parameters" in value else set()
    return own.union(*(_counted_in(item) for item in value.values()))


def counted_types() -> set[str]:
    seen: set[str] = set()
    for file in (*GOLDEN.glob("*.json"), *GOLDEN.glob("*.jsonl")):
        text = file.read_text(encoding="utf-8")
        lines = text.splitlines() if file.suffix == ".jsonl" else [text]
        for line in lines:
            seen |= _counted_in(json.loads(line))
    variants = json.loads((GOLDEN / "variants.json").read_text(encoding="utf-8"))["types"]
    return seen | set(variants)


def test_a_type_that_only_other_figures_name_is_not_counted() -> None:
    rows = [{"config": {"model_type": "cached"}, "cache_bytes": 1}, {"model_type": "named", "parameters": 1}]
    whole = {"rows": [*rows, {"config": {"text_config": {"model_type": "inner"}}, "parameters": 1}]}
    assert _counted_in(whole) == {"inner"}


def test_every_type_is_counted() -> None:
    missing = set(known_types()) - counted_types()
    assert missing == set(), (
        "add a row to tests/golden/by_hand.json, or architectures.jsonl (docs/families.md)"
    )


@pytest.mark.parametrize("row", [pytest.param(row, id=row["name"]) for row in BY_HAND])
def test_counts_by_hand(row: dict[str, Any]) -> None:
    assert sum(row["terms"].values()) == row["parameters"]
    assert total_parameters(read_config(row["config"]).model) == row["parameters"]
