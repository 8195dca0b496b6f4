"""Experts that are stored twice: as many more on a GPU as its share of them."""

from dataclasses import replace
from typing import Any

import pytest

import llm_calc
from llm_calc.core.engines.vllm_budget import weight_rules
from llm_calc.core.engines.vllm_refusals import check_redundant
from llm_calc.core.engines.weights import device_weights_bytes
from llm_calc.core.errors import CalcError, UnsupportedError
from llm_calc.core.parallelism import Layout
from tests.builders import mixtral
from tests.core.engines.setups import setup

EXPERT = 3 * 4096 * 14336 * 2
"""Bytes of one expert of Mixtral 8x7B in 16 bits: three matrices."""


@pytest.mark.parametrize(("ways", "redundant", "more"), [(4, 4, 1), (2, 4, 2), (4, 8, 2), (8, 8, 1)])
def test_a_gpu_holds_its_share_of_them(ways: int, redundant: int, more: int) -> None:
    """Of 8 experts over so many GPUs, 32 layers."""
    asked = replace(setup(mixtral()), layout=Layout(tensor=ways, expert=ways))
    plain, held = (
        device_weights_bytes(
            asked.model, asked.numbers.recipe, asked.layout, 0, weight_rules(asked, redundant=copies)
        )
        for copies in (0, redundant)
    )
    assert held - plain == 32 * more * EXPERT


@pytest.mark.parametrize(
    ("ways", "redundant", "balanced", "words"),
    [
        (1, 0, True, "enable_eplb"),
        (4, 4, False, "needs enable_eplb"),
        (4, 3, True, "11 experts .* 4 would do"),
    ],
)
def test_what_vllm_does_not_start_with_is_refused(
    ways: int,
    redundant: int,
    balanced: bool,
    words: str,
) -> None:
    asked = replace(setup(mixtral()), layout=Layout(tensor=ways, expert=ways))
    with pytest.raises(UnsupportedError, match=words):
        check_redundant(asked, redundant, balanced=balanced)


# SGLang 0.5.23 srt/eplb/expert_location.py asserts that 256 experts and the copies are a multiple of ep_size
@pytest.mark.parametrize(("ways", "redundant"), [(8, 31), (8, 1), (16, 8)])
def test_what_sglang_does_not_start_with_is_refused(ways: int, redundant: int) -> None:
    asked: dict[str, Any] = {
        "model": "deepseek-v3",
        "hardware": {"gpu": "h200-141gb-sxm", "count": ways},
        "parallelism": {"tensor": ways, "expert": ways},
    }
    engine = {"name": "sglang", "ep_num_redundant_experts": redundant}
    with pytest.raises(UnsupportedError, match=r"^engine\.ep_num_redundant_experts: .* as SGLang needs"):
        llm_calc.memory_plan(engine=engine, **asked)
    even = llm_calc.memory_plan(engine={**engine, "ep_num_redundant_experts": ways}, **asked)
    assert even.per_gpu.weights_bytes > 0


@pytest.mark.parametrize(
    ("engine", "option"),
    [
        ({"name": "sglang", "ep_num_redundant_experts": 32}, "ep_num_redundant_experts"),
        ({"name": "vllm", "enable_eplb": True, "num_redundant_experts": 32}, "num_redundant_experts"),
        ({"name": "vllm", "enable_eplb": True}, "enable_eplb"),
    ],
)
def test_times_with_copies_were_never_measured(engine: dict[str, Any], option: str) -> None:
    found = llm_calc.estimate(
        model="deepseek-v3",
        hardware={"gpu": "h200-141gb-sxm", "count": 8},
        parallelism={"tensor": 8, "expert": 8},
        engine=engine,
        workload={"input_tokens": 512, "output_tokens": 64, "concurrency": 8},
    )
    assert found.basis.kind == "formula_only"
    assert found.interval.status == "uncalibrated"
    assert any(words.startswith(f"engine.{option}: its effect on time") for words in found.warnings)


def gib(engine: str, **options: object) -> float:
    plan = llm_calc.memory_plan(
        model="deepseek-v3",
        hardware="16x h200-141gb-sxm",
        parallelism={"tensor": 1, "data": 16, "expert": 16},
        engine={"name": engine, **options},
    )
    return plan.per_gpu.weights_bytes


def test_engines_take_them_under_their_own_names() -> None:
    """DeepSeek-V3's 58 layers: two experts more of 3 x 7168 x 2048 weights in fp8, with scales of 4 bytes a block."""
    more = 58 * 2 * 3 * (7168 * 2048 + 56 * 16 * 4)
    vllm = gib("vllm", enable_eplb=True, eplb_config={"num_redundant_experts": 32, "window_size": 100})
    assert vllm - gib("vllm") == pytest.approx(more, rel=1e-6)
    sglang = gib("sglang", ep_num_redundant_experts=32, enable_eplb=True)
    assert sglang - gib("sglang") == pytest.approx(more, rel=1e-6)
    with pytest.raises(CalcError, match=r"engine\.eplb_config: must be a JSON object"):
        gib("vllm", enable_eplb=True, eplb_config=3)
