"""Small configurations that swap parts, drop keys or set rare options, against counts on the real classes."""

import json
from pathlib import Path
from typing import Any

import pytest

from llm_calc.adapters.config_file import read_config
from llm_calc.core.memory import total_parameters

ROWS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "golden" / "counted.json").read_text(encoding="utf-8")
)["rows"]


@pytest.mark.parametrize("row", [pytest.param(row, id=row["name"]) for row in ROWS])
def test_parameters_are_those_of_the_class(row: dict[str, Any]) -> None:
    assert total_parameters(read_config(row["config"]).model) == row["parameters"]
