"""Names of GGUF files in a fit: which kinds are looked at, and what is started."""

from typing import Any

import pytest

import llm_calc
from llm_calc.core.errors import InvalidInputError, UnsupportedError

HUB = "bartowski/Llama-3.1-8B-Instruct-GGUF"


@pytest.mark.parametrize(
    ("typed", "server", "ollama"),
    [
        (HUB, f"llama-server -hf {HUB}:Q4_K_M ", f"FROM hf.co/{HUB}:Q4_K_M;"),
        (f"hf.co/{HUB}:Q4_K_M", f"llama-server -hf {HUB}:Q4_K_M ", f"FROM hf.co/{HUB}:Q4_K_M;"),
        (
            "llama3.1:8b-instruct-q4_K_M",
            "-m Llama-3.1-8B-Instruct-q4_k_m.gguf ",
            "Llama-3.1-8B-Instruct-q4_k_m.gguf;",
        ),
        ("Qwen3-8B-Q4_K_M.gguf", "-m Qwen3-8B-Q4_K_M.gguf ", "FROM ./Qwen3-8B-Q4_K_M.gguf;"),
        ("llama-3.1-8b", "-m llama-3.1-8b-q4_k_m.gguf ", "FROM ./llama-3.1-8b-q4_k_m.gguf;"),
    ],
)
def test_what_is_started_is_what_the_name_says(typed: str, server: str, ollama: str) -> None:
    row = llm_calc.fit(model=typed, hardware="rtx-4090", formats=["q4_k_m"], context_tokens=8192).rows[0]
    assert row.run_with is not None
    assert server in row.run_with.llama_cpp
    assert ollama in row.run_with.ollama
    assert row.run_with.lm_studio.startswith(f"{HUB}:Q4_K_M: ") == (HUB in typed)


def test_kinds_are_those_that_the_files_may_have() -> None:
    asked: Any = {"hardware": "rtx-4090", "context_tokens": 8192}
    assert {row.weights for row in llm_calc.fit(model="llama-3.1-8b-q4", **asked).rows} == {
        "q4_k_m",
        "iq4_xs",
    }
    assert len({row.weights for row in llm_calc.fit(model=HUB, **asked).rows}) == 7
    with pytest.raises(InvalidInputError, match="stands for files of several formats") as refused:
        llm_calc.fit(model="llama-3.1-8b-q4", formats=["q8_0"], **asked)
    assert refused.value.field == "formats"


@pytest.mark.parametrize("typed", ["Qwen/Qwen3-8B-int4", "somebody/Qwen3-8B-4bit", "qwen3-8b-mlx"])
def test_names_of_other_files_are_refused(typed: str) -> None:
    with pytest.raises(UnsupportedError, match="name 'qwen3-8b' for those of its GGUF files") as refused:
        llm_calc.fit(model=typed, hardware="rtx-4090")
    assert refused.value.field == "model.name"
