"""The documented endpoints, field by field."""

import itertools
from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

LLAMA = {"hidden_dim": 4096, "ff_dim": 11008, "num_layers": 32, "vocab_size": 32000}
SCALING = {
    "hidden_dimensions": 4096,
    "feedforward_dimensions": 11008,
    "num_layers": 32,
    "vocab_size": 32000,
    "gpu_vram_gb": 16.0,
}
VRAM = {
    f"{part}_{kind}"
    for part in ("model", "kv_cache", "activations")
    for kind in ("base", "with_overhead", "per_gpu", "per_gpu_with_overhead")
} | {
    "total_base",
    "total_with_component_overhead",
    "total_system_wide",
    "total_base_per_gpu",
    "total_per_gpu_with_component_overhead",
}
PARALLELISM = {
    "recommended_strategy",
    "tensor_parallel_gpus",
    "pipeline_parallel_gpus",
    "strategy",
    "tp_size",
    "pp_size",
    "num_gpus",
    "effective_tflops",
}
PERFORMANCE = {"tokens_per_second", "prefill_latency", "token_latency", "time_for_1000_tokens"}


def calculate(client: TestClient, **body: Any) -> dict[str, Any]:
    response = client.post("/api/calculate", json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def refusal(client: TestClient, path: str, **body: Any) -> str:
    response = client.post(path, json=body)
    assert response.status_code == 400, response.text
    message: str = response.json()["error"]
    return message


def test_llama_2_7b_has_its_published_sizes(client: TestClient) -> None:
    answer = calculate(client, model_name="llama2-7b")
    assert answer["parameters_billions"] == 6.738415616
    assert answer["vram"]["model_base"] == pytest.approx(12.55, abs=0.005)
    assert answer["vram"]["kv_cache_base"] == 1.0
    assert calculate(client, **LLAMA)["parameters_billions"] == 6.738415616


def test_every_documented_field_is_there(client: TestClient) -> None:
    answer = calculate(client, model_name="llama2-7b", gpu="a100-40gb-sxm")
    assert set(answer["vram"]) == VRAM
    assert set(answer["flops"]) == {
        "attention",
        "feedforward",
        "prefill_total",
        "per_token",
        "lm_head",
        "other",
    }
    assert PERFORMANCE | {"throughput_by_gpu", "bandwidth_utilization", "bound", "does_not_fit"} == set(
        answer["performance"]
    )
    assert set(answer["parallelism"]) == PARALLELISM
    assert answer["overheads_used"] == {
        "weights": 1.05,
        "kv_cache": 1.05,
        "activations": 1.1,
        "system": 1.05,
    }
    for step in answer["history"]:
        assert set(step) == {"operation", "result", "timestamp"}
        assert datetime.fromisoformat(step["timestamp"]).utcoffset() is not None


def test_flops_add_up(client: TestClient) -> None:
    flops = calculate(client, model_name="deepseek-v3", seq_length=512)["flops"]
    parts = 61 * (flops["attention"] + flops["feedforward"]) + flops["other"] + flops["lm_head"]
    assert parts == pytest.approx(flops["prefill_total"], rel=1e-12)


def test_vram_adds_up(client: TestClient) -> None:
    vram = calculate(client, model_name="mixtral-8x7b", batch_size=4, overheads={"system": 1.2})["vram"]
    base = vram["model_base"] + vram["kv_cache_base"] + vram["activations_base"]
    more = vram["model_base"] * 1.05 + vram["kv_cache_base"] * 1.05 + vram["activations_base"] * 1.1
    assert vram["total_base"] == pytest.approx(base)
    assert vram["total_with_component_overhead"] == pytest.approx(more)
    assert vram["total_system_wide"] == pytest.approx(more * 1.2)


def test_timing_is_consistent(client: TestClient) -> None:
    performance = calculate(client, model_name="llama2-7b", gpu="h100-80gb", batch_size=8)["performance"]
    assert performance["tokens_per_second"] == pytest.approx(8 / performance["token_latency"])
    assert performance["time_for_1000_tokens"] == pytest.approx(1000 * performance["token_latency"])
    assert 0 < performance["bandwidth_utilization"] <= 1


def test_decode_never_beats_the_memory_roof(client: TestClient) -> None:
    answer = calculate(
        client, model_name="llama2-7b", gpu="a100-40gb-sxm", efficiency_factor=1.0, seq_length=1
    )
    assert answer["performance"]["bound"] == "memory"
    assert answer["performance"]["tokens_per_second"] <= 1555e9 / (2 * (6_738_415_616 - 32000 * 4096))


def test_without_gpu_only_compute_is_known(client: TestClient) -> None:
    answer = calculate(client, model_name="llama2-7b")
    assert answer["performance"]["bound"] == "compute_only"
    assert answer["performance"]["bandwidth_utilization"] is None
    assert any("memory roof is not known" in warning for warning in answer["warnings"])


def test_gpu_overrides_gpu_tflops_and_says_so(client: TestClient) -> None:
    plain = calculate(client, model_name="llama2-7b", gpu="a100-80gb")
    both = calculate(client, model_name="llama2-7b", gpu="A100-80GB", gpu_tflops=1.0)
    assert both["performance"] == plain["performance"]
    assert any("gpu_tflops was ignored" in warning for warning in both["warnings"])


def test_throughput_by_gpu_holds_this_gpu_and_leaves_out_small_ones(client: TestClient) -> None:
    performance = calculate(client, model_name="llama2-7b", gpu="a100-80gb")["performance"]
    table = performance["throughput_by_gpu"]
    assert table["a100-80gb-sxm"] == pytest.approx(performance["tokens_per_second"])
    assert "rtx-3070" in performance["does_not_fit"]
    assert not set(table) & set(performance["does_not_fit"])


def test_names_match_in_any_case_and_unknown_ones_offer_the_nearest(client: TestClient) -> None:
    assert calculate(client, model_name="LLaMA2-7B")["model_name"] == "llama2-7b"
    assert "llama2-7b" in refusal(client, "/api/calculate", model_name="lama2-7b")
    assert "a100-40gb-sxm" in refusal(client, "/api/calculate", model_name="llama2-7b", gpu="a100-40gb-sxn")


def test_dimensions_must_agree_with_the_name(client: TestClient) -> None:
    assert calculate(client, model_name="llama2-7b", **LLAMA)["parameters_billions"] == 6.738415616
    message = refusal(client, "/api/calculate", model_name="llama2-7b", hidden_dim=4097, num_layers=31)
    assert "hidden_dim is 4096, not 4097" in message
    assert "num_layers is 32, not 31" in message
    assert '"custom"' in message


def test_missing_dimensions_are_named(client: TestClient) -> None:
    message = refusal(client, "/api/calculate", hidden_dim=4096, num_layers=32)
    assert message.startswith("ff_dim: required")
    assert "vocab_size" in message


def test_precisions_that_a_gpu_lacks_are_refused_with_its_list(client: TestClient) -> None:
    message = refusal(
        client, "/api/calculate", model_name="llama2-7b", gpu="v100-16gb-sxm2", precision="bf16"
    )
    assert "v100-16gb-sxm2" in message
    assert "fp16" in message
    assert "precision" in refusal(client, "/api/calculate", model_name="llama2-7b", precision="fp17")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("efficiency_factor", 0),
        ("efficiency_factor", 1.5),
        ("seq_length", 0),
        ("seq_length", True),
        ("batch_size", "8"),
        ("batch_size", 2.5),
        ("gpu_tflops", -1),
        ("num_layers", 10**12),
        ("calculation_type", "training"),
        ("overheads", {"weights": 0.5}),
        ("parallelism", {"strategy": "magic"}),
    ],
)
def test_bad_values_are_refused_by_the_name_of_their_field(
    client: TestClient, field: str, value: Any
) -> None:
    assert field in refusal(client, "/api/calculate", **{**LLAMA, field: value})


