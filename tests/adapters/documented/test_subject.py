"""Dimensions beside a model that is described already."""

from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.documented.subject import Subject, requested_subject
from llm_calc.adapters.wire.documented_requests import CalculateRequest
from llm_calc.core.errors import InvalidInputError

CONFIG = {
    "model_type": "llama",
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 1000,
    "head_dim": None,
}


def subject(**fields: Any) -> Subject:
    return requested_subject(CalculateRequest(**fields), load_catalogs())


def test_further_dimensions_must_agree_with_a_named_model() -> None:
    assert subject(model_name="llama-3.1-8b", num_key_value_heads=8).warnings == ()
    with pytest.raises(InvalidInputError, match=r"^num_key_value_heads: .* is 8, not 32"):
        subject(model_name="llama-3.1-8b", num_key_value_heads=32)


@pytest.mark.parametrize("field", ["num_experts", "head_dim"])
def test_dimensions_that_a_configuration_does_not_state_are_ignored_aloud(field: str) -> None:
    (warning,) = subject(hf_config=CONFIG, **{field: 8}).warnings
    assert warning.startswith(f"{field}: ignored, since hf_config describes the model")


def test_absent_and_null_dimensions_need_no_word() -> None:
    assert subject(hf_config=CONFIG, num_attention_heads=4, num_experts_per_tok=None).warnings == ()
