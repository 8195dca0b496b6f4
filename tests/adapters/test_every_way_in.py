"""What is said and not counted arrives whichever way it is asked, and no figure of it is called exact or measured."""

import json
from collections.abc import Callable
from typing import Any, Literal

import pytest

import llm_calc
from llm_calc.adapters import operations
from llm_calc.adapters.catalog import load_catalogs

Body = dict[str, Any]
MODEL = "qwen3-32b"
H100 = {"gpu": "h100-80gb-sxm"}
LOAD = {"input_tokens": 512, "output_tokens": 64, "concurrency": 4}
FP8 = {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}
TARGETS = {
    "quant_method": "compressed-tensors",
    "format": "float-quantized",
    "config_groups": {
        "group_0": {
            "targets": ["re:.*nothing_there.*"],
            "weights": {"num_bits": 8, "type": "float", "strategy": "tensor"},
        },
        "group_1": {
            "targets": ["Linear"],
            "weights": {"num_bits": 8, "type": "float", "strategy": "channel"},
        },
    },
    "ignore": ["lm_head"],
}


def config(**more: object) -> Body:
    own = next(each.config for each in load_catalogs().models if each.name == MODEL)
    return {"hf_config": {**own, **more}}


SAID: dict[str, Body] = {
    "a key of the configuration": {"model": config(mystery_gate=True)},
    "an option that nothing counts": {"engine": {"enable_dbo": True}},
    "a release that is not known": {"engine": {"version": "0.99.0"}},
    "another format than the checkpoint's": {
        "model": config(quantization_config=FP8),
        "precision": {"weights": "int4"},
    },
    "a target that names no tensor": {"model": config(quantization_config=TARGETS)},
}
WORDS = {
    "a key of the configuration": "mystery_gate",
    "an option that nothing counts": "engine.enable_dbo",
    "a release that is not known": "engine.version",
    "another format than the checkpoint's": "quantization_config",
    "a target that names no tensor": "quantization_config",
}


def parts(said: Body) -> Body:
    """A deployment that says it."""
    return {
        "model": said.get("model", {"name": MODEL}),
        "precision": said.get("precision", {}),
        "hardware": H100,
        "engine": {"name": "vllm", **said.get("engine", {})},
        "workload": LOAD,
    }


def asked(operation: str, body: Body) -> Any:
    found = next(each for each in operations.OPERATIONS if each.name == operation)
    return json.loads(found.answered(body, load_catalogs()).model_dump_json())


def of_a_model(said: Body) -> Body:
    """The same as /api/calculate calls it."""
    named = {"model_name": said["model"]["name"]} if "name" in said["model"] else said["model"]
    return {**named, "gpu": "h100-80gb-sxm"}


def calculated(said: Body) -> Any:
    return asked("calculate", of_a_model(said))


def inspected(said: Body) -> Any:
    whole = parts(said)
    return asked("inspect_model", {name: whole[name] for name in ("model", "precision", "engine")})


def recommended(said: Body) -> Any:
    whole = parts(said)
    asks = {name: whole[name] for name in ("model", "precision", "engine")}
    found = asked("recommend_gpus", {**asks, "gpus": ["h100-80gb-sxm"], "context_tokens": 2048})
    for each in found["recommendations"]:
        del each["engine"]
    return found


def planned(said: Body) -> Any:
    weights = said.get("precision", {}).get("weights")
    body = {
        "model": said["model"],
        "gpus": ["h100-80gb-sxm"],
        "engines": ["vllm"],
        "limits": {"max_gpus": 1},
        **({"formats": [weights]} if weights else {}),
    }
    return asked("deployment_plans", body)


def fitted(said: Body) -> Any:
    return asked("fit", {"model": said["model"], "hardware": H100, "context_tokens": 2048})


def compared(said: Body) -> Any:
    found = asked("compare", {"scenarios": [parts(said), parts(said)]})
    return [each["estimate"] for each in found["scenarios"]]


def calibrated(said: Body) -> Any:
    measured = [{**parts(said), "measured": {"tpot_s": 0.01}}, {**parts(said), "measured": {"ttft_s": 0.05}}]
    return asked("calibrate", {"measurements": measured})


def swept(target: Literal["memory_plan", "serving_estimate", "calculate"]) -> Callable[[Body], Any]:
    def rows(said: Body) -> Any:
        if target == "calculate":
            base, grid = of_a_model(said), {"batch_size": [1, 2]}
        else:
            base, grid = parts(said), {"workload.concurrency": [1, 2]}
        return list(llm_calc.sweep(target=target, base=base, grid=grid))

    return rows


