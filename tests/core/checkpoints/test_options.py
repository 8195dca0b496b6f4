"""Options and methods that are rarer: files made for SGLang, names that stand for others, layouts, steps."""

from typing import Any

import pytest

from llm_calc.core.errors import InvalidInputError
from tests.core.checkpoints.test_codebooks import ENDS_7B, LINEAR_7B, LLAMA_2_7B, ROWS_7B, stored

BLOCKS_7B = 32 * (4 * 32 * 32 + 3 * 32 * 86)
"""Blocks of 128 x 128 of all linear matrices."""


@pytest.mark.parametrize(
    ("said", "size_bytes"),
    [
        ({"quant_method": "blockwise_int8", "weight_block_size": [128, 128]}, LINEAR_7B + 4 * BLOCKS_7B),
        ({"quant_method": "w8a8_int8"}, LINEAR_7B + 4 * ROWS_7B),
        ({"quant_method": "w8a8_fp8"}, LINEAR_7B + 4 * ROWS_7B),
        ({"quant_method": "w4afp8"}, LINEAR_7B + 4 * BLOCKS_7B),
    ],
)
def test_files_for_sglang_are_read_and_called_guesses(said: dict[str, Any], size_bytes: int) -> None:
    size, found = stored(LLAMA_2_7B, said)
    assert size == pytest.approx(size_bytes + ENDS_7B)
    assert found.guesses


@pytest.mark.parametrize(
    ("method", "as_written"),
    [("auto_gptq", "gptq"), ("auto_awq", "awq"), ("inc", "auto-round"), ("modelopt_fp8", "modelopt")],
)
def test_engines_own_names_stand_for_the_tool(method: str, as_written: str) -> None:
    said = {"quant_algo": "FP8"} if as_written == "modelopt" else {"bits": 4, "group_size": 64}
    first, second = (stored(LLAMA_2_7B, {"quant_method": name, **said}) for name in (method, as_written))
    assert first == second


@pytest.mark.parametrize(("method", "hint"), [("gguf", "gguf_base64"), ("nvfp4", "no file holds them")])
def test_methods_of_no_file_say_where_to_look(method: str, hint: str) -> None:
    with pytest.raises(InvalidInputError, match=hint):
        stored(LLAMA_2_7B, {"quant_method": method})


def test_offsets_of_two_layouts_of_awq_are_as_wide_as_scales() -> None:
    # autoawq 0.2.9, WQLinear_GEMVFast: scales and scaled offsets of 16 bits a group, rows padded to eight groups
    said = {"quant_method": "awq", "bits": 4, "group_size": 128, "version": "gemm"}
    usual, _ = stored(LLAMA_2_7B, said)
    for layout in ("gemv_fast", "llm-awq"):
        size, found = stored(LLAMA_2_7B, {**said, "version": layout})
        assert size - usual == pytest.approx(LINEAR_7B / 128 * (16 - 4) / 8)
        assert any("padding" in guess for guess in found.guesses)


def test_blocks_that_were_quantized_are_named_where_they_are_not_the_layers() -> None:
    said = {"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": False}
    assert stored(LLAMA_2_7B, {**said, "block_name_to_quantize": "model.layers"})[1].guesses == ()
    for blocks, word in (("model.visual.blocks,model.layers", "tower"), ("encoder.block", "encoder.block")):
        _, found = stored(LLAMA_2_7B, {**said, "block_name_to_quantize": blocks})
        assert any(word in guess for guess in found.guesses)


def test_scales_of_another_type_are_told_and_not_believed() -> None:
    # compressed-tensors 0.20.0 writes a scale of bfloat16 whatever scale_dtype says, but for MXFP and NVFP4
    weights = {"num_bits": 8, "type": "float", "strategy": "channel", "scale_dtype": "torch.float32"}
    group = {"targets": ["Linear"], "weights": weights}
    said = {"quant_method": "compressed-tensors", "config_groups": {"group_0": group}, "ignore": ["lm_head"]}
    size, found = stored(LLAMA_2_7B, said)
    assert size == pytest.approx(LINEAR_7B + 2 * ROWS_7B + ENDS_7B)
    assert any("scale_dtype" in guess for guess in found.guesses)


def test_an_fp8_file_of_a_dense_model_may_speak_of_experts() -> None:
    # transformers 5.24 writes expert_dtype: "fp8" into the config of every model that it quantizes
    said = {"quant_method": "fp8", "weight_block_size": [128, 128], "expert_dtype": "fp8"}
    assert stored(LLAMA_2_7B, said)[1].guesses == ()
    assert stored(LLAMA_2_7B, {**said, "expert_dtype": "fp4"})[1].guesses


