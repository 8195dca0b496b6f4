"""A model by name, configuration, dimensions, or file: the same core model."""

import base64
from pathlib import Path
from typing import Any

import pytest

from llm_calc.adapters.catalog import Catalogs, load_catalogs
from llm_calc.adapters.model_source import SourcedModel, model_precision, source_model
from llm_calc.adapters.wire.parts import ModelPart, PrecisionPart
from llm_calc.core.errors import InvalidInputError, UnknownNameError
from llm_calc.core.memory import total_parameters, weights_bytes
from tests.adapters.gguf_files import llama_parameters, write_llama

LLAMA2_7B = 6_738_415_616
FOUR = {"hidden_dim": 4096, "ff_dim": 11008, "num_layers": 32, "vocab_size": 32000}


@pytest.fixture(scope="module")
def catalogs() -> Catalogs:
    return load_catalogs()


def sourced(catalogs: Catalogs, **part: Any) -> SourcedModel:
    return source_model(ModelPart.model_validate(part), catalogs)


def test_one_model_three_ways(catalogs: Catalogs) -> None:
    config = dict(catalogs.model("llama2-7b").config)
    for part in ({"name": "Llama2-7B"}, {"hf_config": config}, {"custom": FOUR}):
        assert total_parameters(sourced(catalogs, **part).model) == LLAMA2_7B


def test_what_dimensions_leave_open_is_said(catalogs: Catalogs) -> None:
    assert "32 heads of 128" in sourced(catalogs, custom=FOUR).assumptions[0]
    assert sourced(catalogs, custom={**FOUR, "num_attention_heads": 32}).assumptions == ()


@pytest.mark.parametrize(
    ("further", "parameters"),
    [
        ({"num_attention_heads": 32, "num_key_value_heads": 8}, LLAMA2_7B - 32 * 2 * 4096 * 3072),
        ({"tie_word_embeddings": True}, LLAMA2_7B - 32000 * 4096),
        ({"gated_mlp": False}, LLAMA2_7B - 32 * 4096 * 11008),
        ({"num_experts": 4, "num_experts_per_tok": 2}, LLAMA2_7B + 32 * (9 * 4096 * 11008 + 4 * 4096)),
    ],
)
def test_further_dimensions(catalogs: Catalogs, further: dict[str, Any], parameters: int) -> None:
    assert total_parameters(sourced(catalogs, custom={**FOUR, **further}).model) == parameters


def test_unknown_names_offer_the_nearest(catalogs: Catalogs) -> None:
    with pytest.raises(UnknownNameError, match="llama2-7b"):
        sourced(catalogs, name="llama2-7bb")


def test_a_configuration_says_how_it_is_stored(catalogs: Catalogs) -> None:
    source = sourced(catalogs, name="deepseek-v3")
    assert model_precision(source, PrecisionPart()).weights.name == "fp8-block"
    assert model_precision(source, PrecisionPart(weights="bf16")).weights.name == "bf16"
    assert model_precision(sourced(catalogs, custom=FOUR), PrecisionPart()).weights.name == "bf16"


def test_a_gguf_file_says_how_it_is_stored(catalogs: Catalogs, tmp_path: Path) -> None:
    data = write_llama(tmp_path / "tiny.gguf").read_bytes()
    source = sourced(catalogs, gguf_base64=base64.b64encode(data).decode())
    assert (source.confidence, source.name) == ("exact", "Tiny Llama")
    assert total_parameters(source.model) == llama_parameters()
    own = model_precision(source, PrecisionPart()).weights
    asked = model_precision(source, PrecisionPart(weights="q8_0")).weights
    assert own.name == "q4_k_m"
    assert weights_bytes(source.model, own.recipe) < weights_bytes(source.model, asked.recipe)


def test_a_cut_gguf_file_is_approximate(catalogs: Catalogs, tmp_path: Path) -> None:
    data = write_llama(tmp_path / "tiny.gguf").read_bytes()
    cut = data[: data.index(b"token_embd.weight")]
    source = sourced(catalogs, gguf_base64=base64.b64encode(cut).decode())
    assert source.confidence == "approximate"
    assert model_precision(source, PrecisionPart()).weights.name == "q4_k_m"


@pytest.mark.parametrize(("size", "confidence"), [(2 * LLAMA2_7B, "exact"), (LLAMA2_7B, "approximate")])
def test_an_index_is_evidence(catalogs: Catalogs, size: int, confidence: str) -> None:
    source = sourced(catalogs, name="llama2-7b", safetensors_index={"metadata": {"total_size": size}})
    assert source.confidence == confidence
    assert any("safetensors_index" in note for note in source.assumptions) == (confidence == "approximate")


def test_a_broken_index_is_refused(catalogs: Catalogs) -> None:
    with pytest.raises(InvalidInputError, match="total_size"):
        sourced(catalogs, name="llama2-7b", safetensors_index={})
