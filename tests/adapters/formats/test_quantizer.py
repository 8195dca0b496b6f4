"""Kinds of GGUF files against llama.cpp's own library and against published files."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.formats import find_recipe, recipe_for, stored_weights
from llm_calc.adapters.model_source import SourcedModel, source_model
from llm_calc.adapters.wire.parts import ModelPart
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.memory import weights_bytes

FILES: dict[str, Any] = json.loads((Path(__file__).parents[2] / "golden" / "quantizer.json").read_text())[
    "files"
]
LFM2 = {
    "architectures": ["Lfm2ForCausalLM"],
    "model_type": "lfm2",
    "hidden_size": 2048,
    "num_hidden_layers": 16,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 65536,
    "block_dim": 2048,
    "block_ff_dim": 12288,
    "block_ffn_dim_multiplier": 1.0,
    "block_multiple_of": 256,
    "block_auto_adjust_ff_dim": True,
    "conv_L_cache": 3,
    "conv_bias": False,
    "full_attn_idxs": [2, 5, 8, 10, 12, 14],
    "tie_word_embeddings": True,
}

# Model, kind, bytes of the file that the quantizer of llama.cpp v0.5.0 makes (its own dry run on full-size files).
MADE = [
    ("qwen3.5-9b", "q4_k_m", 5_618_141_184),
    ("qwen3.5-9b", "iq4_xs", 5_216_929_792),
    ("qwen3-next-80b-a3b", "q2_k", 29_263_680_512),
    ("qwen2.5-0.5b", "iq2_xxs", 315_601_152),
    ("gemma-3-1b", "iq1_s", 632_660_224),
    ("mamba-2.8b", "q4_k_m", 1_623_412_000),
    ("jamba-v0.1", "q8_0", 54_812_851_712),
    ("mixtral-8x7b", "tq1_0", 10_210_893_824),
    ("deepseek-v2-lite", "mxfp4_moe", 9_021_175_808),
    ("llama-4-scout", "iq1_s", 22_167_352_576),
    ("nemotron-h-56b", "q4_k_s", 32_458_770_432),
    ("gpt-oss-20b", "iq2_xxs", 12_003_845_376),
]


@cache
def source(name: str) -> SourcedModel:
    return source_model(ModelPart(name=name), load_catalogs())


@pytest.mark.repeats  # all kinds of all files by the same lines
@pytest.mark.parametrize("name", FILES)
def test_types_are_those_of_the_library(name: str) -> None:
    model = source(name).model
    ours = {kind: round(weights_bytes(model, recipe_for(kind, model))) for kind in FILES[name]["bytes"]}
    assert ours == FILES[name]["bytes"]


@pytest.mark.parametrize(("name", "kind", "made"), MADE)
def test_files_have_the_bytes_that_the_quantizer_makes(name: str, kind: str, made: int) -> None:
    of = source(name)
    stored = stored_weights(of.model, kind, of.quantization, "llama.cpp")
    assert weights_bytes(of.model, stored.recipe) == pytest.approx(made, rel=1e-4)


def test_grouped_queries_are_those_of_the_first_layer() -> None:
    model = source_model(ModelPart(hf_config=LFM2), load_catalogs()).model
    assert weights_bytes(model, recipe_for("q2_k", model)) == pytest.approx(481_012_736, rel=1e-4)


@pytest.mark.parametrize(("kind", "mib"), [("q1_0", 1502.99), ("q2_0", 2684.88)])
def test_kinds_of_2026(kind: str, mib: float) -> None:
    model = source("qwen3-8b").model
    assert weights_bytes(model, recipe_for(kind, model)) / 2**20 == pytest.approx(mib, abs=0.01)


@pytest.mark.parametrize("kind", ["q2_k", "q4_k_m", "q6_k", "q8_0", "f16"])
def test_experts_of_an_mxfp4_checkpoint_stay_so(kind: str) -> None:
    of = source("gpt-oss-20b")
    stored = stored_weights(of.model, kind, of.quantization)
    experts = next(placed for placed in of.model.placed if placed.weight.component == "experts")
    assert stored.recipe.format_of(experts.weight, 3).name == "mxfp4"
    assert any("mxfp4, as llama.cpp's converter leaves them" in said for said in stored.assumptions)
    if kind == "q8_0":
        assert weights_bytes(of.model, stored.recipe) / 2**30 == pytest.approx(11.3, rel=0.01)


def test_llama_cpp_takes_the_checkpoints_own_kind_or_the_usual_one() -> None:
    oss, fp8, plain = source("gpt-oss-20b"), source("deepseek-v3"), source("qwen3-8b")
    assert stored_weights(oss.model, None, oss.quantization, "llama.cpp").name == "mxfp4_moe"
    usual = stored_weights(fp8.model, None, fp8.quantization, "llama.cpp")
    assert (usual.name, usual.is_gguf) == ("q4_k_m", True)
    assert "no kind holds fp8" in usual.assumptions[0]
    assert stored_weights(plain.model, None, plain.quantization, "llama.cpp").name == "bf16-gguf"


def test_what_the_quantizer_refuses_is_refused() -> None:
    model = source("gpt-oss-20b").model
    with pytest.raises(UnsupportedError, match="rows of 2880 in token_embd are not whole blocks of 128"):
        recipe_for("q1_0", model)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("Q4_K_L", "q4_k_m"), ("UD-Q4_K_XL", "q4_k_m"), ("ud-iq2_m", "iq2_m"), ("Q6_K_L", "q6_k")],
)
def test_publishers_own_mixtures_are_refused_with_help(name: str, nearest: str) -> None:
    with pytest.raises(InvalidInputError, match=f"no kind of llama.cpp's quantizer.*or name {nearest}"):
        find_recipe(name)


def test_files_by_name_say_which_kind_of_file_is_meant() -> None:
    latent, falcon = source("deepseek-v2-lite"), source("falcon-7b")
    said = stored_weights(latent.model, "q4_k_m").assumptions
    assert any("April 2025" in each for each in said)
    assert any("output.weight" in each for each in stored_weights(falcon.model, "q4_k_m").assumptions)
