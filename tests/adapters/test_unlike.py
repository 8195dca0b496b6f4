"""GPUs of several kinds in one machine: a list of them, and what a question about it answers."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.operations import COMPARE, FIT, MEMORY_PLAN, MODELS_FOR, SERVING_ESTIMATE
from llm_calc.core.errors import CalcError, UnsupportedError

ASKED: dict[str, Any] = {
    "model": "qwen3-32b",
    "precision": "q4_k_m",
    "engine": {"name": "llama.cpp", "n_ctx": 8192, "n_parallel": 1},
    "workload": {"input_tokens": 512, "output_tokens": 128},
}
CARDS = ("rtx-4090", "rtx-3090", "rtx-5090", "rtx-4060-ti-16gb", "l4", "a100-40gb-pcie", "rx-7900-xtx")


def estimated(hardware: Any, **engine: Any) -> Any:
    asked = {**ASKED, "hardware": hardware, "engine": {**ASKED["engine"], **engine}}
    return SERVING_ESTIMATE.answered(asked, load_catalogs())


def planned(hardware: Any, **fields: Any) -> Any:
    return MEMORY_PLAN.answered({**ASKED, "hardware": hardware, **fields}, load_catalogs())


@settings(max_examples=6, deadline=None)
@given(gpu=st.sampled_from(CARDS), count=st.integers(2, 4))
def test_equal_gpus_in_a_list_are_so_many_of_them(gpu: str, count: int) -> None:
    listed: Any = [{"gpu": gpu}] * count
    assert estimated(listed) == estimated({"gpu": gpu, "count": count})
    assert planned(listed) == planned({"gpu": gpu, "count": count})


@pytest.mark.parametrize(("first", "second"), [("rtx-4090", "rtx-3090"), ("rtx-5090", "rtx-4090")])
def test_a_pair_is_as_fast_as_its_parts_in_turn(first: str, second: str) -> None:
    fast, slow = sorted(estimated(f"2x {each}").tpot_s for each in (first, second))
    for pair in (f"{first},{second}", f"{second},{first}"):
        assert fast < estimated(pair).tpot_s < slow


@pytest.mark.parametrize(("options", "alone"), [({"tensor_split": [1, 0]}, 0), ({"tensor_split": [0, 1]}, 1)])
def test_layers_that_all_lie_on_one_gpu_are_as_fast_as_on_it_alone(options: Any, alone: int) -> None:
    names = ("rtx-5090", "rtx-3090")
    pair = SERVING_ESTIMATE.answered(
        {**ASKED, "hardware": ",".join(names), "engine": {**ASKED["engine"], **options}}, load_catalogs()
    )
    assert pair.tpot_s == pytest.approx(
        estimated(names[alone]).tpot_s, rel=0.05
    )  # without what was measured of it


def test_main_gpu_chooses_the_gpu_that_has_everything() -> None:
    first, second = (estimated("rtx-5090,rtx-3090", split_mode="none", main_gpu=each) for each in (0, 1))
    assert first.tpot_s < second.tpot_s


@settings(max_examples=8, deadline=None)
@given(parts=st.integers(1, 9))
def test_more_layers_on_the_faster_gpu_are_never_slower(parts: int) -> None:
    less, more = (
        estimated("rtx-5090,rtx-3090", tensor_split=[each, 10 - each]) for each in (parts, parts + 1)
    )
    assert more.tpot_s <= less.tpot_s * (1 + 1e-9)


def test_layers_are_dealt_by_free_memory_and_each_gpu_is_shown() -> None:
    found = planned("rtx-4090,rtx-3060-12gb", model="qwen2.5-32b")
    assert [stage.gpu for stage in found.stages] == ["rtx-4090", "rtx-3060-12gb"]
    large, small = found.stages
    assert 1.8 < large.weights_bytes / small.weights_bytes < 2.3
    assert found.fits
    assert large.unallocated_bytes > 0 < small.unallocated_bytes
    assert any("layers of each GPU" in note for note in found.assumptions)


def test_a_small_card_beside_a_large_one_holds_what_neither_does() -> None:
    llama = {"model": "llama-3.3-70b", "engine": {"name": "llama.cpp", "n_ctx": 8192, "fit": False}}
    assert not planned("rtx-3090", **llama).fits
    assert not planned("2x rtx-3060-12gb", **llama).fits
    assert planned("rtx-3090,rtx-3090,rtx-3060-12gb", **llama).fits


def test_a_custom_gpu_stands_in_a_list() -> None:
    own = {
        "gpu": "custom",
        "memory_bytes": 48 << 30,
        "memory_bandwidth_bytes_per_s": 1e12,
        "like": "rtx-4090",
    }
    found = planned([own, {"gpu": "rtx-3090"}])
    assert [stage.gpu for stage in found.stages] == ["custom:rtx-4090", "rtx-3090"]


def test_nothing_of_unlike_gpus_is_called_measured() -> None:
    found = estimated("rtx-4090,rtx-3090")
    assert found.interval.status == "uncalibrated"
    assert found.basis.kind != "measured"
    assert any("never measured" in note for note in found.assumptions)


@pytest.mark.parametrize("engine", ["vllm", "sglang", "generic"])
def test_other_engines_say_that_they_take_one_kind(engine: str) -> None:
    with pytest.raises(UnsupportedError, match=r"^hardware: .* one kind of GPU only"):
        planned("rtx-4090,rtx-3090", engine={"name": engine}, precision="fp8")


@pytest.mark.parametrize(
    ("hardware", "says"),
    [
        ("rtx-4090,rtx-30900", r"hardware\[1\]\.gpu: unknown gpu"),
        ("rtx-4090,apple-m4-max", r"hardware\[1\]\.gpu: apple-m4-max shares"),
        ([{"gpu": "rtx-4090"}, {"gpu": "rtx-3090", "count": 0}], r"hardware\[1\]\.count: "),
        ([{"gpu": "rtx-4090"}, {"gpu": "custom"}], r"hardware\[1\]\.memory_bytes: "),
        ([], "hardware: must not be empty"),
        ("9x rtx-4090,9x rtx-3090", "hardware: must be at most 16 GPUs"),
        ("100000x rtx-4090,rtx-3090", "hardware: must be at most 16 GPUs"),
        (
            [
                {"gpu": "rtx-4090", "host": {"memory_bytes": 1 << 34}},
                {"gpu": "rtx-3090", "host": {"memory_bytes": 1 << 35}},
            ],
            "hardware: host is the machine's",
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_place(hardware: Any, says: str) -> None:
    with pytest.raises(CalcError, match=says):
        planned(hardware)


def test_the_questions_of_ones_own_machine_take_a_list() -> None:
    catalogs = load_catalogs()
    pair = ["rtx-4090", "rtx-3090"]
    fitted = FIT.answered(
        {"model": "llama-3.3-70b", "hardware": pair, "formats": ["q4_k_m"], "cache_types": ["f16"]}, catalogs
    )
    assert fitted.rows[0].where == "gpu"
    running = MODELS_FOR.answered({"hardware": pair, "max_models": 1}, catalogs)
    alone = MODELS_FOR.answered({"hardware": "rtx-4090", "max_models": 1}, catalogs)
    assert running.models[0].parameters_billions > alone.models[0].parameters_billions


def test_scenarios_that_differ_in_the_second_gpu_are_told_apart() -> None:
    scenarios = [{**ASKED, "hardware": pair} for pair in ("rtx-4090,rtx-3090", "2x rtx-4090")]
    found = COMPARE.answered({"scenarios": scenarios}, load_catalogs())
    assert [each.values for each in found.differences if each.field == "hardware.gpu"] == [
        ['"rtx-4090 + rtx-3090"', '"rtx-4090"']
    ]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"parallelism": {"data": 2}}, r"parallelism\.pipeline: must be 2"),
        ({"parallelism": {"pipeline": 3}}, r"hardware\.count"),
        ({"disaggregated": {"prefill_replicas": 1, "decode_replicas": 1}}, "hardware: GPUs of several kinds"),
    ],
)
def test_unlike_gpus_are_one_pipeline(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(CalcError, match=says):
        SERVING_ESTIMATE.answered({**ASKED, "hardware": "rtx-4090,rtx-3090", **fields}, load_catalogs())


def test_flags_of_engines_beside_a_list_are_refused_in_words() -> None:
    with pytest.raises(CalcError):
        planned("rtx-4090,rtx-3090", engine={"name": "vllm", "enable_expert_parallel": True}, precision="fp8")


@pytest.mark.parametrize("gpu", ["apple-m3-ultra-256gb", "strix-halo-64gb", "dgx-spark-gb10"])
@pytest.mark.parametrize("operation", [MEMORY_PLAN, SERVING_ESTIMATE])
def test_machines_that_share_their_memory_are_no_gpus_of_one(operation: Any, gpu: str) -> None:
    """Two of them are two machines, which only llama.cpp's RPC joins."""
    asked = {**ASKED, "hardware": {"gpu": gpu, "count": 2}}
    with pytest.raises(
        UnsupportedError, match=r"hardware\.count: .* 2 are as many machines; .*RPC"
    ) as refused:
        operation.answered(asked, load_catalogs())
    assert refused.value.field == "hardware.count"


