"""Recommended GPUs: the fewest that hold the model, in the order asked for."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from llm_calc.adapters.catalog import load_catalogs

Json = dict[str, Any]


def recommended(client: TestClient, **request: Any) -> Json:
    response = client.post("/api/recommend_gpus", json={"model": {"name": "llama-3.1-8b"}, **request})
    assert response.status_code == 200, response.text
    answer: Json = response.json()
    return answer


def test_every_recommendation_holds_the_model_and_one_gpu_less_does_not(client: TestClient) -> None:
    answer = recommended(
        client, model={"name": "llama-3.1-70b"}, concurrency=4, gpus=["h100-80gb-sxm", "l40s", "mi300x"]
    )
    assert {row["gpu"] for row in answer["recommendations"]} == {"h100-80gb-sxm", "l40s", "mi300x"}
    for row in answer["recommendations"]:
        body = {
            "model": {"name": "llama-3.1-70b"},
            "hardware": row["hardware"],
            "parallelism": row["parallelism"],
            "engine": row["engine"],
            "workload": {"input_tokens": 7168, "output_tokens": 1024, "concurrency": 4},
        }
        memory = client.post("/api/memory_plan", json=body).json()
        assert memory["fits"]
        assert memory["headroom_bytes"] == row["headroom_bytes"]
        estimate = client.post("/api/serving_estimate", json=body).json()
        assert estimate["tpot_s"] == row["tpot_s"]
        fewer = row["count"] - 1
        for tensor in (size for size in (1, 2, 4, 8) if size <= fewer):
            smaller = {
                **body,
                "hardware": {"gpu": row["gpu"], "count": tensor},
                "parallelism": {"tensor": tensor},
            }
            assert not client.post("/api/memory_plan", json=smaller).json()["fits"]


@pytest.mark.repeats
@pytest.mark.parametrize(
    ("objective", "key"),
    [
        ("cost", lambda row: row["usd_per_million_output_tokens_all_in"] or float("inf")),
        ("latency", lambda row: row["ttft_s"] + 1023 * row["tpot_s"]),
        ("gpus", lambda row: row["count"]),
    ],
)
def test_the_best_come_first(client: TestClient, objective: str, key: Any) -> None:
    rows = recommended(client, objective=objective)["recommendations"]
    assert len(rows) > 20
    assert [key(row) for row in rows] == sorted(key(row) for row in rows)
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))


def test_every_gpu_is_recommended_or_refused_with_a_reason(client: TestClient) -> None:
    answer = recommended(client, max_gpus=1)
    found = {row["gpu"] for row in answer["recommendations"]}
    refused = {row["gpu"]: row["reason"] for row in answer["refused"]}
    assert found | set(refused) == {gpu.id for gpu in load_catalogs().gpus}
    assert "does not hold weights of 15.0 GiB" in refused["rtx-3080-10gb"]
    assert "apple-m3-max" in found


def test_the_engine_asked_for_is_taken(client: TestClient) -> None:
    answer = recommended(client, engine={"name": "generic"}, gpus=["h100-80gb-sxm"])
    assert answer["recommendations"][0]["engine"]["name"] == "generic"
    other = recommended(client, engine={"name": "trtllm"}, gpus=["mi300x"])
    assert other["refused"] == [{"gpu": "mi300x", "reason": "trtllm does not run on it"}]


def test_rows_say_how_sure_they_are_as_an_estimate_of_them_does(client: TestClient) -> None:
    answer = recommended(
        client, model={"name": "llama-3.1-8b"}, gpus=["h100-80gb-sxm", "t4"], context_tokens=4096
    )
    for row in answer["recommendations"]:
        asked = {
            "model": {"name": "llama-3.1-8b"},
            "workload": {"input_tokens": 3584, "output_tokens": 512, "concurrency": 1},
            **{name: row[name] for name in ("hardware", "parallelism", "engine")},
        }
        estimate = client.post("/api/serving_estimate", json=asked).json()
        assert row["basis"] == estimate["basis"]["kind"]
        assert row["interval"]["tpot_s"]["low"] == estimate["interval"]["tpot_s"]["low"] <= row["tpot_s"]
        assert row["manifests"] is None
        unmeasured = [note for note in row["notes"] if note.startswith("no measurement of")]
        assert bool(unmeasured) == (row["basis"] == "formula_only")
        assert row["notes"] == [*estimate["warnings"], *unmeasured]


def test_recommended_gpus_come_as_objects_of_a_cluster_where_asked(client: TestClient) -> None:
    asked = {"gpus": ["l40s", "apple-m3-max"], "context_tokens": 4096, "manifests": ["kubernetes", "kserve"]}
    answer = recommended(client, model={"name": "llama-3.1-8b"}, **asked)
    rows = {row["gpu"]: row for row in answer["recommendations"]}
    l40s = rows["l40s"]["manifests"]
    assert [found["kind"] for found in l40s["kubernetes"]] == [
        "PersistentVolumeClaim",
        "Deployment",
        "Service",
    ]
    assert [found["kind"] for found in l40s["kserve"]] == ["PersistentVolumeClaim", "InferenceService"]
    apple = rows["apple-m3-max"]
    assert apple["manifests"] == {}
    assert sum("no public image of llama.cpp" in note for note in apple["notes"]) == 2
    assert any(text.startswith("manifests: 900 s") for text in answer["assumptions"])


@pytest.mark.parametrize(
    ("engine", "version", "warned", "image"),
    [
        ("vllm", "99.0", "99.0 is newer", "0.33.0"),
        ("vllm", "0.5.0", "0.5.0 is older", "0.11.0"),
        ("vllm", "0.33.1", None, "0.33.0"),
        ("vllm", "0.20.1", None, "0.20.0"),
        ("sglang", "0.5.14", None, None),
        ("llama.cpp", "b7201", None, "b7200"),
        ("vllm", "v0.33.0", None, None),
        ("vllm", "0.33", None, None),
        ("vllm", None, None, None),
    ],
)
def test_a_release_that_is_not_known_or_not_the_images_is_named(
    client: TestClient, engine: str, version: str | None, warned: str | None, image: str | None
) -> None:
    answer = recommended(
        client,
        gpus=["h100-80gb-sxm"],
        context_tokens=4096,
        engine={"name": engine} | ({"version": version} if version else {}),
        manifests=["kubernetes"],
    )
    found = [line for line in answer["warnings"] if line.startswith("engine.version")]
    assert [warned is not None and warned in line for line in found] == [True] * (warned is not None)
    (row,) = answer["recommendations"]
    notes = [note for note in row["notes"] if "the image is of" in note]
    assert len(notes) == (image is not None)
    if image is not None:
        assert f"the image is of {image}" in notes[0]
        assert f"engine.version says {version}" in notes[0]
        containers = row["manifests"]["kubernetes"][1]["spec"]["template"]["spec"]["containers"]
        assert image in containers[0]["image"]


def test_prices_of_gpus_that_are_not_looked_at_are_named(client: TestClient) -> None:
    answer = recommended(client, gpus=["l40s"], prices={"a100-80gb-sxm": 1.0, "l40s": 0.8})
    assert any(
        words.startswith("prices: a100-80gb-sxm: not among the GPUs") for words in answer["assumptions"]
    )
