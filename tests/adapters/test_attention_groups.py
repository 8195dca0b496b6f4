"""SGLang's data-parallel groups: one server with ``enable_dp_attention``, as many servers without.

SGLang 0.5.23 ``handle_deprecated_dp_attention`` and ``handle_data_parallelism``: with the switch ``dp_size`` counts
groups, which get a share of the chunk and 0.3 of the caution; without it replicas, which nothing is changed of.
"""

from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.serving import place_request
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.errors import InvalidInputError

Json = dict[str, Any]
DENSE, MIXTURE, LARGE = "llama-3.1-8b", "qwen3-30b-a3b", "deepseek-v3"
H100, H200 = "h100-80gb-sxm", "h200-141gb-sxm"
SERVERS: list[tuple[Json, Json]] = [
    ({"dp_size": 2}, {}),
    ({"dp_size": 2, "enable_dp_attention": False}, {}),
    ({"enable_dp_attention": False}, {"parallelism": {"data": 2}}),
    ({"attn_dp_size": 1}, {"parallelism": {"data": 2}}),
]


def question(model: str, gpus: int, engine: Json, *, gpu: str = H100, **parts: Any) -> Json:
    return {
        "model": model,
        "hardware": f"{gpus}x {gpu}",
        "engine": {"name": "sglang", **engine},
        **parts,
    }


def load(prompt: int, output: int, concurrency: int) -> Json:
    return {"input_tokens": prompt, "output_tokens": output, "concurrency": concurrency}


def placed(asked: Json) -> Placed:
    gpus, _, gpu = asked["hardware"].partition("x ")
    body = {**asked, "model": {"name": asked["model"]}, "hardware": {"gpu": gpu, "count": int(gpus)}}
    return place_request(ServingEstimateRequest.model_validate(body), load_catalogs())


@pytest.mark.parametrize("model", [DENSE, MIXTURE])
@pytest.mark.parametrize(("engine", "parts"), SERVERS, ids=str)
@pytest.mark.parametrize("each", [(4000, 4000, 100), (20_000, 256, 32)], ids=str)
def test_servers_of_their_own_are_one_as_often(
    model: str, engine: Json, parts: Json, each: tuple[int, int, int]
) -> None:
    prompt, output, concurrency = each
    one = llm_calc.estimate(**question(model, 1, {}, workload=load(prompt, output, concurrency)))
    two = llm_calc.estimate(
        **question(model, 2, engine, workload=load(prompt, output, 2 * concurrency), **parts)
    )
    assert (two.ttft_s, two.tpot_s) == (one.ttft_s, one.tpot_s)
    alone, several = (
        llm_calc.memory_plan(**asked)
        for asked in (question(model, 1, {}), question(model, 2, engine, **parts))
    )
    assert several.kv_cache_tokens == 2 * alone.kv_cache_tokens
    assert several.per_gpu == alone.per_gpu


def test_the_width_of_attention_is_both_older_options_in_one() -> None:
    older = {"tp_size": 4, "dp_size": 2, "enable_dp_attention": True}
    before, now = (
        llm_calc.memory_plan(**question(DENSE, 4, engine))
        for engine in (older, {"tp_size": 4, "attn_dp_size": 2})
    )
    assert now == before
    assert not [words for words in now.assumptions if "attn_dp_size" in words]


def test_groups_of_a_dense_model_take_chunk_caution_and_pool_together() -> None:
    shared = {"tp_size": 2, "dp_size": 2, "enable_dp_attention": True}
    one, groups = (
        placed(question(DENSE, gpus, engine, workload=load(4000, 4000, 100)))
        for gpus, engine in ((1, {}), (2, shared))
    )
    before, now = one.deployment.scheduling, groups.deployment.scheduling
    assert (before.budget_tokens, now.budget_tokens, now.replicas) == (8192, 8192 // 2, 2)
    assert now.reserved_fraction == pytest.approx(0.3 * before.reserved_fraction)
    plan = llm_calc.memory_plan(**question(DENSE, 2, shared))
    assert groups.plan.tokens_per_replica * 2 == plan.kv_cache_tokens
    # The reserve is larger by 128 MiB a GPU and 3 x 256 MiB a group, less the 8 x 58 MiB of graphs of prompts, at
    # 131072 bytes a token; the context of a second GPU besides
    fewer = (one.plan.tokens_per_replica - groups.plan.tokens_per_replica) * 131_072 / 2**20
    assert fewer >= 128 + 3 * 256 * 2 - 8 * 58
    assert any("feed-forward parts" in each for each in plan.assumptions)


@pytest.mark.parametrize("experts", [{}, {"ep_size": 8}], ids=str)
def test_groups_of_a_mixture_share_the_experts_whether_dealt_or_cut(experts: Json) -> None:
    engine = {"tp_size": 8, "dp_size": 8, "enable_dp_attention": True, **experts}
    asked = question(LARGE, 8, engine, gpu=H200)
    plan = llm_calc.memory_plan(**asked)
    found = placed({**asked, "workload": load(4000, 1000, 64)})
    assert plan.starts
    assert found.plan.budget.weights_bytes == plan.per_gpu.weights_bytes
    assert found.plan.tokens_per_replica * 8 == pytest.approx(plan.kv_cache_tokens, abs=8)
    # 58 layers of 256 experts of three 7168 x 2048 matrices in one byte, over 8 GPUs; what else of the 671.03e9 is
    # whole on each of them, in two bytes at most
    routed = 58 * 256 * 3 * 7168 * 2048
    assert routed / 8 < plan.per_gpu.weights_bytes < routed / 8 + 2 * (671.03e9 - routed)
    assert not [each for each in found.warnings if "missing" in each]


def test_groups_that_nothing_is_said_of_are_those_of_a_mixture() -> None:
    """``parallelism.data`` is data-parallel attention of a mixture, replicas of a dense model."""
    said = placed(
        question(LARGE, 8, {"tp_size": 8, "dp_size": 8, "enable_dp_attention": True}, gpu=H200, workload={})
    )
    unsaid = placed(question(LARGE, 8, {}, gpu=H200, parallelism={"data": 8}, workload={}))
    assert unsaid.deployment == said.deployment
    assert (unsaid.replicas, unsaid.layout.data) == (1, 8)


def test_what_the_switch_decides_is_named_and_what_it_does_is_not_called_idle() -> None:
    off = llm_calc.memory_plan(**question(MIXTURE, 2, {"dp_size": 2}))
    assert any("2 servers have all weights each" in each for each in off.assumptions)
    on = question(MIXTURE, 2, {"tp_size": 2, "dp_size": 2, "enable_dp_attention": True})
    said = [*llm_calc.memory_plan(**on).assumptions, *llm_calc.estimate(**on, workload={}).assumptions]
    assert not [each for each in said if "enable_dp_attention" in each]


def test_experts_are_not_dealt_over_several_servers() -> None:
    engine = {"tp_size": 4, "dp_size": 2, "ep_size": 8, "enable_dp_attention": False}
    with pytest.raises(
        InvalidInputError, match=r"parallelism\.expert: 8 must divide the 4 GPUs .* 2 servers"
    ):
        llm_calc.memory_plan(**question(MIXTURE, 8, engine))
