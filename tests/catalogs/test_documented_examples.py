"""The worked examples of docs/catalogs.md are accepted as they stand."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from llm_calc.adapters.catalog import CatalogGpu, CatalogModel, RentalPrice, load_catalogs
from llm_calc.adapters.catalog.files import read_csv

PAGE = (Path(__file__).parents[2] / "docs" / "catalogs.md").read_text(encoding="utf-8")


def example(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


def test_gpu() -> None:
    row = CatalogGpu.model_validate(tomllib.loads(example("toml")))
    assert row.network in load_catalogs().links
    assert row.peak_over_arithmetic == pytest.approx(1)


def test_model() -> None:
    row = CatalogModel.model_validate(json.loads(example("json")))
    assert row.config["hidden_size"] == 2048


def test_price(tmp_path: Path) -> None:
    (tmp_path / "example.csv").write_text(example("text"))
    (price,) = read_csv(RentalPrice, tmp_path / "example.csv")
    assert price.typical
    assert price.usd_per_gpu_hour == 24.0 / 8
