"""GGUF headers of real small files: whole, cut off anywhere, and broken."""

import base64
from pathlib import Path

import gguf
import numpy as np
import pytest

from llm_calc.adapters.architectures import read_config
from llm_calc.adapters.gguf_header import GgufFile, architectures_file, gguf_file, read_gguf_base64
from llm_calc.adapters.gguf_reader import read_gguf_header
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.memory import total_parameters, weights_bytes
from tests.adapters.gguf_files import VOCAB, llama_parameters, write_llama


def file_of(path: Path, length: int | None = None) -> GgufFile:
    return gguf_file(read_gguf_header(path.read_bytes()[:length]))


@pytest.mark.parametrize("tied", [False, True])
def test_a_whole_header_is_exact(tmp_path: Path, *, tied: bool) -> None:
    file = file_of(write_llama(tmp_path / "tiny.gguf", tied=tied))
    model = read_config(file.config).model
    assert (file.name, file.kind, model.head_tied) == ("Tiny Llama", "q4_k_m", tied)
    assert total_parameters(model) == llama_parameters(tied=tied)
    assert file.disagreements(model) == ()


def test_bytes_are_those_of_the_tensors(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "tiny.gguf")
    file = file_of(path)
    model = read_config(file.config).model
    stored = file.stored_weights(model)
    assert stored is not None
    in_file = sum(int(t.n_bytes) for t in gguf.GGUFReader(path).tensors if t.name != "rope_freqs.weight")
    assert weights_bytes(model, stored.recipe) == in_file
    assert stored.words == "the file's own tensors: f32, q4_k, q6_k"


def test_a_header_that_ends_early_says_what_was_assumed(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "tiny.gguf", tokens=VOCAB)
    whole = read_gguf_header(path.read_bytes())
    assert whole.tensors is not None
    cut = path.read_bytes().index(b"blk.0.attn_norm")
    file = file_of(path, cut)
    model = read_config(file.config).model
    assert file.tensors is None
    assert file.stored_weights(model) is None
    assert "ends before the list of tensors" in file.disagreements(model)[0]
    assert "tied" in file.assumptions[0]


def test_any_cut_is_read_or_refused_with_a_sentence(tmp_path: Path) -> None:
    data = write_llama(tmp_path / "tiny.gguf", tokens=20).read_bytes()
    for length in range(0, 3000, 7):
        try:
            file = gguf_file(read_gguf_header(data[:length]))
        except InvalidInputError as refused:
            assert refused.message.startswith("model.gguf_base64: ")  # noqa: PT017
        else:
            assert file.config["hidden_size"] == 256


def test_long_lists_are_passed_over(tmp_path: Path) -> None:
    header = read_gguf_header(write_llama(tmp_path / "tiny.gguf", tokens=50_000).read_bytes())
    assert header.values["tokenizer.ggml.tokens"] == 50_000
    assert header.values["tokenizer.ggml.scores"] == 50_000
    assert header.tensors is not None


def test_tensors_that_contradict_the_keys_are_told(tmp_path: Path) -> None:
    file = file_of(write_llama(tmp_path / "tiny.gguf"))
    model = read_config({**file.config, "intermediate_size": 768}).model
    assert "parameters, its keys describe" in file.disagreements(model)[0]


def test_a_mixture_of_experts_takes_its_own_family(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(tmp_path / "moe.gguf", "llama")
    for key, value in {
        "block_count": 2,
        "embedding_length": 64,
        "feed_forward_length": 128,
        "expert_count": 8,
    }.items():
        writer.add_uint32(f"llama.{key}", value)
    writer.add_uint32("llama.expert_used_count", 2)
    writer.add_uint32("llama.vocab_size", 100)
    writer.add_array("llama.attention.head_count", [4, 4])
    writer.add_tensor("x", np.zeros(1, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    config = file_of(tmp_path / "moe.gguf").config
    assert config["model_type"] == "mixtral"
    assert (config["num_local_experts"], config["num_experts_per_tok"]) == (8, 2)
    assert config["num_attention_heads"] == 4


def test_layers_that_differ_are_refused(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(tmp_path / "deci.gguf", "llama")
    writer.add_array("llama.attention.head_count_kv", [4, 8])
    writer.add_tensor("x", np.zeros(1, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(InvalidInputError, match="head_count_kv differs by layer"):
        file_of(tmp_path / "deci.gguf")


def test_latent_attention_takes_widths_apart() -> None:
    from llm_calc.adapters.gguf_types import GgufHeader

    values = {
        "general.architecture": "deepseek2",
        "deepseek2.block_count": 61,
        "deepseek2.embedding_length": 7168,
        "deepseek2.vocab_size": 129280,
        "deepseek2.feed_forward_length": 18432,
        "deepseek2.expert_feed_forward_length": 2048,
        "deepseek2.expert_count": 256,
        "deepseek2.expert_used_count": 8,
        "deepseek2.expert_shared_count": 1,
        "deepseek2.leading_dense_block_count": 3,
        "deepseek2.attention.head_count": 128,
        "deepseek2.attention.head_count_kv": 1,
        "deepseek2.attention.key_length": 576,
        "deepseek2.attention.key_length_mla": 192,
        "deepseek2.attention.value_length_mla": 128,
        "deepseek2.attention.q_lora_rank": 1536,
        "deepseek2.attention.kv_lora_rank": 512,
        "deepseek2.rope.dimension_count": 64,
        "general.file_type": 15,
    }
    file = gguf_file(GgufHeader(values=values, tensors=None))
    assert total_parameters(read_config(file.config).model) == 671_026_404_352


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


def test_unknown_architectures_list_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="'clip' is not one of command-r, deepseek2"):
        file_of(write_llama(tmp_path / "clip.gguf", architecture="clip"))


@pytest.mark.parametrize("name", architectures_file().architectures)
def test_architectures_are_those_of_the_library(name: str) -> None:
    assert name in gguf.MODEL_ARCH_NAMES.values()
