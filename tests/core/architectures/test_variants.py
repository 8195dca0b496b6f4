"""One key changed at a time, for every text model type: exact, or said not to be, but never silently wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from llm_calc.adapters.config_file import read_config
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.memory import total_parameters

GOLDEN: dict[str, list[Any]] = json.loads(
    (Path(__file__).parents[2] / "golden" / "variants.json").read_text(encoding="utf-8")
)["types"]
SHARE = 0.9
"""At least so many of all variants are exact; the others change what no checkpoint changes."""


def verdict(model_type: str, changes: dict[str, object], counted: int) -> str:
    try:
        reading = read_config({"model_type": model_type, **changes})
    except InvalidInputError:
        return "refused"
    if total_parameters(reading.model) == counted:
        return "right"
    return "flagged" if reading.confidence == "approximate" else "silently wrong"


@pytest.mark.parametrize("model_type", sorted(GOLDEN))
def test_no_variant_is_silently_wrong(model_type: str) -> None:
    wrong = [
        changes
        for changes, counted in GOLDEN[model_type]
        if verdict(model_type, changes, counted) == "silently wrong"
    ]
    assert wrong == []


def test_nearly_all_variants_are_right() -> None:
    verdicts = [verdict(name, *row) for name, rows in GOLDEN.items() for row in rows]
    assert verdicts.count("right") >= SHARE * len(verdicts)
