"""GGUF headers of real small files: whole, cut off anywhere, in parts, and broken."""

import base64
from fnmatch import fnmatchcase
from pathlib import Path

import gguf
import pytest
from gguf.constants import GGML_QUANT_SIZES
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_calc.adapters.formats.gguf_rows import architectures_file, file_types
from llm_calc.adapters.gguf_header import GgufFile, gguf_file, read_gguf_base64
from llm_calc.adapters.gguf_reader import read_gguf_header
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.memory import kv_cache_bytes, total_parameters, weights_bytes
from tests.adapters.gguf_bytes import (
    MIB,
    SIZES,
    Tensor,
    Value,
    attention,
    ends,
    feed_forward,
    header,
    keys_of,
    norms,
    read,
    small,
)
from tests.adapters.gguf_files import VOCAB, llama_parameters, write_llama


def file_of(path: Path, length: int | None = None) -> GgufFile:
    return gguf_file(read_gguf_header(path.read_bytes()[:length]))


@pytest.mark.parametrize("tied", [False, True])
def test_a_whole_header_is_exact(tmp_path: Path, *, tied: bool) -> None:
    file = file_of(write_llama(tmp_path / "tiny.gguf", tied=tied))
    assert (file.name, file.kind, file.model.head_tied) == ("Tiny Llama", "q4_k_m", tied)
    assert total_parameters(file.model) == llama_parameters(tied=tied)
    assert file.model.model_type == "llama"
    assert (file.doubts, file.notes) == ((), ())


def test_bytes_are_those_of_the_tensors(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "tiny.gguf")
    file = file_of(path)
    stored = file.stored_weights()
    assert stored is not None
    in_file = sum(int(t.n_bytes) for t in gguf.GGUFReader(path).tensors if t.name != "rope_freqs.weight")
    assert weights_bytes(file.model, stored.recipe) == in_file
    assert stored.words == "the file's own tensors: f32, q4_k, q6_k"


def test_a_header_that_ends_early_says_what_was_assumed(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "tiny.gguf", tokens=VOCAB)
    cut = path.read_bytes().index(b"blk.0.attn_norm")
    file = file_of(path, cut)
    assert file.stored_weights() is None
    assert any("ends before the list of tensors" in doubt for doubt in file.doubts)
    assert any("tied" in doubt for doubt in file.doubts)


def test_any_cut_is_read_or_refused_with_a_sentence(tmp_path: Path) -> None:
    data = write_llama(tmp_path / "tiny.gguf", tokens=20).read_bytes()
    for length in range(0, 3000, 7):
        try:
            file = gguf_file(read_gguf_header(data[:length]))
        except InvalidInputError as refused:
            assert refused.message.startswith("model.gguf_base64: ")  # noqa: PT017
        else:
            assert file.model.hidden == 256


def test_long_lists_are_passed_over(tmp_path: Path) -> None:
    whole = read_gguf_header(write_llama(tmp_path / "tiny.gguf", tokens=50_000).read_bytes())
    assert whole.values["tokenizer.ggml.tokens"] == 50_000
    assert whole.values["tokenizer.ggml.scores"] == 50_000
    assert whole.tensors is not None


def test_tensors_decide_where_keys_say_otherwise() -> None:
    file = read("llama", {**SIZES, "feed_forward_length": 96}, small())
    assert total_parameters(file.model) == sum(width for width in (2 * 6400, 64, 2 * (128 + 12_288 + 24_576)))


def test_keys_that_contradict_a_tensor_are_told() -> None:
    file = read("llama", {**SIZES, "attention.key_length": 32}, small())
    assert file.doubts == (
        "the keys say 128 elements of attn_q in a layer, the tensor has 64",
        "the keys say 64 outputs of attn_k in a layer, the tensor has 32",
    )


@pytest.mark.parametrize(
    ("keys", "lost", "said"),
    [
        ({"feed_forward_length": 64}, "", "feed_forward_length says 64 in a layer, ffn_up has 128"),
        ({}, "blk.1.ffn_down.weight", "a layer has one of ffn_up and ffn_down without the other"),
        (
            {"expert_count": 8, "expert_used_count": 2},
            "",
            "expert_count says 8; the file holds no tensor of experts",
        ),
    ],
)
def test_what_keys_and_tensors_do_not_say_alike_is_told(keys: dict[str, Value], lost: str, said: str) -> None:
    tensors = [each for each in small() if each[0] != lost]
    assert file_doubts({**SIZES, **keys}, tensors) == (said,)


def file_doubts(keys: dict[str, Value], tensors: list[Tensor]) -> tuple[str, ...]:
    return read("llama", keys, tensors).doubts


