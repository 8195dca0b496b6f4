"""What an estimate warns of is said by every way in that tells times, and no figure of it is called sure there.

The kinds are those of ``serving_words.placed_warnings``, ``confidence_of`` and ``fit_warnings``; options whose effect
on time is not known are all that the catalog of engines lists.
"""

import json
from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.engines import engine_releases

Body = dict[str, Any]
H100, MODEL = {"gpu": "h100-80gb-sxm"}, {"name": "llama-3.1-8b"}
LOAD = {"input_tokens": 512, "output_tokens": 64, "concurrency": 4}
ALONE = {**LOAD, "concurrency": 1}
LONG = {**LOAD, "input_tokens": 20_000}
MAC = {"gpu": "apple-m3-max"}
EXPERTS: Body = {
    "model": {"name": "qwen3-30b-a3b"},
    "hardware": {**H100, "count": 2},
    "parallelism": {"tensor": 2, "expert": 2},
}
OPTIONS = {
    f"{engine} {name} {value}": {
        **({} if engine != "llama.cpp" else {"workload": ALONE}),
        "engine": {"name": engine, name: value},
    }
    for engine in ("vllm", "sglang", "trtllm", "llama.cpp")
    for name, values in engine_releases(engine)[-1].untimed.items()
    for value in values
    if value != engine_releases(engine)[-1].defaults.get(name)
}
WHOLE = ("enable_chunked_prefill", "chunked_prefill_size")
UNKNOWN = "its effect on time is not known"
KINDS: dict[str, tuple[Body, str]] = {
    **{
        kind: (
            {**said, **(EXPERTS if "enable_eplb" in kind else {})},
            "leaves prompts whole" if any(name in kind for name in WHOLE) else UNKNOWN,
        )
        for kind, said in OPTIONS.items()
    },
    "graphs of few sequences": (
        {
            "engine": {"name": "vllm", "max_cudagraph_capture_size": 8},
            "workload": {**LOAD, "concurrency": 64},
        },
        UNKNOWN,
    ),
    "an assumed acceptance": ({"speculative": {"method": "ngram"}}, "rests on an assumed acceptance"),
    "a packed cache": (
        {
            "engine": {"name": "mlx", "kv_bits": 8},
            "hardware": MAC,
            "workload": {**ALONE, "input_tokens": 8000},
        },
        "a quantized cache was never measured",
    ),
    "requests that meet": (
        {"engine": {"name": "mlx"}, "hardware": MAC},
        "measured with single requests only",
    ),
    "a prompt that is refused": (
        {"engine": {"name": "trtllm"}, "workload": LONG},
        "a prompt of 20000 tokens is refused",
    ),
    "what does not fit": (
        {"hardware": {"gpu": "l4"}, "model": {"name": "llama-3.1-70b"}},
        "this does not fit",
    ),
    "units that are not counted": (
        {"engine": {"name": "mlx"}, "hardware": {"gpu": "apple-m5-max"}, "workload": ALONE},
        "matrix units of apple-m5-max are not counted",
    ),
    "more requests than the cache holds": (
        {"workload": {"input_tokens": 30_000, "output_tokens": 64, "concurrency": 400}},
        "the others wait",
    ),
}
COUNTED = (
    "requests that meet",
    "a prompt that is refused",
    "what does not fit",
    "more requests than the cache holds",
)
"""Kinds whose every word is understood and in the figures: they are held by ``basis`` and ``holds_a_request``."""
SURE = ("more requests than the cache holds", "units that are not counted")
"""Kinds that are measured nevertheless."""


def body(kind: str) -> Body:
    plain = {"model": MODEL, "hardware": H100, "engine": {"name": "vllm"}, "workload": LOAD}
    return {**plain, **KINDS[kind][0]}


def rows(asked: Body, grid: Body, method: Any = "auto", target: Any = "serving_estimate") -> list[Body]:
    return list(llm_calc.sweep(target=target, base=asked, grid=grid, method=method))


def test_every_option_of_unknown_effect_is_asked_about() -> None:
    assert {kind.split()[1] for kind in OPTIONS} >= {
        "enforce_eager",
        "async_scheduling",
        "disable_overlap_schedule",
        "cuda_graph",
        "flash_attn",
    }


@pytest.mark.parametrize("kind", KINDS)
def test_an_estimate_warns(kind: str) -> None:
    answer = llm_calc.estimate(**body(kind))
    assert KINDS[kind][1] in " ".join((*answer.warnings, *answer.assumptions))
    if kind not in SURE:
        assert answer.interval.status == "uncalibrated"
        assert answer.basis.kind == "formula_only"


