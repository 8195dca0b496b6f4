"""Parts of a request as a deployment: GPU, layout, formats."""

from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.setup import Subject, resolve_setup
from llm_calc.adapters.wire.parts import HardwarePart, ModelPart, ParallelismPart, PrecisionPart
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.parallelism import Layout


def resolved(
    *,
    hardware: dict[str, Any] | None = None,
    parallelism: dict[str, int] | None = None,
    weights: str | None = None,
    engine: Any = "vllm",
) -> Subject:
    return resolve_setup(
        load_catalogs(),
        model=ModelPart(name="llama-3.1-8b"),
        precision=PrecisionPart(weights=weights),
        hardware=HardwarePart(**({"gpu": "h100-80gb-sxm"} | (hardware or {}))),
        parallelism=None if parallelism is None else ParallelismPart(**parallelism),
        engine=engine,
    )


def test_memory_may_be_replaced() -> None:
    assert resolved(hardware={"gpu_memory_bytes": 10**10}).setup.memory_bytes == 10**10


@pytest.mark.parametrize(
    ("engine", "layout"),
    [("vllm", Layout(tensor=4)), ("llama.cpp", Layout(pipeline=4)), ("trtllm", Layout(tensor=4))],
)
def test_without_a_layout_all_gpus_are_used_and_it_is_said(engine: str, layout: Layout) -> None:
    subject = resolved(hardware={"count": 4}, engine=engine)
    assert subject.setup.layout == layout
    assert any("no layout was given" in assumption for assumption in subject.assumptions)


def test_one_gpu_needs_no_layout() -> None:
    subject = resolved()
    assert subject.setup.layout == Layout()
    assert not any("layout" in assumption for assumption in subject.assumptions)


def test_the_layout_fills_the_gpus() -> None:
    with pytest.raises(InvalidInputError, match=r"hardware\.count: must be .* 2 x 3 x 1 = 6; it is 8"):
        resolved(hardware={"count": 8}, parallelism={"tensor": 2, "pipeline": 3})


def test_narrow_numbers_without_arithmetic_are_dequantized_with_a_warning() -> None:
    (warning,) = resolved(hardware={"gpu": "a100-80gb-sxm"}, weights="fp8").warnings
    assert warning == "precision.weights: a100-80gb-sxm has no fp8 arithmetic; the engine dequantizes to bf16"
    assert resolved(weights="fp8").warnings == ()
    assert resolved(hardware={"gpu": "a100-80gb-sxm"}, weights="int4-awq").warnings == ()


def test_what_an_engine_cannot_read_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"trtllm .* reads no GGUF files"):
        resolved(weights="q4_k_m", engine="trtllm")


def test_16_bit_types_without_arithmetic_are_converted_with_a_warning() -> None:
    (warning,) = resolved(hardware={"gpu": "v100-32gb-sxm2"}, weights="bf16").warnings
    assert warning == "precision.weights: v100-32gb-sxm2 has no bf16 arithmetic; the engine converts to fp16"
    assert resolved(hardware={"gpu": "v100-32gb-sxm2"}, weights="fp16").warnings == ()


def test_llama_cpp_refuses_formats_that_no_gguf_file_has() -> None:
    with pytest.raises(
        UnsupportedError, match=r"llama\.cpp .* runs no int4-awq weights .* there it runs gguf"
    ):
        resolved(weights="int4-awq", engine="llama.cpp")
    for counterpart in ("q4_k_m", "bf16", "mxfp4"):
        assert not any("GGUF" in each for each in resolved(weights=counterpart, engine="llama.cpp").warnings)


def test_a_layout_that_nobody_asked_for_is_not_refused_as_if_somebody_had() -> None:
    """96 heads and 72 GPUs: of the powers of two up to 64 the largest that divides both is 8, and 72 / 8 = 9."""
    with pytest.raises(UnsupportedError, match=r"such as tensor 8, data 9, expert 72$"):
        llm_calc.memory_plan(model="kimi-k3", hardware={"gpu": "gb200", "count": 72})
    layout = {"tensor": 8, "data": 9, "expert": 72}
    rack = llm_calc.memory_plan(
        model="kimi-k3", hardware={"gpu": "gb200", "count": 72}, parallelism=layout, engine="vllm"
    )
    assert rack.fits
    with pytest.raises(UnsupportedError, match=r"such as tensor 1, data 3$"):
        llm_calc.memory_plan(model="llama-3.1-8b", hardware={"gpu": "h100", "count": 3})


def test_sizes_that_were_left_out_beside_experts_are_said_to_be_one() -> None:
    with pytest.raises(InvalidInputError, match=r"it is 2; each is 1 beside parallelism\.expert"):
        resolved(hardware={"count": 2}, parallelism={"expert": 2})
    with pytest.raises(InvalidInputError, match=r"it is 2$"):
        resolved(hardware={"count": 2}, parallelism={"tensor": 4})
