"""Keys of a GGUF header that its tensors contradict: llama.cpp does not load such a file, or reads it otherwise."""

import pytest

from llm_calc.adapters.gguf_header import gguf_file
from llm_calc.adapters.gguf_reader import read_gguf_header
from llm_calc.core.checkpoints.gguf.header import GgufHeader
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.memory import kv_cache_bytes, weights_bytes
from tests.adapters.gguf_bytes import (
    SIZES,
    Tensor,
    Value,
    ends,
    feed_forward,
    header,
    keys_of,
    norms,
    read,
    small,
)

BLOCKS = range(2)


def without(*names: str) -> list[Tensor]:
    return [each for each in small() if not each[0].startswith(names)]


def fused() -> list[Tensor]:
    """Queries of 4 heads, keys and values of 2, of 16 elements each, in one matrix: 64 + 32 + 32 outputs."""
    own = without(*(f"blk.{block}.attn_{each}." for block in BLOCKS for each in "qkv"))
    return [*own, *((f"blk.{block}.attn_qkv.weight", (64, 128), "f16") for block in BLOCKS)]


@pytest.mark.parametrize(
    ("keys", "tensors", "said"),
    [
        ({"attention.value_length": 32}, small(), "64 outputs of attn_v"),
        ({"attention.value_length": 32}, small(), "128 rows of attn_output"),
        ({"attention.head_count_kv": 4}, fused(), "192 outputs of attn_qkv in a layer, the tensor has 128"),
        ({}, without("blk.1.attn_k"), "no tensor of keys"),
        ({}, without("blk.1.ffn_"), "feed_forward_length says 128"),
        ({"feed_forward_length": [128, 256]}, small(), "feed_forward_length says 256"),
        ({}, [*without("blk.1.ffn_up"), ("blk.1.ffn_up.weight", (32, 128), "f16")], "64 rows of ffn_up"),
        ({}, [*without("output."), ("output.weight", (64, 120), "f16")], "120 tokens of width 64"),
        ({"attention.head_count_kv": [2, 2, 2]}, small(), "lists 3 layers"),
        ({"embedding_length": [64, 32]}, small(), "embedding_length differs by layer"),
        ({}, [*small(), ("blk.0.attn_q.weight.lora_a", (64, 8), "f32")], "attn_q.weight.lora_a"),
    ],
)
def test_what_tensors_contradict_is_named(keys: dict[str, Value], tensors: list[Tensor], said: str) -> None:
    assert any(said in doubt for doubt in read("llama", {**SIZES, **keys}, tensors).doubts)


def test_fused_attention_that_agrees_is_exact() -> None:
    assert read("phi3", SIZES, fused()).doubts == ()


LATENT: dict[str, Value] = {
    **SIZES,
    "attention.head_count_kv": 1,
    "attention.key_length": 40,
    "attention.value_length": 32,
    "attention.key_length_mla": 24,
    "attention.value_length_mla": 16,
    "attention.kv_lora_rank": 32,
    "rope.dimension_count": 8,
}


def latent() -> list[Tensor]:
    """4 heads; keys of 16 and 8 rotary elements, values of 16, a latent of 32."""
    found = ends(64, 100)
    for block in BLOCKS:
        prefix = f"blk.{block}."
        found += norms(prefix, 64, "attn_norm", "ffn_norm") + norms(prefix, 32, "attn_kv_a_norm")
        found += feed_forward(prefix, 64, 128)
        found += [
            (f"{prefix}attn_q.weight", (64, 96), "f16"),
            (f"{prefix}attn_kv_a_mqa.weight", (64, 40), "f16"),
            (f"{prefix}attn_k_b.weight", (16, 32, 4), "f16"),
            (f"{prefix}attn_v_b.weight", (32, 16, 4), "f16"),
            (f"{prefix}attn_output.weight", (64, 64), "f16"),
        ]
    return found


def test_latent_attention_is_held_against_its_tensors() -> None:
    """A token's latent has 32 + 8 elements in each of 2 layers: 160 bytes in 16 bits."""
    file = read("deepseek2", LATENT, latent())
    assert (file.doubts, kv_cache_bytes(file.model, 1000)) == ((), 160_000)
    wrong = read("deepseek2", {**LATENT, "attention.kv_lora_rank": 64}, latent()).doubts
    assert any("72 outputs of attn_kv_a_mqa" in doubt for doubt in wrong)
    assert any("attn_k_b" in doubt for doubt in wrong)
    whole = [each for each in latent() if "_b.weight" not in each[0]]
    whole += [(f"blk.{block}.attn_kv_b.weight", (32, 128), "f16") for block in BLOCKS]
    assert any("holds no attn_k_b" in doubt for doubt in read("deepseek2", LATENT, whole).doubts)


def test_widths_of_heads_may_differ_by_layer() -> None:
    """Keys of 16 and 32 elements, values of 16, 2 heads: 2 x (32 + 48) elements of 2 bytes a token."""
    keys: dict[str, Value] = {**SIZES, "attention.key_length": [16, 32], "attention.value_length": 16}
    tensors = without("blk.1.attn_q", "blk.1.attn_k")
    tensors += [("blk.1.attn_q.weight", (64, 128), "f16"), ("blk.1.attn_k.weight", (64, 64), "f16")]
    file = read("llama", keys, tensors)
    assert (file.doubts, kv_cache_bytes(file.model, 1000)) == ((), 320_000)


