"""Caches of small random models against what the real classes held of a prompt, shorter and longer than the windows.

``tools/cache_table.py`` writes the table. Where a window is full the classes keep one token less than it: the next one
makes it whole. Engines keep the window, and so does ``cached_tokens``.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from llm_calc.adapters.config_file import read_config
from llm_calc.core.memory import layer_caches
from llm_calc.core.model import Model

GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "golden" / "caches.json").read_text(encoding="utf-8")
)
ROWS: list[dict[str, Any]] = GOLDEN["rows"]
FLAGGED = frozenset({"bailing_hybrid", "minimax", "nemotron_h"})
"""Types whose class takes a key that its cache does not follow: it is named, and the answer is approximate."""


def held(model: Model, tokens: int) -> dict[str, int]:
    """Elements that the real class keeps of one sequence."""
    caches = layer_caches(model)
    seen = [tokens if cache.window is None else min(tokens, cache.window - 1) for cache, _ in caches]
    kept = (
        layers * cache.elements_per_token * shown for (cache, layers), shown in zip(caches, seen, strict=True)
    )
    return {"kept": sum(kept), "state": sum(layers * cache.state_elements for cache, layers in caches)}


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=f"{row['config']['model_type']} {index}") for index, row in enumerate(ROWS)]
)
def test_caches_are_those_of_the_class(row: dict[str, Any]) -> None:
    reading = read_config(row["config"])
    for tokens in GOLDEN["tokens"]:
        one = held(reading.model, tokens)
        assert {kind: GOLDEN["batch"] * elements for kind, elements in one.items()} == row[str(tokens)]
    is_exact = row["config"]["model_type"] not in FLAGGED
    assert reading.confidence == ("exact" if is_exact else "approximate")


def test_the_table_has_every_kind_of_cache() -> None:
    kinds = {cache.kind for row in ROWS for cache, _ in layer_caches(read_config(row["config"]).model)}
    assert kinds >= {"full", "sliding", "chunked", "latent", "state"}
    assert len({row["config"]["model_type"] for row in ROWS}) > 100
