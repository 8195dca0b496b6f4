"""``quantization_config`` of every tool, tensor by tensor."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.config_file import read_config
from llm_calc.adapters.formats import CheckpointFormat, recipe_from_quantization_config
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.memory import weights_bytes
from llm_calc.core.model import Model
from tests.builders import llama, mixtral

FP8_CACHE = {"num_bits": 8, "type": "float"}
GROUP = {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 32, "symmetric": True}


def formats(read: CheckpointFormat, model: Model, layer: int = 1) -> dict[str, str]:
    """Format of every matrix of one layer, by ``component.name``."""
    return {
        f"{p.weight.component}.{p.weight.name}": read.recipe.format_of(p.weight, layer).name
        for p in model.placed
        if p.weight.kind != "vector"
    }


def test_fp8_blocks_leave_embedding_head_and_router() -> None:
    model = mixtral()
    config = {"quant_method": "fp8", "weight_block_size": [128, 128], "modules_to_not_convert": ["lm_head"]}
    read = recipe_from_quantization_config(config, model)
    found = formats(read, model)
    assert found["experts.down_proj"] == found["attention.q_proj"] == "fp8-block"
    assert found["router.router"] == found["lm_head.lm_head"] == found["embedding.embed"] == "bf16"
    assert read.recipe.default.bits_per_element == 8 + 32 / 128**2
    assert (read.storage, read.activations) == ("fp8", "fp8")
    assert "router, embedding, lm head in 16 bits" in read.words


def test_modules_that_are_left_out_are_whole_parts_of_a_path() -> None:
    model = llama()
    config = {"quant_method": "fp8", "ignored_layers": ["gate", "model.layers.1.self_attn.o_proj", "up_proj"]}
    read = recipe_from_quantization_config(config, model)
    assert formats(read, model, 1) == {
        "attention.q_proj": "fp8",
        "attention.k_proj": "fp8",
        "attention.v_proj": "fp8",
        "attention.o_proj": "bf16",
        "mlp.gate_proj": "fp8",
        "mlp.up_proj": "bf16",
        "mlp.down_proj": "fp8",
        "embedding.embed": "bf16",
        "lm_head.lm_head": "bf16",
    }
    assert formats(read, model, 2)["attention.o_proj"] == "fp8"


def test_regular_expressions_and_wildcards() -> None:
    model = mixtral()
    config = {
        "quant_method": "compressed-tensors",
        "config_groups": {"group_0": {"targets": ["Linear"], "weights": GROUP, "input_activations": None}},
        "ignore": ["lm_head", "re:.*self_attn.*", "*.layers.1.mlp.experts.*.down_proj"],
    }
    read = recipe_from_quantization_config(config, model)
    assert formats(read, model, 1)["attention.q_proj"] == "bf16"
    assert formats(read, model, 1)["experts.down_proj"] == "bf16"
    assert formats(read, model, 2)["experts.down_proj"] == "int4"
    assert read.recipe.default.bits_per_element == 4 + 16 / 32
    assert read.recipe.default.compute is None


@pytest.mark.parametrize(
    ("weights", "activations", "name", "bits", "compute"),
    [
        (
            {"num_bits": 8, "type": "float", "strategy": "tensor"},
            {"num_bits": 8, "type": "float"},
            "fp8",
            8 + 32 / 4096**2,
            "fp8",
        ),
        (
            {"num_bits": 8, "type": "float", "strategy": "channel"},
            {"dynamic": True},
            "fp8",
            8 + 16 / 4096,
            "fp8",
        ),
        (
            {"num_bits": 8, "type": "int", "strategy": "channel"},
            {"dynamic": True},
            "int8",
            8 + 16 / 4096,
            "int8",
        ),
        ({"num_bits": 8, "type": "int", "strategy": "channel"}, None, "int8", 8 + 16 / 4096, None),
        (
            {"num_bits": 4, "type": "float", "strategy": "tensor_group", "group_size": 16},
            {"num_bits": 4, "type": "float"},
            "nvfp4",
            4.5 + 64 / 4096**2,
            "fp4",
        ),
        ({"num_bits": 4, "type": "float", "group_size": 32}, None, "mxfp4", 4.25, None),
        (
            {"num_bits": 4, "type": "int", "group_size": 128, "symmetric": False},
            None,
            "int4",
            4 + 20 / 128,
            None,
        ),
        (
            {"num_bits": 8, "type": "float", "strategy": "block", "block_structure": [128, 128]},
            {"num_bits": 8, "type": "float"},
            "fp8-block",
            8 + 16 / 128**2,
            "fp8",
        ),
    ],
)
def test_schemes_of_compressed_tensors(
    weights: dict[str, Any], activations: dict[str, Any] | None, name: str, bits: float, compute: str | None
) -> None:
    group = {"targets": ["Linear"], "weights": weights, "input_activations": activations}
    config = {"quant_method": "compressed-tensors", "config_groups": {"group_0": group}}
    number = recipe_from_quantization_config(config, llama()).recipe.default
    square = number.fitted(4096, 4096)
    assert (number.name, square.bits_per_element, number.compute) == (name, bits, compute)


def test_groups_with_targets_of_their_own() -> None:
    eight = {"num_bits": 8, "type": "float", "strategy": "channel"}
    config = {
        "quant_method": "compressed-tensors",
        "config_groups": {
            "group_0": {"targets": ["re:.*self_attn.*"], "weights": eight, "input_activations": {}},
            "group_1": {"targets": ["re:.*mlp.*"], "weights": GROUP},
        },
    }
    model = llama()
    found = formats(recipe_from_quantization_config(config, model), model)
    assert found["attention.q_proj"] == "fp8"
    assert found["mlp.down_proj"] == "int4"
    assert found["lm_head.lm_head"] == "bf16"


@pytest.mark.parametrize(
    ("config", "name", "bits"),
    [
        ({"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True}, "int4-awq", 4 + 20 / 128),
        (
            {"quant_method": "gptq", "bits": 4, "group_size": 64, "desc_act": True},
            "int4-gptq",
            4 + 20 / 64 + 32 / 4096,
        ),
        ({"quant_method": "gptq", "bits": 8, "group_size": -1}, "int8", 8 + (16 + 8 + 32) / 4096),
        (
            {"quant_method": "auto-round", "bits": 4, "group_size": 128, "sym": True},
            "int4-gptq",
            4 + 20 / 128,
        ),
        (
            {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
            "nf4",
            4.5 + 1152 / 4096**2,
        ),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "int8", 8 + 32 / 4096 + 8 / 4096**2),
        ({"quant_method": "fbgemm_fp8"}, "fp8-channel", 8 + 32 / 4096),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "nvfp4", 4.5 + 64 / 4096**2),
        ({"quant_method": "modelopt", "quant_algo": "FP8"}, "fp8", 8 + 64 / 4096**2),
        (
            {"quantization": {"quant_algo": "FP8_PER_CHANNEL_PER_TOKEN"}, "quant_algo": ""},
            "fp8-channel",
            8 + 32 / 4096,
        ),
        ({"quant_method": "modelopt", "quant_algo": "W4A16_AWQ", "group_size": 64}, "int4-awq", 4.5),
        ({"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "fp4"}}}, "mxfp4", 4.25),
    ],
)
def test_numbers_of_each_tool(config: dict[str, Any], name: str, bits: float) -> None:
    number = recipe_from_quantization_config(config, llama()).recipe.default
    assert number.name == name
    assert number.fitted(4096, 4096).bits_per_element == pytest.approx(bits, rel=1e-12)


def test_mlx_quantizes_the_ends_too() -> None:
    model = llama()
    config = {
        "bits": 4,
        "group_size": 64,
        "mode": "affine",
        "model.layers.1.mlp.up_proj": {"bits": 8, "group_size": 64},
    }
    read = recipe_from_quantization_config(config, model)
    found = formats(read, model, 1)
    assert found["embedding.embed"] == found["lm_head.lm_head"] == found["attention.q_proj"] == "int4"
    assert found["mlp.up_proj"] == "int8"
    assert read.recipe.default.bits_per_element == 4 + 32 / 64
    four = recipe_from_quantization_config({"bits": 4, "group_size": 16, "mode": "nvfp4"}, model)
    assert four.recipe.default.name == "nvfp4"


def test_gptq_skips_what_dynamic_rules_out() -> None:
    model = llama()
    config = {
        "quant_method": "gptq",
        "bits": 4,
        "group_size": 128,
        "dynamic": {r"-:.*\.layers\.1\..*": {}, "+:.*down_proj": {"bits": 8}},
    }
    read = recipe_from_quantization_config(config, model)
    assert formats(read, model, 1)["mlp.up_proj"] == "bf16"
    assert formats(read, model, 0)["mlp.up_proj"] == "int4-gptq"
    assert formats(read, model, 0)["mlp.down_proj"] == "int8"
    assert formats(read, model, 1)["mlp.down_proj"] == "bf16"


def test_listed_layers_of_mixed_precision() -> None:
    model = llama(layers=2)
    listed = {
        "model.layers.0.mlp.down_proj": {"quant_algo": "NVFP4", "group_size": 16},
        "model.layers.1.self_attn.q_proj": {"quant_algo": "FP8"},
    }
    config = {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION", "quantized_layers": listed}
    read = recipe_from_quantization_config(config, model)
    assert formats(read, model, 0)["mlp.down_proj"] == "nvfp4"
    assert formats(read, model, 1)["mlp.down_proj"] == "bf16"
    assert formats(read, model, 1)["attention.q_proj"] == "fp8"
    assert read.guesses == ()


def test_mixed_precision_without_its_list_is_a_guess() -> None:
    config = {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION", "kv_cache_scheme": FP8_CACHE}
    read = recipe_from_quantization_config(config, llama())
    assert "quantized_layers" in read.guesses[0]
    assert read.kv_cache == "fp8"


def test_published_configs() -> None:
    catalogs = load_catalogs()
    sizes = {}
    for name in ("deepseek-v3", "kimi-k2.5", "gpt-oss-120b"):
        reading = read_config(catalogs.model(name).config)
        assert reading.quantization is not None
        read = recipe_from_quantization_config(reading.quantization, reading.model)
        sizes[name] = weights_bytes(reading.model, read.recipe) / 1e9
    # 671 B parameters at a byte each, embedding, head, router at two; 1.03 T mostly at 4.5 bits; the hub's total_size.
    assert sizes["deepseek-v3"] == pytest.approx(671.03 + 1.96 + 671.03 * 4 / 128**2, rel=1e-3)
    assert sizes["kimi-k2.5"] == pytest.approx(594, rel=0.01)
    assert sizes["gpt-oss-120b"] == pytest.approx(65.25, rel=0.002)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"quant_method": "magic"}, r"quant_method: 'magic' is not one of"),
        ({"quant_method": "modelopt", "quant_algo": "FP3"}, r"quant_algo: 'FP3'"),
        ({"quant_method": "gptq", "bits": "four"}, r"bits: must be an integer"),
        ({"quant_method": "gptq", "bits": 99}, r"bits: must be 1 to 8"),
        ({"quant_method": "compressed-tensors", "config_groups": {}}, r"config_groups: must hold"),
        ({"quant_method": "quark"}, r"dtype"),
        ({}, r"quant_method"),
        ({"quant_method": "gptq", "group_size": 10**400}, r"group_size: must be at most"),
        ({"quant_method": "gptq", "dynamic": {"-:(": {}}}, r"a \) is missing"),
        ({"quant_method": "gptq", "dynamic": {"-:(a)\\1": {}}}, r"is not read"),
        ({"quant_method": "gptq", "dynamic": {"-:((a{60}){60}){60}": {}}}, r"too complex"),
        ({"quant_method": "gptq", "dynamic": {"-:.*": {}}}, r"quantizes no tensor"),
        pytest.param(
            {"quant_method": "fp8", "ignored_layers": [f"*{index}" for index in range(501)]},
            r"at most 500 patterns",
            marks=pytest.mark.no_cover,
        ),
        (
            {"quant_method": "compressed-tensors", "config_groups": {"g": {"weights": {"num_bits": 0}}}},
            r"num_bits: must",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(config: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        recipe_from_quantization_config(config, llama())


@pytest.mark.no_cover
def test_work_is_bounded() -> None:
    config = {"quant_method": "fp8", "ignored_layers": [f"*x{index}" for index in range(400)]}
    assert (
        formats(recipe_from_quantization_config(config, llama(layers=4)), llama(layers=4))["mlp.up_proj"]
        == "fp8"
    )
    with pytest.raises(InvalidInputError, match="layers x patterns"):
        recipe_from_quantization_config(config, llama(layers=300))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-300, 300)
    | st.sampled_from(["Linear", "re:.*", "float", "int", "*", "NVFP4"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["weights", "targets", "num_bits", "group_size", "type", "strategy"]), inner
        )
    ),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        *(
            "config_groups",
            "ignore",
            "bits",
            "group_size",
            "weight_block_size",
            "dynamic",
            "quantized_layers",
            "quant_algo",
        ),
        *(
            "quantization",
            "kv_cache_scheme",
            "global_quant_config",
            "modules_to_not_convert",
            "load_in_4bit",
            "mode",
        ),
    ]
)


@given(
    method=st.sampled_from(
        ["fp8", "gptq", "awq", "compressed-tensors", "modelopt", "quark", "bitsandbytes", "mlx", "mxfp4"]
    ),
    rest=st.dictionaries(KEYS, JSON, max_size=5),
)
def test_anything_is_read_or_refused_with_its_field(method: str, rest: dict[str, Any]) -> None:
    model = llama(layers=2)
    try:
        read = recipe_from_quantization_config({**rest, "quant_method": method}, model)
    except InvalidInputError as refused:
        assert refused.message.startswith("model.hf_config.quantization_config")  # noqa: PT017
    else:
        assert 0 < weights_bytes(model, read.recipe) < 4 * 10**9


@pytest.mark.parametrize(("flag", "kind"), [(True, "int4-gptq"), (False, "bf16"), (None, "bf16")])
def test_gptq_quantizes_the_head_where_the_file_says_so(flag: bool | None, kind: str) -> None:
    model = llama()
    config = {"quant_method": "gptq", "bits": 4, "group_size": 128, "lm_head": flag}
    read = recipe_from_quantization_config(config, model)
    assert formats(read, model)["lm_head.lm_head"] == kind
    assert read.guesses == ()


def test_absent_bits_are_a_guess() -> None:
    read = recipe_from_quantization_config({"quant_method": "gptq"}, llama())
    assert read.recipe.default.element_bits == 4
    assert read.guesses == ("model.hf_config.quantization_config.bits is absent: 4 were taken",)


def test_bitsandbytes_in_neither_width_is_refused() -> None:
    config = {"quant_method": "bitsandbytes", "load_in_4bit": False, "load_in_8bit": False}
    with pytest.raises(
        InvalidInputError, match=r"quantization_config\.load_in_4bit: False is not one of true"
    ):
        recipe_from_quantization_config(config, llama())


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"quant_method": "gptq", "bits": 7, "group_size": 128}, "hold 2, 3, 4, 8 bits; 7 were taken"),
        ({"quant_method": "gptq", "bits": 4, "group_size": 7}, "no groups of 7"),
        ({"quant_method": "awq", "bits": 3, "group_size": 128}, "hold 4, 8 bits; 3 were taken"),
        ({"quant_method": "fp8", "expert_dtype": "fp4"}, "expert_dtype speaks of experts"),
    ],
)
def test_numbers_that_no_file_of_its_kind_holds_are_named(config: dict[str, Any], said: str) -> None:
    found = recipe_from_quantization_config(config, llama())
    assert any(said in guess for guess in found.guesses)


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_usual_numbers_are_no_guess(bits: int) -> None:
    config = {"quant_method": "gptq", "bits": bits, "group_size": 32}
    assert recipe_from_quantization_config(config, llama()).guesses == ()


def test_groups_of_no_size_are_refused() -> None:
    weights = {**GROUP, "group_size": 0}
    config = {
        "quant_method": "compressed-tensors",
        "config_groups": {"group_0": {"weights": weights, "targets": ["Linear"]}},
    }
    with pytest.raises(InvalidInputError, match=r"group_size: 0 is not one of a positive whole number"):
        recipe_from_quantization_config(config, llama())


@pytest.mark.parametrize(
    "said",
    [
        {
            "quant_method": "compressed-tensors",
            "config_groups": {"group_0": {"targets": ["zz_proj"], "weights": {"num_bits": 8}}},
        },
        {"quant_method": "spqr", "shapes": {"zz_proj.dense_weights.shape": 16}},
    ],
)
def test_a_refusal_repeats_names_as_the_file_has_them(said: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match=r"what it names is 'zz_proj[^:]*;"):
        recipe_from_quantization_config(said, llama())
