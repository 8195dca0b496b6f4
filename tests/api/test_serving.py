"""``/api/serving_estimate`` over HTTP."""

import math
from itertools import pairwise
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tools.calibrate.implied import output_tokens_per_s

BODY: dict[str, Any] = {
    "model": {"name": "llama-3.1-8b"},
    "precision": {"weights": "bf16"},
    "hardware": {"gpu": "h100-80gb-sxm"},
    "engine": {"name": "vllm"},
    "workload": {"input_tokens": 1024, "output_tokens": 256, "concurrency": 16},
}
LOADS: tuple[dict[str, Any], ...] = (
    {"concurrency": 1},
    {"concurrency": 32},
    {"batch": 8},
    {"offline": True},
    {"request_rate": 2.0},
)


def ask(client: TestClient, **change: object) -> dict[str, Any]:
    answer = client.post("/api/serving_estimate", json=BODY | change)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("load", LOADS, ids=lambda load: next(iter(load)))
@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm", "llama.cpp", "generic"])
def test_every_engine_answers_every_load_with_positive_figures(
    client: TestClient, engine: str, load: dict[str, Any]
) -> None:
    found = ask(client, engine={"name": engine}, workload={"input_tokens": 500, "output_tokens": 100, **load})
    for name in ("ttft_s", "tpot_s", "request_latency_s", "output_tokens_per_s", "requests_per_s"):
        assert found[name] > 0
    assert found["total_tokens_per_s"] == pytest.approx(6 * found["output_tokens_per_s"])
    assert found["output_tokens_per_s"] == pytest.approx(100 * found["requests_per_s"])


def test_one_output_token_still_has_the_time_of_the_step_that_would_follow(client: TestClient) -> None:
    for load in LOADS:
        assert ask(client, workload={"input_tokens": 100, "output_tokens": 1, **load})["tpot_s"] > 0


def test_decode_operators_name_what_bounds_them(client: TestClient) -> None:
    rows = {row["name"]: row for row in ask(client)["operators"] if row["phase"] == "decode"}
    assert rows["down_proj"]["bound"] == "memory"
    assert rows["down_proj"]["flops"] == pytest.approx(2 * 32 * 4096 * 14336 * 16, rel=0.1)
    assert rows["launches, scheduler and small kernels"]["bound"] == "launch"
    prefill = {row["name"]: row for row in ask(client)["operators"] if row["phase"] == "prefill"}
    assert prefill["down_proj"]["bound"] == "compute"


def test_an_interval_holds_its_figure_and_says_what_it_rests_on(client: TestClient) -> None:
    found = ask(client)
    span = found["interval"]["tpot_s"]
    assert span["low"] < found["tpot_s"] < span["high"]
    assert found["basis"]["calibration"] == "served"
    assert found["basis"]["measurements"] > 1000
    metrics = {row["metric"] for row in found["basis"]["held_out_errors"]}
    assert metrics == {"ttft_s", "tpot_s", "output_tokens_per_s"}


@pytest.mark.parametrize(
    ("engine", "gpu"),
    [*[(name, "h100-80gb-sxm") for name in ("vllm", "sglang", "trtllm")], ("vllm", "gaudi3")],
)
def test_a_closed_loop_has_a_range_of_its_output_by_littles_law(
    client: TestClient, engine: str, gpu: str
) -> None:
    found = ask(client, engine={"name": engine}, hardware={"gpu": gpu})
    output, span = found["output_tokens_per_s"], found["interval"]["output_tokens_per_s"]
    assert span["low"] < span["high"]
    # All measured chips of other makers came slower under an engine that was new to them: none beyond the estimate.
    assert span["low"] <= output <= span["high"]
    assert output == pytest.approx(output_tokens_per_s(16, 256, found["ttft_s"], found["tpot_s"]))


def test_the_output_under_random_arrivals_has_no_range_of_closed_loops(client: TestClient) -> None:
    found = ask(client, workload={"input_tokens": 500, "output_tokens": 100, "request_rate": 1.0})
    assert found["interval"]["output_tokens_per_s"] is None
    assert found["interval"]["tpot_s"] is not None


def test_what_was_never_measured_says_so(client: TestClient) -> None:
    arrivals = ask(client, workload={"input_tokens": 500, "output_tokens": 100, "request_rate": 1.0})
    assert arrivals["interval"]["status"] == "calibrated"
    assert {row["load"] for row in arrivals["basis"]["held_out_errors"]} == {"random_arrivals"}
    assert arrivals["percentiles"]["ttft_s"]["p50"] <= arrivals["percentiles"]["ttft_s"]["p99"]
    elsewhere = ask(client, hardware={"gpu": "gaudi3"})
    assert elsewhere["basis"]["kind"] == "formula_only"
    assert elsewhere["basis"]["unseen"] == "vendor"


