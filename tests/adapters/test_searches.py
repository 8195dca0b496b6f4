"""Searches find what requests take a text for."""

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.searches import gpus_found, models_found


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Qwen/Qwen3-8B-AWQ", "qwen3-8b"),
        ("llama3.3:70b-instruct-q4_K_M", "llama-3.3-70b"),
        ("ollama run gpt-oss:20b", "gpt-oss-20b"),
        ("qwen 3.5 35b", "qwen3.5-35b-a3b"),
    ],
)
def test_a_model_is_found_by_whatever_a_request_calls_it(text: str, name: str) -> None:
    assert name in [row["name"] for row in models_found(load_catalogs(), text)]


@pytest.mark.parametrize(
    ("text", "gpu"),
    [
        ("8x h200", "h200-141gb-sxm"),
        ("p5.48xlarge", "h100-80gb-sxm"),
        ("m4 max 64gb", "apple-m4-max"),
        ("blackwell", "b200-180gb-sxm"),
    ],
)
def test_a_gpu_is_found_by_whatever_a_request_calls_it(text: str, gpu: str) -> None:
    assert gpu in [row["id"] for row in gpus_found(load_catalogs(), text)]


def test_a_text_that_means_nothing_finds_nothing() -> None:
    assert models_found(load_catalogs(), "never-heard-of-awq") == []
    assert gpus_found(load_catalogs(), "8x nothing") == []
