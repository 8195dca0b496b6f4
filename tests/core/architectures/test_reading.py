"""What a reading says of itself: confidence, assumptions, refusals, whatever stands in the file."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm_calc.adapters.config_file import read_config
from llm_calc.core.architectures.reading import Reading
from llm_calc.core.architectures.registry import known_types
from llm_calc.core.errors import CalcError, InvalidInputError, UnsupportedError
from llm_calc.core.memory import parameters_by_component, total_parameters

LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "vocab_size": 32000,
    "tie_word_embeddings": False,
}
GOLDEN = Path(__file__).parents[2] / "golden" / "architectures.jsonl"
CONFIGS: list[dict[str, Any]] = [
    json.loads(line)["config"] for line in GOLDEN.read_text(encoding="utf-8").splitlines()
]


def changed(config: Mapping[str, Any] = LLAMA, /, **keys: object) -> Reading:
    return read_config({**config, **keys})


def counts(reading: Reading) -> dict[str, int]:
    return {str(key): count for key, count in parameters_by_component(reading.model).items()}


def without(*keys: str) -> dict[str, Any]:
    return {key: value for key, value in LLAMA.items() if key not in keys}


def test_llama_2_7b() -> None:
    reading = read_config(LLAMA)
    assert (reading.confidence, reading.assumptions, reading.warnings) == ("exact", (), ())
    assert total_parameters(reading.model) == 6_738_415_616


def test_equal_content_is_read_once() -> None:
    assert read_config(LLAMA) is read_config(dict(LLAMA))
    assert read_config(LLAMA, name="Llama").model.name == "Llama"


@pytest.mark.parametrize(
    ("key", "value"),
    [("extra_matrices", 3), ("shared_layers", [1, 2]), ("adapters", {"rank": 8}), ("use_second_mlp", True)],
)
def test_a_key_that_nobody_understands_is_named(key: str, value: object) -> None:
    reading = changed(**{key: value})
    assert reading.confidence == "approximate"
    assert any(key in sentence for sentence in reading.assumptions)


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_a_key_without_a_value_changes_nothing(value: object) -> None:
    assert changed(extra_matrices=value).confidence == "exact"


@pytest.mark.parametrize("value", [False, 0])
def test_a_key_that_switches_something_unknown_off_is_named(value: object) -> None:
    assert any("extra_matrices" in sentence for sentence in changed(extra_matrices=value).assumptions)


@pytest.mark.parametrize(
    "key", ["attention_dropout", "rope_theta", "eos_token_id", "use_cache", "rms_norm_eps"]
)
def test_neutral_keys_change_nothing(key: str) -> None:
    assert changed(**{key: 3}).confidence == "exact"


def test_keys_of_nested_configurations_are_watched_too() -> None:
    text = {**LLAMA, "extra_matrices": 3}
    reading = read_config({"model_type": "unheard_of_vl", "text_config": text})
    assert any("text_config.extra_matrices" in sentence for sentence in reading.assumptions)


def test_an_absent_key_takes_the_default_of_its_class() -> None:
    assert total_parameters(read_config(without("num_attention_heads")).model) == 6_738_415_616
    model = {"model_type": "deepseek_v2", "num_experts_per_tok": 6}
    with_rank, without_rank = read_config(model).model, read_config({**model, "q_lora_rank": None}).model
    assert total_parameters(with_rank) != total_parameters(without_rank)


def test_null_key_value_heads_are_as_many_as_heads() -> None:
    assert counts(changed(num_key_value_heads=None)) == counts(read_config(LLAMA))


def test_other_spellings_of_the_class() -> None:
    named = read_config({"model_type": "gpt2", "hidden_size": 768, "num_hidden_layers": 12})
    assert counts(named) == counts(read_config({"model_type": "gpt2", "n_embd": 768, "n_layer": 12}))


def test_spellings_that_contradict_each_other_are_reported() -> None:
    reading = read_config({"model_type": "gpt2", "n_embd": 768, "hidden_size": 1536})
    assert reading.confidence == "approximate"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hidden_size", 0),
        ("hidden_size", -1),
        ("hidden_size", "4096"),
        ("hidden_size", True),
        ("hidden_size", 1e300),
        ("num_hidden_layers", 10**9),
        ("num_attention_heads", 3.5),
        ("num_key_value_heads", 5),
        ("tie_word_embeddings", "yes"),
        ("intermediate_size", [1, 2]),
    ],
)
def test_impossible_values_are_refused_by_name(key: str, value: object) -> None:
    with pytest.raises(InvalidInputError, match=key) as refused:
        changed(**{key: value})
    assert refused.value.field == f"model.hf_config.{key}"


@pytest.mark.parametrize("config", [{}, {"architectures": ["LlamaForCausalLM"], "x": object()}])
def test_what_is_no_configuration_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        read_config(config)


def test_infinity_is_taken_as_published() -> None:
    text = json.dumps({"model_type": "mamba2", "time_step_limit": [0.0, float("inf")]})
    assert read_config(json.loads(text)).confidence == "exact"


def test_the_files_own_quantization_is_handed_on() -> None:
    quantization = {"quant_method": "awq", "bits": 4}
    assert changed(quantization_config=quantization).quantization == quantization
    assert read_config(LLAMA).quantization is None


def test_another_class_than_the_types_own_is_reported() -> None:
    assert changed(architectures=["MistralForSequenceClassification"]).confidence == "approximate"
    assert changed(architectures=["XverseForCausalLM"]).confidence == "approximate"


def test_without_model_type_the_class_decides() -> None:
    reading = read_config(without("model_type"))
    assert reading.confidence == "approximate"
    assert total_parameters(reading.model) == 6_738_415_616


@pytest.mark.parametrize(
    "name", ["llama", "qwen3_moe", "deepseek_v3", "gemma3_text", "gpt_oss", "falcon", "mamba"]
)
def test_a_known_type_reads_its_own_defaults(name: str) -> None:
    assert total_parameters(read_config({"model_type": name}).model) > 0


def test_many_types_are_known() -> None:
    assert len(known_types()) > 150


def test_of_an_unknown_model_type_the_class_decides_as_engines_choose_it() -> None:
    # sgl-project/DeepSeek-V4-Flash-FP8 says deepseek_ref and DeepseekV4ForCausalLM.
    reading = read_config({**LLAMA, "model_type": "llama_ref", "architectures": ["LlamaForCausalLM"]})
    assert counts(reading) == counts(read_config(LLAMA))
    assert reading.confidence == "approximate"
    assert "'llama_ref' is not known; architectures names the class of type 'llama'" in reading.assumptions[0]


UNKNOWN = {**LLAMA, "model_type": "unheard_of", "architectures": ["UnheardOfForCausalLM"]}


def test_an_unknown_type_is_read_by_its_keys_and_never_exact() -> None:
    reading = read_config(UNKNOWN)
    assert reading.confidence == "approximate"
    assert any("unheard_of" in sentence for sentence in reading.assumptions)
    assert total_parameters(reading.model) == 6_738_415_616


def test_an_unknown_mixture_of_experts() -> None:
    keys = {
        "num_local_experts": 8,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 512,
        "first_k_dense_replace": 2,
    }
    found = counts(changed(UNKNOWN, **keys))
    assert found["experts"] == 30 * 8 * 3 * 4096 * 512
    assert found["mlp"] == 2 * 3 * 4096 * 11008


def test_an_unknown_latent_attention() -> None:
    keys = {
        "kv_lora_rank": 512,
        "q_lora_rank": None,
        "qk_nope_head_dim": 128,
        "qk_rope_head_dim": 64,
        "v_head_dim": 128,
    }
    found = counts(changed(UNKNOWN, **keys))
    latent = 4096 * 576 + 512 * 32 * 256
    assert found["attention"] == 32 * (4096 * 32 * 192 + latent + 32 * 128 * 4096 + 512)


@pytest.mark.parametrize(
    "keys",
    [
        {"mamba_d_state": 128},
        {"linear_num_key_heads": 16},
        {"is_encoder_decoder": True},
        {"type_vocab_size": 2},
    ],
)
def test_unknown_layers_that_no_key_describes_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedError):
        changed(UNKNOWN, **keys)


@pytest.mark.parametrize("key", ["hidden_size", "num_hidden_layers", "vocab_size", "intermediate_size"])
def test_an_unknown_type_without_a_size_is_refused(key: str) -> None:
    config = {name: value for name, value in UNKNOWN.items() if name != key}
    with pytest.raises(InvalidInputError, match=f"{key} is missing"):
        read_config(config)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**50) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), JSON)
def test_any_value_is_read_or_refused(data: st.DataObject, value: object) -> None:
    config = data.draw(st.sampled_from(CONFIGS))
    key = data.draw(st.sampled_from(sorted(config)))
    with suppress(CalcError):
        assert total_parameters(read_config({**config, key: value}).model) > 0


@settings(max_examples=60, deadline=None)
@given(
    heads=st.sampled_from([4, 8, 16]),
    groups=st.sampled_from([1, 2, 4]),
    width=st.sampled_from([32, 64]),
    layers=st.integers(1, 6),
    biased=st.booleans(),
    tied=st.booleans(),
)
def test_llama_by_its_closed_form(
    *, heads: int, groups: int, width: int, layers: int, biased: bool, tied: bool
) -> None:
    hidden, inner, vocab, kv = 256, 512, 1000, heads // groups
    reading = changed(
        hidden_size=hidden,
        intermediate_size=inner,
        vocab_size=vocab,
        num_attention_heads=heads,
        num_key_value_heads=kv,
        head_dim=width,
        num_hidden_layers=layers,
        attention_bias=biased,
        tie_word_embeddings=tied,
    )
    projections = 2 * hidden * (heads + kv) * width + biased * ((heads + 2 * kv) * width + hidden)
    layer = projections + 3 * hidden * inner + 2 * hidden
    assert total_parameters(reading.model) == layers * layer + (1 if tied else 2) * vocab * hidden + hidden
    assert reading.confidence == "exact"


def test_no_key_value_heads_are_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"^model\.hf_config\.num_key_value_heads must be a divisor"):
        changed(num_key_value_heads=0)


@pytest.mark.parametrize("key", ["quantization_config", "compression_config"])
def test_quantization_that_is_no_object_is_refused(key: str) -> None:
    with pytest.raises(InvalidInputError, match=rf"^model\.hf_config\.{key} must be an object or null"):
        changed(**{key: "gptq"})
    assert changed(**{key: None}).quantization is None


def test_types_of_numbers_that_cannot_be_taken_as_they_are_make_a_guess() -> None:
    assert changed(torch_dtype="float16").model.dtype == "fp16"
    both = changed(torch_dtype="float16", dtype="float32")
    assert (both.model.dtype, both.confidence) == ("fp32", "approximate")
    assert changed(torch_dtype="float16", dtype="torch.float16").confidence == "exact"
    guessed = changed(torch_dtype="float8_e4m3fn")
    assert (guessed.model.dtype, guessed.confidence) == ("bf16", "approximate")
    quantized = {"torch_dtype": "float8_e4m3fn", "quantization_config": {"quant_method": "fp8"}}
    assert changed(**quantized).confidence == "exact"


@pytest.mark.parametrize(
    ("model_type", "key"),
    [("llama", "moe_latent_size"), ("deepseek_v3", "routed_expert_hidden_size"), ("unheard_of", "inner_dim")],
)
def test_a_width_that_is_not_read_is_refused_by_name(model_type: str, key: str) -> None:
    with pytest.raises(UnsupportedError, match=key) as refused:
        read_config({**without("architectures"), "model_type": model_type, key: 3584})
    assert refused.value.field == f"model.hf_config.{key}"


@pytest.mark.parametrize(
    ("model_type", "key"),
    [
        ("llama", "head_dim"),
        ("mistral", "head_dim"),
        ("qwen3_moe", "num_experts_per_tok"),
        ("deepseek_v3", "q_lora_rank"),
        ("hy_v4", "q_lora_rank"),
        ("gpt2", "n_inner"),
        ("falcon", "ffn_hidden_size"),
        ("opt", "word_embed_proj_dim"),
        ("recurrent_gemma", "lru_width"),
        ("rwkv", "attention_hidden_size"),
        ("zamba", "attention_head_dim"),
        ("olmo_hybrid", "linear_key_head_dim"),
        ("llama", "max_position_embeddings"),
    ],
)
@pytest.mark.parametrize("value", [0, -1])
def test_a_width_of_nothing_is_not_an_absent_one(model_type: str, key: str, value: int) -> None:
    with pytest.raises(InvalidInputError, match=key):
        read_config({"model_type": model_type, key: value})


def test_a_window_of_nothing_is_said() -> None:
    found = read_config({"model_type": "mistral", "sliding_window": 0})
    assert found.confidence == "approximate"
    assert any("sliding_window" in sentence for sentence in found.assumptions)


@pytest.mark.parametrize("kind", ["unheard_of", 7, ["yarn"]])
def test_a_scaling_of_positions_that_nobody_knows_is_named(kind: object) -> None:
    found = read_config(
        {**LLAMA, "max_position_embeddings": 4096, "rope_scaling": {"type": kind, "factor": 4.0}}
    )
    assert found.confidence == "approximate"
    assert any("rope type" in sentence for sentence in found.assumptions)


def test_a_format_of_experts_without_a_quantization_is_named() -> None:
    found = read_config({"model_type": "deepseek_v4", "expert_dtype": "fp4"})
    assert any("expert_dtype" in sentence for sentence in found.assumptions)


@pytest.mark.parametrize(
    ("further", "named"),
    [
        ({"rope_scaling": "yarn"}, "'yarn' is no object"),
        ({"rope_parameters": 7}, "'7' is no object"),
        ({"rope_scaling": {"rope_type": "yarn", "factor": -3}}, "factor '-3' of yarn"),
        ({"rope_scaling": {"rope_type": "dynamic", "factor": "x"}}, "factor 'x' of dynamic"),
        ({"rope_scaling": {"type": "linear"}}, "factor 'None' of linear"),
        ({"hidden_act": 3}, "hidden_act is not understood"),
        ({"text_config": {"hidden_size": 2048}}, "text_config is not understood"),
    ],
)
def test_values_that_cannot_be_right_are_named(further: dict[str, Any], named: str) -> None:
    sizes = {"hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = {"model_type": "llama", "vocab_size": 1000, "max_position_embeddings": 8192, **sizes}
    assert read_config(config).confidence == "exact"
    reading = read_config(config | further)
    assert reading.confidence == "approximate"
    assert any(named in line for line in reading.assumptions)


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "xlstm", "hidden_size": 4112, "num_heads": 16},
        {"model_type": "exaone4_5", "vision_config": {"hidden_size": 3600, "num_heads": 32}},
    ],
)
def test_heads_that_do_not_share_a_width_equally_are_refused(config: dict[str, Any]) -> None:
    """The classes build them, with norms or outputs of another width, and cannot run them."""
    with pytest.raises(InvalidInputError, match="num_heads must be a divisor"):
        read_config(config)


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("qwen3", "Qwen3Moe"),
        ("qwen2", "Qwen3"),
        ("gemma3_text", "Gemma2"),
        # classes of no type that is known
        ("llama", "LlamaV9"),
        ("qwen3", "Qwen3Wide"),
        ("deepseek_v3", "DeepseekV9"),
        ("mistral", "MistralSparse"),
    ],
)
def test_the_class_of_another_type_is_named(kind: str, named: str) -> None:
    """Engines choose by the class, transformers by the type; names that only begin alike are no excuse."""
    found = read_config({"model_type": kind, "architectures": [f"{named}ForCausalLM"]})
    assert found.confidence == "approximate"
    assert any(named in sentence for sentence in found.assumptions)


def test_an_unknown_class_of_ling_is_named() -> None:
    """Its family reads files by the class; the usual one stands for what it does not know."""
    sizes = {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
    sizes |= {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = {"model_type": "bailing_moe", "vocab_size": 100, **sizes}
    known = read_config({**config, "architectures": ["BailingMoeV2ForCausalLM"]})
    found = read_config({**config, "architectures": ["BailingMoeV9ForCausalLM"]})
    assert found.confidence == "approximate"
    assert [line for line in found.assumptions if line not in known.assumptions] == [
        "architectures names BailingMoeV9ForCausalLM, which is not the usual class of model_type 'bailing_moe'"
    ]


@pytest.mark.parametrize(
    ("kind", "named"),
    [("hunyuan_v1_moe", "HunYuanMoEV1"), ("kosmos-2.5", "Kosmos2_5"), ("gpt_oss", "GptOss")],
)
def test_the_usual_class_of_a_type_is_not_named(kind: str, named: str) -> None:
    sizes = {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "moe_topk": 2}
    found = read_config({"model_type": kind, "architectures": [f"{named}ForCausalLM"], **sizes})
    assert not any("architectures" in line for line in found.assumptions)


@pytest.mark.parametrize(("kind", "named"), [("gemma3_text", "Gemma3"), ("bailing_hybrid", "BailingMoeV2_5")])
def test_the_class_of_a_text_part_or_of_an_earlier_version_is_usual(kind: str, named: str) -> None:
    sizes = {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
    config: dict[str, Any] = {"model_type": kind, "architectures": [f"{named}ForCausalLM"]}
    assert read_config({**config, **({} if named == "Gemma3" else sizes)}).confidence == "exact"
