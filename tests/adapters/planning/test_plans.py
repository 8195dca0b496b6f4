"""Plans against the other endpoints, against their limits, and against a search of everything."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.planning.plans import answer_deployment_plans
from llm_calc.adapters.wire.plans import DeploymentPlansAnswer, DeploymentPlansRequest, Plan
from llm_calc.core.errors import InvalidInputError, UnknownNameError

Json = dict[str, Any]
SMALL: Json = {
    "model": {"name": "llama-3.1-70b"},
    "workload": {"input_tokens": 1500, "output_tokens": 200},
    "gpus": ["h100-80gb-sxm", "l40s"],
    "formats": ["fp8"],
    "engines": ["vllm"],
    "limits": {"max_gpus": 4, "tpot_s": 0.08},
}
LOADS: list[Json] = [{}, {"concurrency": 24}, {"request_rate": 1.5}, {"batch": 16}, {"offline": True}]
FIGURES = ("ttft_s", "tpot_s", "request_latency_s")


def plans_of(**changes: Any) -> DeploymentPlansAnswer:
    body = {**SMALL, **changes}
    return answer_deployment_plans(DeploymentPlansRequest.model_validate(body), load_catalogs())


def parts(plan: Plan) -> Json:
    names = ("hardware", "parallelism", "precision", "engine", "workload")
    return {name: getattr(plan, name).model_dump() for name in names}


def every_plan(answer: DeploymentPlansAnswer) -> Iterator[Plan]:
    yield from answer.plans
    for points in (answer.pareto.throughput_against_speed, answer.pareto.cost_against_latency):
        yield from (point.plan for point in points)


@pytest.mark.parametrize("load", LOADS, ids=lambda load: next(iter(load), "open"))
def test_other_endpoints_say_the_same_of_every_plan(client: TestClient, load: Json) -> None:
    answer = plans_of(workload={**SMALL["workload"], **load})
    assert answer.plans
    for plan in every_plan(answer):
        body = {"model": SMALL["model"], **parts(plan)}
        estimate = client.post("/api/serving_estimate", json=body).json()
        memory = client.post("/api/memory_plan", json=body).json()
        assert {name: getattr(plan, name) for name in FIGURES} == {name: estimate[name] for name in FIGURES}
        assert plan.output_tokens_per_s == pytest.approx(estimate["output_tokens_per_s"] * plan.replicas)
        assert memory["fits"]
        assert plan.memory.headroom_bytes == memory["headroom_bytes"] >= 0


@pytest.mark.parametrize("load", LOADS, ids=lambda load: next(iter(load), "open"))
def test_every_plan_keeps_all_limits(load: Json) -> None:
    limits = {"max_gpus": 6, "tpot_s": 0.06, "ttft_s": 8.0, "usd_per_hour": 12.0, "percentile": "p95"}
    for plan in every_plan(plans_of(workload={**SMALL["workload"], **load}, limits=limits)):
        assert plan.tpot_s <= 0.06
        assert plan.ttft_s <= 8.0
        assert plan.gpus == plan.replicas * plan.hardware.count <= 6
        assert plan.usd_per_hour is not None
        assert plan.usd_per_hour <= 12.0
        for metric, most in (("ttft_s", 8.0), ("tpot_s", 0.06)):
            assert plan.percentiles is None or plan.percentiles[metric]["p95"] <= most


def exhaustive_best(client: TestClient, rate: float) -> tuple[float, Json]:
    """The cheapest of every layout and number of replicas, each asked of the other endpoints."""
    usd = {"h100-80gb-sxm": 3.0, "l40s": 1.0}
    found: list[tuple[float, Json]] = []
    shapes = [shape for shape in itertools.product((1, 2, 4), (1, 2, 3, 4)) if shape[0] * shape[1] <= 4]
    for gpu, (tensor, pipeline), replicas in itertools.product(usd, shapes, (1, 2, 3, 4)):
        gpus = tensor * pipeline
        if gpus * replicas > 4:
            continue
        body = {
            "model": SMALL["model"],
            "precision": {"weights": "fp8", "kv_cache": "bf16"},
            "hardware": {"gpu": gpu, "count": gpus},
            "parallelism": {"tensor": tensor, "pipeline": pipeline},
            "engine": {"name": "vllm", "max_model_len": 1700},
            "workload": {**SMALL["workload"], "request_rate": rate / replicas},
        }
        estimate = client.post("/api/serving_estimate", json=body).json()
        fits = client.post("/api/memory_plan", json=body).json()["fits"]
        endless = {**body, "workload": {**SMALL["workload"], "offline": True}}
        most = client.post("/api/serving_estimate", json=endless).json()["requests_per_s"]
        grows = (
            rate / replicas > 0.95 * most
        )  # as docs/planning.md says: nearer to it a queue lasts for minutes
        late = max(estimate["tpot_s"], estimate["percentiles"]["tpot_s"]["p90"]) > 0.08
        if fits and not grows and not late:
            found.append((usd[gpu] * gpus * replicas / estimate["output_tokens_per_s"] / replicas, body))
    return min(found, key=lambda pair: pair[0])


@pytest.mark.repeats
@pytest.mark.parametrize("rate", [0.4, 1.2])
def test_a_search_of_everything_finds_the_same_best_plan(client: TestClient, rate: float) -> None:
    usd_per_token_s, _ = exhaustive_best(client, rate)
    best = plans_of(
        workload={**SMALL["workload"], "request_rate": rate}, prices={"h100-80gb-sxm": 3.0, "l40s": 1.0}
    ).plans[0]
    assert best.usd_per_hour is not None
    assert best.usd_per_hour / best.output_tokens_per_s == pytest.approx(usd_per_token_s, rel=1e-6)


def test_users_are_planned_as_the_requests_that_they_send() -> None:
    prices = {"h100-80gb-sxm": 3.0, "l40s": 1.0}
    lengths = {name: SMALL["workload"][name] for name in ("input_tokens", "output_tokens")}
    users = plans_of(
        workload={**lengths, "users": 72, "requests_per_user_per_minute": 1}, prices=prices
    ).plans[0]
    same = plans_of(workload={**lengths, "request_rate": 1.2}, prices=prices).plans[0]
    assert (users.gpus, users.replicas, users.usd_per_hour) == (same.gpus, same.replicas, same.usd_per_hour)
    assert users.workload == same.workload


def test_every_gpu_has_a_plan_or_a_reason() -> None:
    answer = plans_of(gpus=None, limits={"tpot_s": 0.02, "max_gpus": 2}, max_plans=40)
    planned = {plan.hardware.gpu for plan in answer.plans}
    refused = {row.gpu: row.reason for row in answer.refused}
    assert planned | set(refused) == {gpu.id for gpu in load_catalogs().gpus}
    assert planned.isdisjoint(refused)
    assert "do not fit" in refused["t4"]
    assert "does not run on it" in refused["apple-m1"]
    assert "no dense rates" in refused["mi308x"]
    assert "a further token takes at least" in refused["rtx-pro-6000-blackwell-server"]
    order = list(refused)
    slow = [
        float(reason.split("at least ")[1].split(" s")[0]) for reason in refused.values() if " s, " in reason
    ]
    assert slow == sorted(slow)
    assert len(slow) > 3
    assert order.index("rtx-pro-6000-blackwell-server") < order.index("t4") < order.index("mi308x")


def test_reasons_name_the_limit_that_decides() -> None:
    rate = {**SMALL["workload"], "request_rate": 50.0}
    few = plans_of(workload=rate, limits={"max_gpus": 2})
    assert all("GPUs; the limit is 2" in row.reason for row in few.refused)
    dear = plans_of(workload={**SMALL["workload"], "request_rate": 1.0}, limits={"usd_per_hour": 0.5})
    assert all("USD per hour; the limit is 0.5" in row.reason for row in dear.refused)
    assert dear.warnings[0].startswith("plans: none keeps all limits")


def test_costs_follow_from_the_rent() -> None:
    plan = plans_of(prices={"l40s": 2.0}, gpus=["l40s"]).plans[0]
    assert plan.price is not None
    assert (plan.price.usd_per_gpu_hour, plan.price.provider) == (2.0, "the request's own price")
    assert plan.usd_per_hour == 2.0 * plan.gpus
    assert plan.usd_per_million_output_tokens_all_in == pytest.approx(
        plan.usd_per_hour / 3600 / plan.output_tokens_per_s * 1e6
    )
    assert plan.usd_per_million_input_tokens is not None
    assert plan.usd_per_million_output_tokens is not None
    per_request = plan.usd_per_hour / 3600 / plan.requests_per_s
    billed = 1500 * plan.usd_per_million_input_tokens + 200 * plan.usd_per_million_output_tokens
    assert billed / 1e6 == pytest.approx(per_request)
    assert plan.joules_per_output_token == pytest.approx((plan.power_w or 0.0) / plan.output_tokens_per_s)
    assert plan.break_even is not None
    assert plan.break_even.own_usd_per_request == pytest.approx(per_request)
    assert plan.break_even.requests_per_s == pytest.approx(
        plan.usd_per_hour / 3600 / plan.break_even.hosted_usd_per_request
    )


@pytest.mark.parametrize(
    ("objective", "figure"),
    [("latency", "request_latency_s"), ("ttft", "ttft_s"), ("tpot", "tpot_s"), ("gpus", "gpus"),
     ("budget", "usd_per_hour"), ("energy", "joules_per_output_token")],
)  # fmt: skip
def test_plans_are_ranked_by_the_objective(objective: str, figure: str) -> None:
    workload = {**SMALL["workload"], "concurrency": 16}
    plans = plans_of(objective=objective, workload=workload, formats=["fp8", "int4-awq"]).plans
    values = [getattr(plan, figure) for plan in plans]
    assert values == sorted(values)
    assert [plan.rank for plan in plans] == list(range(1, len(plans) + 1))


def test_a_front_holds_no_point_that_another_beats() -> None:
    front = plans_of().pareto
    speed = [(point.x, point.y) for point in front.throughput_against_speed]
    assert speed == sorted(speed, reverse=True)
    assert [y for _, y in speed] == sorted(y for _, y in speed)
    for point in front.throughput_against_speed:
        assert point.x == pytest.approx(1 / point.plan.tpot_s)
        assert point.y == pytest.approx(point.plan.output_tokens_per_s / point.plan.gpus)
    cost = [(point.x, point.y) for point in front.cost_against_latency]
    assert cost == sorted(cost)
    assert [y for _, y in cost] == sorted((y for _, y in cost), reverse=True)


def test_other_models_and_engines_get_plans_too() -> None:
    answer = plans_of(
        model={"name": "qwen3-30b-a3b"}, formats=None, engines=None, gpus=["h100-80gb-sxm", "rtx-4090"],
        workload={**SMALL["workload"], "concurrency": 8}, limits={"max_gpus": 2},
    )  # fmt: skip
    assert {plan.hardware.gpu for plan in answer.plans} == {"h100-80gb-sxm", "rtx-4090"}
    for plan in answer.plans:
        assert plan.launch_command


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"gpus": ["h101"]}, "gpu"),
        ({"prices": {"h101": 2.0}}, "prices"),
        ({"formats": ["q4_k_m"], "engines": ["vllm"]}, "formats"),
        ({"formats": ["fp9"]}, "fp9"),
        ({"limits": {"vendors": ["Nvdia"]}}, "limits.vendors"),
    ],
)
def test_what_cannot_be_searched_is_refused(changes: Json, field: str) -> None:
    with pytest.raises((UnknownNameError, InvalidInputError), match=field):
        plans_of(**changes)


def test_vendors_narrow_the_search() -> None:
    answer = plans_of(gpus=None, limits={"vendors": ["amd"], "max_gpus": 2}, max_plans=3)
    assert {load_catalogs().gpu(plan.hardware.gpu).vendor for plan in answer.plans} == {"AMD"}
    assert answer.considered.gpus == sum(gpu.vendor == "AMD" for gpu in load_catalogs().gpus)


def test_models_of_the_caller_have_plans_without_hosted_prices() -> None:
    custom = {"hidden_dim": 4096, "ff_dim": 11008, "num_layers": 32, "vocab_size": 32000}
    plan = plans_of(model={"custom": custom}, gpus=["l40s"]).plans[0]
    assert plan.break_even is None
    assert plan.usd_per_hour is not None


def test_manifests_come_where_asked_and_not_in_fronts() -> None:
    answer = plans_of(manifests=["kubernetes"], workload={"concurrency": 8})
    assert all(plan.manifests for plan in answer.plans)
    assert all(point.plan.manifests is None for point in answer.pareto.cost_against_latency)
    assert all(plan.manifests is None for plan in every_plan(plans_of(workload={"concurrency": 8})))


@pytest.mark.parametrize(
    ("gpu", "there", "elsewhere"),
    [("h100-80gb-sxm", "fp8", "mlx-8bit"), ("apple-m3-ultra", "mlx-8bit", "fp8")],
)
def test_formats_are_told_of_engines_that_run_on_the_gpus(gpu: str, there: str, elsewhere: str) -> None:
    """MLX runs on Apple's chips alone, and no server with fp8 does."""
    body = {"model": {"name": "llama-3.1-8b"}, "workload": SMALL["workload"], "gpus": [gpu]}
    answer = answer_deployment_plans(DeploymentPlansRequest.model_validate(body), load_catalogs())
    (listed,) = [words for words in answer.assumptions if words.startswith("formats: ")]
    assert there in listed
    assert not any(elsewhere in words for words in answer.assumptions)