def test_loads_that_this_engine_was_never_measured_under_say_so(client: TestClient) -> None:
    found = ask(client, engine={"name": "llama.cpp", "n_ctx": 4096}, hardware={"gpu": "rtx-4090"})
    assert found["interval"]["status"] == "uncalibrated"
    assert {row["load"] for row in found["basis"]["held_out_errors"]} == {"single_stream", "static_batch"}
    single = ask(
        client,
        engine={"name": "llama.cpp", "n_ctx": 4096},
        hardware={"gpu": "rtx-4090"},
        workload={"concurrency": 1},
    )
    assert single["interval"]["status"] == "calibrated"


@pytest.mark.parametrize(
    ("engine", "gpu", "why"),
    [
        ({"name": "vllm", "max_model_len": 1000}, "h100-80gb-sxm", "longer than its context of 1000"),
        ({"name": "vllm", "max_model_len": 131072}, "l4", "does not start with a context of 131072 tokens"),
    ],
)
def test_an_engine_that_does_not_run_it_is_warned_of(
    client: TestClient, engine: dict[str, Any], gpu: str, why: str
) -> None:
    found = ask(client, engine=engine, hardware={"gpu": gpu})
    assert any("does not fit" in warning and why in warning for warning in found["warnings"])
    assert found["basis"]["kind"] == "formula_only"


def test_a_handful_of_cases_is_no_range_and_output_takes_that_of_its_times(client: TestClient) -> None:
    found = ask(
        client,
        engine={"name": "llama.cpp", "n_ctx": 4096},
        hardware={"gpu": "rtx-4090"},
        workload={**BODY["workload"], "concurrency": 1},
    )
    cases = {row["metric"]: row["measurements"] for row in found["basis"]["held_out_errors"]}
    assert cases["output_tokens_per_s"] < 10
    assert cases["tpot_s"] >= 10
    first, each, output = (found["interval"][name] for name in ("ttft_s", "tpot_s", "output_tokens_per_s"))
    later = BODY["workload"]["output_tokens"] - 1
    for end, other in (("low", "high"), ("high", "low")):
        slower = (first[other] + later * each[other]) / found["request_latency_s"]
        assert output[end] == pytest.approx(found["output_tokens_per_s"] / slower, rel=1e-6)


@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm", "llama.cpp", "generic"])
def test_a_static_batch_has_a_range_of_every_figure(client: TestClient, engine: str) -> None:
    found = ask(
        client, engine={"name": engine}, workload={"input_tokens": 500, "output_tokens": 100, "batch": 8}
    )
    for name in ("ttft_s", "tpot_s", "output_tokens_per_s"):
        held = found["interval"][name]
        assert held["low"] <= found[name] <= held["high"]


def test_an_unseen_generation_has_a_wider_interval_than_a_measured_deployment(client: TestClient) -> None:
    def width(gpu: str) -> float:
        span = ask(client, hardware={"gpu": gpu})["interval"]["tpot_s"]
        return float(span["high"] / span["low"])

    assert width("mi355x") > width("h200-141gb-sxm")


def test_a_model_and_a_gpu_that_were_never_measured_together_are_not_called_measured(
    client: TestClient,
) -> None:
    """SGLang served the model on an H200 and others on an H100."""
    together, apart = (
        ask(client, engine={"name": "sglang"}, hardware={"gpu": gpu})
        for gpu in ("h200-141gb-sxm", "h100-80gb-sxm")
    )
    assert (together["basis"]["kind"], together["basis"]["unseen"]) == ("measured", "row")
    assert not {"model", "gpu"} & set(together["basis"]["nearest"][0]["differs"])
    assert (apart["basis"]["kind"], apart["basis"]["unseen"]) == ("calibrated", "model")
    assert {"model", "gpu"} & set(apart["basis"]["nearest"][0]["differs"])
    for metric in ("ttft_s", "tpot_s"):
        spans = [found["interval"][metric] for found in (together, apart)]
        known, wider = (span["high"] / span["low"] for span in spans)
        assert wider > known


