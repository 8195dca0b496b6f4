"""Calibration with the caller's own measurements: recovered factors, errors, warnings, and who accepts it."""

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from llm_calc.adapters.calibration import load_calibration
from llm_calc.core.calibration_factors import FACTORS

Json = dict[str, Any]
SLOWER = {
    "memory bandwidth": 0.8,
    "arithmetic": 0.8,
    "time beside operators": 1.2,
}


def scales() -> dict[str, float]:
    return {name: SLOWER.get(factor.name, 1.0) for factor in FACTORS for name in factor.efficiencies}


def deployment(concurrency: int, prompt: int, **more: Any) -> Json:
    workload = {"input_tokens": prompt, "output_tokens": 256, "concurrency": concurrency}
    return {
        "model": {"name": "llama-3.1-8b"},
        "hardware": {"gpu": "h100-80gb-sxm"},
        "workload": workload,
        **more,
    }


@pytest.fixture(scope="module")
def measurements(client: TestClient) -> list[Json]:
    """What a machine would measure whose efficiencies are off by known factors."""
    found = []
    for concurrency in (1, 4, 16, 64):
        for prompt in (256, 4096):
            body = deployment(concurrency, prompt)
            answer = client.post(
                "/api/serving_estimate", json={**body, "calibration": {"scales": scales()}}
            ).json()
            measured = {name: answer[name] for name in ("ttft_s", "tpot_s", "output_tokens_per_s")}
            found.append({**body, "measured": measured})
    return found


def calibrated(client: TestClient, measurements: list[Json]) -> Json:
    response = client.post("/api/calibrate", json={"measurements": measurements})
    assert response.status_code == 200, response.text
    answer: Json = response.json()
    return answer


def test_known_factors_are_found_again(client: TestClient, measurements: list[Json]) -> None:
    answer = calibrated(client, measurements)
    found = {factor["name"]: factor for factor in answer["factors"]}
    assert found["memory bandwidth"]["factor"] == pytest.approx(0.8, rel=0.06)
    assert found["arithmetic"]["factor"] == pytest.approx(0.8, rel=0.15)
    for factor in found.values():
        assert factor["low"] <= factor["factor"] <= factor["high"]
    for errors in answer["errors"]:
        assert errors["after_fraction"] < 0.6 * errors["before_fraction"]
    assert answer["calibration"]["measurements"] == 24


def test_what_was_not_measured_stays_and_is_named(client: TestClient, measurements: list[Json]) -> None:
    answer = calibrated(client, measurements)
    collectives = next(factor for factor in answer["factors"] if factor["name"] == "time of collectives")
    assert collectives["factor"] == pytest.approx(1.0)
    assert collectives["learnt_fraction"] == pytest.approx(0.0, abs=1e-6)
    assert any(
        warning.startswith("time of collectives: the measurements say little")
        for warning in answer["warnings"]
    )


def test_too_few_measurements_are_warned_of(client: TestClient, measurements: list[Json]) -> None:
    one = {**measurements[0], "measured": {"tpot_s": measurements[0]["measured"]["tpot_s"]}}
    answer = calibrated(client, [one])
    assert answer["warnings"][0].startswith("measurements: 1 figures are too few")


def test_what_cannot_be_met_is_named_and_bounded(client: TestClient, measurements: list[Json]) -> None:
    absurd = [{**each, "measured": {"tpot_s": each["measured"]["tpot_s"] * 50}} for each in measurements]
    answer = calibrated(client, absurd)
    assert all(0.25 <= scale <= 4 for scale in answer["calibration"]["scales"].values())
    assert any("even so; check what really ran" in warning for warning in answer["warnings"])


def test_a_measurement_that_is_a_million_times_off_is_answered_with_its_error(client: TestClient) -> None:
    far = deployment(64, 1024, measured={"ttft_s": 1e-5, "tpot_s": 0.01})
    far["workload"]["output_tokens"] = 1_000_000
    far["workload"]["input_tokens"] = 100_000
    answer = calibrated(client, [deployment(16, 1024, measured={"tpot_s": 0.01}), far])
    assert answer["calibration"]["mean_error_fraction"] > 1e6
    again = client.post(
        "/api/serving_estimate", json={**deployment(4, 256), "calibration": answer["calibration"]}
    )
    assert again.status_code == 200, again.text


def test_every_endpoint_that_predicts_accepts_it(client: TestClient, measurements: list[Json]) -> None:
    calibration = calibrated(client, measurements)["calibration"]
    body = deployment(16, 256)
    own = client.post("/api/serving_estimate", json={**body, "calibration": calibration}).json()
    plain = client.post("/api/serving_estimate", json=body).json()
    measured = next(
        each["measured"]["tpot_s"]
        for each in measurements
        if each["workload"]["concurrency"] == 16 and each["workload"]["input_tokens"] == 256
    )
    assert abs(own["tpot_s"] / measured - 1) < abs(plain["tpot_s"] / measured - 1)
    assert any(text.startswith("calibration: efficiencies scaled") for text in own["assumptions"])
    compared = client.post(
        "/api/compare", json={"scenarios": [body, {**body, "calibration": calibration}]}
    ).json()
    assert [each["estimate"]["tpot_s"] for each in compared["scenarios"]] == [plain["tpot_s"], own["tpot_s"]]
    sweep = {
        "target": "serving_estimate",
        "base": {**body, "calibration": calibration},
        "grid": {"workload.concurrency": [16]},
    }
    assert client.post("/api/sweep", json=sweep).json()["tpot_s"] == pytest.approx(own["tpot_s"])
    plans = client.post(
        "/api/deployment_plans",
        json={
            "model": body["model"],
            "workload": body["workload"],
            "gpus": ["h100-80gb-sxm"],
            "formats": ["bf16"],
            "engines": ["vllm"],
            "limits": {"max_gpus": 1},
            "calibration": calibration,
        },
    ).json()
    assert plans["plans"][0]["tpot_s"] == pytest.approx(own["tpot_s"])
    recommended = client.post(
        "/api/recommend_gpus",
        json={"model": body["model"], "gpus": ["h100-80gb-sxm"], "calibration": calibration},
    )
    assert recommended.status_code == 200


def test_factors_scale_efficiencies_that_exist() -> None:
    families = ("served", "batch", "llama.cpp")
    known = {name for family in families for name in load_calibration(family).by_name}
    assert {name for factor in FACTORS for name in factor.efficiencies} <= known


@pytest.mark.parametrize(
    ("measurement", "fault"),
    [
        ({"measured": {}}, "at least one of ttft_s, tpot_s"),
        ({"measured": {"tpot_s": -1.0}}, "measured.tpot_s"),
        (
            {"measured": {"tpot_s": 0.01}, "hardware": {"gpu": "h101"}},
            r"measurements\[0\].hardware.gpu: unknown gpu",
        ),
    ],
)
def test_measurements_that_cannot_be_right(client: TestClient, measurement: Json, fault: str) -> None:
    response = client.post("/api/calibrate", json={"measurements": [{**deployment(4, 256), **measurement}]})
    assert response.status_code == 400
    assert re.search(fault, response.json()["error"])


def test_scales_beyond_their_bounds_are_refused(client: TestClient) -> None:
    body = {**deployment(4, 256), "calibration": {"scales": {"layer_s": 9.0}}}
    response = client.post("/api/serving_estimate", json=body)
    assert response.status_code == 400
    assert "calibration.scales.layer_s" in response.json()["error"]
