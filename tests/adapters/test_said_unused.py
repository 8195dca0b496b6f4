"""What is said and not used is named, or refused under its own name."""

from typing import Any

import pytest

from llm_calc import estimate, memory_plan, plan
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.models_for import answer_models_for
from llm_calc.adapters.wire.fitting import ModelsForRequest
from llm_calc.core.errors import InvalidInputError

SERVED: dict[str, Any] = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "h100-80gb-sxm"}}


def words_on_activations(answer: Any) -> list[str]:
    return [words for words in answer.assumptions if words.startswith("precision.activations")]


@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm"])
@pytest.mark.parametrize("name", ["int8", "fp16"])
def test_activations_that_change_nothing_are_named(engine: str, name: str) -> None:
    asked: dict[str, Any] = {**SERVED, "precision": {"activations": name}, "engine": {"name": engine}}
    assert words_on_activations(memory_plan(**asked)) == [
        "precision.activations: changes nothing of the memory here"
    ]
    assert words_on_activations(estimate(**asked)) == [
        "precision.activations: changes nothing of the times here"
    ]


@pytest.mark.parametrize("name", ["auto", "bf16"])
def test_activations_as_they_are_anyway_are_not_named(name: str) -> None:
    asked: dict[str, Any] = {**SERVED, "precision": {"activations": name}}
    assert words_on_activations(memory_plan(**asked)) == words_on_activations(estimate(**asked)) == []


def test_activations_that_take_more_memory_are_not_named() -> None:
    asked: dict[str, Any] = {**SERVED, "precision": {"activations": "fp32"}}
    assert words_on_activations(memory_plan(**asked)) == []


@pytest.mark.parametrize("name", ["q4_k_m", "iq1_s", "int4", "q8_0"])
def test_formats_of_weights_are_no_activations(name: str) -> None:
    with pytest.raises(
        InvalidInputError, match=r"^precision.activations: .* stores weights alone; accepted are auto"
    ):
        estimate(**SERVED, precision={"activations": name})


def planned(**more: Any) -> Any:
    return plan(
        model=SERVED["model"], gpus=["h100-80gb-sxm"], engines=["vllm"], limits={"max_gpus": 1}, **more
    )


def test_prices_of_gpus_that_are_not_looked_at_are_named() -> None:
    said = "{}: b200-180gb-sxm: not among the GPUs that were looked at; changes nothing"
    assert said.format("prices") in planned(prices={"b200-180gb-sxm": 5.0}).assumptions
    owner = {"purchase_usd": {"b200-180gb-sxm": 40000.0}}
    assert said.format("owner.purchase_usd") in planned(owner=owner).assumptions
    assert not [words for words in planned(prices={"h100-80gb-sxm": 2.0}).assumptions if "looked at" in words]


def test_caches_that_no_engine_keeps_are_refused_under_their_name() -> None:
    with pytest.raises(InvalidInputError, match=r"^kv_cache_formats: none of q8_0 is"):
        planned(kv_cache_formats=["q8_0"])


def models_of(family: str) -> list[str]:
    request = ModelsForRequest.model_validate({"hardware": {"gpu": "h100-80gb-sxm"}, "family": family})
    return [row.model for row in answer_models_for(request, load_catalogs()).models]


def test_a_family_is_taken_as_people_type_it() -> None:
    found = models_of("qwen3")
    assert found
    assert all(name.lower().startswith("qwen3") for name in found)
    for wrong, said in (("lamma", "did you mean Llama"), ("-", "no model of the catalog")):
        with pytest.raises(InvalidInputError, match=said):
            models_of(wrong)