def test_accelerators_of_one_host_may_share_their_memory() -> None:
    """The catalog's entry has a link between four MI300A."""
    found = MEMORY_PLAN.answered({**ASKED, "hardware": {"gpu": "mi300a", "count": 4}}, load_catalogs())
    assert len(found.stages) == 4


MIXTURES = {"gpt-oss-120b": "mxfp4", "qwen3-235b-a22b": "q2_k", "mixtral-8x7b": "q4_k_m"}


def mixture(model: str, hardware: Any, what: Any = SERVING_ESTIMATE) -> Any:
    asked = {**ASKED, "model": model, "precision": MIXTURES[model], "hardware": hardware}
    if what is FIT:
        del asked["engine"], asked["workload"], asked["precision"]
        asked |= {"formats": [MIXTURES[model]], "cache_types": ["f16"], "context_tokens": 8192}
    return what.answered(asked, load_catalogs())


@pytest.mark.parametrize("model", MIXTURES)
@pytest.mark.parametrize("gpu", ["rtx-3090", "rtx-5090", "rtx-3060-12gb"])
def test_one_more_card_is_never_slower_while_the_host_has_experts(model: str, gpu: str) -> None:
    """Until nothing lies with the host; each card after that costs a hand-over a token, as a dense model's does."""
    asked = [(count, mixture(model, f"{count}x {gpu}", FIT).rows[0]) for count in range(1, 6)]
    rows = [row for _, row in asked if row.fits]
    away = [row.split_layers + row.layers - row.gpu_layers for row in rows]
    assert away == sorted(away, reverse=True)
    assert away[0] == 0 or away[0] > away[2]
    times = [mixture(model, f"{count}x {gpu}").tpot_s for count, row in asked if row.fits]
    until = next((place for place, layers in enumerate(away) if not layers), len(away) - 1)
    assert times[: until + 1] == sorted(times[: until + 1], reverse=True)
    assert max(times[until:]) < times[until] * 1.1  # four hand-overs at most


def test_equal_cards_in_a_list_hold_as_many_experts_as_the_same_by_number() -> None:
    for model in MIXTURES:
        assert mixture(model, "2x rtx-5090") == mixture(model, ["rtx-5090", "rtx-5090"])


@pytest.mark.parametrize("model", MIXTURES)
def test_the_order_of_an_unlike_pair_moves_one_layer_at_most(model: str) -> None:
    """Each card fills to its own margin; only what is left of a matrix at a boundary differs."""
    one, other = (mixture(model, pair, FIT).rows[0] for pair in ("rtx-5090,rtx-3090", "rtx-3090,rtx-5090"))
    assert one.where == other.where
    assert abs(one.split_layers - other.split_layers) <= 1


def test_no_card_is_left_empty_beside_a_full_one() -> None:
    plan = mixture("gpt-oss-120b", "2x rtx-5090", MEMORY_PLAN)
    assert all(stage.weights_bytes > 25 * 2**30 for stage in plan.stages)
