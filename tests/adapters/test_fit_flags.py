"""Commands of a fit: names of models are literal words, whatever is in them."""

import shlex

import pytest

from llm_calc.adapters.fit_files import Files
from llm_calc.adapters.fit_flags import Chosen, runners

HOSTILE = ("$(touch${IFS}pwned)", "$HOME", "`id`", "a'b\"c", "a; id", "a\nFROM b", "my model")


def chosen(model: str) -> Chosen:
    return Chosen(
        files=Files(title=model),
        weights="q4_k_m",
        cache="f16",
        context_tokens=4096,
        sequences=1,
        gpu_layers=33,
        all_layers=33,
        bits=4.5,
        mlx=True,
        on_gpu=True,
        experts=False,
        vllm=None,
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_one_literal_word(name: str) -> None:
    found = runners(chosen(name))
    assert shlex.split(found.llama_cpp)[:3] == ["llama-server", "-m", f"{name}-q4_k_m.gguf"]
    assert shlex.split(found.mlx or "") == ["mlx_lm.server", "--model", f"{name}-4bit"]
    file, _, layers = found.ollama.rpartition("; PARAMETER num_gpu ")
    assert shlex.split(file)[-1] == f"./{name}-q4_k_m.gguf"
    assert layers == "33", "ollama leaves a margin free and would fit fewer by itself"


def test_a_plain_name_stands_as_it_is_and_none_is_an_option() -> None:
    assert "-m Llama-3.1-8B-q4_k_m.gguf -c 4096" in runners(chosen("Llama-3.1-8B")).llama_cpp
    assert "-m ./--port-q4_k_m.gguf" in runners(chosen("--port")).llama_cpp
