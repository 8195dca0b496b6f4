"""Advice: every change that is named works, and the GPU that is named holds it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.engines import build_engine
from llm_calc.adapters.formats import number_format, recipe_for
from llm_calc.adapters.memory_advice import CONCURRENCY, changes_that_fit, context_table
from llm_calc.adapters.operations import MEMORY_PLAN, SERVING_ESTIMATE
from llm_calc.adapters.other_gpu import recommended_gpu
from llm_calc.adapters.wire.memory import Change
from llm_calc.core.advice.memory import _grown, sequences_text
from llm_calc.core.deployments.question import Asked, fits
from llm_calc.core.engines import Engine, Setup
from llm_calc.library import memory_plan
from tests.core.engines.setups import setup, sliding


def changed(deployment: Setup, engine: Engine, asked: Asked, change: Change) -> tuple[Setup, Engine, Asked]:
    """The deployment with one change applied."""
    place, _, name = change.field.partition(".")
    value: Any = change.value
    numbers = deployment.numbers
    if place == "parallelism":
        return replace(deployment, layout=replace(deployment.layout, **{name: value})), engine, asked
    if change.field == "workload.concurrency":
        return deployment, engine, replace(asked, sequences=value)
    if place == "precision":
        weights, cache = (value if name == "weights" else None), (value if name == "kv_cache" else None)
        if not name:
            weights, cache = value.removeprefix("weights ").split(", kv_cache ")
        if weights:
            numbers = replace(numbers, recipe=recipe_for(weights, deployment.model, engine.name))
        if cache:
            numbers = replace(numbers, cache=number_format(cache))
        return replace(deployment, numbers=numbers), engine, asked
    options = {name: value}
    shorter = (
        value if name in ("max_model_len", "context_length", "n_ctx", "max_seq_len") else asked.context_tokens
    )
    return deployment, replace(engine, **options), replace(asked, context_tokens=shorter)  # type: ignore[type-var]


CASES: list[tuple[str, dict[str, Any], float, Asked, set[str]]] = [
    (
        "vllm",
        {"max_model_len": 131072},
        24,
        Asked(sequences=1, context_tokens=131072),
        {"parallelism.tensor", "precision"},
    ),
    ("vllm", {"max_model_len": 8192}, 24, Asked(sequences=64, context_tokens=4096), {"workload.concurrency"}),
    ("vllm", {"max_model_len": 4096}, 17.5, Asked(sequences=1, context_tokens=4096), {"precision.weights"}),
    (
        "sglang",
        {},
        24,
        Asked(sequences=5, context_tokens=4096),
        {"precision.kv_cache", "engine.context_length"},
    ),
    ("trtllm", {}, 24, Asked(sequences=1, context_tokens=40_000), {"engine.max_seq_len"}),
    ("trtllm", {"max_seq_len": 40_000}, 20, Asked(sequences=1, context_tokens=40_000), {"precision.weights"}),
    (
        "llama.cpp",
        {"n_ctx": 65536, "fit": False},
        20,
        Asked(sequences=1, context_tokens=65536),
        {"engine.n_gpu_layers", "engine.n_ctx"},
    ),
    ("generic", {}, 10, Asked(sequences=1, context_tokens=4096), {"precision.weights"}),
]


@pytest.mark.parametrize(("name", "options", "memory_gib", "asked", "expected"), CASES)
def test_every_named_change_makes_it_fit(
    name: str, options: dict[str, Any], memory_gib: float, asked: Asked, expected: set[str]
) -> None:
    engine, deployment = build_engine(name, **options), setup(memory_gib=memory_gib)
    assert not fits(engine.plan(deployment), asked)
    found = changes_that_fit(deployment, engine, asked)
    assert expected <= {change.field for change in found}
    for change in found:
        after, with_options, less = changed(deployment, engine, asked, change)
        assert fits(with_options.plan(after), less), change


def test_nothing_helps_a_model_that_fits_nowhere() -> None:
    asked = Asked(sequences=10**6, context_tokens=10**6)
    assert changes_that_fit(setup(memory_gib=8), build_engine("vllm", max_model_len=1024), asked) == []


@settings(max_examples=20)
@given(sequences=st.integers(1, 64), context=st.integers(256, 16_384))
def test_the_recommended_gpu_holds_it_and_no_smaller_one_does(sequences: int, context: int) -> None:
    gpus, deployment = load_catalogs().gpus, setup()
    engine, asked = (
        build_engine("vllm", max_model_len=16_384),
        Asked(sequences=sequences, context_tokens=context),
    )
    found = recommended_gpu(deployment, engine, asked, gpus)
    assert found is not None
    assert found.count == 1
    assert fits(engine.plan(replace(deployment, gpu=load_catalogs().gpu(found.gpu))), asked)
    compute = deployment.numbers.recipe.default.compute
    assert compute is not None
    for gpu in gpus:
        alike = gpu.vendor == "NVIDIA" and not gpu.unified_memory and gpu.supports(compute)
        if alike and gpu.usable_memory_bytes < found.memory_bytes:
            assert not fits(engine.plan(replace(deployment, gpu=gpu)), asked)


def test_more_gpus_are_recommended_where_one_is_too_small() -> None:
    asked = Asked(sequences=300, context_tokens=16_384)
    found = recommended_gpu(setup(), build_engine("vllm", max_model_len=16_384), asked, load_catalogs().gpus)
    assert found is not None
    assert found.count > 1


@pytest.mark.parametrize(
    ("model", "gpu", "weights", "other", "count"),
    [
        ("llama-3.3-70b", "rtx-4090", "q4_k_m", 24, 2),
        ("qwen3-32b", "rtx-3060-12gb", "q4_k_m", 24, 1),
        ("gpt-oss-20b", "rtx-4060", None, 16, 1),
        ("qwen3-32b", "rx-7900-xt", "q4_k_m", 24, 1),
    ],
)
def test_of_ones_own_card_the_next_larger_one_or_two_are_recommended(
    model: str, gpu: str, weights: str | None, other: int, count: int
) -> None:
    """Files of 42.5, 19.8 and 12.1 GB beside 8500 tokens: cards of 24 or 16 GB that people own, none for servers."""
    body: dict[str, Any] = {
        "model": model,
        "hardware": gpu,
        "engine": "llama.cpp",
        "precision": {"weights": weights} if weights else {},
        "workload": {"input_tokens": 8000, "output_tokens": 500},
    }
    found = MEMORY_PLAN.answered(body, load_catalogs()).recommended_gpu
    assert found is not None
    card = load_catalogs().gpu(found.gpu)
    assert card.family in ("GeForce RTX", "Radeon")
    assert (round(card.memory_bytes / 2**30), found.count) == (other, count)


def test_nothing_is_recommended_for_what_no_gpus_hold() -> None:
    asked = Asked(sequences=10**8, context_tokens=10**6)
    assert recommended_gpu(setup(), build_engine("vllm"), asked, load_catalogs().gpus) is None


def test_the_table_is_the_plan() -> None:
    plan = build_engine("vllm", max_model_len=100_000).plan(setup(sliding(2, 10)))
    rows = context_table(plan, 100_000)
    assert [row.context_tokens for row in rows] == [1024, 2048, 4096, 8192, 16384, 32768, 65536, 100_000]
    for row in rows:
        assert row.max_concurrency == plan.max_concurrency(row.context_tokens)
        assert row.fits == [row.max_concurrency >= wanted for wanted in CONCURRENCY]


def test_a_plan_that_does_not_start_holds_nothing() -> None:
    rows = context_table(build_engine("vllm").plan(setup(memory_gib=8)), 4096)
    assert [row.max_concurrency for row in rows] == [0, 0, 0]


def test_one_sequence_is_singular() -> None:
    assert sequences_text(1, 10) == "1 sequence of 10 tokens"
    assert sequences_text(2, 10) == "2 sequences of 10 tokens"


def test_a_context_beyond_the_models_positions_is_mended_by_as_many_as_those_are() -> None:
    """Llama 2 has 4096 of them (its config.json: max_position_embeddings)."""
    answer = memory_plan(
        model="llama2-7b",
        hardware="h100-80gb-sxm",
        engine={"name": "vllm", "max_model_len": 16384},
        workload={"input_tokens": 1024, "output_tokens": 512, "concurrency": 32},
    )
    assert not answer.fits
    assert [(each.field, each.value) for each in answer.changes_that_fit] == [("engine.max_model_len", 4096)]


def test_a_laptop_is_not_told_to_take_more_gpus_nor_is_another_laptop_offered() -> None:
    answer = memory_plan(model="llama-3.1-8b", hardware="rtx-4060-laptop")
    assert not answer.fits
    assert "hardware.count" not in [change.field for change in answer.changes_that_fit]
    assert not any("parallelism" in change.field for change in answer.changes_that_fit)
    assert answer.recommended_gpu is not None
    assert "laptop" not in answer.recommended_gpu.gpu


def _planned(request: dict[str, Any]) -> Any:
    return MEMORY_PLAN.answered(request, load_catalogs())


def test_formats_of_weights_and_cache_keep_the_context_that_they_were_tried_with() -> None:
    asked: dict[str, Any] = {
        "model": "gemma-3-27b",
        "hardware": "m1 16gb",
        "precision": {"weights": "q4_k_m"},
        "engine": {"name": "llama.cpp", "fit": False},
        "workload": {"input_tokens": 32_256, "output_tokens": 512, "concurrency": 1},
    }
    (change,) = _planned(asked).changes_that_fit
    assert change.also["engine.n_ctx"] == 32_768
    with_it = {
        "precision": {"weights": change.value, "kv_cache": change.also["precision.kv_cache"]},
        "engine": {**asked["engine"], "n_ctx": change.also["engine.n_ctx"]},
    }
    assert _planned({**asked, **with_it}).fits


@pytest.mark.parametrize("gpu", ["rtx-4070", "rtx-4090"])
def test_experts_go_to_the_host_before_whole_layers_and_are_faster_there(gpu: str) -> None:
    asked: dict[str, Any] = {
        "model": "gpt-oss-120b",
        "hardware": gpu,
        "engine": {"name": "llama.cpp", "fit": False, "n_ctx": 8192, "n_parallel": 1},
        "workload": {"input_tokens": 4096, "output_tokens": 512, "concurrency": 1},
    }
    found = {change.field: change.value for change in _planned(asked).changes_that_fit}
    assert "engine.n_gpu_layers" not in found
    layers = found["engine.n_cpu_moe"]
    fits = {
        count: _planned({**asked, "engine": {**asked["engine"], "n_cpu_moe": count}}).fits
        for count in (layers - 1, layers)
    }
    assert fits == {layers - 1: False, layers: True}
    experts, whole = (
        SERVING_ESTIMATE.answered({**asked, "engine": {**asked["engine"], **option}}, load_catalogs())
        for option in ({"n_cpu_moe": layers}, {"n_gpu_layers": 6})
    )
    assert experts.tpot_s < whole.tpot_s


def advised(model: str, hardware: Any) -> list[Change]:
    load = {"input_tokens": 512, "output_tokens": 128, "concurrency": 1}
    asked = {"model": model, "hardware": hardware, "engine": {"name": "vllm"}, "workload": load}
    answer = MEMORY_PLAN.answered(asked, load_catalogs())
    assert not answer.fits
    return answer.changes_that_fit


def test_a_format_is_no_advice_where_the_experts_have_as_few_bits_already() -> None:
    """DeepSeek V4's experts are in MXFP4, 4.25 bits with scales; AWQ in groups of 128 takes about as many."""
    found = advised("deepseek-v4-flash", {"gpu": "h100-80gb-sxm", "count": 2})
    assert found
    assert not any(change.field in {"precision", "precision.weights"} for change in found)


