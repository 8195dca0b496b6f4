"""Names of modules: which tensors a pattern selects."""

import time

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.config_file import read_config
from llm_calc.adapters.formats import recipe_from_quantization_config
from llm_calc.core.checkpoints.modules import ModuleTable
from llm_calc.core.model import Model
from tests.builders import llama, mixtral


def named(model: Model, pattern: str) -> dict[str, int]:
    """Tensors that a pattern names, with the number of their layers."""
    found = ModuleTable(model, "model").select(pattern)
    return {f"{component}.{name}": len(layers) for (component, name), layers in found.layers.items()}


@pytest.mark.parametrize(
    ("pattern", "tensors"),
    [
        ("model.layers.3.mlp", {"mlp.gate_proj": 1, "mlp.up_proj": 1, "mlp.down_proj": 1}),
        ("self_attn.o_proj", {"attention.o_proj": 32}),
        ("model.layers.3.mlp.up_proj.weight", {"mlp.up_proj": 1}),
        ("re:.*layers\\.(0|1)\\..*down_proj$", {"mlp.down_proj": 2}),
        ("*.layers.1*.self_attn.q_proj", {"attention.q_proj": 11}),
        ("re:.*up_proj$", {"mlp.up_proj": 32}),
        ("lm_head", {"lm_head.lm_head": 1}),
        ("gate", {}),
        ("model.layers.99.mlp", {}),
        ("re:.*experts.*", {}),
    ],
)
def test_names_of_published_files(pattern: str, tensors: dict[str, int]) -> None:
    assert named(llama(), pattern) == tensors


@pytest.mark.parametrize(
    ("pattern", "tensors"),
    [
        ("qkv_proj", {"attention.q_proj", "attention.k_proj", "attention.v_proj"}),
        ("re:.*gate_up_proj$", {"mlp.gate_proj", "mlp.up_proj"}),
        ("re:.*ffn\\.(w1|w3)", {"mlp.gate_proj", "mlp.up_proj"}),
        ("model.layers.5.feed_forward.w2", {"mlp.down_proj"}),
    ],
)
def test_names_of_engines_are_taken_and_told(pattern: str, tensors: set[str]) -> None:
    found = ModuleTable(llama(), "model").select(pattern)
    assert {f"{component}.{name}" for component, name in found.layers} == tensors
    assert found.foreign


@pytest.mark.parametrize(
    "pattern", ["re:backbone.*", "re:language_model.*", "re:model\\.language_model\\..*", "backbone.*"]
)
def test_stacks_of_other_models_name_nothing(pattern: str) -> None:
    """compressed-tensors 0.20.1, ``match_named_modules`` of a Llama: no module begins so; nor does one of engines."""
    assert not ModuleTable(llama(), "model").select(pattern)


def test_stacks_of_a_model_are_its_own() -> None:
    hybrid = read_config(load_catalogs().model("nemotron-3-nano-30b-a3b").config).model
    assert ModuleTable(hybrid, "model").select("re:backbone.*").layers
    seeing = read_config(load_catalogs().model("qwen2.5-vl-7b").config).model
    assert ModuleTable(seeing, "model").select("re:language_model.*").layers


@pytest.mark.parametrize(
    ("model", "held"),
    [
        ("qwen3-next-80b-a3b", "linear_attn"),
        ("qwen3.5-27b", "linear_attn"),
        ("jamba-v0.1", "mamba"),
        ("falcon-h1-7b", "mamba"),
        ("lfm2-1.2b", "conv"),
        ("kimi-linear-48b-a3b", "self_attn"),
    ],
)
def test_recurrences_are_held_as_their_classes_hold_them(model: str, held: str) -> None:
    """Modules of the layers of transformers 5.24.0: attention beside a recurrence is not the same module."""
    table = ModuleTable(read_config(load_catalogs().model(model).config).model, "model")
    of_attention = {component for component, _ in table.select("re:.*self_attn.*").layers}
    assert {component for component, _ in table.select(f"re:.*{held}.*").layers} >= {"ssm"}
    assert ("ssm" in of_attention) == (held == "self_attn")


@pytest.mark.parametrize("model", ["falcon-h1-7b", "jamba-v0.1", "lfm2-8b-a1b"])
def test_blocks_called_feed_forward_are_no_mlp(model: str) -> None:
    """``feed_forward`` of the layers of transformers 5.24.0: a pattern with ``mlp`` matches nothing there."""
    table = ModuleTable(read_config(load_catalogs().model(model).config).model, "model")
    own = table.select("re:.*feed_forward.*")
    assert not own.foreign
    assert {"mlp", "experts"} & {component for component, _ in own.layers}
    assert table.select("re:.*mlp.*").foreign


def test_types_with_names_of_their_own_have_no_other_stack() -> None:
    """Matched from the start: layers of Mixtral stand in ``model.layers``, those of DeepSeek-V4 in nothing."""
    tables = {
        name: ModuleTable(read_config(load_catalogs().model(name).config).model, "model")
        for name in ("mixtral-8x7b", "deepseek-v4-flash")
    }
    assert not tables["mixtral-8x7b"].select("re:layers.*")
    assert tables["deepseek-v4-flash"].select("re:layers.*").layers


def test_deepseek_v4_is_named_as_its_files_are() -> None:
    model = read_config(load_catalogs().model("deepseek-v4-flash").config).model
    found = ModuleTable(model, "model").select("re:.*attn.*(fused_wqa_wkv|wo_a)$")
    assert {name for _, name in found.layers} == {"q_a_proj", "kv_proj", "o_a_proj"}
    assert not found.foreign


def test_experts_are_named_one_by_one_or_all_at_once() -> None:
    model = mixtral()
    listed = {f"model.layers.0.mlp.experts.{expert}.up_proj": {"quant_algo": "NVFP4"} for expert in range(8)}
    config = {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION", "quantized_layers": listed}
    assert recipe_from_quantization_config(config, model).guesses == ()
    some = dict(list(listed.items())[:3])
    (guess,) = recipe_from_quantization_config({**config, "quantized_layers": some}, model).guesses
    assert "some experts only" in guess


def test_what_has_no_format_to_choose_is_known() -> None:
    table = ModuleTable(llama(), "model")
    assert table.select("model.layers.0.input_layernorm").beside
    assert not table.select("model.layers.0.inputlayer").beside


def test_many_expressions_take_little_time() -> None:
    groups = {"g": {"targets": ["Linear"], "weights": {"num_bits": 4, "group_size": 32}}}
    ignored = [f"re:.*[a-z].*[a-z{index}].*{index % 7}[a-z]*!" for index in range(100)]
    config = {"quant_method": "compressed-tensors", "config_groups": groups, "ignore": ignored}
    begun = time.process_time()
    recipe_from_quantization_config(config, llama())
    # Two hundred times less than matching with backtracking took; a slow machine may need ten times as long.
    assert time.process_time() - begun < 3
