"""The model that an engine's option names, beside the one that a request describes."""

from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.core.errors import InvalidInputError
from llm_calc.library import estimate, memory_plan

Json = dict[str, Any]
LLAMA: Json = {"name": "llama-3.1-8b"}
GPU: Json = {"gpu": "h100-80gb-sxm"}


def published(name: str) -> Json:
    return {"hf_config": load_catalogs().model(name, "model").published_config}


@pytest.mark.parametrize("ask", [estimate, memory_plan])
@pytest.mark.parametrize(
    ("model", "engine", "weights", "fault"),
    [
        (LLAMA, {"name": "vllm", "model": "meta-llama/Llama-3.1-70B"}, None, "num_layers is 80, not 32"),
        (LLAMA, {"name": "sglang", "model_path": "Qwen/Qwen3-8B"}, None, "num_layers is 36, not 32"),
        (LLAMA, {"name": "trtllm", "model": "Qwen/Qwen3-8B"}, None, "num_layers is 36, not 32"),
        (
            LLAMA,
            {"name": "llama.cpp", "hf_repo": "unsloth/Qwen3-8B-GGUF:Q4_K_M"},
            "q4_k_m",
            "num_layers is 36",
        ),
        (LLAMA, {"name": "llama.cpp", "model": "Qwen3-8B-Q4_K_M.gguf"}, "q4_k_m", "num_layers is 36, not 32"),
        (
            LLAMA,
            {"name": "vllm", "model": "meta-llama/Meta-Llama-3-8B"},
            None,
            "context_length is 8192, not 131072",
        ),
        (
            LLAMA,
            {"name": "vllm", "model": "RedHatAI/Meta-Llama-3.1-8B-Instruct-FP8"},
            None,
            "holds weights in fp8, but the request's are bf16",
        ),
        (
            published("llama-3.1-8b"),
            {"name": "vllm", "model": "Qwen/Qwen3-8B"},
            None,
            "than the request's: num_layers",
        ),
    ],
)
def test_another_model_is_refused(
    ask: Any, model: Json, engine: Json, weights: str | None, fault: str
) -> None:
    """Layers and contexts as the models' own files state them: 32, 80 and 36; 8192 and 131072."""
    precision = {"weights": weights}
    option = next(name for name in engine if name != "name")
    with pytest.raises(InvalidInputError, match=rf"^engine\.{option}: .*{fault}.*must agree$"):
        ask(model=model, hardware=GPU, engine=engine, precision=precision)


@pytest.mark.parametrize(
    ("model", "named", "weights"),
    [
        (LLAMA, "meta-llama/Llama-3.1-8B-Instruct", None),
        (LLAMA, "deepseek-ai/DeepSeek-R1-Distill-Llama-8B", None),
        (LLAMA, "RedHatAI/Meta-Llama-3.1-8B-Instruct-FP8", "fp8"),
        (published("llama-3.1-8b"), "meta-llama/Llama-3.1-8B", None),
    ],
)
def test_the_same_model_under_another_id_is_taken(model: Json, named: str, weights: str | None) -> None:
    precision = {"weights": weights}
    found = memory_plan(
        model=model, hardware=GPU, engine={"name": "vllm", "model": named}, precision=precision
    )
    plain = memory_plan(model=model, hardware=GPU, engine={"name": "vllm"}, precision=precision)
    assert found.per_gpu == plain.per_gpu


@pytest.mark.parametrize("ask", [estimate, memory_plan])
def test_what_cannot_be_compared_is_said(ask: Any) -> None:
    for named, words in (("acme/our-tune", "is not known here"), ("/models/our", "is a place")):
        found = ask(model=LLAMA, hardware=GPU, engine={"name": "vllm", "model": named})
        assert any(each.startswith(f"engine.model: {named!r} {words}") for each in found.assumptions)