def test_another_format_than_a_quantized_checkpoints_own_comes_last_and_has_to_be_made() -> None:
    *others, last = advised("deepseek-v3", {"gpu": "h100-80gb-sxm", "count": 8})
    assert last.field == "precision.weights"
    assert last.change == (
        "weights in int4-awq instead of fp8-block; such a checkpoint of this model has to be found or made"
    )
    assert [change.field for change in others] == ["hardware.count"]


def test_a_context_that_was_said_too_short_is_lengthened_with_fewer_requests_at_once() -> None:
    """24 GiB of an L4 hold one request of 20512 tokens (128 KiB a token: 2.5 GiB) beside 15 GiB of weights."""
    asked: dict[str, Any] = {
        "model": "llama-3.1-8b",
        "hardware": "l4",
        "engine": {"name": "vllm", "max_model_len": 16_384},
        "workload": {"input_tokens": 20_000, "output_tokens": 512, "concurrency": 20},
    }
    assert not _planned(asked).fits
    fewer = next(each for each in _planned(asked).changes_that_fit if each.field == "workload.concurrency")
    assert (fewer.value, fewer.also["engine.max_model_len"]) == (1, 20_512)
    load, engine = asked["workload"] | {"concurrency": 1}, asked["engine"] | {"max_model_len": 20_512}
    assert _planned({**asked, "workload": load, "engine": engine}).fits


