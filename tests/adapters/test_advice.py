"""Advice is applied to the very request: with it the plan fits, or it is not given."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.operations import MEMORY_PLAN
from llm_calc.adapters.wire.memory import Change
from llm_calc.core.errors import CalcError

MODELS = ("llama-3.1-8b", "llama-3.3-70b", "gpt-oss-120b", "qwen3-30b-a3b", "gemma-3-27b")
GPUS = ("rtx-4090", "l4", "h100-80gb-sxm", "rtx-3060-12gb")
PRECISIONS: dict[str, tuple[dict[str, str], ...]] = {
    "vllm": ({}, {"weights": "bf16"}, {"weights": "bf16", "kv_cache": "bf16"}),
    "sglang": ({}, {"weights": "bf16"}),
    "llama.cpp": ({"weights": "q8_0"}, {"weights": "q4_k_m", "kv_cache": "fp16"}),
}
OPTIONS: dict[str, tuple[dict[str, Any], ...]] = {
    "vllm": ({}, {"max_model_len": 2048}, {"max_model_len": 65536, "gpu_memory_utilization": 0.8}),
    "sglang": ({}, {"context_length": 4096}),
    "llama.cpp": ({}, {"n_ctx": 32768, "fit": False}, {"n_ctx": 8192, "cache_type_k": "f16"}),
}
LOADS: tuple[Any, ...] = (
    None,
    {"input_tokens": 4000, "output_tokens": 500},
    {"input_tokens": 20000, "output_tokens": 512, "concurrency": 32},
    {"input_tokens": 1024, "output_tokens": 256, "batch": 512},
)


def plan_of(body: dict[str, Any]) -> Any:
    return MEMORY_PLAN.answered(deepcopy(body), load_catalogs())


def with_change(body: dict[str, Any], change: Change) -> dict[str, Any]:
    """As any client would: every named field of the body is set by its path, and nothing else is known of it."""
    asked = deepcopy(body)
    for field, value in {change.field: change.value, **change.also}.items():
        part, _, name = field.partition(".")
        assert name, field
        asked.setdefault(part, {})[name] = value
    return asked


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    engine = draw(st.sampled_from(sorted(OPTIONS)))
    body: dict[str, Any] = {
        "model": {"name": draw(st.sampled_from(MODELS))},
        "precision": draw(st.sampled_from(PRECISIONS[engine])),
        "hardware": {"gpu": draw(st.sampled_from(GPUS)), "count": draw(st.sampled_from([1, 2]))},
        "engine": {"name": engine, **draw(st.sampled_from(OPTIONS[engine]))},
    }
    load = draw(st.sampled_from(LOADS))
    if load is not None:
        body["workload"] = load
    if draw(st.booleans()):
        field = "pipeline" if engine == "llama.cpp" else "tensor"
        body["parallelism"] = {field: body["hardware"]["count"]}
    return body


@settings(max_examples=12, deadline=None)
@given(body=requests())
def test_every_change_that_is_named_makes_the_very_request_fit(body: dict[str, Any]) -> None:
    try:
        found = plan_of(body)
    except CalcError:
        return
    for change in found.changes_that_fit:
        plan = plan_of(with_change(body, change))
        assert plan.fits, (body, change)
        assert plan.starts, (body, change)
    if found.recommended_gpu is not None and "parallelism" not in body:
        other = {"gpu": found.recommended_gpu.gpu, "count": found.recommended_gpu.count}
        plan = plan_of({**body, "hardware": other})
        assert plan.fits, (body, other)
        assert plan.starts, (body, other)


CHAT = {"input_tokens": 4000, "output_tokens": 500}
BUSY = {"input_tokens": 20000, "output_tokens": 512, "concurrency": 32}
LONG = {"input_tokens": 100_000, "output_tokens": 1000}
CLOUD, HOME, DESK = "h100-80gb-sxm", "rtx-4090", "rtx-3060-12gb"
TABLE: list[tuple[str, str, str, Any, dict[str, Any]]] = [
    *(
        (engine, model, gpu, load, {})
        for engine in ("vllm", "sglang")
        for model, gpu, load in (
            ("llama-3.1-8b", HOME, None),
            ("llama-3.1-8b", HOME, BUSY),
            ("llama-3.1-8b", DESK, CHAT),
            ("llama-3.3-70b", CLOUD, CHAT),
            ("llama-3.3-70b", HOME, CHAT),
            ("gpt-oss-120b", HOME, CHAT),
            ("gpt-oss-120b", CLOUD, BUSY),
            ("qwen3-30b-a3b", HOME, CHAT),
            ("qwen3-30b-a3b", CLOUD, BUSY),
            ("gemma-3-27b", HOME, CHAT),
        )
    ),
    ("vllm", "llama-3.1-8b", HOME, LONG, {}),
    ("vllm", "llama-3.1-8b", HOME, CHAT, {}),
    ("vllm", "gpt-oss-120b", CLOUD, CHAT, {}),
    ("vllm", "llama-3.1-8b", HOME, CHAT, {"max_model_len": 2048}),
    ("trtllm", "llama-3.1-8b", HOME, CHAT, {}),
    ("trtllm", "llama-3.1-8b", CLOUD, BUSY, {}),
    ("trtllm", "llama-3.3-70b", CLOUD, CHAT, {}),
    ("llama.cpp", "llama-3.1-8b", DESK, BUSY, {}),
    ("llama.cpp", "llama-3.3-70b", HOME, None, {}),
    ("llama.cpp", "gpt-oss-120b", HOME, CHAT, {"n_ctx": 4096}),
]


@pytest.mark.parametrize(("engine", "model", "gpu", "load", "options"), TABLE)
def test_what_does_not_fit_or_start_is_told_a_change_that_does(
    engine: str, model: str, gpu: str, load: Any, options: dict[str, Any]
) -> None:
    """Each of these has one: a narrower format, more of the same GPU, fewer or shorter requests, a context."""
    body = {"model": {"name": model}, "hardware": {"gpu": gpu}, "engine": {"name": engine, **options}}
    body |= {} if load is None else {"workload": load}
    found = plan_of(body)
    if found.fits and found.starts:
        assert not found.changes_that_fit
        return
    assert found.changes_that_fit
    for change in found.changes_that_fit:
        plan = plan_of(with_change(body, change))
        assert (plan.fits, plan.starts) == (True, True), change
    if found.recommended_gpu is not None:
        assert found.recommended_gpu.gpu not in ("h800-80gb-sxm", "h20-96gb-sxm")


def test_the_longest_context_that_starts_is_said() -> None:
    """Of a request that fits under an engine whose default context does not start."""
    body: dict[str, Any] = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": HOME}, "workload": CHAT}
    found = plan_of(body)
    assert (found.fits, found.starts) == (True, False)
    first = found.changes_that_fit[0]
    assert first.field == "engine.max_model_len"
    assert plan_of(with_change(body, first)).starts
    longer = first.model_copy(update={"value": first.value + 256})
    assert not plan_of(with_change(body, longer)).starts


def test_a_narrower_format_is_offered_with_the_context_that_it_takes() -> None:
    """Where no single change but more GPUs does."""
    body: dict[str, Any] = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": DESK}, "workload": CHAT}
    fields = {change.field: change for change in plan_of(body).changes_that_fit}
    assert fields["precision.weights"].also == {"engine.max_model_len": 4500, "engine.name": "vllm"}


@pytest.mark.parametrize(
    "workload", [{"input_tokens": 20000, "output_tokens": 512}, {"input_tokens": 8000, "concurrency": 512}]
)
def test_no_context_below_the_request_is_offered(workload: dict[str, Any]) -> None:
    body = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "rtx-4090"}, "workload": workload}
    for change in plan_of(body).changes_that_fit:
        if change.field == "engine.max_model_len":
            assert change.value >= workload["input_tokens"] + workload.get("output_tokens", 1024)


def test_more_gpus_are_said_by_their_count_where_no_layout_is() -> None:
    body = {"model": {"name": "llama-3.1-70b"}, "hardware": {"gpu": "h100-80gb-sxm"}}
    fields = {change.field for change in plan_of(body).changes_that_fit}
    assert "hardware.count" in fields
    assert "parallelism.tensor" not in fields


H100: dict[str, Any] = {"gpu": "h100-80gb-sxm"}
SPARSE: list[dict[str, Any]] = [
    {"model": {"name": "deepseek-v3"}, "hardware": {**H100, "count": 8}, "parallelism": {"tensor": 8}},
    {"model": {"name": "deepseek-v3"}, "hardware": {**H100, "count": 8}, "engine": {"name": "sglang"}},
    {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "rtx-4090"}},
    {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "rtx-3060-12gb"}, "workload": CHAT},
    {"model": {"name": "llama-3.3-70b"}, "hardware": {**H100, "count": 2}, "parallelism": {"pipeline": 2}},
    {
        "model": {"name": "llama-3.3-70b"},
        "hardware": {"gpu": "rtx-4090"},
        "engine": {"name": "llama.cpp", "fit": False},
    },
]


@pytest.mark.parametrize("body", SPARSE)
def test_a_change_says_all_that_a_body_lacks(body: dict[str, Any]) -> None:
    """A count beside a layout, the engine of a flag, and one format a field."""
    found = plan_of(body).changes_that_fit
    assert found
    for change in found:
        plan = plan_of(with_change(body, change))
        assert (plan.fits, plan.starts) == (True, True), change


def test_two_formats_are_two_fields() -> None:
    body: dict[str, Any] = {
        "model": {"name": "llama-3.1-8b"},
        "hardware": {"gpu": "rtx-4090"},
        "engine": {"name": "vllm", "max_model_len": 131072},
    }
    both = [each for each in plan_of(body).changes_that_fit if "precision.kv_cache" in each.also]
    assert [(each.field, each.also) for each in both] == [
        ("precision.weights", {"precision.kv_cache": "fp8"})
    ]
