"""Engines by the names that their projects and people write; choices in any case."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from llm_calc.adapters.wire.compare import CompareRequest
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.adapters.wire.plans import DeploymentPlansRequest
from llm_calc.adapters.wire.recommend import RecommendGpusRequest
from llm_calc.adapters.wire.serving import ServingEstimateRequest

ENGINE: TypeAdapter[Any] = TypeAdapter(EnginePart)
MODEL = {"name": "llama-3.1-8b"}


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("vllm", "vllm"),
        ("VLLM", "vllm"),
        ("vLLM", "vllm"),
        ("SGLang", "sglang"),
        ("sg-lang", "sglang"),
        ("TensorRT-LLM", "trtllm"),
        ("tensorrt_llm", "trtllm"),
        ("TRT-LLM", "trtllm"),
        ("llama-cpp", "llama.cpp"),
        ("LLaMA.cpp", "llama.cpp"),
        ("llama-server", "llama.cpp"),
        ("MLX", "mlx"),
        ("mlx-lm", "mlx"),
        ("mlx_lm", "mlx"),
    ],
)
def test_an_engine_is_known_as_it_is_written(typed: str, name: str) -> None:
    assert ENGINE.validate_python({"name": typed}).name == name
    plans = {"model": MODEL, "engines": [typed]}
    assert DeploymentPlansRequest.model_validate(plans).engines == [name]


def test_the_preset_ollama_stays_what_it_is() -> None:
    assert ENGINE.validate_python({"name": "Ollama"}).preset == "ollama"


@pytest.mark.parametrize("typed", ["tgi", "tensorrt", "trt", "", 3, None])
def test_another_program_is_refused_with_the_names(typed: Any) -> None:
    with pytest.raises(ValidationError, match=r"vllm.*sglang|string"):
        ENGINE.validate_python({"name": typed})
    with pytest.raises(ValidationError, match="sglang"):
        DeploymentPlansRequest.model_validate({"model": MODEL, "engines": [typed]})


def test_choices_are_taken_in_any_case() -> None:
    said = {"model": MODEL, "objective": "Cost", "rental": "On-Demand"}
    for kind in (DeploymentPlansRequest, RecommendGpusRequest):
        found = kind.model_validate(said)
        assert (found.objective, found.rental) == ("cost", "on_demand")
    scenario = {"model": MODEL, "hardware": {"gpu": "l4"}}
    both = {"scenarios": [scenario, scenario], "rental": "Spot"}
    assert CompareRequest.model_validate(both).rental == "spot"
    with pytest.raises(ValidationError, match="on_demand"):
        DeploymentPlansRequest.model_validate({**said, "rental": "hourly"})


def test_every_choice_of_a_load_is_taken_in_any_case() -> None:
    asked = ServingEstimateRequest.model_validate(
        {
            "model": MODEL,
            "hardware": {"gpu": "l4"},
            "workload": {
                "input_tokens": {"distribution": "LogNormal", "mean": 9, "std": 1},
                "output_tokens": 9,
            },
            "speculative": {"method": "Draft-Model", "draft": MODEL},
            "kv_tiers": [{"tier": "Host", "bandwidth_bytes_per_s": 1e10, "memory_bytes": 1e10}],
        }
    )
    assert asked.workload.input_tokens.distribution == "lognormal"  # type: ignore[union-attr]
    assert asked.speculative is not None
    assert asked.speculative.method == "draft_model"
    assert [each.tier for each in asked.kv_tiers or ()] == ["host"]
    said = {"model": MODEL, "limits": {"ttft_s": 1.0, "percentile": "P95"}, "manifests": ["LLM-D"]}
    plans = DeploymentPlansRequest.model_validate(said)
    assert plans.limits.percentile == "p95"
    assert plans.manifests == ["llm_d"]