@pytest.mark.parametrize(("share", "advised"), [(0.93, True), (0.97, False)])
def test_an_engine_is_told_to_use_more_of_the_memory_but_never_its_last_twentieth(
    share: float, advised: bool
) -> None:
    """What needs 93 % of a card starts at 95 %; what needs 97 % is not sent there: others need some of it too.

    Needed is what a plan takes beside its cache, and 8192 tokens in 512 blocks of 16, of which one more is vLLM's own:
    2 x 8 heads x 128 x 32 layers x 2 bytes a token.
    """
    engine = build_engine("vllm", max_model_len=8192, max_num_seqs=64, max_num_batched_tokens=2048)
    asked, budget = Asked(sequences=1, context_tokens=8192), engine.plan(setup()).budget
    beside = budget.weights_bytes + budget.activation_peak_bytes + budget.cuda_graphs_bytes
    needed = beside + budget.framework_bytes + 513 * 16 * 2 * 8 * 128 * 32 * 2
    small = setup(memory_gib=needed / share / 2**30)
    assert not fits(engine.plan(small), asked)
    found = {change.field: change.value for change in changes_that_fit(small, engine, asked)}
    assert found.get("engine.gpu_memory_utilization") == (0.95 if advised else None)


@pytest.mark.parametrize(("times", "gpus"), [(63, 64), (64, 64), (65, None)])
def test_at_most_64_gpus_are_advised(times: int, gpus: int | None) -> None:
    """Replicas by doubling: 64 times what one holds takes 64 of them, a sequence for each more takes 128."""
    engine = build_engine("vllm", max_model_len=8192)
    each = int(engine.plan(setup()).max_concurrency(8192))
    layout = _grown(setup(), engine, Asked(sequences=times * each, context_tokens=8192), "data")
    assert (layout and layout.gpus) == gpus
