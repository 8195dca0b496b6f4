"""Scenarios side by side: figures of the other endpoints, what differs, and why."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from llm_calc.adapters.catalog import load_catalogs

Json = dict[str, Any]
BASE: Json = {
    "model": {"name": "llama-3.1-70b"},
    "precision": {"weights": "fp8"},
    "hardware": {"gpu": "h100-80gb-sxm", "count": 2},
    "workload": {"input_tokens": 1000, "output_tokens": 200, "concurrency": 8},
}
OTHER: Json = {**BASE, "hardware": {"gpu": "h200-141gb-sxm", "count": 2}, "label": "H200"}


def compared(client: TestClient, *scenarios: Json) -> Json:
    response = client.post("/api/compare", json={"scenarios": list(scenarios)})
    assert response.status_code == 200, response.text
    answer: Json = response.json()
    return answer


def test_scenarios_are_answered_as_elsewhere(client: TestClient) -> None:
    answer = compared(client, BASE, OTHER)
    for scenario, body in zip(answer["scenarios"], (BASE, OTHER), strict=True):
        plain = {name: part for name, part in body.items() if name != "label"}
        estimate = scenario["estimate"]
        told = [
            line for line in estimate["warnings"] if not line.startswith("prices: ")
        ]  # compare alone has rents
        assert estimate | {"warnings": told} == client.post("/api/serving_estimate", json=plain).json()
        memory = client.post("/api/memory_plan", json=plain).json()
        assert scenario["memory"]["headroom_bytes"] == memory["headroom_bytes"]
    assert [scenario["label"] for scenario in answer["scenarios"]] == ["1", "H200"]


def test_what_differs_is_named(client: TestClient) -> None:
    answer = compared(client, BASE, OTHER, {**BASE, "precision": {"weights": "int4-awq"}})
    fields = {each["field"]: each["values"] for each in answer["differences"]}
    assert fields == {
        "hardware.gpu": ['"h100-80gb-sxm"', '"h200-141gb-sxm"', '"h100-80gb-sxm"'],
        "precision.weights": ['"fp8"', '"fp8"', '"int4-awq"'],
    }
    figures = {each["figure"]: each for each in answer["figures"]}
    assert figures["tpot_s"]["ratios"][0] == 1.0
    values = figures["output_tokens_per_s"]["values"]
    assert values[figures["output_tokens_per_s"]["best"]] == max(values)
    assert figures["usd_per_hour"]["values"][figures["usd_per_hour"]["best"]] == min(
        figures["usd_per_hour"]["values"]
    )


def test_reasons_name_what_bounds_the_time(client: TestClient) -> None:
    answer = compared(client, BASE, OTHER)
    (reason,) = answer["reasons"]
    assert reason["scenario"] == 1
    assert "a decode step takes" in reason["text"]
    assert "because what memory bounds takes" in reason["text"]


def test_equal_scenarios_differ_in_nothing(client: TestClient) -> None:
    answer = compared(client, BASE, BASE)
    assert answer["differences"] == []
    assert all(each["ratios"] == [1.0, 1.0] for each in answer["figures"])
    assert "takes as long" in answer["reasons"][0]["text"]


def test_two_names_of_one_thing_are_no_difference(client: TestClient) -> None:
    named = {"model": {"name": "meta-llama/Llama-3.1-70B-Instruct"}, "hardware": {"gpu": "H100", "count": 2}}
    assert compared(client, BASE, {**BASE, **named})["differences"] == []
    apart = compared(client, BASE, {**OTHER, "model": named["model"], "label": "H200"})["differences"]
    assert apart == [{"field": "hardware.gpu", "values": ['"h100-80gb-sxm"', '"h200-141gb-sxm"']}]


def test_flags_that_contradict_a_part_are_refused_with_their_scenario(client: TestClient) -> None:
    """The engine's flags are brought home before a scenario is read: their refusal says whose they are too."""
    apart = {**BASE, "engine": {"name": "vllm", "tensor_parallel_size": 1}, "parallelism": {"tensor": 2}}
    response = client.post("/api/compare", json={"scenarios": [BASE, apart]})
    assert (response.status_code, response.json()["details"]["field"]) == (
        400,
        "scenarios[1].engine.tensor_parallel_size",
    )
    assert response.json()["error"].startswith("scenarios[1].engine.tensor_parallel_size: 1 makes")


def test_a_scenario_that_does_not_fit_is_compared_and_said_to(client: TestClient) -> None:
    answer = compared(client, BASE, {**BASE, "hardware": {"gpu": "l4", "count": 2}})
    assert not answer["scenarios"][1]["memory"]["fits"]
    assert answer["reasons"][0]["text"].endswith("the load does not fit in memory")


