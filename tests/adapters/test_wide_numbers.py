"""Numbers of 32 bits: multiplied at the GPU's rate of fp32, and named as never measured."""

import pytest

import llm_calc

FLOPS = 2 * 7.5e9 * 8000
"""Of the matrices of Llama 3.1 8B without embedding and head, for a prompt of 8,000 tokens."""
RATES = {"h100-80gb-sxm": 67e12, "a100-80gb-sxm": 19.5e12}
"""FLOP/s of fp32 outside tensor cores: NVIDIA's data sheets."""


@pytest.mark.parametrize("gpu", RATES)
@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_no_prompt_is_faster_than_the_chip_multiplies_fp32(engine: str, gpu: str) -> None:
    found = llm_calc.estimate(
        model="llama-3.1-8b",
        hardware=gpu,
        engine=engine,
        precision="fp32",
        workload={"input_tokens": 8000, "output_tokens": 1, "batch": 1},
    )
    assert found.resolved.multiplied_in == "fp32"
    assert found.ttft_s > FLOPS / RATES[gpu]
    assert found.basis.kind == "formula_only"
    assert any(each.startswith("precision.weights: matrices in fp32") for each in found.warnings)


def test_activations_of_32_bits_are_named() -> None:
    found = llm_calc.estimate(
        model="llama-3.1-8b", hardware="h100-80gb-sxm", precision={"weights": "bf16", "activations": "fp32"}
    )
    assert found.basis.kind == "formula_only"
    assert any(each.startswith("precision.activations: ") for each in found.warnings)
