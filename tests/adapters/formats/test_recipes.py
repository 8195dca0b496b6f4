"""Recipes against published sizes: llama.cpp's own tables, start-up logs of engines, files on the hub."""

from dataclasses import replace

import gguf
import pytest
from gguf.constants import GGML_QUANT_SIZES

from llm_calc.adapters.catalog import Catalogs, load_catalogs
from llm_calc.adapters.config_file import read_config
from llm_calc.adapters.formats import (
    find_recipe,
    format_catalog,
    format_names,
    number_format,
    recipe_for,
    stored_weights,
)
from llm_calc.core.checkpoints.recipes.properties import in_span
from llm_calc.core.checkpoints.recipes.rules import LayerSpan
from llm_calc.core.errors import UnknownNameError, UnsupportedError
from llm_calc.core.memory import total_parameters, weights_bytes
from llm_calc.core.model import Model
from tests.builders import llama, mixtral

GIB = 2**30

# Bits a weight of Llama-3.1-8B, llama.cpp tools/quantize/README.md.
LLAMA_3_1_8B_BITS = {
    "iq1_s": 2.0042, "iq1_m": 2.1460, "iq2_xxs": 2.3824, "iq2_xs": 2.5882, "iq2_s": 2.7403, "iq2_m": 2.9294,
    "iq3_xxs": 3.2548, "iq3_xs": 3.4977, "iq3_s": 3.6606, "iq3_m": 3.7628, "iq4_xs": 4.4597, "iq4_nl": 4.6818,
    "q2_k_s": 2.9697, "q2_k": 3.1593, "q3_k_s": 3.6429, "q3_k_m": 3.9960, "q3_k_l": 4.2979, "q4_k_s": 4.6672,
    "q4_k_m": 4.8944, "q5_k_s": 5.5704, "q5_k_m": 5.7036, "q6_k": 6.5633, "q8_0": 8.5008, "f16": 16.0005,
}  # fmt: skip

# Model, format, engine, GiB that the engine logs for the whole model on one GPU.
LOGGED = [
    ("llama2-7b", "q4_0", "llama.cpp", 3.56, "llama.cpp 1691 start-up log"),
    ("llama2-7b", "f16", "llama.cpp", 12.55, "llama.cpp 1691 start-up log"),
    ("llama2-70b", "f16", "llama.cpp", 128.48, "llama.cpp 1619 start-up log"),
    ("qwen2.5-14b", "q4_k_m", "llama.cpp", 8.37, "llama.cpp 7896 start-up log, Qwen2.5-14B-Instruct-Q4_K_M"),
    ("qwen2.5-7b", "q8_0", "llama.cpp", 7.54, "llama.cpp 7780 start-up log, qwen2.5-coder-7b-instruct-q8_0"),
    (
        "gemma-4-31b",
        "bf16",
        "llama.cpp",
        57.18,
        "llama-bench, gemma-4-31B-it-BF16: towers are in a file apart",
    ),
    ("gemma-3-12b", "q5_k_m", "llama.cpp", 7.86, "ggml-org/llama.cpp#12352"),
    ("gpt-oss-120b", "mxfp4", "llama.cpp", 59.02, "ggml-org/llama.cpp#15253"),
    ("qwen3-30b-a3b", "fp8", "vllm", 29.08, "vLLM 0.22.1 start-up log, one GPU"),
    ("qwen3-30b-a3b", "int4-awq", "vllm", 15.6116, "vLLM start-up log, cpatonn AWQ-4bit"),
    ("qwen2.5-14b", "int4-awq", "vllm", 9.3795, "vLLM start-up log, Qwen2.5-14B-Instruct-AWQ"),
    ("llama-3.1-8b", "bf16", "vllm", 14.9889, "vLLM start-up log"),
    ("qwen3-32b", "bf16", "vllm", 61.03, "vLLM 0.11 on H100, llm-d planner table"),
]

# Bytes of the published safetensors files, in GB.
PUBLISHED_GB = [
    ("gpt-oss-120b", 65.25, "openai/gpt-oss-120b, model.safetensors.index.json"),
    ("gpt-oss-20b", 13.76, "openai/gpt-oss-20b, model.safetensors.index.json"),
]


@pytest.fixture(scope="module")
def catalogs() -> Catalogs:
    return load_catalogs()


def catalog_model(catalogs: Catalogs, name: str) -> Model:
    return read_config(catalogs.model(name).config).model


@pytest.mark.parametrize("name", LLAMA_3_1_8B_BITS)
def test_gguf_kinds_have_the_published_bits(catalogs: Catalogs, name: str) -> None:
    model = catalog_model(catalogs, "llama-3.1-8b")
    bits = 8 * weights_bytes(model, recipe_for(name, model)) / total_parameters(model)
    assert bits == pytest.approx(LLAMA_3_1_8B_BITS[name], abs=6e-5)


@pytest.mark.parametrize(("model", "name", "engine", "gib", "source"), LOGGED)
def test_weights_as_engines_log_them(
    catalogs: Catalogs, model: str, name: str, engine: str, gib: float, source: str
) -> None:
    reading = read_config(catalogs.model(model).config)
    stored = stored_weights(reading.model, name, reading.quantization, engine)
    assert weights_bytes(reading.model, stored.recipe) / GIB == pytest.approx(gib, rel=0.01), source