def test_a_pattern_of_windows_needs_a_size() -> None:
    """Without ``attention.sliding_window`` llama.cpp gives gemma3 no window: 2 layers of 64 elements of 2 bytes."""
    file = read("gemma3", {**SIZES, "attention.sliding_window_pattern": [True, False]}, small())
    assert kv_cache_bytes(file.model, 1000) == 256_000
    sized: dict[str, Value] = {**SIZES, "attention.sliding_window": 512}
    with pytest.raises(InvalidInputError, match=r"sliding_window_pattern: must list 2 layers; it lists 1"):
        read("gemma3", {**sized, "attention.sliding_window_pattern": [True]}, small())
    unlisted = read("mimo2", sized, small())
    assert any("without sliding_window_pattern" in doubt for doubt in unlisted.doubts)


def test_a_kind_of_file_that_no_tensor_has_is_not_its_name() -> None:
    """15 is q4_k_m; 2 x 36 864 elements of layers and two tables of 6400 in 2 bytes, 5 norms of 64 in 4."""
    file = read("llama", SIZES, small(), general__file_type=15)
    assert file.kind is None
    assert file.doubts == ("general.file_type says q4_k_m; the tensors are f16, f32, which were counted",)
    assert file.recipe is not None
    assert weights_bytes(file.model, file.recipe) == 2 * (2 * 6400 + 2 * 36_864) + 4 * 5 * 64
    assert read("llama", SIZES, small("q8_0"), general__file_type=7).kind == "q8_0"


def test_formats_that_neither_list_nor_kind_tells_are_said_to_be_guessed() -> None:
    file = gguf_file(GgufHeader(values=keys_of("llama", SIZES), tensors=None))
    assert any("general.file_type is missing" in doubt for doubt in file.doubts)


def parts(**second: Value) -> list[GgufHeader]:
    tensors = small()
    keys: dict[str, Value] = {"split.count": 2, "split.tensors.count": len(tensors)}
    other = {**keys, "split.no": 1, **{key.replace("__", "."): value for key, value in second.items()}}
    first = header({**keys_of("llama", SIZES), **keys, "split.no": 0}, tensors[:9])
    return [read_gguf_header(first), read_gguf_header(header(other, tensors[9:]))]


def test_parts_that_say_something_else_are_refused() -> None:
    assert gguf_file(*parts(general__architecture="llama")).doubts == ()
    for other in ({"general__architecture": "qwen3"}, {"split__tensors__count": 99}):
        with pytest.raises(InvalidInputError, match="parts of two files"):
            gguf_file(*parts(**other))
    one = read("llama", SIZES, small(), split__tensors__count=99)
    assert one.doubts == ("split.tensors.count says 99; the file lists 21 tensors, which were counted",)


MIXER: dict[str, Value] = {
    "block_count": 2,
    "embedding_length": 64,
    "attention.head_count": 0,
    "feed_forward_length": 0,
    "ssm.conv_kernel": 4,
    "ssm.inner_size": 128,
    "ssm.state_size": 16,
    "ssm.group_count": 1,
    "ssm.time_step_rank": 8,
}


def recurrent() -> list[Tensor]:
    """Mamba-2: 128 inner channels and 2 x 16 beside them in the convolution, 8 heads."""
    found = ends(64, 100)
    for block in BLOCKS:
        prefix = f"blk.{block}."
        found += norms(prefix, 64, "attn_norm") + norms(prefix, 128, "ssm_norm")
        found += [
            (f"{prefix}ssm_in.weight", (64, 128 + 160 + 8), "f16"),
            (f"{prefix}ssm_conv1d.weight", (4, 160), "f32"),
            (f"{prefix}ssm_a", (1, 8), "f32"),
            (f"{prefix}ssm_d", (1, 8), "f32"),
            (f"{prefix}ssm_out.weight", (128, 64), "f16"),
        ]
    return found


def test_a_recurrent_file_that_agrees_is_exact() -> None:
    assert read("mamba2", MIXER, recurrent()).doubts == ()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("ssm.conv_kernel", 3, "ssm_conv1d has 4"),
        ("ssm.inner_size", 256, "ssm_out has 128 rows"),
        ("ssm.state_size", 32, "192 channels of ssm_conv1d in a layer, the tensor has 160"),
        ("ssm.group_count", 2, "192 channels"),
    ],
)
def test_states_of_another_size_than_the_tensors_are_named(key: str, value: int, said: str) -> None:
    assert any(said in doubt for doubt in read("mamba2", {**MIXER, key: value}, recurrent()).doubts)


def test_a_state_without_its_convolution_is_named() -> None:
    without_it = [each for each in recurrent() if each[0] != "blk.1.ssm_conv1d.weight"]
    assert any("no ssm_conv1d" in doubt for doubt in read("mamba2", MIXER, without_it).doubts)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"tokenizer.ggml.tokens": ["a"] * 99}, "lists 99 tokens, token_embd.weight has 100"),
        ({"llama.vocab_size": 128}, "vocab_size says 128"),
    ],
)
def test_a_vocabulary_of_another_length_is_named(keys: dict[str, Value], said: str) -> None:
    same: dict[str, Value] = {"tokenizer.ggml.tokens": ["a"] * 100, "llama.vocab_size": 100}
    for given, expected in ((same, False), ({**same, **keys}, True)):
        own = {**keys_of("llama", SIZES), **given}
        doubts = gguf_file(read_gguf_header(header(own, small()))).doubts
        assert any(said in doubt for doubt in doubts) is expected


def test_a_file_without_its_last_norm_is_named() -> None:
    assert any("output_norm" in doubt for doubt in read("llama", SIZES, without("output_norm")).doubts)
