"""Files of quantizers beside ``config.json``: read alone, completing it, or contradicting it."""

import json
from pathlib import Path
from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.formats import format_tables
from llm_calc.adapters.model_files import model_part
from llm_calc.core.checkpoints.files import with_files
from llm_calc.core.errors import InvalidInputError

MODELOPT: dict[str, Any] = {
    "producer": {"name": "modelopt", "version": "0.47.0"},
    "quantization": {
        "quant_algo": "NVFP4",
        "kv_cache_quant_algo": "FP8",
        "group_size": 16,
        "exclude_modules": ["lm_head"],
    },
}
GPTQ = {"bits": 4, "group_size": 128, "desc_act": False, "sym": True, "model_file_base_name": "model"}
AWQ = {"w_bit": 4, "q_group_size": 128, "zero_point": True, "version": "GEMM"}
MATRICES = 6_979_321_856
"""Numbers of Llama 3.1 8B's linear layers; embedding and head hold 1 050 673 152 more, norms 266 240."""
REST_BYTES = 2 * (1_050_673_152 + 266_240)


def llama_config() -> dict[str, Any]:
    """The configuration of Llama 3.1 8B."""
    return dict(load_catalogs().model("llama-3.1-8b").config)


@pytest.mark.parametrize(
    ("name", "content", "bits"),
    [
        ("hf_quant_config.json", MODELOPT, 4.5),
        ("quantize_config.json", GPTQ, 4 + 20 / 128 + 32 / 5000),
        ("quant_config.json", AWQ, 4 + 20 / 128),
        ("quantization_config.json", {**GPTQ, "quant_method": "auto-round"}, 4 + 20 / 128),
    ],
)
def test_a_folder_is_read_with_the_file_beside_its_config(
    tmp_path: Path, name: str, content: dict[str, Any], bits: float
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(llama_config()))
    (tmp_path / name).write_text(json.dumps(content))
    answer = llm_calc.inspect_model(model=model_part(tmp_path))
    # An index of columns takes 32 bits for every 1 024 to 14 336 numbers.
    assert answer.weights_bytes == pytest.approx(MATRICES * bits / 8 + REST_BYTES, rel=2e-3)
    assert answer.confidence == "exact"


def test_a_folder_tells_the_size_of_its_tensors(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(llama_config()))
    header = b'{"__metadata__":{}}'
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 1000)
    assert model_part(tmp_path)["safetensors_index"] == {"metadata": {"total_size": 1000}}
    answer = llm_calc.inspect_model(model=model_part(tmp_path))
    assert answer.confidence == "approximate"
    assert any("1000 bytes" in said for said in answer.assumptions)


def test_a_folder_of_another_runtime_is_not_called_exact(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(llama_config()))
    (tmp_path / "openvino_model.bin").write_bytes(b"\0" * 5000)
    assert llm_calc.inspect_model(model=model_part(tmp_path)).confidence == "approximate"


def test_a_file_completes_what_the_config_leaves_out() -> None:
    stated = {"quant_method": "modelopt", "quant_algo": "W4A8_NVFP4_FP8", "ignore": ["lm_head"]}
    inner = {**MODELOPT["quantization"], "quant_algo": "W4A8_NVFP4_FP8", "group_size": 64}
    joined = with_files(stated, {"hf_quant_config.json": {"quantization": inner}}, format_tables())
    assert joined is not None
    assert joined["group_size"] == 64
    assert "contradicted_by" not in joined


def test_what_contradicts_the_config_is_named() -> None:
    config = {**llama_config(), "quantization_config": {"quant_method": "gptq", "bits": 8, "group_size": 128}}
    part = {"hf_config": config, "quantization_files": {"quantize_config.json": GPTQ}}
    answer = llm_calc.inspect_model(model=part)
    assert answer.confidence == "approximate"
    assert any("quantize_config.json: bits contradicts" in said for said in answer.assumptions)


def test_files_of_two_tools_are_refused_where_the_config_does_not_decide() -> None:
    both = {"quantize_config.json": GPTQ, "hf_quant_config.json": MODELOPT}
    with pytest.raises(
        InvalidInputError, match=r"quantize_config\.json \(gptq\) and hf_quant_config"
    ) as refused:
        with_files(None, both, format_tables())
    assert refused.value.field == "model.quantization_files"
    assert with_files({"quant_method": "gptq", "bits": 4}, both, format_tables())
    same = {"quantize_config.json": GPTQ, "quantization_config.json": {**GPTQ, "quant_method": "gptq"}}
    assert with_files(None, same, format_tables())


@pytest.mark.parametrize("weights", [True, False])
def test_an_adapter_beside_a_config_is_named(tmp_path: Path, weights: bool) -> None:
    (tmp_path / "config.json").write_text(json.dumps(llama_config()))
    (tmp_path / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 8}))
    if weights:
        index = {"metadata": {"total_size": 2 * 8_030_261_248}}
        (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    answer = llm_calc.inspect_model(model=model_part(tmp_path))
    assert answer.confidence == "approximate"
    assert any("adapter_config.json" in said for said in answer.assumptions)


def test_files_of_other_names_are_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"hf_quant_config\.json"):
        with_files(None, {"tokenizer.json": {}}, format_tables())


@pytest.mark.parametrize(
    ("kind", "low", "high"), [("fp4", 154e9, 157e9), (None, 154e9, 157e9), ("fp8", 284e9, 287e9)]
)
def test_experts_have_the_type_that_stands_beside_the_quantization(
    kind: str | None, low: float, high: float
) -> None:
    config = {**load_catalogs().model("deepseek-v4-flash").config, "expert_dtype": kind}
    answer = llm_calc.inspect_model(model={"hf_config": config})
    assert low < answer.weights_bytes < high


def test_a_type_of_experts_that_nobody_knows_is_refused() -> None:
    config = {**load_catalogs().model("deepseek-v4-flash").config, "expert_dtype": "int3"}
    with pytest.raises(InvalidInputError, match="expert_dtype: 'int3' is not one of"):
        llm_calc.inspect_model(model={"hf_config": config})
