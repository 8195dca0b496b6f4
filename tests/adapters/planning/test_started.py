"""Recommended engines start: the context that was asked for is theirs, and slots, where they have some."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

Json = dict[str, Any]
SMALL = {"name": "llama-3.1-8b"}


def recommended(client: TestClient, **asked: Any) -> Json:
    response = client.post("/api/recommend_gpus", json={"model": SMALL, "gpus": ["h100"], **asked})
    assert response.status_code == 200, response.text
    answer: Json = response.json()
    return answer


def refused(client: TestClient, **asked: Any) -> str:
    answer = recommended(client, **asked)
    assert answer["recommendations"] == []
    return str(answer["refused"][0]["reason"])


def said(row: Json) -> Json:
    return {name: value for name, value in row["engine"].items() if value is not None and name != "name"}


@pytest.mark.parametrize(
    ("engine", "model", "gpu", "context"),
    [
        ("vllm", "llama-3.1-8b", "rtx 4090", "max_model_len"),
        ("trtllm", "llama-3.1-8b", "rtx 4090", "max_seq_len"),
        ("sglang", "llama-3.1-8b", "rtx 4090", "context_length"),
        ("generic", "llama-3.1-8b", "rtx 4090", "max_model_len"),
        ("vllm", "qwen3-32b", "h100", "max_model_len"),
    ],
)
def test_an_engine_that_is_named_starts_with_the_context_asked_for(
    client: TestClient, engine: str, model: str, gpu: str, context: str
) -> None:
    answer = recommended(
        client, model={"name": model}, gpus=[gpu], engine={"name": engine}, concurrency=4, context_tokens=4096
    )
    (row,) = answer["recommendations"]
    assert said(row) == {context: 4096}
    parts = {name: row[name] for name in ("hardware", "parallelism", "engine")}
    workload = {"input_tokens": 3584, "output_tokens": 512, "concurrency": 4}
    plan = client.post(
        "/api/memory_plan", json={"model": {"name": model}, **parts, "workload": workload}
    ).json()
    assert plan["fits"]
    assert plan["starts"]


def test_a_named_engine_is_started_as_the_same_that_was_not_named(client: TestClient) -> None:
    asked = {"concurrency": 4, "context_tokens": 4096, "manifests": ["kubernetes"]}
    named = recommended(client, engine={"name": "vllm"}, **asked)["recommendations"]
    assert named == recommended(client, **asked)["recommendations"]
    container = named[0]["manifests"]["kubernetes"][1]["spec"]["template"]["spec"]["containers"][0]
    assert "--max-model-len" in " ".join(container["args"])


def test_what_the_request_says_of_the_engine_stays(client: TestClient) -> None:
    engine = {"name": "vllm", "max_model_len": 8192}
    (row,) = recommended(client, engine=engine, context_tokens=4096)["recommendations"]
    assert said(row) == {"max_model_len": 8192}
    short = refused(client, engine=engine, context_tokens=16384)
    assert "requests of 16384 tokens are longer than the engine's context of 8192" in short


def test_llama_cpp_has_a_slot_for_every_sequence(client: TestClient) -> None:
    llama = {"name": "llama.cpp"}
    asked = {"concurrency": 5, "context_tokens": 4096}
    (row,) = recommended(client, engine=llama, **asked)["recommendations"]
    assert said(row) == {"n_ctx": 5 * 4096, "n_parallel": 5, "kv_unified": False, "fit": False}
    (row,) = recommended(client, engine=llama | {"n_parallel": 8}, **asked)["recommendations"]
    assert said(row) | {"n_ctx": 8 * 4096, "n_parallel": 8} == said(row)
    (row,) = recommended(client, engine={"name": "ollama"}, **asked)["recommendations"]
    assert (row["engine"]["n_ctx"], row["engine"]["n_parallel"]) == (5 * 4096, 5)


@pytest.mark.parametrize(
    ("options", "concurrency", "reason"),
    [
        ({"n_parallel": 2}, 5, "2 slots (engine.n_parallel, at most 256)"),
        (
            {"n_ctx": 4096},
            5,
            "5 slots (engine.n_parallel, at most 256), each of at most 1024 tokens (engine.n_ctx)",
        ),
        ({}, 500, "256 slots (engine.n_parallel, at most 256)"),
    ],
)
def test_slots_that_are_too_few_are_the_reason_and_not_the_memory(
    client: TestClient, options: Json, concurrency: int, reason: str
) -> None:
    asked = {"concurrency": concurrency, "context_tokens": 4096}
    found = refused(client, engine={"name": "llama.cpp", **options}, **asked)
    assert found.startswith(f"llama.cpp does not take {concurrency} x 4096 tokens: ")
    assert reason in found


def test_long_prompts_are_cut_for_an_engine_that_cuts_none_by_itself(client: TestClient) -> None:
    asked = {"model": {"name": "llama-3.1-70b"}, "concurrency": 16, "context_tokens": 32000}
    (row,) = recommended(client, engine={"name": "trtllm"}, **asked)["recommendations"]
    assert said(row) == {"max_seq_len": 32000, "enable_chunked_prefill": True}
    found = refused(client, engine={"name": "trtllm", "enable_chunked_prefill": False}, **asked)
    assert "a prompt of 28000 tokens is refused: it exceeds a step of 8192 (engine.max_num_tokens)" in found
    assert "engine.enable_chunked_prefill, which cuts it, is off" in found


def test_memory_is_still_the_reason_where_it_is(client: TestClient) -> None:
    model = {"name": "llama-3.1-70b"}
    found = refused(client, model=model, gpus=["rtx 4090"], engine={"name": "vllm"}, max_gpus=4)
    assert found == "vLLM does not hold weights of 131.4 GiB and 1 x 8192 tokens on up to 4 of 23.5 GiB"
