"""A small catalog in a temporary directory, to be spoilt by tests."""

import shutil
from pathlib import Path

import pytest

from llm_calc.adapters.catalog.files import catalog_root

GPUS = ("h100-80gb-sxm", "a100-80gb-sxm")
MODELS = ("gpt2", "llama2-7b")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Two GPUs, two models, all links, one price of each kind."""
    real = catalog_root()
    for folder in ("gpus", "models", "clouds"):
        (tmp_path / folder).mkdir()
    for name in GPUS:
        shutil.copy(real / "gpus" / f"{name}.toml", tmp_path / "gpus")
    for name in MODELS:
        shutil.copy(real / "models" / f"{name}.json", tmp_path / "models")
    shutil.copy(real / "links.toml", tmp_path)
    (tmp_path / "clouds" / "example.csv").write_text(
        "provider,gpu,gpus,instance,usd_per_hour,spot_usd_per_hour,region,as_of,checked,typical,confidence,source,note\n"
        "Example,h100-80gb-sxm,8,big,24.0,,everywhere,2026-08,2026-11-22,yes,catalogue,price list,\n"
    )
    (tmp_path / "api_prices.csv").write_text(
        "model,provider,provider_model,usd_per_million_input_tokens,usd_per_million_output_tokens,"
        "usd_per_million_cached_input_tokens,checked,source\n"
        "llama2-7b,example,meta/llama-2-7b,0.1,0.2,,2026-11-22,price list\n"
    )
    return tmp_path


def edit(file: Path, old: str, new: str) -> None:
    """Replaces ``old``, which must be there, in a file."""
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