def test_layers_without_tensors_are_told() -> None:
    file = read("llama", {**SIZES, "block_count": 4}, small())
    assert file.doubts == ("block_count says 4 layers; the file holds no tensor of 2, layer 2 first",)


def test_a_key_that_is_not_understood_takes_exact_away() -> None:
    file = read("llama", {**SIZES, "num_loops": 4}, small())
    assert file.doubts == ("keys of the file that are not understood: num_loops",)


def test_an_architecture_of_tomorrow_is_read_by_its_tensors() -> None:
    file = read("tomorrow", SIZES, small())
    assert total_parameters(file.model) == total_parameters(read("llama", SIZES, small()).model)
    assert file.doubts == ("architecture 'tomorrow' is not known: read as if it were an ordinary decoder",)


MIXTURE: dict[str, Value] = {**SIZES, "expert_count": 8, "expert_used_count": 2}


def mixture_tensors() -> list[Tensor]:
    tensors = [each for each in small() if "ffn_" not in each[0] or "norm" in each[0]]
    for layer in range(2):
        tensors += feed_forward(f"blk.{layer}.", 64, 128, tail="_exps", experts=8)
        tensors.append((f"blk.{layer}.ffn_gate_inp.weight", (64, 8), "f32"))
    return tensors


def test_a_mixture_of_experts_takes_its_own_family() -> None:
    file = read("llama", MIXTURE, mixture_tensors())
    assert (file.model.model_type, file.model.num_experts) == ("mixtral", 8)
    assert file.doubts == ()


@pytest.mark.parametrize("used", [0, 9, None])
def test_experts_a_token_that_llama_cpp_does_not_load_are_refused(used: int | None) -> None:
    keys = {**MIXTURE, "expert_used_count": used} if used is not None else dict(MIXTURE)
    if used is None:
        del keys["expert_used_count"]
    with pytest.raises(InvalidInputError, match="expert_used_count: must be 1 to 8"):
        read("llama", keys, mixture_tensors())


def test_widths_that_keys_and_tensors_say_otherwise_are_told() -> None:
    file = read("llama", {**MIXTURE, "expert_count": 16}, mixture_tensors())
    assert file.doubts == ("expert_count says 16 in a layer, its tensors hold 8",)
    file = read("llama", {**SIZES, "feed_forward_length": 96}, small())
    assert file.doubts == ("feed_forward_length says 96 in a layer, ffn_up has 128",)


def test_layers_may_differ() -> None:
    tensors = [
        each for each in small() if each[0] != "blk.1.attn_k.weight" and each[0] != "blk.1.attn_v.weight"
    ]
    tensors += [(f"blk.1.attn_{name}.weight", (64, 64), "f16") for name in "kv"]
    file = read("deci", {**SIZES, "attention.head_count_kv": [2, 4]}, tensors)
    assert kv_cache_bytes(file.model, 10) == 2 * 2 * 16 * (2 + 4) * 10


def test_short_convolutions_between_attention() -> None:
    """LFM2-1.2B: 384 MiB of cache at 32 768 tokens in 16 bits, 1 170 340 608 parameters."""
    heads: list[int] = [0, 0, 8, 0, 0, 8, 0, 0, 8, 0, 8, 0, 8, 0, 8, 0]
    tensors: list[Tensor] = [("token_embd.weight", (2048, 65536), "f16"), *norms("", 2048, "token_embd_norm")]
    for layer, kv in enumerate(heads):
        prefix = f"blk.{layer}."
        tensors += norms(prefix, 2048, "attn_norm", "ffn_norm") + feed_forward(prefix, 2048, 8192)
        if kv:
            tensors += attention(prefix, 2048, 2048, 512) + norms(prefix, 64, "attn_q_norm", "attn_k_norm")
        else:
            tensors.append((f"{prefix}shortconv.conv.weight", (3, 2048), "f32"))
            tensors.append((f"{prefix}shortconv.in_proj.weight", (2048, 6144), "f16"))
            tensors.append((f"{prefix}shortconv.out_proj.weight", (2048, 2048), "f16"))
    sizes: dict[str, Value] = {"block_count": 16, "embedding_length": 2048, "feed_forward_length": 8192}
    sizes |= {"attention.head_count": 32, "attention.head_count_kv": heads, "shortconv.l_cache": 3}
    file = read("lfm2", sizes, tensors)
    assert total_parameters(file.model) == 1_170_340_608
    assert 384 * MIB < kv_cache_bytes(file.model, 32768) < 384.2 * MIB
    assert file.doubts == ()