def test_arrivals_beyond_what_can_be_served_are_warned_of(client: TestClient) -> None:
    found = ask(client, workload={"input_tokens": 500, "output_tokens": 100, "request_rate": 10_000.0})
    assert any("queue grows without end" in warning for warning in found["warnings"])


@pytest.mark.parametrize("engine", ["trtllm", "vllm", "sglang", "llama.cpp"])
def test_arrivals_over_stages_are_served_as_fast_as_requests_that_are_always_there(
    client: TestClient, engine: str
) -> None:
    """A thousand always in flight keep the stages as busy as they can be; what they get decides which queue grows."""
    deployment: dict[str, Any] = {
        "engine": {"name": engine},
        "model": {"name": "llama-3.1-70b"},
        "hardware": {"gpu": "rtx-6000-ada", "count": 5},
        "parallelism": {"pipeline": 5},
        "precision": {"weights": "q8_0" if engine == "llama.cpp" else "fp8"},
    }
    lengths = {"input_tokens": 1024, "output_tokens": 1024}
    full = ask(client, **deployment, workload={**lengths, "concurrency": 1000})["requests_per_s"]
    # Benchmark clients draw a tenth shorter requests than those that are said, of which as many more are served.
    above, below = (
        ask(client, **deployment, workload={**lengths, "request_rate": rate})
        for rate in (1.1 * full, 0.6 * full)
    )
    assert above["requests_per_s"] < 1.1 * full
    assert any("queue grows without end" in warning for warning in above["warnings"])
    assert not any("queue grows without end" in warning for warning in below["warnings"])
    assert below["ttft_s"] < 1024 * below["tpot_s"]


def test_stages_of_a_server_work_at_once_and_those_of_llama_cpp_in_turn(client: TestClient) -> None:
    """Of 64 requests batches of 16 against one of 64: less to multiply and to read of the cache, the same weights."""

    def times(engine: str, weights: str, pipeline: int) -> dict[str, Any]:
        return ask(
            client,
            engine={"name": engine},
            model={"name": "llama-3.1-8b"},
            hardware={"gpu": "rtx-4090", "count": pipeline},
            parallelism={"pipeline": pipeline},
            precision={"weights": weights},
            workload={"input_tokens": 512, "output_tokens": 128, "concurrency": 64},
        )

    for engine in ("vllm", "sglang"):
        one, four = (times(engine, "bf16", stages)["output_tokens_per_s"] for stages in (1, 4))
        assert four > 1.3 * one, engine
    in_turn = times("llama.cpp", "q8_0", 4)["output_tokens_per_s"]
    assert in_turn <= 1.05 * times("llama.cpp", "q8_0", 1)["output_tokens_per_s"]


def test_auto_is_named_and_a_small_cache_of_measured_deployments_is_told(client: TestClient) -> None:
    assert ask(client)["resolved"]["kv_cache"] == "bf16"
    small = ask(client, precision={"weights": "fp8"}, hardware={"gpu": "b200-180gb-sxm"})
    assert small["resolved"]["kv_cache"] == "fp8"
    assert any(text.startswith("precision.kv_cache: fp8") for text in small["assumptions"])
    own = ask(client, precision={"weights": "fp8", "kv_cache": "bf16"}, hardware={"gpu": "b200-180gb-sxm"})
    assert own["resolved"]["kv_cache"] == "bf16"


def test_what_does_not_fit_is_answered_with_a_warning(client: TestClient) -> None:
    found = ask(client, model={"name": "llama-3.1-70b"}, hardware={"gpu": "rtx-4090"})
    assert any("does not fit" in warning for warning in found["warnings"])


def test_replicas_of_a_dense_model_share_the_load(client: TestClient) -> None:
    one = ask(client)
    four = ask(
        client,
        hardware={"gpu": "h100-80gb-sxm", "count": 4},
        parallelism={"data": 4},
        workload={**BODY["workload"], "concurrency": 64},
    )
    assert four["tpot_s"] == pytest.approx(one["tpot_s"])
    assert four["output_tokens_per_s"] == pytest.approx(4 * one["output_tokens_per_s"])


def test_output_never_falls_where_replicas_have_unequally_many_requests(client: TestClient) -> None:
    counts = [*range(1, 14), 63, 64, 65]
    found = [
        ask(
            client,
            hardware={"gpu": "h100-80gb-sxm", "count": 4},
            parallelism={"data": 4},
            workload={**BODY["workload"], "concurrency": count},
        )["output_tokens_per_s"]
        for count in counts
    ]
    assert all(later >= earlier for earlier, later in pairwise(found))


