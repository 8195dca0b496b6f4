"""Adapters that peft refuses, and what is said of those that it makes otherwise than they look."""

from typing import Any

import pytest

import llm_calc
from llm_calc.core.errors import UnsupportedError
from tests.core.engines.test_lora_stacked import ASKED, config_of, titled

LIKE_PEFT = [row for row in ASKED if row["parameters"] is None]


def words_of(lora: dict[str, Any], model: Any) -> list[str]:
    answer = llm_calc.memory_plan(model=model, hardware="4x h200-141gb-sxm", engine="vllm", lora=lora)
    return [each for each in answer.assumptions if each.startswith("lora")]


@pytest.mark.parametrize("row", LIKE_PEFT, ids=titled)
def test_what_peft_refuses_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedError, match="out_proj") as error:
        words_of({"adapter_config": {"r": 4, **row["adapter"]}}, {"hf_config": row["config"]})
    known = error.value.message.partition("these are known: ")[2].split(", ")
    assert "in_proj" in known
    assert "out_proj" not in known


REFUSED = [
    ("qwen3_moe", ["gate_proj"], "gate_proj without up_proj"),
    ("gpt_oss", ["router"], "no linear module"),
    ("mixtral", ["gate_proj", "up_proj"], "no gate_proj, up_proj"),
    ("phi3", ["q_proj"], "has no q_proj.*qkv_proj"),
    ("granitemoe", ["down_proj"], "has no down_proj"),
]


@pytest.mark.parametrize(("model_type", "targets", "said"), REFUSED)
@pytest.mark.parametrize("published", [True, False])
def test_names_of_no_module_are_refused_with_those_that_there_are(
    model_type: str, targets: list[str], said: str, *, published: bool
) -> None:
    """Peft 0.21.2 refuses each of them over the class of transformers 5.24.0."""
    plain = {"rank": 4, "target_modules": targets}
    lora = {"adapter_config": {"r": 4, "target_modules": targets}} if published else plain
    with pytest.raises(UnsupportedError, match=said):
        words_of(lora, {"hf_config": config_of(model_type)})


def test_the_names_of_a_published_adapter_are_taken() -> None:
    """Phi-3.5-mini: 32 layers of width 3072, each with four matrices, by hand."""
    names = ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]
    lora = {"rank": 8, "target_modules": names}
    answer = llm_calc.memory_plan(
        model="phi-3.5-mini", hardware="h100-80gb-sxm", engine="vllm", lora=lora
    ).lora
    assert answer is not None
    layer = (3072 + 3 * 3072) + 2 * 3072 + (3072 + 2 * 8192) + (8192 + 3072)
    assert answer.adapter_parameters == 8 * 32 * layer


SAID: list[tuple[dict[str, Any], Any, str]] = [
    ({"rank": 8}, "gpt-oss-20b", "experts of gpt_oss are stacked"),
    ({"rank": 8}, "deepseek-v3", "no shared expert or dense layer"),
    ({"rank": 8}, "qwen3-vl-8b", "matrices of towers are not counted"),
    (
        {"adapter_config": {"r": 8, "target_modules": r".*layers\.1\..*q_proj"}},
        "qwen3-30b-a3b",
        "in every layer",
    ),
    (
        {"adapter_config": {"r": 8, "target_modules": ["down_proj"], "layers_to_transform": [1]}},
        "qwen3-30b-a3b",
        "hold for no stacked experts",
    ),
    (
        {"adapter_config": {"r": 8, "target_modules": ["q_proj"], "target_parameters": ["experts.w13"]}},
        "gpt-oss-20b",
        "no tensor that is known is called experts.w13",
    ),
    ({"rank": 8}, "deepseek-v4-flash", "was not compared"),
]


@pytest.mark.parametrize(("lora", "model", "said"), SAID)
def test_what_is_counted_otherwise_than_it_looks_is_said(lora: dict[str, Any], model: Any, said: str) -> None:
    assert any(said in each for each in words_of(lora, model))


def test_nothing_is_said_of_an_adapter_that_is_counted_in_full() -> None:
    for model in ("llama-3.1-8b", "qwen3-30b-a3b"):
        words = words_of({"rank": 8, "target_modules": "all-linear"}, model)
        assert [each for each in words if "vLLM reserves" not in each] == []