@pytest.mark.parametrize(
    ("scenarios", "fault"),
    [
        ([BASE], "scenarios"),
        ([BASE] * 9, "scenarios"),
        ([BASE, {**BASE, "hardware": {"gpu": "h101"}}], "scenarios[1].hardware.gpu: unknown gpu 'h101'"),
        ([BASE, {**BASE, "workload": {"input_tokens": 0}}], "scenarios[1].workload.input_tokens"),
    ],
)
def test_faults_name_the_scenario(client: TestClient, scenarios: list[Json], fault: str) -> None:
    response = client.post("/api/compare", json={"scenarios": scenarios})
    assert response.status_code == 400
    assert fault in response.json()["error"]


def apart(**part: Any) -> Json:
    small = {**BASE, "model": {"name": "llama-3.1-8b"}}
    return {**small, "disaggregated": {"prefill_replicas": 2, "decode_replicas": 4, **part}}


def test_gpus_that_decode_apart_are_paid_for_at_their_own_price(client: TestClient) -> None:
    usd = {gpu: load_catalogs().typical_price(gpu) for gpu in ("h100-80gb-sxm", "l40s")}
    h100, l40s = (row.usd_per_gpu_hour for row in usd.values() if row is not None)
    assert h100
    assert l40s
    answer = compared(
        client,
        apart(decode_hardware={"gpu": "l40s", "count": 4}),
        apart(decode_hardware={"gpu": "h100-80gb-sxm", "count": 4}),
        apart(decode_replicas=1, prefill_replicas=1),
    )
    rents = [each["usd_per_hour"] for each in answer["scenarios"]]
    assert rents == [pytest.approx(2 * h100 + 4 * l40s), pytest.approx(6 * h100), pytest.approx(2 * h100)]
    for each in answer["scenarios"]:
        # the rent of an hour over what is generated in it
        tokens = each["estimate"]["output_tokens_per_s"] * 3600 / 1e6
        assert each["usd_per_million_output_tokens_all_in"] == pytest.approx(each["usd_per_hour"] / tokens)
    told = [
        [line for line in each["estimate"]["assumptions"] if line.startswith("usd_per_hour")]
        for each in answer["scenarios"]
    ]
    assert f"2 x h100-80gb-sxm at {h100:g} USD" in told[0][0]
    assert f"4 x l40s at {l40s:g} USD" in told[0][0]
    assert told[1:] == [[], []]


def test_a_side_without_a_price_leaves_the_rent_open_and_is_named(client: TestClient) -> None:
    priceless = next(
        gpu.id
        for gpu in load_catalogs().gpus
        if gpu.vendor == "NVIDIA"
        and gpu.usable_memory_bytes > 20e9
        and gpu.peaks
        and not load_catalogs().prices_of_gpu(gpu.id)
    )
    part = apart(decode_hardware={"gpu": priceless, "count": 4}, decode_replicas=4)
    found = compared(client, {**part, "precision": {}}, {**part, "precision": {}})["scenarios"][0]
    assert (found["price"], found["usd_per_hour"]) == (None, None)
    assert any(f"no price of {priceless} is known" in line for line in found["estimate"]["assumptions"])


