"""Memory of prefill and decode apart: both sides decide."""

from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.wire.memory import MemoryPlanAnswer
from llm_calc.core.errors import UnsupportedError

LOAD: dict[str, Any] = {"input_tokens": 2000, "output_tokens": 300, "concurrency": 8}
H200X2 = {"gpu": "h200-141gb-sxm", "count": 2}


def planned(model: str, prefill: str, decode: dict[str, Any], **fields: Any) -> MemoryPlanAnswer:
    """One replica of each side; that of decode over all of its GPUs."""
    part = {"decode_hardware": decode, "decode_parallelism": {"tensor": decode["count"]}}
    part |= fields.pop("part", {})
    return llm_calc.memory_plan(model=model, hardware=prefill, disaggregated=part, **fields)


@pytest.mark.parametrize(
    ("decode", "field"), [({"pipeline": 2}, "pipeline"), ({"tensor": 3}, "tensor")], ids=["stages", "heads"]
)
def test_what_is_wrong_of_the_decode_side_is_named_as_it_was_stated(
    decode: dict[str, int], field: str
) -> None:
    with pytest.raises(UnsupportedError) as refused:
        llm_calc.memory_plan(
            model="llama-3.3-70b",
            engine="sglang",
            hardware={"gpu": "h100-80gb-sxm", "count": 2 + next(iter(decode.values()))},
            parallelism={"tensor": 2},
            speculative={"method": "ngram", "draft_tokens": 3},
            disaggregated={"prefill_replicas": 1, "decode_replicas": 1, "decode_parallelism": decode},
        )
    name = f"disaggregated.decode_parallelism.{field}"
    assert refused.value.field == name
    assert str(refused.value).startswith(name)


@pytest.mark.parametrize("load", [LOAD, None])
def test_a_prefill_side_without_room_for_the_weights_does_not_fit(load: dict[str, Any] | None) -> None:
    """70.6e9 parameters of two bytes are 131 GiB; an L4 has less than 24."""
    found = planned("llama-3.1-70b", "1x l4", H200X2, workload=load)
    assert (found.fits, found.starts) == (False, False)
    assert found.reason.startswith("prefill side: weights of 131.45 GiB")
    assert "decode side" not in found.reason


def test_a_decode_side_that_does_not_fit_is_named_and_both_are() -> None:
    one = planned("llama-3.1-70b", "4x h100-80gb-sxm", {"gpu": "l4", "count": 2}, parallelism={"tensor": 4})
    assert not one.fits
    assert one.reason.startswith("decode side: weights of 65.74 GiB")
    assert "prefill side" not in one.reason
    both = planned("llama-3.1-70b", "1x l4", {"gpu": "l4", "count": 2}, parallelism={"tensor": 1})
    assert not both.fits
    assert "prefill side: weights of 131.45 GiB" in both.reason
    assert "decode side: weights of 65.74 GiB" in both.reason


def test_a_prefill_side_that_holds_one_request_of_many_fits() -> None:
    """An L4 has about 4 GiB beside 15 GiB of weights: at 128 KiB a token some 30 000 tokens, not 100 times 2300."""
    found = planned("llama-3.1-8b", "1x l4", H200X2, workload={**LOAD, "concurrency": 100})
    assert found.fits
    assert not found.starts  # its default context of 131072 tokens takes 16 GiB
    assert found.reason.startswith("prefill side: ")
    assert any(each.startswith("prefill side: engine.max_model_len") for each in found.warnings)
    assert any("fits and starts are of both sides" in each for each in found.assumptions)
    longer = planned("llama-3.1-8b", "1x l4", H200X2, workload={**LOAD, "input_tokens": 60_000})
    assert not longer.fits


def test_compare_tells_the_same() -> None:
    scenario = {
        "model": "llama-3.1-70b",
        "hardware": "1x l4",
        "disaggregated": {"decode_hardware": H200X2, "decode_parallelism": {"tensor": 2}},
        "workload": LOAD,
    }
    found = llm_calc.compare(scenarios=[scenario, scenario])
    assert not found.scenarios[0].memory.fits
    assert any("prefill side" in each and "missing" in each for each in found.scenarios[0].estimate.warnings)


def test_a_link_changes_nothing_of_the_memory_and_that_is_said() -> None:
    words = "disaggregated.link_bytes_per_s: changes nothing of the memory here"
    said = planned("llama-3.1-8b", "1x h100-80gb-sxm", H200X2, part={"link_bytes_per_s": 1e9})
    assert words in said.assumptions
    assert words not in planned("llama-3.1-8b", "1x h100-80gb-sxm", H200X2).assumptions


@pytest.mark.parametrize(
    "load", [{"concurrency": 32}, {"request_rate": 2.0}, {"offline": True}, {"batch": 32}], ids=str
)
def test_no_side_runs_more_than_memory_holds(load: dict[str, Any]) -> None:
    """Little's law: answers at once are tokens/s x s/token. Figures of replicas that do both take what runs were seen
    to hold at least; two sides were never measured."""
    tight: dict[str, Any] = {
        "model": "llama-3.1-70b",
        "hardware": "2x h100-80gb-sxm",
        "parallelism": {"tensor": 1},
        "precision": {"weights": "fp8", "kv_cache": "bf16"},
        "engine": {"name": "vllm", "gpu_memory_utilization": 0.95},
        "disaggregated": {},
    }
    lengths = {"input_tokens": 4096, "output_tokens": 256}
    held = llm_calc.memory_plan(**tight).kv_cache_tokens // (4096 + 256)
    assert 1 <= held < 8
    found = llm_calc.estimate(workload={**lengths, **load}, **tight)
    # A run's rate and its time a token are means of the same requests, counted over slightly different times.
    assert found.output_tokens_per_s * found.tpot_s <= held * 1.02
    assert not any("figures take" in words for words in found.warnings)