def test_speculation_and_a_warm_prefix_cache_help(client: TestClient) -> None:
    plain = ask(client)
    drafted = ask(client, speculative={"draft_tokens": 3, "acceptance_fraction": 0.8})
    assert drafted["tpot_s"] < plain["tpot_s"]
    cached = ask(client, workload={**BODY["workload"], "prefix_cache_hit_fraction": 0.9})
    assert cached["ttft_s"] < plain["ttft_s"]


def test_prefill_and_decode_apart(client: TestClient) -> None:
    found = ask(
        client,
        hardware={"gpu": "h100-80gb-sxm", "count": 3},
        parallelism={"tensor": 1},
        disaggregated={"prefill_replicas": 1, "decode_replicas": 2},
    )
    assert found["tpot_s"] < ask(client)["tpot_s"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"hardware": {"gpu": "h1000"}}, "h100"),
        ({"hardware": {"gpu": "mi308x"}}, "mi308x"),
        ({"speculative": {"draft_tokens": 0}}, "speculative.draft_tokens"),
        ({"workload": {"concurrency": 1, "batch": 1}}, "one kind of load"),
        ({"surprise": 1}, "surprise"),
        (
            {"disaggregated": {"prefill_replicas": 2, "decode_replicas": 2}, "parallelism": {"tensor": 2}},
            "hardware.count",
        ),
        (
            {
                "disaggregated": {},
                "hardware": {"gpu": "h100-80gb-sxm", "count": 2},
                "parallelism": {"tensor": 1},
                "workload": {"concurrency": 4, "sessions": {}},
                "kv_tiers": [{"tier": "host"}],
            },
            "kv_tiers",
        ),
    ],
)
def test_what_cannot_be_right_is_refused_by_name(
    client: TestClient, change: dict[str, object], named: str
) -> None:
    answer = client.post("/api/serving_estimate", json=BODY | change)
    assert answer.status_code == 400
    assert named in answer.json()["error"]


def test_a_cache_taken_larger_than_the_memory_rules_leave_it_is_named(client: TestClient) -> None:
    body: dict[str, Any] = {
        "model": {"name": "minimax-m2.5"},
        "hardware": {"gpu": "h100-80gb-sxm", "count": 4},
        "parallelism": {"data": 4},
        "precision": {"weights": "fp8", "kv_cache": "fp8"},
        "engine": {"name": "vllm"},
    }
    lengths = {"input_tokens": 1000, "output_tokens": 1000}
    plan = client.post(
        "/api/memory_plan", json={**BODY, **body, "workload": {**lengths, "concurrency": 2}}
    ).json()
    held = plan["kv_cache_tokens"] / 2000
    more, few = (
        ask(client, **body, workload={**lengths, "concurrency": n}) for n in (math.ceil(held) + 1, 2)
    )
    assert more["resolved"]["kv_capacity_tokens"] > plan["kv_cache_tokens"]
    assert any(f"the KV cache holds {int(held + 1e-9)} request" in warning for warning in more["warnings"])
    assert not any("KV cache holds" in warning for warning in few["warnings"])
    assert not any("memory rules" in warning for warning in ask(client)["warnings"])


@pytest.mark.parametrize(
    ("engine", "option"),
    [
        ("vllm", {"enforce_eager": True}),
        ("vllm", {"cudagraph_mode": "NONE"}),
        ("sglang", {"disable_cuda_graph": True}),
        ("trtllm", {"cuda_graph": False}),
    ],
)
def test_steps_without_graphs_take_longer(client: TestClient, engine: str, option: dict[str, Any]) -> None:
    """An 8B model on an H100 reads its weights in 5 ms; 32 layers launched kernel by kernel take about 10."""
    lengths = {"input_tokens": 1000, "output_tokens": 200}
    for load in ({"concurrency": 1}, {"concurrency": 32}, {"request_rate": 2}, {"batch": 8}):
        usual, eager = (
            ask(client, engine={"name": engine, **said}, workload={**lengths, **load})
            for said in ({}, option)
        )
        assert 1.05 * usual["tpot_s"] < eager["tpot_s"] < 3 * usual["tpot_s"], load
        assert eager["ttft_s"] >= usual["ttft_s"]
        assert eager["basis"]["kind"] == "formula_only"
        assert any("launched kernel by kernel" in words for words in eager["warnings"])


def test_the_link_between_pools_is_named(client: TestClient) -> None:
    change = {"hardware": {"gpu": "h100-80gb-sxm", "count": 2}, "disaggregated": {}}
    assert any("cache travels at 450 GB/s" in each for each in ask(client, **change)["assumptions"])


