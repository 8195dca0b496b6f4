"""A context beyond a model's positions: a release of the same shape, or a refusal that names what there is."""

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.operations import FIT
from llm_calc.core.errors import UnsupportedError


def test_a_release_with_more_positions_answers_in_its_place() -> None:
    asked = {"hardware": "rtx-4070", "context_tokens": 65_536, "formats": ["q4_k_m"], "cache_types": ["q8_0"]}
    answer = FIT.answered({"model": "qwen3 30b", **asked}, load_catalogs())
    longer = FIT.answered({"model": "Qwen/Qwen3-30B-A3B-Instruct-2507", **asked}, load_catalogs())
    assert answer.rows == longer.rows
    assert any("40960" in each and "2507" in each and "262144" in each for each in answer.warnings)
    assert not any("positions" in each for each in longer.warnings)


def test_what_no_release_has_positions_for_is_refused() -> None:
    asked = {"hardware": "rtx-4070", "context_tokens": 1 << 20}
    with pytest.raises(
        UnsupportedError, match=r"40960 tokens that the model has positions for; Qwen/.*262144"
    ):
        FIT.answered({"model": "qwen3 30b", **asked}, load_catalogs())
    for name in ("llama-3.1-8b", "qwen2.5-7b"):  # Qwen2.5-7B-Instruct, of the same shape, has fewer
        with pytest.raises(UnsupportedError, match=r"131072 tokens that the model has positions for$"):
            FIT.answered({"model": name, **asked}, load_catalogs())


def test_a_variant_has_the_positions_of_its_release() -> None:
    asked = {"model": "qwen2.5:7b-instruct-q4_K_M", "hardware": "rtx-4070"}
    with pytest.raises(UnsupportedError, match="32768 tokens that the model has positions for"):
        FIT.answered({**asked, "context_tokens": 140_000}, load_catalogs())