@pytest.mark.parametrize(("kind", "bits"), [("q1_0", 1.125), ("q2_0", 2.25)])
def test_types_of_2026(kind: str, bits: float) -> None:
    file = read("llama", {**SIZES, "embedding_length": 128}, small(kind, hidden=128))
    stored = file.stored_weights()
    assert stored is not None
    assert stored.recipe.default.bits_per_element == bits


def test_prediction_blocks_are_told_and_not_counted() -> None:
    sizes: dict[str, Value] = {**SIZES, "block_count": 3, "nextn_predict_layers": 1}
    file = read("glm4moe", sizes, small(layers=3))
    assert (file.model.num_layers, total_parameters(file.model)) == (
        2,
        total_parameters(read("glm4moe", SIZES, small()).model),
    )
    assert "guess further tokens" in file.notes[0]


def test_types_are_those_of_the_library() -> None:
    kinds = [kind for kind in gguf.GGMLQuantizationType if kind.name not in NEVER_STORED]
    library = {int(kind): (kind.name.lower(), *GGML_QUANT_SIZES[kind]) for kind in kinds}
    ours = {number: (kind.name, kind.elements, kind.bytes) for number, kind in file_types().types.items()}
    assert {**ours, **library} == ours
    for kind in gguf.LlamaFileType:
        if kind.name != "GUESSED":
            assert file_types().kind(int(kind)) is not None


NEVER_STORED = ("Q8_1", "Q8_K")
GOOD = header(keys_of("llama", SIZES), small())
NUMBER, LISTS = b"\x04\0\0\0\x02\0\0\0", b"\x09\0\0\0\x09\0\0\0"
NAME, NO_TEXT = b"\x05\0\0\0\0\0\0\0llama", b"\x05\0\0\0\0\0\0\0\xff\xfeama"


def wrong(architecture: str = "llama", **sizes: Value) -> bytes:
    return header(keys_of(architecture, {**SIZES, **sizes}), small())


BROKEN = {
    "zero tensors": (header(keys_of("llama", SIZES), []), "lists no tensors"),
    "a list of lists": (GOOD.replace(NUMBER, LISTS, 1), "list of lists"),
    "no UTF-8": (GOOD.replace(NAME, NO_TEXT, 1), "not UTF-8"),
    "a type of tomorrow": (GOOD[:-12] + b"\x63\0\0\0" + bytes(8), "unknown type 99"),
    "another order of bytes": (b"GGUF\0\0\0\x03" + bytes(40), "in the other order"),
    "too many tensors": (b"GGUF\x03\0\0\0" + b"\xff" * 7 + bytes(33), "tensors; at most"),
    "no blocks": (header(keys_of("llama", SIZES), ends(64, 100)), "no block"),
    "no layers": (wrong(block_count=0), "block_count: must be 1 to"),
    "text for a number": (wrong(block_count="x"), "whole number"),
    "towers": (wrong("clip"), "generates no text"),
    "another width": (wrong(embedding_length=32), "embedding_length: is 32"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_refused_with_its_reason(name: str) -> None:
    data, reason = BROKEN[name]
    with pytest.raises(InvalidInputError, match=reason):
        read_gguf_base64(base64.b64encode(data).decode())


WHOLE = header(keys_of("llama", SIZES, general__name="x"), small())


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_changed_bytes_are_read_or_refused_in_a_sentence(changes: list[tuple[int, int]]) -> None:
    data = bytearray(WHOLE)
    for at, value in changes:
        data[at] = value
    try:
        gguf_file(read_gguf_header(bytes(data)))
    except InvalidInputError as refused:
        assert refused.message.startswith("model.gguf_base64: ")  # noqa: PT017


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_behind_the_magic_are_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(InvalidInputError, match=r"model\.gguf_base64: "):
        gguf_file(read_gguf_header(b"GGUF\x03\0\0\0" + data))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not base64!", "must be base64"),
        (base64.b64encode(b"PK\x03\x04" * 20).decode(), "must be the first bytes of a GGUF file"),
        (base64.b64encode(b"GGUF" + b"\xff" * 60).decode(), "not a GGUF header|architecture"),
        (base64.b64encode(b"GGUF").decode(), "must be the first bytes"),
    ],
)
def test_what_is_no_header_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        read_gguf_base64(text)


def test_architectures_of_the_library_are_all_placed() -> None:
    file = architectures_file()
    read_ones = {*file.architectures, *file.by_tensors.names, *file.own_ways}
    for name in gguf.MODEL_ARCH_NAMES.values():
        generates = not any(fnmatchcase(name, each) for each in file.no_generators.names)
        assert (name in read_ones) == generates, name


@pytest.mark.parametrize("name", architectures_file().architectures)
def test_architectures_are_those_of_the_library(name: str) -> None:
    assert name in gguf.MODEL_ARCH_NAMES.values()
