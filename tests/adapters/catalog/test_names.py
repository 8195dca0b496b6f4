"""Names as people type them, and what may not be taken for one."""

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.catalog.names import NameIndex, holds
from llm_calc.core.errors import UnknownNameError


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("llama 3.3 70b", "llama-3.3-70b"),
        ("Llama_3.3-70B", "llama-3.3-70b"),
        ("llama3.3:70b", "llama-3.3-70b"),
        ("gpt-oss:20b", "gpt-oss-20b"),
        ("Qwen 3.5 35B A3B", "qwen3.5-35b-a3b"),
        ("https://huggingface.co/Qwen/Qwen3-8B", "qwen3-8b"),
        ("https://huggingface.co/openai/gpt-oss-120b/tree/main", "gpt-oss-120b"),
        ("hf.co/meta-llama/Llama-3.1-8B-Instruct", "llama-3.1-8b"),
        ("https://ollama.com/library/gemma3:27b", "gemma-3-27b"),
    ],
)
def test_models_as_people_type_them(typed: str, name: str) -> None:
    assert load_catalogs().model(typed).name == name


@pytest.mark.parametrize(
    ("typed", "gpu"),
    [
        ("AMD MI300X", "mi300x"),
        ("NVIDIA H100", "h100-80gb-sxm"),
        ("RTX4090", "rtx-4090"),
        ("amd instinct mi355x", "mi355x"),
        ("Apple M4 Max", "apple-m4-max"),
    ],
)
def test_gpus_as_people_type_them(typed: str, gpu: str) -> None:
    assert load_catalogs().gpu_names.find(typed).id == gpu


@pytest.mark.parametrize(
    "typed", ["llama3.3:70b-instruct-q4_K_M", "llama-3.3-7b", "gpt-oss", "https://huggingface.co/"]
)
def test_a_name_that_says_more_or_less_is_not_taken(typed: str) -> None:
    with pytest.raises(UnknownNameError):
        load_catalogs().model(typed)


def test_joined_names_that_two_entries_share_mean_none() -> None:
    index: NameIndex[str] = NameIndex("model", "model_name")
    index.add("first", "first", ["a-bc"])
    index.add("second", "second", ["ab-c"])
    assert index["a-bc"] == "first"
    assert index["ab_c"] == "second"
    assert "abc" not in index


def test_search_forgives_what_stands_between_words() -> None:
    assert holds("llama 3.3", ["llama-3.3-70b"])
    assert holds("qwen 3.5 35b", ["qwen3.5-35b-a3b"])
    assert not holds("llama 3.4", ["llama-3.3-70b"])
