"""Folders as they lie on disks: parts that are missing, adapters, other runtimes, indexes that say little."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from llm_calc import inspect_model
from llm_calc.adapters.model_files import model_part
from llm_calc.core.errors import InvalidInputError

LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "dtype": "bfloat16",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 100,
    "tie_word_embeddings": False,
}
PARAMETERS = 2 * (64 * (64 + 32 + 32 + 64) + 3 * 64 * 128 + 2 * 64) + 2 * 100 * 64 + 64
PARTS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


def folder(path: Path, files: dict[str, Any], weights: dict[str, int]) -> Path:
    """Files of JSON, and safetensors files with so many bytes of tensors."""
    for name, content in files.items():
        (path / name).write_text(json.dumps(content))
    for name, size in weights.items():
        text = json.dumps({"x": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
        (path / name).write_bytes(struct.pack("<Q", len(text)) + text + bytes(size))
    return path


def told(path: Path) -> tuple[str, list[str]]:
    answer = inspect_model(model=model_part(path)).model_dump()
    return answer["confidence"], [*answer["assumptions"], *answer["warnings"]]


@pytest.mark.parametrize("index", [{"weight_map": {"x": PARTS[0]}}, {"metadata": {}, "weight_map": {}}])
def test_an_index_without_sizes_gives_way_to_the_files(tmp_path: Path, index: dict[str, Any]) -> None:
    files = {"config.json": LLAMA, "model.safetensors.index.json": index}
    assert told(folder(tmp_path, files, {PARTS[0]: 2 * PARAMETERS})) == ("exact", [])


@pytest.mark.parametrize("indexed", [True, False])
def test_parts_that_are_missing_are_named(tmp_path: Path, *, indexed: bool) -> None:
    index = {"metadata": {"total_size": 2 * PARAMETERS}, "weight_map": {"x": PARTS[0], "y": PARTS[1]}}
    files = {"config.json": LLAMA, **({"model.safetensors.index.json": index} if indexed else {})}
    confidence, said = told(folder(tmp_path, files, {PARTS[0]: 1000}))
    assert confidence == "approximate"
    assert len(said) == 1
    assert PARTS[1] in said[0]
    assert PARTS[0] not in said[0]


def test_whole_sets_of_parts_say_nothing(tmp_path: Path) -> None:
    path = folder(tmp_path, {"config.json": LLAMA}, dict.fromkeys(PARTS, PARAMETERS))
    assert told(path) == ("exact", [])


def test_another_number_of_parameters_is_named(tmp_path: Path) -> None:
    metadata = {"total_size": 2 * PARAMETERS, "total_parameters": PARAMETERS}
    files = {"config.json": LLAMA, "model.safetensors.index.json": {"metadata": metadata}}
    assert told(folder(tmp_path, files, {})) == ("exact", [])
    files["model.safetensors.index.json"] = {"metadata": {**metadata, "total_parameters": 5}}
    confidence, said = told(folder(tmp_path, files, {}))
    assert (confidence, len(said)) == ("approximate", 1)
    assert f"says 5 parameters; {PARAMETERS}" in said[0]


def test_an_adapter_beside_a_model_is_not_its_weights(tmp_path: Path) -> None:
    path = folder(tmp_path, {"config.json": LLAMA}, {"adapter_model.safetensors": 16})
    assert told(path) == ("exact", [])


@pytest.mark.parametrize(
    ("name", "word"), [("adapter_config.json", "adapter"), ("params.json", "Mistral's own")]
)
def test_a_folder_without_a_configuration_is_called_what_it_is(tmp_path: Path, name: str, word: str) -> None:
    with pytest.raises(InvalidInputError, match=word):
        model_part(folder(tmp_path, {name: {}}, {}))


@pytest.mark.parametrize("name", ["model.onnx", "model.onnx.data", "pytorch_model-00001-of-00001.bin"])
def test_weights_of_other_runtimes_are_held_against_the_configuration(tmp_path: Path, name: str) -> None:
    (folder(tmp_path, {"config.json": LLAMA}, {}) / name).write_bytes(bytes(PARAMETERS))
    confidence, said = told(tmp_path)
    assert confidence == "approximate"
    assert f"hold {PARAMETERS} bytes" in said[0]


def test_a_cache_alone_may_have_a_format(tmp_path: Path) -> None:
    said = {"quantization": {"quant_algo": None, "kv_cache_quant_algo": "FP8"}}
    path = folder(tmp_path, {"config.json": LLAMA, "hf_quant_config.json": said}, {})
    answer = inspect_model(model=model_part(path)).model_dump()
    assert (answer["weights_bytes"], answer["confidence"]) == (2 * PARAMETERS, "exact")
    assert answer["precision"]["kv_cache"] == "fp8"
    path = folder(tmp_path, {"config.json": LLAMA, "hf_quant_config.json": {"quantization": {}}}, {})
    assert "names no quant_algo" in told(path)[1][0]


def test_an_empty_quantization_says_nothing(tmp_path: Path) -> None:
    assert told(folder(tmp_path, {"config.json": {**LLAMA, "quantization_config": {}}}, {})) == ("exact", [])


def test_files_that_hold_something_else_than_their_index_says_are_named(tmp_path: Path) -> None:
    index = {"metadata": {"total_size": 2 * PARAMETERS}, "weight_map": {"x": PARTS[0], "y": PARTS[1]}}
    files = {"config.json": LLAMA, "model.safetensors.index.json": index}
    whole = {PARTS[0]: PARAMETERS, PARTS[1]: PARAMETERS}
    assert told(folder(tmp_path, files, whole)) == ("exact", [])
    confidence, said = told(folder(tmp_path, files, {PARTS[1]: 100}))
    assert confidence == "approximate"
    assert [f"hold {PARAMETERS + 100}" in each for each in said] == [True]


def test_gguf_files_beside_a_configuration_are_named(tmp_path: Path) -> None:
    path = folder(tmp_path, {"config.json": LLAMA}, {})
    (path / "tiny-Q4_K_M.gguf").write_bytes(b"GGUF")
    confidence, said = told(path)
    assert confidence == "approximate"
    assert ["tiny-Q4_K_M.gguf" in each for each in said] == [True]


@pytest.mark.parametrize(
    ("beside", "confidence"), [(["lm_head"], "exact"), (["lm_head", "*mlp*"], "approximate")]
)
def test_a_quantizers_file_that_leaves_out_other_modules_is_named(
    tmp_path: Path, beside: list[str], confidence: str
) -> None:
    said = {"quant_method": "modelopt", "quant_algo": "FP8", "ignore": ["lm_head"]}
    own = {"quantization": {"quant_algo": "FP8", "exclude_modules": beside}}
    files = {"config.json": {**LLAMA, "quantization_config": said}, "hf_quant_config.json": own}
    found, notes = told(folder(tmp_path, files, {}))
    assert found == confidence
    assert any("exclude_modules contradicts" in note for note in notes) == (confidence == "approximate")