@pytest.mark.parametrize(("model", "gb", "source"), PUBLISHED_GB)
def test_checkpoints_have_the_published_size(catalogs: Catalogs, model: str, gb: float, source: str) -> None:
    reading = read_config(catalogs.model(model).config)
    stored = stored_weights(reading.model, None, reading.quantization)
    assert weights_bytes(reading.model, stored.recipe) / 1e9 == pytest.approx(gb, rel=0.002), source


def test_blocks_are_those_of_the_gguf_library() -> None:
    numbers = format_catalog().numbers
    checked = 0
    for kind, (elements, size) in GGML_QUANT_SIZES.items():
        number = numbers.get(kind.name.lower())
        if number is not None and kind.name != "NVFP4":
            assert number.bits_per_element == pytest.approx(8 * size / elements), kind.name
            assert elements in (1, number.group_size)
            checked += 1
    assert checked >= 20


def test_every_quantizing_file_type_of_the_library_has_a_recipe() -> None:
    kinds = {kind.name.removeprefix("MOSTLY_").removeprefix("ALL_").lower() for kind in gguf.LlamaFileType}
    missing = {kind for kind in kinds if kind not in format_catalog().names}
    assert missing <= {"guessed"}


@pytest.mark.parametrize("name", format_names())
def test_every_recipe_fits_every_shape(name: str) -> None:
    for model in (
        llama(),
        llama(kv_heads=4, tied=True),
        llama(hidden=2880, intermediate=2880, heads=45),
        mixtral(),
    ):
        if name == "q1_0" and model.hidden % 128:
            with pytest.raises(
                UnsupportedError, match="rows of 2880 in token_embd are not whole blocks of 128"
            ):
                recipe_for(name, model)
            continue
        bits = 8 * weights_bytes(model, recipe_for(name, model)) / total_parameters(model)
        default = find_recipe(name).row.default
        assert 0.9 * number_format(default).bits_per_element <= bits <= 32


def test_a_tied_embedding_is_stored_as_the_output_is() -> None:
    tied, apart = llama(tied=True), llama()
    for model, expected in ((tied, "q6_k"), (apart, "q4_k")):
        table = model.embedding[0]
        assert recipe_for("q4_k_m", model).format_of(table).name == expected
        assert recipe_for("q4_k_m", model).format_of(model.head).name == "q6_k"


def test_eight_experts_get_more_bits_in_attention() -> None:
    model = mixtral()
    formats = {p.weight.name: recipe_for("q4_k_m", model).format_of(p.weight, 5).name for p in model.placed}
    assert (formats["k_proj"], formats["v_proj"], formats["o_proj"]) == ("q8_0", "q8_0", "q5_k")
    assert formats["router"] == "fp32"


def test_fused_projections_count_as_values() -> None:
    fused = replace(llama(), model_type="phi3")
    q_proj = next(p.weight for p in fused.placed if p.weight.name == "q_proj")
    assert recipe_for("q4_k_m", fused).format_of(q_proj, 0).name == "q6_k"
    assert recipe_for("q4_k_m", llama()).format_of(q_proj, 0).name == "q4_k"


@pytest.mark.parametrize(
    ("span", "chosen"),
    [
        ("more_bits", 16),
        ("first_eighth", 4),
        ("first_sixteenth", 2),
        ("first_2", 2),
        ("first_4", 4),
        ("middle", 24),
    ],
)
def test_spans_of_32_layers(span: LayerSpan, chosen: int) -> None:
    assert sum(in_span(span, at, 32) for at in range(32)) == chosen


def test_llama_cpp_runs_its_own_files() -> None:
    assert find_recipe("mxfp4", "llama.cpp").name == "mxfp4_moe"
    assert find_recipe("mxfp4", "vllm").name == "mxfp4"
    assert recipe_for("bf16", llama(), "llama.cpp").vectors.name == "fp32"


def test_nvfp4_leaves_attention_of_hybrids_in_16_bits(catalogs: Catalogs) -> None:
    model = catalog_model(catalogs, "nemotron-3-nano-30b-a3b")
    recipe = recipe_for("nvfp4", model)
    attends = {i for group in model.groups if group.parts.scores for i in group.indices}
    for placed in model.placed:
        for layer in placed.indices:
            if (
                placed.weight.kind == "matrix"
                and placed.weight.component == "ssm"
                and "conv" not in placed.weight.name
            ):
                expected = "bf16" if layer + 1 in attends else "nvfp4"
                assert recipe.format_of(placed.weight, layer).name == expected
            if placed.weight.kind == "matrix" and placed.weight.component == "attention":
                assert recipe.format_of(placed.weight, layer).name == "bf16"


def test_int4_of_qwen_hybrids_is_the_experts_alone(catalogs: Catalogs) -> None:
    model = catalog_model(catalogs, "qwen3.5-35b-a3b")
    recipe = recipe_for("int4-gptq", model)
    quantized = {
        p.weight.component
        for p in model.placed
        for i in p.indices
        if recipe.format_of(p.weight, i) == recipe.default
    }
    assert quantized == {"experts"}


def test_names_match_in_any_case_and_unknown_ones_offer_the_nearest() -> None:
    assert find_recipe("Q4_K_M").name == "q4_k_m"
    assert number_format("awq").name == "int4-awq"
    with pytest.raises(UnknownNameError, match="q4_k_m") as refused:
        recipe_for("q4_k_n", llama())
    assert refused.value.field == "precision.weights"
    with pytest.raises(UnknownNameError, match=r"precision\.kv_cache"):
        number_format("fp7")