def test_unknown_fields_are_answered_with_a_warning(client: TestClient) -> None:
    warnings = calculate(client, model_name="llama2-7b", seqlength=4096)["warnings"]
    assert any("seqlength" in warning and "seq_length" in warning for warning in warnings)


def test_precision_halves_memory(client: TestClient) -> None:
    sizes = {
        name: calculate(client, model_name="llama2-7b", precision=name)["vram"]["model_base"]
        for name in ("fp32", "bf16", "int8", "int4")
    }
    assert sizes["fp32"] == 2 * sizes["bf16"] == 4 * sizes["int8"] == 8 * sizes["int4"]


@pytest.mark.parametrize(
    ("parallelism", "strategy", "sizes"),
    [
        ({"tp_size": 4}, "tensor", (4, 1, 4)),
        ({"num_gpus": 2}, "tensor", (2, 1, 2)),
        ({"strategy": "pipeline", "num_gpus": 4}, "pipeline", (1, 4, 4)),
        ({"tp_size": 2, "pp_size": 2}, "tensor_pipeline", (2, 2, 4)),
        ({"strategy": "sequence", "num_gpus": 2}, "sequence", (1, 1, 2)),
        ({"strategy": "none"}, "none", (1, 1, 1)),
    ],
)
def test_parallelism_speaks_both_vocabularies(
    client: TestClient, parallelism: dict[str, Any], strategy: str, sizes: tuple[int, int, int]
) -> None:
    answer = calculate(client, model_name="llama2-7b", gpu="a100-40gb-sxm", parallelism=parallelism)[
        "parallelism"
    ]
    assert answer["strategy"] == answer["recommended_strategy"] == strategy
    assert (answer["tp_size"], answer["pp_size"], answer["num_gpus"]) == sizes
    assert (answer["tensor_parallel_gpus"], answer["pipeline_parallel_gpus"]) == sizes[:2]


