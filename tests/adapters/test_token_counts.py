"""Counts of tokens as people type them."""

import pytest

import llm_calc
from llm_calc.adapters.token_counts import read_tokens
from llm_calc.cli.bodies import assignment, value_at
from llm_calc.core.errors import InvalidInputError


@pytest.mark.parametrize(
    ("typed", "tokens"),
    [
        ("64k", 65536),
        ("128K", 131072),  # max_position_embeddings of Llama 3.1, whose card says 128k
        ("1M", 1048576),
        ("1.5k", 1536),
        (" 32 k ", 32768),
        ("32,768", 32768),
        ("1_048_576", 1048576),
    ],
)
def test_texts_that_are_counts(typed: str, tokens: int) -> None:
    assert read_tokens(typed) == tokens


@pytest.mark.parametrize("typed", ["", "k", "64kb", "64 GB", "1,2", "1.3333k", "-1k", "65536", "q4_k", "1e6"])
def test_texts_that_are_none(typed: str) -> None:
    assert read_tokens(typed) is None


def test_a_small_k_of_an_engines_option_is_refused() -> None:
    """vLLM 0.33's human_readable_int: 32k is 32,000, 32K is 32,768."""
    assert value_at("engine.max_model_len", "32K") == 32768
    assert value_at("workload.input_tokens", "32k") == 32768
    with pytest.raises(InvalidInputError, match=r"engine\.max_model_len: 32k is 32000 to vLLM.*write K"):
        value_at("engine.max_model_len", "32k")


def test_a_small_k_is_read_where_the_engine_has_one_count() -> None:
    """No other engine than vLLM tells 8k from 8K."""
    assert assignment("engine.n_ctx=8k", "llama.cpp") == ("engine.n_ctx", 8192)
    assert assignment("engine.context_length=8k", "sglang") == ("engine.context_length", 8192)
    with pytest.raises(InvalidInputError, match="8000 to vLLM"):
        assignment("engine.max_model_len=8k", "vllm")


def test_json_is_refused_with_the_number_to_send() -> None:
    with pytest.raises(
        InvalidInputError, match=r"workload\.input_tokens: must be a whole number \(65536 for '64k'\)"
    ):
        llm_calc.estimate(model="llama-3.1-8b", hardware="l4", workload={"input_tokens": "64k"})
    with pytest.raises(
        InvalidInputError, match=r"context_tokens: must be a whole number \(131072 for '128K'\)"
    ):
        llm_calc.fit(model="llama-3.1-8b", hardware="l4", context_tokens="128K")  # type: ignore[arg-type]  # as it may be sent