def test_quark_in_steps() -> None:
    four = {"dtype": "fp4", "qscheme": "per_group", "group_size": 16}
    scale = {"dtype": "fp8_e4m3", "qscheme": "per_tensor", "is_scale_quant": True}
    said: dict[str, Any] = {"quant_method": "quark", "exclude": ["lm_head"]}
    size, found = stored(LLAMA_2_7B, {**said, "global_quant_config": {"weight": [four, scale]}})
    assert size == pytest.approx(LINEAR_7B * 9 / 16 + 4 * 224 + ENDS_7B)
    assert found.guesses == ()
    first = {"dtype": "fp8_e4m3", "qscheme": "per_tensor"}
    second = {"dtype": "int4", "qscheme": "per_channel", "symmetric": True, "ch_axis": 0}
    both = {"weight": [first, second], "input_tensors": {"dtype": "fp8_e4m3"}}
    size, _ = stored(LLAMA_2_7B, {**said, "global_quant_config": both})
    assert size == pytest.approx(LINEAR_7B / 2 + 4 * ROWS_7B + 4 * 224 + ENDS_7B)
    block = {"dtype": "fp8_e4m3", "qscheme": "per_block", "block_size": [128, 128], "symmetric": True}
    size, _ = stored(LLAMA_2_7B, {**said, "global_quant_config": {"weight": block}})
    assert size == pytest.approx(LINEAR_7B + 4 * BLOCKS_7B + ENDS_7B)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        # compressed-tensors 0.20.0, apply_quantization_config with this ignore list; 2026-11-30, run
        ("model.layers.0.mlp", 0),
        ("mlp", 0),
        ("down_proj", 0),
        ("LlamaMLP", 0),
        ("head", 0),
        ("re:mlp", 0),
        ("re:.*mlp", 32 * 3),
        ("model.layers.0.mlp.down_proj", 1),
    ],
)
def test_a_name_that_compressed_tensors_ignores_is_of_one_module(name: str, kept: int) -> None:
    weights = {"num_bits": 8, "strategy": "channel"}
    said = {
        "quant_method": "compressed-tensors",
        "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights}},
    }
    usual, _ = stored(LLAMA_2_7B, {**said, "ignore": ["lm_head"]})
    size, found = stored(LLAMA_2_7B, {**said, "ignore": ["lm_head", name]})
    assert (size - usual) / (4096 * 11008) == pytest.approx(kept, rel=1e-2)
    assert any(repr(name) in guess for guess in found.guesses) == (kept == 0)


def test_one_expert_that_is_ignored_is_not_all_of_them() -> None:
    mixture = {**LLAMA_2_7B, "model_type": "qwen3_moe", "num_experts": 4, "num_experts_per_tok": 2}
    mixture |= {"moe_intermediate_size": 1024, "head_dim": 128}
    weights = {"num_bits": 8, "strategy": "channel"}
    group = {"targets": ["Linear"], "weights": weights}
    ignored = ["lm_head", "model.layers.3.mlp.experts.2.down_proj"]
    said = {"quant_method": "compressed-tensors", "config_groups": {"group_0": group}, "ignore": ignored}
    assert any("some experts only" in guess for guess in stored(mixture, said)[1].guesses)


@pytest.mark.parametrize("strategy", ["tensor", "channel"])
def test_a_group_size_beside_another_strategy_is_named(strategy: str) -> None:
    weights = {"num_bits": 8, "type": "int", "strategy": strategy, "group_size": 128}
    group = {"targets": ["Linear"], "weights": weights}
    said = {"quant_method": "compressed-tensors", "config_groups": {"group_0": group}, "ignore": ["lm_head"]}
    assert any(
        f"strategy {strategy} has no group_size" in each for each in stored(LLAMA_2_7B, said)[1].guesses
    )


@pytest.mark.parametrize("size", [-1, 0])
def test_groups_of_mlx_are_of_some_numbers(size: int) -> None:
    with pytest.raises(InvalidInputError, match="group_size"):
        stored(LLAMA_2_7B, {"quant_method": "mlx", "bits": 4, "group_size": size})


def compressed(weights: dict[str, Any], **group: Any) -> dict[str, Any]:
    """A file of compressed-tensors with one group of all linear layers."""
    one = {"targets": ["Linear"], "weights": weights, **group}
    said = {"quant_method": "compressed-tensors", "format": "float-quantized", "ignore": ["lm_head"]}
    return {**said, "config_groups": {"group_0": one}}