@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm", "llama.cpp"])
def test_commands_of_a_model_without_a_name_have_a_place_for_it_that_is_said(engine: str) -> None:
    config = load_catalogs().model("llama-3.1-8b", "model").published_config
    formats = ["q4_k_m"] if engine == "llama.cpp" else ["fp8"]
    asked: dict[str, Any] = {"gpus": ["l40s"], "engines": [engine], "formats": formats, "max_plans": 1}
    plan = plans_of(model={"hf_config": config}, **asked, manifests=["kubernetes"]).plans[0]
    assert plan.launch_command is not None
    assert "YOUR_MODEL" in plan.launch_command
    assert "custom" not in plan.launch_command
    assert "custom" not in str(plan.manifests)
    assert any("names none: put the path" in each for each in plan.notes)
    named = plans_of(**asked).plans[0]
    assert "YOUR_MODEL" not in f"{named.launch_command} {named.notes}"


@pytest.mark.parametrize("objective", ["cost", "energy"])
def test_plans_of_a_gpu_without_a_price_rank_as_at_any_price(objective: str) -> None:
    """What is not known of a GPU is the same for all plans of it: a stated price changes nothing of their order."""
    asked: Json = {
        "model": {"name": "gpt-oss-120b"},
        "workload": {"input_tokens": 2000, "output_tokens": 500},
        "gpus": ["mi355x"],
        "limits": {"ttft_s": 3.0, "tpot_s": 0.02, "max_gpus": 4},
        "objective": objective,
    }

    def first(**more: Any) -> tuple[str, int, float]:
        request = DeploymentPlansRequest.model_validate({**asked, **more})
        plan = answer_deployment_plans(request, load_catalogs()).plans[0]
        return plan.engine.name, plan.gpus, plan.output_tokens_per_s_per_gpu

    assert first() == first(prices={"mi355x": 8.0})
    assert first()[2] >= max(first(engines=[name])[2] for name in ("vllm", "sglang", "llama.cpp"))


def test_a_plan_is_timed_as_its_command_starts_it(client: TestClient) -> None:
    """Measured SGLang servers on Blackwell looked for requests every tenth or thirtieth step, its default is each."""
    asked: Json = {
        "model": {"name": "glm-4.5-air"},
        "workload": {"input_tokens": 4000, "output_tokens": 64, "concurrency": 16},
        "gpus": ["b300-288gb-sxm"],
        "engines": ["sglang"],
        "limits": {"max_gpus": 1},
    }
    for plan in answer_deployment_plans(DeploymentPlansRequest.model_validate(asked), load_catalogs()).plans:
        assert "--scheduler-recv-interval 1" in str(plan.launch_command)
        body = {"model": asked["model"], **parts(plan)}
        assert body["engine"]["scheduler_recv_interval"] == 1
        assert client.post("/api/serving_estimate", json=body).json()["ttft_s"] == plan.ttft_s
        seldom = {**body, "engine": {**body["engine"], "scheduler_recv_interval": 30}}
        assert client.post("/api/serving_estimate", json=seldom).json()["ttft_s"] > plan.ttft_s
