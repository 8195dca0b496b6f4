"""The inspection's figures: identities, published numbers, definitions."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import llm_calc
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.documented.listings import available_models
from llm_calc.adapters.formats import format_names
from llm_calc.adapters.inspection import inspect_model, plain
from llm_calc.adapters.model_source import served_model
from llm_calc.adapters.wire.inspect import FlopsByComponent, InspectRequest, InspectResponse
from llm_calc.adapters.wire.parts import ModelPart
from llm_calc.core.errors import UnsupportedError

GIB = 2**30


def inspected(**body: Any) -> InspectResponse:
    return inspect_model(InspectRequest.model_validate(body), load_catalogs())


def components(flops: FlopsByComponent) -> int:
    return sum(value for name, value in flops.model_dump().items() if name not in ("total", "scan"))


def test_llama2_7b() -> None:
    answer = inspected(
        model={"name": "llama2-7b"},
        precision={"weights": "fp16", "kv_cache": "fp16"},
        workload={"input_tokens": 2048},
        context_tokens=[2048],
    )
    assert answer.confidence == "exact"
    assert answer.parameters.total == answer.parameters.active == 6_738_415_616
    assert answer.weights_bytes == 2 * 6_738_415_616
    assert answer.kv_cache.bytes_per_token == 2 * 32 * 4096 * 2
    assert answer.kv_cache.bytes_at == {"2048": GIB}
    # 2 FLOPs a multiply-add: four projections, three matrices of the MLP, S x S scores and values, every logit.
    per_layer = 2 * 2048 * (4 * 4096**2 + 3 * 4096 * 11008) + 4 * 2048**2 * 4096
    assert answer.flops.prefill.total == 32 * per_layer + 2 * 2048 * 4096 * 32000
    executed = answer.flops_executed.prefill
    assert executed.lm_head == 2 * 4096 * 32000
    assert executed.attention_scores == 32 * 4 * 4096 * 2048 * 2049 // 2


def test_lists_and_inspections_say_the_same_of_how_sure_an_architecture_is() -> None:
    catalogs = load_catalogs()
    listed = {row["name"]: row["confidence"] for row in available_models(catalogs)}
    assert listed["kolibri-1"] == "approximate"  # its config.json was not read
    assert listed["llama-3.1-8b"] == "exact"
    for entry in catalogs.models:
        assert listed[entry.name] == served_model(ModelPart(name=entry.name), catalogs).confidence, entry.name


def test_deepseek_v3() -> None:
    answer = inspected(model={"name": "deepseek-v3"})
    assert answer.parameters.total == 671_026_404_352
    assert answer.parameters.active == pytest.approx(37.55e9, rel=1e-3)
    assert answer.kv_cache.bytes_per_token == 61 * (512 + 64) * 2
    assert list(answer.kv_cache.by_layer_kind) == ["latent"]
    assert answer.precision.weights == "fp8-block"
    assert "61 layers with latent attention of 128 heads, 576 elements cached a token" in answer.architecture
    assert (
        "58 layers with 256 experts of width 2048, 8 a token and shared ones of width 2048"
        in answer.architecture
    )
    # Absorbed: a decode step costs two FLOPs an active parameter and head, and the scores; not the whole cache anew.
    assert answer.flops_executed.decode.total < answer.flops.decode.total / 10


def test_windows_bound_the_cache() -> None:
    answer = inspected(model={"name": "gpt-oss-20b"}, context_tokens=[100, 1000, 2000])
    kinds = answer.kv_cache.by_layer_kind
    assert kinds["sliding"].window_tokens == [128]
    assert kinds["sliding"].layers == kinds["full"].layers == 12
    sizes = answer.kv_cache.bytes_at
    growth = answer.kv_cache.bytes_per_token_beyond_windows
    assert sizes["2000"] - sizes["1000"] == 1000 * growth
    assert sizes["100"] == 100 * answer.kv_cache.bytes_per_token


def test_recurrent_state_is_constant() -> None:
    answer = inspected(model={"name": "qwen3-next-80b-a3b"}, context_tokens=[1])
    state = answer.kv_cache.state_bytes_per_sequence
    assert state == answer.kv_cache.by_layer_kind["state"].state_bytes_per_sequence > 0
    assert answer.kv_cache.bytes_at["1"] == state + answer.kv_cache.bytes_per_token
    assert "recurrent mixer" in answer.architecture


@pytest.mark.parametrize(
    "name", ["llama-3.1-8b", "mixtral-8x7b", "gemma-3-27b", "gpt-oss-20b", "qwen3-next-80b-a3b", "gpt2"]
)
def test_parts_add_up(name: str) -> None:
    answer = inspected(model={"name": name}, precision={"weights": "q4_k_m"})
    assert sum(answer.parameters.by_component.values()) == answer.parameters.total
    assert sum(share.bytes for share in answer.weights_by_format) == pytest.approx(
        answer.weights_bytes, abs=8
    )
    assert sum(share.parameters for share in answer.weights_by_format) == answer.parameters.total
    assert sum(kind.bytes_per_token for kind in answer.kv_cache.by_layer_kind.values()) == pytest.approx(
        answer.kv_cache.bytes_per_token
    )
    for phases in (answer.flops, answer.flops_executed):
        for flops in (phases.prefill, phases.decode):
            assert components(flops) == flops.total


def test_a_static_batch_counts_whole() -> None:
    one = inspected(model={"name": "llama2-7b"}, workload={"input_tokens": 64})
    eight = inspected(model={"name": "llama2-7b"}, workload={"input_tokens": 64, "batch": 8})
    assert eight.flops.prefill.total == 8 * one.flops.prefill.total
    assert eight.flops.decode.total == 8 * one.flops.decode.total
    assert eight.flops_executed.prefill.total == 8 * one.flops_executed.prefill.total


def test_default_contexts_stay_within_the_model() -> None:
    assert list(inspected(model={"name": "llama2-7b"}).kv_cache.bytes_at) == ["1024", "2048", "4096"]


def test_engine_decides_what_auto_is() -> None:
    body: dict[str, Any] = {"model": {"name": "llama-3.1-8b"}, "precision": {"weights": "fp8"}}
    assert inspected(**body).precision.kv_cache == "bf16"
    assert inspected(**body, engine={"name": "trtllm"}).precision.kv_cache == "fp8"


def test_guesses_are_approximate() -> None:
    config = {**load_catalogs().model("llama-3.1-8b").config}
    config["quantization_config"] = {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION"}
    answer = inspected(model={"hf_config": config})
    assert answer.confidence == "approximate"
    assert "quantized_layers" in answer.assumptions[0]
    assert inspected(model={"hf_config": config}, precision={"weights": "bf16"}).confidence == "approximate"


def test_a_prefix_cache_is_not_counted() -> None:
    answer = inspected(model={"name": "llama2-7b"}, workload={"prefix_cache_hit_fraction": 0.5})
    assert "prefix_cache_hit_fraction" in answer.warnings[0]


@pytest.mark.parametrize("name", format_names())
def test_every_format_has_its_bits(name: str) -> None:
    answer = inspected(model={"name": "llama-3.1-8b"}, precision={"weights": name})
    assert 1.4 < answer.bits_per_weight <= 32.0
    assert answer.bits_per_weight == pytest.approx(
        8 * answer.weights_bytes / answer.parameters.total, abs=1e-4
    )


@given(
    tokens=st.integers(1, 10**6),
    more=st.integers(1, 10**6),
    name=st.sampled_from(["gemma-3-4b", "deepseek-v3"]),
)
def test_cache_and_flops_never_fall_with_length(tokens: int, more: int, name: str) -> None:
    short = inspected(
        model={"name": name}, workload={"input_tokens": tokens}, context_tokens=[tokens, tokens + more]
    )
    long = inspected(model={"name": name}, workload={"input_tokens": tokens + more}, context_tokens=[tokens])
    assert short.kv_cache.bytes_at[str(tokens)] <= short.kv_cache.bytes_at[str(tokens + more)]
    assert short.flops.prefill.total < long.flops.prefill.total
    assert short.flops_executed.prefill.total <= short.flops.prefill.total


@pytest.mark.parametrize(("value", "shown"), [(8.0, 8), (8, 8), (1 / 3, 0.333333)])
def test_whole_numbers_are_integers(value: float, shown: float) -> None:
    assert plain(value) == shown
    assert isinstance(plain(value), type(shown))


@pytest.mark.parametrize(
    ("engine", "bytes_per_token"),
    [
        # 32 layers, 8 heads of 128, keys and values: 65 536 numbers a token; q8_0 has a 16-bit scale for 32 of them.
        ({"name": "vllm", "kv_cache_dtype": "fp8"}, 65_536),
        ({"name": "llama.cpp", "cache_type_k": "q8_0", "cache_type_v": "q8_0"}, 65_536 * 34 // 32),
        ({"name": "llama.cpp", "cache_type_k": "q8_0"}, 131_072),
    ],
)
def test_the_cache_is_in_the_format_that_an_engine_is_told(
    engine: dict[str, Any], bytes_per_token: int
) -> None:
    answer = inspected(model={"name": "llama-3.1-8b"}, engine=engine)
    assert answer.kv_cache.bytes_per_token == bytes_per_token
    named = any("engine.cache_type_k" in words for words in answer.assumptions)
    assert named == (answer.precision.kv_cache == "fp16")


def test_images_lengthen_the_prompt_that_is_counted_for() -> None:
    """1920 x 1080 pixels are 2040 tokens of Qwen3-VL (its own processor's count); their encoder comes beside."""
    images = {"count": 2, "width": 1920, "height": 1080}
    seen = llm_calc.inspect_model(
        model="qwen3-vl-8b", workload={"input_tokens": 100, "output_tokens": 50, "images": images}
    )
    text = llm_calc.inspect_model(
        model="qwen3-vl-8b", workload={"input_tokens": 100 + 2 * 2040, "output_tokens": 50}
    )
    assert seen.flops == text.flops
    assert seen.kv_cache == text.kv_cache
    assert any("the encoder's" in words for words in seen.assumptions)
    with pytest.raises(UnsupportedError, match=r"workload\.images"):
        llm_calc.inspect_model(model="llama-3.1-8b", workload={"images": images})