def test_a_strategy_that_is_not_stated_follows_the_size_of_the_group() -> None:
    # compressed-tensors 0.20.1, QuantizationArgs: neither says a scale a tensor, -1 a channel
    eight = {"num_bits": 8, "type": "float"}
    tensor, _ = stored(LLAMA_2_7B, compressed(eight))
    channel, _ = stored(LLAMA_2_7B, compressed({**eight, "group_size": -1}))
    assert tensor == pytest.approx(LINEAR_7B + 2 * 224 + ENDS_7B)
    assert channel == pytest.approx(LINEAR_7B + 2 * ROWS_7B + ENDS_7B)


@pytest.mark.parametrize(
    ("active", "arithmetic"), [({"num_bits": 4}, "fp4"), ({"num_bits": 8}, "fp8"), (None, None)]
)
def test_arithmetic_is_of_the_wider_of_weights_and_activations(
    active: dict[str, Any] | None, arithmetic: str | None
) -> None:
    # compressed-tensors 0.20.1 has MXFP4, MXFP4XFP8 and MXFP4A16
    weights = {"num_bits": 4, "type": "float", "strategy": "group", "group_size": 32}
    said = compressed(weights, format="mxfp4-pack-quantized", input_activations=active)
    assert stored(LLAMA_2_7B, said)[1].activations == arithmetic


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"format": "pack-quantized"}, "does not hold"),
        ({"targets": []}, "every linear layer"),
        ({"weights": {"num_bits": 8, "type": "float", "symmetric": False}}, "no offsets"),
        ({"input_activations": {"num_bits": 8, "type": "int"}}, "beside float"),
        ({"input_activations": {}}, "says nothing"),
    ],
)
def test_what_one_group_says_against_itself_is_named(changed: dict[str, Any], word: str) -> None:
    group = {"weights": {"num_bits": 8, "type": "float"}, "input_activations": None, **changed}
    assert any(word in each for each in stored(LLAMA_2_7B, compressed(**group))[1].guesses)


def test_a_file_without_its_format_is_a_guess() -> None:
    said = compressed({"num_bits": 4, "type": "int", "group_size": 128})
    del said["format"]
    assert any("format is absent" in each for each in stored(LLAMA_2_7B, said)[1].guesses)


def test_a_group_of_nothing_of_model_optimizer_is_named_and_a_negative_one_refused() -> None:
    # modelopt 0.47.0 writes 0 where it knows no size, and reads it as the usual one
    said = {"quant_method": "modelopt", "quant_algo": "NVFP4", "ignore": ["lm_head"]}
    size, found = stored(LLAMA_2_7B, {**said, "group_size": 0})
    assert size == stored(LLAMA_2_7B, said)[0]
    assert any("groups of 16" in each for each in found.guesses)
    with pytest.raises(InvalidInputError, match="group_size"):
        stored(LLAMA_2_7B, {**said, "group_size": -1})


def test_two_names_of_one_option_that_say_otherwise_are_named() -> None:
    said = {"quant_method": "bitsandbytes", "load_in_4bit": True, "_load_in_4bit": False}
    assert any("contradict" in each for each in stored(LLAMA_2_7B, said)[1].guesses)


def test_an_fp8_file_that_says_nothing_of_blocks_is_a_guess() -> None:
    # FineGrainedFP8Config of transformers 5.24.0 takes blocks of 128 x 128; AutoFP8's files have one scale a tensor
    said = {"quant_method": "fp8", "activation_scheme": "dynamic"}
    assert any("weight_block_size" in each for each in stored(LLAMA_2_7B, said)[1].guesses)
    assert stored(LLAMA_2_7B, {**said, "ignored_layers": ["lm_head"]})[1].guesses == ()
    assert stored(LLAMA_2_7B, {**said, "weight_block_size": None})[1].guesses == ()


def test_keys_and_values_of_a_cache_in_two_types_are_named() -> None:
    weight = {"dtype": "fp8_e4m3", "qscheme": "per_tensor"}
    caches = {
        f"*{name}_proj": {"output_tensors": {"dtype": kind}}
        for name, kind in (("k", "fp8_e4m3"), ("v", "int8"))
    }
    said = {
        "global_quant_config": {"weight": weight},
        "exclude": ["lm_head"],
        "kv_cache_quant_config": caches,
    }
    assert any(
        "fp8 and int8" in each for each in stored(LLAMA_2_7B, {"quant_method": "quark", **said})[1].guesses
    )
