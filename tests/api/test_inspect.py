"""``/api/inspect_model`` over HTTP: answers match their schema, errors are 400 with a sentence."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from llm_calc.adapters.wire.inspect import InspectResponse
from tests.adapters.gguf_files import llama_parameters, write_llama

CONFIG = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "vocab_size": 32000,
}


@pytest.mark.parametrize("model", [{"name": "llama2-7b"}, {"hf_config": CONFIG}])
def test_answers(client: TestClient, model: dict[str, Any]) -> None:
    answer = client.post("/api/inspect_model", json={"model": model})
    assert answer.status_code == 200
    assert InspectResponse.model_validate(answer.json()).parameters.total == 6_738_415_616


def test_a_published_file_may_hold_infinity(client: TestClient) -> None:
    body = json.dumps({"model": {"hf_config": {**CONFIG, "rope_theta": float("inf")}}})
    answer = client.post("/api/inspect_model", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200


def test_a_gguf_header_is_read(client: TestClient, tmp_path: Path) -> None:
    first_bytes = write_llama(tmp_path / "tiny.gguf").read_bytes()[: 1 << 16]
    data = base64.b64encode(first_bytes).decode()
    answer = client.post("/api/inspect_model", json={"model": {"gguf_base64": data}})
    assert answer.status_code == 200
    assert answer.json()["parameters"]["total"] == llama_parameters()


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "model"),
        ({"model": {}}, "exactly one of name, hf_config, custom, gguf_base64"),
        ({"model": {"name": "llama2-7bb"}}, "llama2-7b"),
        ({"model": {"name": "llama2-7b"}, "precission": {}}, "precission"),
        ({"model": {"name": "llama2-7b"}, "precision": {"weights": "fp5"}}, "precision.weights"),
        ({"model": {"name": "llama2-7b"}, "workload": {"input_tokens": True}}, "workload.input_tokens"),
        ({"model": {"name": "llama2-7b"}, "context_tokens": [0]}, "context_tokens"),
        ({"model": {"name": "llama2-7b"}, "engine": {"name": "vllm", "n_ctx": 1}}, "n_ctx"),
        ({"model": {"gguf_base64": "AAAA"}}, "model.gguf_base64"),
        ({"model": {"hf_config": {"model_type": "nonsense"}}}, "model.hf_config"),
        ({"model": {"name": "llama2-7b", "safetensors_index": {}}}, "total_size"),
    ],
)
def test_refusals(client: TestClient, body: dict[str, Any], sentence: str) -> None:
    answer = client.post("/api/inspect_model", json=body)
    assert answer.status_code == 400
    assert sentence in answer.json()["error"]