@pytest.mark.parametrize("method", ["as_endpoint", "closed_form"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_row_says_what_the_estimate_says(kind: str, method: str) -> None:
    asked = body(kind)
    answer = llm_calc.estimate(**asked)
    (row,) = rows(asked, {"workload.output_tokens": [64]}, method)
    told = row["notes"]
    assert not [words for words in (*answer.warnings, *answer.assumptions) if words not in told]
    assert row["basis"] == answer.basis.kind
    assert row["confidence"] == ("exact" if kind in COUNTED else "approximate")
    refused = kind in ("a prompt that is refused", "what does not fit")
    assert row["holds_a_request"] != refused


@pytest.mark.parametrize("kind", KINDS)
def test_a_comparison_says_it(kind: str) -> None:
    found = llm_calc.compare(scenarios=[body(kind), body(kind)])
    for each in found.scenarios:
        assert KINDS[kind][1] in each.model_dump_json()


@pytest.mark.parametrize("method", ["as_endpoint", "closed_form"])
def test_words_on_the_longest_rows_say_which(method: str) -> None:
    asked = {**body("a prompt that is refused"), "workload": LOAD}
    grid = {"workload.input_tokens": [512, 8192, 8193, 20_000], "workload.concurrency": [2, 4]}
    found = rows(asked, grid, method)
    assert [row["holds_a_request"] for row in found] == [True] * 4 + [False] * 4
    assert {row["basis"] for row in found if not row["holds_a_request"]} == {"formula_only"}
    assert "formula_only" not in {row["basis"] for row in found if row["holds_a_request"]}
    words = "at workload.input_tokens 20000, workload.concurrency 4: workload: a prompt of 20000 tokens is refused"
    assert words in found[0]["notes"]
    assert not any(row["notes"] for row in found[1:])
    fits = [row["fits"] for row in rows(asked, grid, target="memory_plan")]
    assert fits == [row["holds_a_request"] for row in found]


def test_rows_beyond_small_graphs_are_not_called_measured() -> None:
    asked = body("graphs of few sequences")
    found = rows(asked, {"workload.concurrency": [4, 64]}, "closed_form")
    assert [row["confidence"] for row in found] == ["approximate"] * 2
    assert found[1]["basis"] == "formula_only"
    assert UNKNOWN in found[0]["notes"]


def test_rows_of_a_larger_cache_rest_on_what_the_endpoint_says() -> None:
    asked = {
        "model": {"name": "minimax-m2.5"},
        "hardware": {"gpu": "h100-80gb-sxm", "count": 4},
        "parallelism": {"data": 4},
        "precision": {"weights": "fp8", "kv_cache": "fp8"},
        "engine": {"name": "vllm"},
        "workload": {"input_tokens": 1000, "output_tokens": 1000},
    }
    grid = {"workload.concurrency": [2, 8, 400]}
    exact, closed = (rows(asked, grid, method) for method in ("as_endpoint", "closed_form"))
    assert [row["basis"] for row in closed] == [row["basis"] for row in exact]
    assert {row["basis"] for row in exact} == {"measured", "calibrated"}


def test_an_option_that_does_nothing_is_named() -> None:
    idle = "engine.max_model_len: changes nothing of the times here"
    asked = {**body("an assumed acceptance"), "engine": {"name": "vllm", "max_model_len": 8192}}
    del asked["speculative"]
    assert idle in llm_calc.estimate(**asked).assumptions
    assert idle in rows(asked, {"workload.concurrency": [4]})[0]["notes"]


def test_an_option_that_acts_on_some_rows_is_not_called_idle() -> None:
    asked = {
        "model": MODEL,
        "hardware": H100,
        "engine": {"name": "vllm", "max_num_seqs": 16},
        "workload": LOAD,
    }
    words = rows(asked, {"workload.concurrency": [1, 400]})[0]["notes"]
    assert "engine.max_num_seqs: changes nothing" not in words


def test_notes_hold_plain_words_of_every_row_once() -> None:
    (first, *others) = rows(body("vllm enforce_eager True"), {"workload.concurrency": [2, 4, 8]})
    assert first["notes"].count(UNKNOWN) == 1
    assert not any(row["notes"] for row in others)
    assert json.dumps(first)


RECOMMENDED = [kind for kind in OPTIONS if "enable_eplb" not in kind] + [
    "graphs of few sequences",
    "a packed cache",
    "requests that meet",
    "units that are not counted",
]
"""Kinds that recommendations can be asked about; what does not fit, or takes no such prompt, is not recommended."""


@pytest.mark.parametrize("kind", RECOMMENDED)
def test_a_recommendation_says_it(kind: str) -> None:
    asked = body(kind)
    load = asked["workload"]
    found = llm_calc.recommend(
        model=asked["model"],
        engine=asked["engine"],
        gpus=[asked["hardware"]["gpu"]],
        context_tokens=max(load["input_tokens"], 512),
        concurrency=load["concurrency"],
    )
    (each,) = found.recommendations
    assert any(KINDS[kind][1] in words for words in each.notes)
    if kind not in SURE:
        assert each.basis == "formula_only"


@pytest.mark.parametrize(
    "kind", ["an assumed acceptance", "requests that meet", "units that are not counted"]
)
def test_plans_say_it(kind: str) -> None:
    asked = body(kind)
    found = llm_calc.plan(
        model=asked["model"],
        gpus=[asked["hardware"]["gpu"]],
        engines=[asked["engine"]["name"]],
        workload=asked["workload"],
        limits={"max_gpus": 1},
        **{name: asked[name] for name in ("speculative",) if name in asked},
    )
    plans = [plan for plan in found.plans if plan.speculative is not None or "speculative" not in asked]
    assert plans
    for plan in plans:
        assert any(KINDS[kind][1] in words for words in plan.notes)
        assert kind in SURE or plan.basis == "formula_only"


def test_own_machines_say_which_units_are_not_counted() -> None:
    mac = {"gpu": "apple-m5-max"}
    words = KINDS["units that are not counted"][1]
    for found in (
        llm_calc.fit(model=MODEL, hardware=mac, context_tokens=2048),
        llm_calc.models_for(hardware=mac, context_tokens=2048, max_models=1),
    ):
        assert any(words in each for each in found.assumptions)