def test_what_memory_cannot_hold_was_never_measured(client: TestClient) -> None:
    body = {
        "model": {"name": "llama-3.1-70b"},
        "hardware": {"gpu": "h100-80gb"},
        "workload": {"concurrency": 4},
    }
    answer = client.post("/api/serving_estimate", json=body).json()
    assert answer["interval"]["status"] == "uncalibrated"
    assert answer["basis"]["kind"] == "formula_only"
    assert any("fit" in warning or "hold" in warning for warning in answer["warnings"]), answer["warnings"]


def test_a_draft_gains_no_more_tokens_than_an_answer_has(client: TestClient) -> None:
    body = {
        "model": {"name": "llama-3.1-8b"},
        "hardware": {"gpu": "h100-80gb"},
        "workload": {"input_tokens": 512, "output_tokens": 1, "offline": True},
        "speculative": {"draft_tokens": 8, "acceptance_fraction": 1.0},
    }
    answer = client.post("/api/serving_estimate", json=body).json()
    plain = client.post("/api/serving_estimate", json={**body, "speculative": None}).json()
    assert answer["interval"]["status"] == "uncalibrated"
    assert answer["output_tokens_per_s"] <= plain["output_tokens_per_s"]


@pytest.mark.parametrize(
    ("engine", "named"),
    [
        ({"name": "vllm", "enforce_eager": True}, "engine.enforce_eager"),
        ({"name": "vllm", "cudagraph_mode": "NONE"}, "engine.cudagraph_mode"),
        ({"name": "vllm", "cudagraph_mode": "PIECEWISE"}, "engine.cudagraph_mode"),
        ({"name": "vllm", "async_scheduling": False}, "engine.async_scheduling"),
        ({"name": "vllm", "decode_context_parallel_size": 1}, None),
        ({"name": "sglang", "disable_cuda_graph": True}, "engine.disable_cuda_graph"),
        ({"name": "trtllm", "cuda_graph": False}, "engine.cuda_graph"),
        ({"name": "vllm", "enforce_eager": False}, None),
        ({"name": "vllm", "version": "0.11.0", "async_scheduling": False}, None),
    ],
)
def test_an_option_whose_effect_on_time_is_not_known_is_named(
    client: TestClient, engine: dict[str, Any], named: str | None
) -> None:
    found = ask(client, engine=engine)
    said = [warning.partition(":")[0] for warning in found["warnings"] if "effect on time" in warning]
    assert said == ([named] if named else [])
    assert (found["basis"]["kind"] == "formula_only") == (named is not None)
    assert (found["interval"]["status"] == "uncalibrated") == (named is not None)


def test_context_parallelism_of_decoding_reads_less_and_talks_more(client: TestClient) -> None:
    """Each of eight GPUs holds the whole latent cache of DeepSeek-V3, or an eighth of its tokens."""
    body: dict[str, Any] = {
        "model": {"name": "deepseek-v3"},
        "hardware": {"gpu": "h200-141gb-sxm", "count": 8},
        "workload": {"input_tokens": 100_000, "output_tokens": 64, "batch": 2},
    }
    whole = ask(client, engine={"name": "vllm"}, **body)
    dealt = ask(client, engine={"name": "vllm", "decode_context_parallel_size": 8}, **body)
    rows = [
        {each["name"]: each for each in found["operators"] if each["phase"] == "decode"}
        for found in (whole, dealt)
    ]
    attention = [row["attention over cache"] for row in rows]
    assert attention[1]["bytes"] == pytest.approx(attention[0]["bytes"] / 8)
    assert attention[1]["flops"] == pytest.approx(attention[0]["flops"])
    assert "context gather and scatter" in rows[1]
    assert not any(
        each["name"].startswith("context gather") for each in dealt["operators"] if each["phase"] == "prefill"
    )
    assert any(
        "decode_context_parallel_size: each GPU reads one token in 8" in each for each in dealt["assumptions"]
    )
    assert (dealt["basis"]["kind"], dealt["interval"]["status"]) == ("formula_only", "uncalibrated")
    assert dealt["ttft_s"] == pytest.approx(whole["ttft_s"])


def test_what_a_stated_release_does_not_change_is_said(client: TestClient) -> None:
    notes = ask(client, engine={"name": "vllm", "version": "0.16.0"})["assumptions"]
    assert any(note.startswith("engine.version:") and "efficiencies" in note for note in notes)
