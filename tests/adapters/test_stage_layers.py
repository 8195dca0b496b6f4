"""Pipeline stages of stated layers: memory of each, the pace of the slowest, and what is refused."""

from typing import Any

import pytest

from llm_calc.adapters import operations
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.memory import stage_kv_cache_bytes, weights_bytes_per_gpu
from llm_calc.core.parallelism import Layout, stage_bounds
from llm_calc.core.serving.unlike import slowest_stage_loss
from tests.builders import llama, plain_recipe

GPUS = {"gpu": "l40s", "count": 2}


def asked(operation: Any, layout: Any, *, engine: Any = None, **workload: Any) -> Any:
    request = {
        "model": "llama-3.1-8b",
        "hardware": GPUS,
        "parallelism": layout,
        "engine": engine or {"name": "vllm", "max_model_len": 8192},
        "workload": {"input_tokens": 1024, "output_tokens": 256, **(workload or {"concurrency": 1})},
    }
    return operation.answered(request, load_catalogs())


def test_layers_lie_where_they_are_stated() -> None:
    """Llama-2-7B in 16 bits: the longer of two stages holds 20 of its 32 layers, and one table."""
    layout = Layout(pipeline=2, stage_layers=(12, 20))
    assert layout.bounds(32) == (range(12), range(12, 32))
    table = 32000 * 4096
    layer = 4 * 4096**2 + 3 * 4096 * 11008 + 2 * 4096
    assert weights_bytes_per_gpu(llama(), plain_recipe(), layout) == 2 * (20 * layer + table + 4096)
    assert stage_kv_cache_bytes(llama(), layout, 1, 100, 1) == 20 * 2 * 4096 * 2 * 100


def test_equal_stages_that_are_stated_are_the_usual_ones() -> None:
    assert Layout(pipeline=4, stage_layers=(8, 8, 8, 8)).bounds(32) == stage_bounds(32, 4)
    stated = asked(operations.MEMORY_PLAN, {"pipeline": 2, "stage_layers": [16, 16]})
    assert stated.stages == asked(operations.MEMORY_PLAN, {"pipeline": 2}).stages


def test_the_option_of_the_engine_says_the_same() -> None:
    """The stage of 20 layers of Llama-3.1-8B (218,112,000 numbers each) against that of 12."""
    engine = {"name": "vllm", "max_model_len": 8192, "pp_layer_partition": "12,20"}
    by_option = asked(operations.MEMORY_PLAN, {"pipeline": 2}, engine=engine)
    by_layout = asked(operations.MEMORY_PLAN, {"pipeline": 2, "stage_layers": [12, 20]})
    assert by_option == by_layout
    first, last = by_option.stages
    assert last.weights_bytes - first.weights_bytes == pytest.approx(8 * 218_112_000 * 2, rel=0.01)


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        ([12, 19], "12 \\+ 19 = 31; the model has 32 layers"),
        ([10, 10, 12], "names 3 stages; parallelism.pipeline has 2"),
    ],
)
def test_layers_that_are_not_the_models_are_refused(layers: list[int], says: str) -> None:
    for operation in (operations.MEMORY_PLAN, operations.SERVING_ESTIMATE):
        with pytest.raises(InvalidInputError, match=says) as refused:
            asked(operation, {"pipeline": 2, "stage_layers": layers})
        assert refused.value.field == "parallelism.stage_layers"


def test_option_and_layout_must_agree_and_be_numbers() -> None:
    engine = {"name": "sglang", "pp_layer_partition": "12,20"}
    with pytest.raises(InvalidInputError, match="different things"):
        asked(operations.MEMORY_PLAN, {"pipeline": 2, "stage_layers": [16, 16]}, engine=engine)
    with pytest.raises(InvalidInputError, match="such as 24,40"):
        asked(operations.MEMORY_PLAN, {"pipeline": 2}, engine={"name": "vllm", "pp_layer_partition": "12;20"})


@pytest.mark.parametrize(
    ("engine", "own"), [("llama.cpp", "engine.tensor_split"), ("trtllm", "trtllm deals")]
)
def test_engines_that_deal_layers_themselves_refuse_them(engine: str, own: str) -> None:
    with pytest.raises(UnsupportedError, match=own):
        asked(operations.MEMORY_PLAN, {"pipeline": 2, "stage_layers": [12, 20]}, engine={"name": engine})


def test_offline_runs_go_at_the_pace_of_the_longest_stage() -> None:
    """20 of 32 layers in one of two stages: 1.25 times as long as with 16, whatever else is lost."""
    assert 1 + slowest_stage_loss((12, 20), 0.3) / 2 == pytest.approx(1.25 * (1 + 0.3 / 2))
    assert slowest_stage_loss((16, 16), 0.3) == pytest.approx(0.3)
    even = asked(operations.SERVING_ESTIMATE, {"pipeline": 2}, offline=True)
    uneven = asked(operations.SERVING_ESTIMATE, {"pipeline": 2, "stage_layers": [12, 20]}, offline=True)
    assert uneven.output_tokens_per_s < even.output_tokens_per_s
    assert uneven.basis.kind == "formula_only"
    assert uneven.interval.status == "uncalibrated"
    assert any("stages of unlike length" in text for text in uneven.assumptions)


@pytest.mark.parametrize("stated", [[31, 30], [30, 31]])
def test_a_draft_stands_on_the_last_stage_of_stated_layers(stated: list[int]) -> None:
    """deepseek-v3 has 61 layers; the one that predicts is none of those that are dealt.

    SGLang, which takes stated layers as well, starts with a draft in one stage alone (``test_speculation``).
    """
    request = {
        "model": "deepseek-v3",
        "hardware": {"gpu": "h200-141gb-sxm", "count": 16},
        "engine": {"name": "vllm"},
        "workload": {"input_tokens": 1000, "output_tokens": 200, "concurrency": 8},
        "parallelism": {"tensor": 8, "pipeline": 2, "stage_layers": stated},
    }

    def stages(body: Any) -> list[float]:
        return [each.weights_bytes for each in operations.MEMORY_PLAN.answered(body, load_catalogs()).stages]

    plain, drafted = stages(request), stages({**request, "speculative": {"method": "mtp"}})
    assert drafted[0] == plain[0]
    assert drafted[1] > plain[1]
    timed = operations.SERVING_ESTIMATE.answered(
        {**request, "speculative": {"method": "mtp"}}, load_catalogs()
    )
    assert timed.tpot_s > 0
    wrong = {**request["parallelism"], "stage_layers": [31, 31]}  # type: ignore[dict-item]
    with pytest.raises(InvalidInputError, match="= 62; the model has 61 layers"):
        stages({**request, "parallelism": wrong, "speculative": {"method": "mtp"}})


def test_a_draft_is_never_dealt() -> None:
    """32 layers and one that drafts over two stages: 16 on the first, 16 and the draft on the last."""
    assert Layout(pipeline=2).bounds(33, 1) == (range(16), range(16, 33))
    assert Layout(pipeline=2, stage_layers=(20, 12)).bounds(33, 1) == (range(20), range(20, 33))
    assert Layout(pipeline=1).bounds(33, 1) == (range(33),)