@pytest.mark.parametrize(
    ("hardware", "layout", "part", "alone"),
    [
        (("h100-80gb-sxm", 4), None, {"prefill_replicas": 2, "decode_replicas": 2}, ("h100-80gb-sxm", 1)),
        (("h100-80gb-sxm", 4), 2, {"prefill_replicas": 1, "decode_replicas": 1}, ("h100-80gb-sxm", 2)),
        (
            ("h100-80gb-sxm", 2),
            1,
            {"prefill_replicas": 2, "decode_replicas": 2, "decode_hardware": {"gpu": "l40s", "count": 4}},
            ("l40s", 2),
        ),
    ],
)
def test_memory_of_two_sides_is_that_of_a_replica_that_decodes_its_share(
    client: TestClient, hardware: tuple[str, int], layout: int | None, part: Json, alone: tuple[str, int]
) -> None:
    small = {**BASE, "model": {"name": "llama-3.1-8b"}}
    laid = {"parallelism": {"tensor": layout}} if layout else {}
    asked = {
        **small,
        "hardware": dict(zip(("gpu", "count"), hardware, strict=True)),
        **laid,
        "disaggregated": part,
    }
    found = compared(client, asked, asked)["scenarios"][0]["memory"]
    share = {**BASE["workload"], "concurrency": 8 // part["decode_replicas"]}
    one = {**small, "hardware": dict(zip(("gpu", "count"), alone, strict=True)), "workload": share}
    memory = client.post("/api/memory_plan", json=one).json()
    assert found["headroom_bytes"] == memory["headroom_bytes"]
    assert found["max_concurrency"] == memory["max_concurrency"]


def priced(client: TestClient, **fields: Any) -> tuple[Json, Json]:
    response = client.post("/api/compare", json={"scenarios": [BASE, OTHER], **fields})
    assert response.status_code == 200, response.text
    first, second = response.json()["scenarios"]
    return first, second


def test_prices_of_the_request_and_of_an_owner_take_the_place_of_rents(client: TestClient) -> None:
    """A purchase of 43,830 USD over 5 years of 8,766 hours is 1 USD an hour, and its energy with site and host."""
    owner = {"purchase_usd": {"h100-80gb-sxm": 43_830}, "years": 5, "pue": 1.5, "usd_per_kwh": 0.1}
    first, second = priced(
        client, prices={"h200-141gb-sxm": 2.5}, owner={**owner, "host_power_fraction": 1.0}
    )
    assert first["price"]["kind"] == "owned"
    energy = 0.7 * 2 * 1.5 * 0.1  # 700 W of the board, as much of the host
    assert first["usd_per_hour"] == pytest.approx(2 * (1 + energy))
    assert (second["price"]["kind"], second["usd_per_hour"]) == ("own", 5.0)
    assert any(line.startswith("owner: ") for line in first["estimate"]["assumptions"])


def test_spot_rents_are_taken_where_asked_for(client: TestClient) -> None:
    first, _ = priced(client, rental="spot")
    usual, _ = priced(client)
    assert (first["price"]["kind"], usual["price"]["kind"]) == ("spot", "on_demand")
    assert first["usd_per_hour"] < usual["usd_per_hour"]
    assert any(line.startswith("rental: spot") for line in first["estimate"]["assumptions"])


def test_reserved_rents_say_their_term(client: TestClient) -> None:
    first, second = priced(client, rental="reserved")
    assert [each["price"]["usd_per_gpu_hour"] for each in (first, second)] == [3.26, 3.4]  # DigitalOcean's
    assert {(each["price"]["kind"], each["price"]["term_months"]) for each in (first, second)} == {
        ("reserved", 12)
    }
    assert any(line.startswith("rental: reserved") for line in first["estimate"]["assumptions"])


def test_prices_of_gpus_that_no_scenario_has_are_named(client: TestClient) -> None:
    first, _ = priced(client, prices={"l40s": 1.0})
    assert any(
        line.startswith("prices: l40s: not among the GPUs") for line in first["estimate"]["assumptions"]
    )
    wrong = client.post("/api/compare", json={"scenarios": [BASE, OTHER], "prices": {"h900": 1.0}})
    assert wrong.status_code == 400
    assert "prices" in wrong.json()["error"]


def unlike(client: TestClient, hardware: Any, **fields: Any) -> Json:
    scenario = {
        "model": {"name": "llama-3.1-8b"},
        "precision": {"weights": "q4_k_m"},
        "hardware": hardware,
        "engine": {"name": "llama.cpp", "n_ctx": 4096},
        "workload": {"input_tokens": 512, "output_tokens": 128, "concurrency": 1},
    }
    response = client.post("/api/compare", json={"scenarios": [scenario, scenario], **fields})
    assert response.status_code == 200, response.text
    found: Json = response.json()["scenarios"][0]
    return found


def rent_told(found: Json) -> str:
    return " ".join(line for line in found["estimate"]["assumptions"] if line.startswith("usd_per_hour"))


PAIR = [{"gpu": "rtx-4090", "count": 2}, {"gpu": "rtx-3090"}]


def test_unlike_gpus_cost_the_sum_of_theirs(client: TestClient) -> None:
    found = unlike(client, PAIR, prices={"rtx-4090": 0.5, "rtx-3090": 0.2})
    assert (found["usd_per_hour"], found["price"]["usd_per_gpu_hour"]) == (pytest.approx(2 * 0.5 + 0.2), 0.5)
    tokens = found["estimate"]["output_tokens_per_s"] * 3600 / 1e6
    assert found["usd_per_million_output_tokens_all_in"] == pytest.approx(1.2 / tokens)
    assert "2 x rtx-4090 at 0.5 USD" in rent_told(found)
    assert "1 x rtx-3090 at 0.2 USD" in rent_told(found)


@pytest.mark.parametrize(
    ("hardware", "fields", "named"),
    [
        ({"gpu": "l4"}, {"rental": "spot"}, "no spot price of l4 is known"),
        ({"gpu": "rtx-4090"}, {"rental": "reserved"}, "no reserved price of rtx-4090 is known"),
        (
            [{"gpu": "rtx-4090"}, {"gpu": "l4"}],
            {"rental": "spot", "prices": {"rtx-4090": 0.5}},
            "of l4 is known",
        ),
        (
            {
                "gpu": "custom",
                "memory_bytes": 24 << 30,
                "memory_bandwidth_bytes_per_s": 1e12,
                "like": "rtx-4090",
            },
            {},
            "no price of custom is known",
        ),
    ],
)
def test_gpus_without_a_price_are_named(client: TestClient, hardware: Any, fields: Json, named: str) -> None:
    found = unlike(client, hardware, **fields)
    assert (found["price"], found["usd_per_hour"]) == (None, None)
    assert named in rent_told(found)