def test_shards_are_real(client: TestClient) -> None:
    answer = calculate(client, model_name="llama-3.1-70b", parallelism={"tp_size": 16})["vram"]
    assert answer["kv_cache_per_gpu"] == pytest.approx(answer["kv_cache_base"] / 8)
    assert answer["model_per_gpu"] > answer["model_base"] / 16


@pytest.mark.parametrize(
    ("parallelism", "field"),
    [
        ({"tp_size": 3}, "parallelism.tp_size"),
        ({"pp_size": 33}, "parallelism.pp_size"),
        ({"tp_size": 2, "num_gpus": 8}, "parallelism.num_gpus"),
        ({"strategy": "tensor", "pp_size": 2}, "parallelism.pp_size"),
        ({"strategy": "expert", "num_gpus": 2}, "parallelism.expert"),
    ],
)
def test_impossible_parallelism_is_refused(
    client: TestClient, parallelism: dict[str, Any], field: str
) -> None:
    assert field in refusal(client, "/api/calculate", model_name="llama2-7b", parallelism=parallelism)


def test_the_recommended_layout_fits_and_too_small_ones_are_told(client: TestClient) -> None:
    answer = calculate(client, model_name="llama-3.1-70b", gpu="a100-80gb")
    assert answer["parallelism"]["tp_size"] == 2
    assert answer["vram"]["total_per_gpu_with_component_overhead"] * 1.05 < 80
    tight = calculate(client, model_name="llama-3.1-70b", gpu="a100-80gb", parallelism={"tp_size": 1})
    assert any("does not fit" in warning for warning in tight["warnings"])


def test_lists(client: TestClient) -> None:
    models = {row["name"]: row for row in client.get("/api/available_models").json()}
    assert len(models) >= 120
    assert models["llama2-7b"] == models["llama2-7b"] | {
        "hidden_dim": 4096,
        "ff_dim": 11008,
        "num_layers": 32,
        "vocab_size": 32000,
        "seq_len": 4096,
        "family": "Llama",
        "parameter_count": 7.0,
        "parameters": 6_738_415_616,
    }
    gpus = {row["id"]: row for row in client.get("/api/available_gpus").json()}
    assert len(gpus) >= 182
    assert gpus["h100-80gb-sxm"]["vram_gb"] == 80
    assert "h100-80gb" in gpus["h100-80gb-sxm"]["aliases"]
    assert all(row["usable_memory_gb"] <= row["vram_gb"] for row in gpus.values())


def test_scaling_compares_every_strategy(client: TestClient) -> None:
    answer = client.post("/api/model_scaling_analysis", json={**SCALING, "gpu_vram_gb": 8.0}).json()
    assert answer["fits_on_single_gpu"] is False
    assert answer["num_gpus_required"] == 2
    assert answer["recommended_strategy"] == "tensor_parallel"
    details = answer["scaling_details"]
    assert details["single_gpu_memory_breakdown"]["model_weights_gb"] == pytest.approx(12.55, abs=0.005)
    assert details["single_gpu_memory_breakdown"]["optimizer_states_gb"] == 0
    assert set(details["parallel_strategies"]) == {
        "tensor_parallel",
        "pipeline_parallel",
        "sequence_parallel",
        "tensor_pipeline_parallel",
    }
    for option in details["parallel_strategies"].values():
        assert option["implementation_complexity"] in ("low", "medium", "high")
        if option["feasible"]:
            assert option["vram_per_gpu_gb"] <= 8.0
            assert option["communication_overhead"] in ("low", "medium", "high")
        else:
            assert option["reason"]
    moe = {**SCALING, "num_experts": 8, "num_experts_per_tok": 2}
    strategies = client.post("/api/model_scaling_analysis", json=moe).json()["scaling_details"]
    assert "expert_parallel" in strategies["parallel_strategies"]