WITH_AN_ENGINE: dict[str, Callable[[Body], Any]] = {
    "inspect_model": inspected,
    "memory_plan": lambda said: asked("memory_plan", parts(said)),
    "serving_estimate": lambda said: asked("serving_estimate", parts(said)),
    "recommend_gpus": recommended,
    "compare": compared,
    "calibrate": calibrated,
    "sweep of memory_plan": swept("memory_plan"),
    "sweep of serving_estimate": swept("serving_estimate"),
}
OF_A_MODEL: dict[str, Callable[[Body], Any]] = {
    "calculate": calculated,
    "deployment_plans": planned,
    "fit": fitted,
    "sweep of calculate": swept("calculate"),
}
CASES = [
    (way, kind)
    for ways, kinds in (
        (WITH_AN_ENGINE, SAID),
        (OF_A_MODEL, [each for each in SAID if "model" in SAID[each]]),
    )
    for way in ways
    for kind in kinds
]


def test_every_operation_is_asked() -> None:
    """``models_for`` takes no model, engine or file: its own words are tested below."""
    ways = {way.removeprefix("sweep of ") for way in (*WITH_AN_ENGINE, *OF_A_MODEL)}
    assert ways == {each.name for each in operations.OPERATIONS} - {"models_for"}


@pytest.mark.parametrize(("way", "kind"), CASES)
def test_what_is_not_counted_is_named_whichever_way_it_is_asked(way: str, kind: str) -> None:
    answer = {**WITH_AN_ENGINE, **OF_A_MODEL}[way](SAID[kind])
    assert WORDS[kind] in json.dumps(answer)


def places(value: Any, name: str) -> list[Any]:
    """All values of a name in an answer."""
    if isinstance(value, list):
        return [found for each in value for found in places(each, name)]
    if not isinstance(value, dict):
        return []
    here = [value[name]] if name in value else []
    return [*here, *(found for each in value.values() for found in places(each, name))]


@pytest.mark.parametrize(
    ("way", "kind"), [(way, kind) for way, kind in CASES if way not in ("calibrate", "calculate")]
)
def test_no_figure_of_it_is_called_exact_or_measured(way: str, kind: str) -> None:
    answer = {**WITH_AN_ENGINE, **OF_A_MODEL}[way](SAID[kind])
    marks = [*places(answer, "confidence"), *places(answer, "basis"), *places(answer, "kind")]
    if way == "inspect_model" and "engine" in SAID[kind]:
        return  # nothing that is counted there follows from an engine
    if way.endswith("calculate") and "quantization" in json.dumps(SAID[kind]):
        return  # counted in the format that the request states, which the document calls precision
    assert not [mark for mark in marks if mark in ("exact", "measured")]


@pytest.mark.parametrize("way", ["serving_estimate", "recommend_gpus", "deployment_plans", "compare"])
def test_the_same_without_it_is_measured(way: str) -> None:
    answer = {**WITH_AN_ENGINE, **OF_A_MODEL}[way]({"model": {"name": MODEL}})
    assert "measured" in [*places(answer, "basis"), *places(answer, "kind")]


@pytest.mark.parametrize("target", ["memory_plan", "serving_estimate", "calculate"])
def test_a_sweep_says_it_once_and_marks_every_row(
    target: Literal["memory_plan", "serving_estimate", "calculate"],
) -> None:
    rows = swept(target)({"model": config(mystery_gate=True)})
    assert [row["confidence"] for row in rows] == ["approximate"] * 2
    assert [bool(row["notes"]) for row in rows] == [True, False]
    plain = swept(target)({"model": {"name": MODEL}})
    assert [row["confidence"] for row in plain] == ["exact"] * 2


@pytest.mark.repeats
def test_models_that_were_not_read_whole_are_marked() -> None:
    hardware = {"gpu": "h200-141gb-sxm", "count": 8}
    answer = asked("models_for", {"hardware": hardware, "context_tokens": 4096, "max_models": 60})
    marked = [row["model"] for row in answer["models"] if row["confidence"] == "approximate"]
    assert marked
    (words,) = [each for each in answer["assumptions"] if each.startswith("models: of ")]
    assert all(name in words for name in marked)
    for name in marked[:3]:
        assert asked("inspect_model", {"model": {"name": name}})["confidence"] == "approximate"


def test_recommendations_say_which_cache_their_times_take() -> None:
    """As the estimate of the same does: measured deployments with such weights kept the cache in fp8. Plans name it."""
    said = "precision.kv_cache: fp8, as the measured deployments of vllm"
    fp8 = {"model": {"name": MODEL}, "precision": {"weights": "fp8"}}
    assert any(words.startswith(said) for words in asked("serving_estimate", parts(fp8))["assumptions"])
    (row,) = recommended(fp8)["recommendations"]
    assert any(words.startswith(said) for words in row["notes"])
    assert {plan["precision"]["kv_cache"] for plan in planned(fp8)["plans"]} == {"bf16"}


@pytest.mark.parametrize("way", ["memory_plan", "serving_estimate", "compare"])
def test_nothing_else_is_said_of_an_option_that_nothing_counts(way: str) -> None:
    assert "further" not in json.dumps(
        places(WITH_AN_ENGINE[way](SAID["an option that nothing counts"]), "assumptions")
    )
