"""What ``auto`` stands for, and which weights a request means."""

from dataclasses import replace

import pytest

from llm_calc.adapters.formats import FormatWishes, resolve_precision, stored_weights
from llm_calc.core.errors import InvalidInputError, UnknownNameError
from llm_calc.core.weights import Weight
from tests.builders import llama

FP8 = {"quant_method": "fp8", "weight_block_size": [128, 128]}
NVFP4_FP8_CACHE = {"quant_method": "modelopt", "quant_algo": "NVFP4", "kv_cache_quant_algo": "FP8"}


@pytest.mark.parametrize(
    ("wishes", "quantization", "expected"),
    [
        (FormatWishes(), None, ("bf16", "bf16", "bf16")),
        (FormatWishes(weights="fp8", engine="vllm"), None, ("fp8", "bf16", "bf16")),
        (FormatWishes(weights="fp8", engine="trtllm"), None, ("fp8", "fp8", "fp8")),
        (FormatWishes(weights="nvfp4", engine="trtllm"), None, ("nvfp4", "fp8", "fp8")),
        (FormatWishes(weights="bf16", engine="trtllm"), None, ("bf16", "bf16", "bf16")),
        (FormatWishes(weights="q4_k_m", engine="llama.cpp"), None, ("q4_k_m", "fp16", "bf16")),
        (FormatWishes(weights="bf16", engine="llama.cpp"), None, ("bf16-gguf", "fp16", "bf16")),
        (FormatWishes(), FP8, ("fp8-block", "bf16", "bf16")),
        (FormatWishes(weights="fp8"), FP8, ("fp8-block", "bf16", "bf16")),
        (FormatWishes(weights="bf16"), FP8, ("bf16", "bf16", "bf16")),
        (FormatWishes(), NVFP4_FP8_CACHE, ("nvfp4", "fp8", "bf16")),
        (FormatWishes(kv_cache="q8_0", activations="fp16"), None, ("bf16", "q8_0", "fp16")),
    ],
)
def test_what_auto_stands_for(
    wishes: FormatWishes, quantization: dict[str, object] | None, expected: tuple[str, str, str]
) -> None:
    found = resolve_precision(llama(), wishes, quantization)
    assert (found.weights.name, found.kv_cache, found.activations) == expected
    assert found.numbers.cache.name == expected[1]


def test_a_model_in_fp16_stays_in_fp16() -> None:
    found = resolve_precision(replace(llama(), dtype="fp16"), FormatWishes(weights="int4-awq"))
    assert (found.kv_cache, found.numbers.recipe.vectors.name) == ("fp16", "fp16")


def test_an_unreadable_quantization_matters_only_where_it_is_needed() -> None:
    assert stored_weights(llama(), "bf16", {"quant_method": "magic"}).name == "bf16"
    with pytest.raises(InvalidInputError, match="magic"):
        stored_weights(llama(), None, {"quant_method": "magic"})


def test_guesses_and_towers_are_assumptions() -> None:
    mixed = {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION"}
    assert stored_weights(llama(), None, mixed).guessed
    tower = Weight(name="tower", component="vision", rows=64, cols=64)
    stored = stored_weights(replace(llama(), outside=(tower,)), "q8_0")
    assert "towers" in stored.assumptions[0]
    assert "with q6_k, q5_k" not in stored.words
    assert (
        stored_weights(llama(), "q4_k_m").words
        == "GGUF q4_k_m: 4.5 bits an element, with q6_k for some tensors"
    )


@pytest.mark.parametrize(
    ("field", "value"), [("weights", "fp5"), ("kv_cache", "fp5"), ("activations", "fp5")]
)
def test_unknown_formats_name_their_field(field: str, value: str) -> None:
    with pytest.raises(UnknownNameError, match=f"precision.{field}"):
        resolve_precision(llama(), replace(FormatWishes(), **{field: value}))