def test_scaling_on_one_gpu_and_on_none(client: TestClient) -> None:
    one = client.post("/api/model_scaling_analysis", json={**SCALING, "gpu_vram_gb": 80.0}).json()
    assert (one["fits_on_single_gpu"], one["num_gpus_required"], one["recommended_strategy"]) == (
        True,
        1,
        "none",
    )
    none = client.post("/api/model_scaling_analysis", json={**SCALING, "gpu_vram_gb": 0.001}).json()
    assert none["num_gpus_required"] is None
    assert any("no strategy" in warning for warning in none["warnings"])
    assert "gpu_vram_gb" in refusal(client, "/api/model_scaling_analysis", **{**SCALING, "gpu_vram_gb": 0})


def test_analysis_by_name_and_on_gpu_have_their_own_formats(client: TestClient) -> None:
    named = client.post("/api/analyze_model_by_name", json={"model_name": "llama2-7b"}).json()
    assert set(named["analysis_parameters"]) == {
        "sequence_length",
        "batch_size",
        "precision",
        "gpu_tflops",
        "efficiency_factor",
    }
    assert set(named["vram"]) == {"model_weights", "kv_cache", "activations", "total"}
    assert set(named["performance"]) == PERFORMANCE | {"throughput_by_gpu"}
    body = {"model_name": "llama2-7b", "gpu_name": "a100-80gb"}
    placed = client.post("/api/analyze_model_on_gpu", json=body).json()
    assert placed["gpu_info"]["name"] == "a100-80gb-sxm"
    assert set(placed["vram"]["model"]) >= {"weights_base", "component_subtotal", "total"}
    assert placed["compatibility"]["fits_on_gpu"] is True
    assert placed["compatibility"]["minimum_required_vram_gb"] == placed["vram"]["total"]
    assert "gpu_name" in refusal(client, "/api/analyze_model_on_gpu", model_name="llama2-7b", gpu_name="nope")


def test_both_analyses_become_one_format(client: TestClient) -> None:
    bodies = {
        "/api/analyze_model_by_name": {"model_name": "llama2-7b"},
        "/api/analyze_model_on_gpu": {"model_name": "llama2-7b", "gpu_name": "a100-80gb"},
    }
    unified = [client.post(f"{path}?format=ui", json=body).json() for path, body in bodies.items()]
    for answer in unified:
        assert set(answer["vram"]) == VRAM
        assert set(answer["parallelism"]) == PARALLELISM
        assert all(isinstance(step, str) for step in answer["history"])
    first, second = (answer["vram"] for answer in unified)
    assert first == pytest.approx(second)
    assert unified[1]["performance"]["throughput_by_gpu"].keys() == {"a100-80gb-sxm"}
    response = client.post("/api/analyze_model_by_name?format=xml", json=bodies["/api/analyze_model_by_name"])
    assert response.status_code == 400
    assert "format" in response.json()["error"]


def test_memory_never_falls_with_batch_context_or_bits(client: TestClient) -> None:
    totals = [
        calculate(
            client, model_name="llama-3.1-8b", batch_size=batch, seq_length=tokens, precision=precision
        )["vram"]["total_system_wide"]
        for batch, tokens, precision in [
            (1, 128, "int4"),
            (1, 128, "int8"),
            (1, 128, "bf16"),
            (1, 4096, "bf16"),
            (8, 4096, "bf16"),
            (8, 4096, "fp32"),
        ]
    ]
    assert all(small < large for small, large in itertools.pairwise(totals))


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/api/inspect_model", {"model": {"name": "lama2-7b"}}, "model.name"),
        (
            "/api/memory_plan",
            {"model": {"name": "llama2-7b"}, "hardware": {"gpu": "h100-80gb-sxn"}},
            "hardware.gpu",
        ),
        ("/api/recommend_gpus", {"model": {"name": "llama2-7b"}, "gpus": ["h100-80gb-sxn"]}, "gpus"),
        ("/api/calibrate", {"measurements": []}, "measurements: must not be empty"),
    ],
)
def test_unknown_names_are_told_by_the_path_of_their_field(
    client: TestClient, path: str, body: dict[str, Any], field: str
) -> None:
    assert refusal(client, path, **body).startswith(field)
