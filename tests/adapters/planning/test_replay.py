"""The parts of a plan, sent back as JSON, ask for what the plan says."""

import json
from typing import Any

import pytest

from llm_calc import estimate, plan
from llm_calc.adapters.wire.parts import WorkloadPart

PARTS = ("hardware", "parallelism", "precision", "engine", "workload")
MODEL = {"name": "llama-3.1-8b"}
CLASSES = [
    {"name": "short", "share": 0.5, "input_tokens": 512, "output_tokens": 64},
    {"name": "long", "share": 0.5, "input_tokens": 2048, "output_tokens": 64},
]
SESSIONS = {"input_tokens": 2048, "output_tokens": 256, "concurrency": 8, "sessions": {"turns": 4}}
LOADS: dict[str, dict[str, Any]] = {
    "fixed": {"input_tokens": 2048, "output_tokens": 256, "concurrency": 8},
    "cached": {"input_tokens": 2048, "output_tokens": 256, "prefix_cache_hit_fraction": 0.5},
    "sessions": SESSIONS,
    "sessions that find nothing": {**SESSIONS, "prefix_cache_hit_fraction": 0.0},
    "preset": {"preset": "coding_agent", "concurrency": 4},
    "preset without sessions": {"preset": "rag", "sessions": None},
    "classes": {"concurrency": 8, "classes": CLASSES},
    "lengths that vary": {
        "concurrency": 8,
        "input_tokens": {"distribution": "uniform", "min": 128, "max": 1024},
        "output_tokens": 64,
    },
    "users": {"users": 60.0, "requests_per_user_per_minute": 2.0},
    "offline": {"offline": True},
}


def sent_back(answer: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.model_dump_json())
    return found


@pytest.mark.parametrize("load", LOADS)
def test_a_plan_s_parts_sent_back_give_its_times(load: str) -> None:
    asked: dict[str, Any] = {
        "model": MODEL,
        "gpus": ["h100-80gb-sxm"],
        "engines": ["vllm"],
        "limits": {"max_gpus": 2},
    }
    first = sent_back(plan(**asked, workload=LOADS[load]))["plans"][0]
    again = sent_back(estimate(model=MODEL, **{part: first[part] for part in PARTS}))
    for field in ("ttft_s", "tpot_s", "output_tokens_per_s"):
        # a plan's rate is that of all replicas, the estimate's that of the one that its parts describe
        copies = first["replicas"] if field == "output_tokens_per_s" and first["replicas"] > 1 else 1
        assert first[field] == pytest.approx(again[field] * copies, rel=1e-9), field


@pytest.mark.parametrize("load", LOADS)
def test_a_workload_s_dump_reads_as_the_same_workload(load: str) -> None:
    part = WorkloadPart.model_validate(LOADS[load])
    again = WorkloadPart.model_validate_json(part.model_dump_json())
    assert again == part
    assert again.prefix_cache_hit_fraction == LOADS[load].get("prefix_cache_hit_fraction")


def test_a_trace_s_dump_reads_as_the_same_workload() -> None:
    text = '{"timestamp": 0, "input_length": 100, "output_length": 10}\n'
    part = WorkloadPart.model_validate({"trace": {"text": text * 2}})
    assert WorkloadPart.model_validate_json(part.model_dump_json()) == part
    assert json.loads(part.model_dump_json())["input_tokens"] is None


def test_lengths_beside_classes_are_refused_still() -> None:
    with pytest.raises(ValueError, match="input_tokens and classes exclude each other"):
        WorkloadPart.model_validate({"classes": CLASSES, "input_tokens": 1024})
