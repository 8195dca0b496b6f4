"""Programs around an engine: Ollama as llama.cpp, others refused with what to name."""

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.operations import DEPLOYMENT_PLANS, MEMORY_PLAN
from llm_calc.core.errors import InvalidInputError


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("lmstudio", r"LM Studio runs llama\.cpp \(GGUF\) or mlx"),
        ("LM Studio", r"LM Studio runs llama\.cpp \(GGUF\) or mlx"),
        ("lm-studio", "n_ctx, n_gpu_layers, flash_attn"),
        ("Jan", r"Jan runs llama\.cpp"),
        ("koboldcpp", r"KoboldCpp runs llama\.cpp"),
    ],
)
def test_other_programs_are_refused_with_the_engine_that_they_run(name: str, says: str) -> None:
    body = {"model": "qwen3-8b", "hardware": "rtx-4090", "engine": {"name": name}}
    with pytest.raises(InvalidInputError, match=says):
        MEMORY_PLAN.answered(body, load_catalogs())


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ollama", r"engines\[0\]: .*no launch commands for Ollama; name llama\.cpp.*fit give its settings"),
        ("LM Studio", r"engines\[0\]: .*LM Studio; name llama\.cpp \(GGUF\) or mlx"),
        ("tgi", r"engines\[0\]: must be 'vllm'"),
    ],
)
def test_plans_say_that_they_start_no_program_around_an_engine(name: str, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        DEPLOYMENT_PLANS.answered(
            {"model": "qwen3-8b", "gpus": ["rtx-4090"], "engines": [name]}, load_catalogs()
        )
