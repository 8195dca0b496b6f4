"""GGUF files in several parts, and those whose latent attention is split or not."""

import base64
from pathlib import Path

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.gguf_header import gguf_file, read_gguf_base64
from llm_calc.adapters.gguf_reader import read_gguf_header
from llm_calc.adapters.model_files import model_part
from llm_calc.adapters.model_source import source_model
from llm_calc.adapters.wire.parts import ModelPart
from llm_calc.core.checkpoints.gguf.header import GgufHeader
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.memory import kv_cache_bytes, total_parameters
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


def old_latent() -> tuple[dict[str, Value], list[Tensor]]:
    sizes: dict[str, Value] = {"block_count": 27, "embedding_length": 2048, "attention.head_count": 16}
    sizes |= {"attention.head_count_kv": 16, "attention.key_length": 192, "attention.value_length": 128}
    sizes |= {"attention.kv_lora_rank": 512, "rope.dimension_count": 64, "vocab_size": 102400}
    tensors = ends(2048, 102400)
    for layer in range(27):
        prefix = f"blk.{layer}."
        tensors += norms(prefix, 2048, "attn_norm", "ffn_norm") + feed_forward(prefix, 2048, 10944)
        shapes = (("attn_q", 2048, 3072), ("attn_kv_a_mqa", 2048, 576), ("attn_kv_b", 512, 4096))
        tensors += [(f"{prefix}{name}.weight", (rows, cols), "f16") for name, rows, cols in shapes]
        tensors += [
            (f"{prefix}attn_output.weight", (2048, 2048), "f16"),
            *norms(prefix, 512, "attn_kv_a_norm"),
        ]
    return sizes, tensors


def test_latent_attention_that_is_not_split_caches_all_heads() -> None:
    """DeepSeek-V2-Lite before April 2025: 8640 MiB at 32 768 tokens, as llama.cpp logs."""
    sizes, tensors = old_latent()
    assert kv_cache_bytes(read("deepseek2", sizes, tensors).model, 32768) == 8640 * MIB
    with pytest.raises(InvalidInputError, match="ends before the list of tensors"):
        gguf_file(GgufHeader(values=keys_of("deepseek2", sizes), tensors=None))


def test_latent_attention_takes_widths_apart() -> None:
    values = keys_of("deepseek2", LATENT, general__file_type=15)
    file = gguf_file(GgufHeader(values=values, tensors=None))
    assert total_parameters(file.model) == 671_026_404_352


LATENT: dict[str, Value] = {
    "block_count": 61,
    "embedding_length": 7168,
    "vocab_size": 129280,
    "feed_forward_length": 18432,
    "expert_feed_forward_length": 2048,
    "expert_count": 256,
    "expert_used_count": 8,
    "expert_shared_count": 1,
    "leading_dense_block_count": 3,
    "attention.head_count": 128,
    "attention.head_count_kv": 1,
    "attention.key_length": 576,
    "attention.key_length_mla": 192,
    "attention.value_length_mla": 128,
    "attention.q_lora_rank": 1536,
    "attention.kv_lora_rank": 512,
    "rope.dimension_count": 64,
}


QWEN: dict[str, Value] = {
    "block_count": 64,
    "embedding_length": 5120,
    "feed_forward_length": 25600,
    "attention.head_count": 64,
    "attention.head_count_kv": 8,
    "attention.key_length": 128,
    "attention.value_length": 128,
    "vocab_size": 151936,
}


def part(number: int, tensors: list[Tensor], total: int) -> GgufHeader:
    split: dict[str, Value] = {"split.count": 3, "split.no": number, "split.tensors.count": total}
    keys = {**keys_of("qwen3", QWEN, general__file_type=7), **split} if not number else split
    return read_gguf_header(header(keys, tensors))


def parts_of_qwen() -> list[GgufHeader]:
    """Qwen3-32B in q8_0: the embedding and blocks 0 to 20, 21 to 42, the rest."""
    lists: list[list[Tensor]] = [[], [], []]
    embedding, norm, head = ends(5120, 151936, "q8_0")
    for layer in range(64):
        prefix, at = f"blk.{layer}.", 0 if layer < 21 else 1 if layer < 43 else 2
        lists[at] += attention(prefix, 5120, 8192, 1024, "q8_0") + feed_forward(prefix, 5120, 25600, "q8_0")
        lists[at] += norms(prefix, 128, "attn_q_norm", "attn_k_norm") + norms(
            prefix, 5120, "attn_norm", "ffn_norm"
        )
    lists = [[embedding, *lists[0]], lists[1], [*lists[2], norm, head]]
    total = sum(len(each) for each in lists)
    return [part(number, each, total) for number, each in enumerate(lists)]


def test_one_part_of_several_says_so_and_infers_no_tie() -> None:
    file = gguf_file(parts_of_qwen()[0])
    assert total_parameters(file.model) == 32_762_123_264
    assert not file.model.head_tied
    assert any("this is shard 1 of 3" in doubt for doubt in file.doubts)


def test_all_parts_are_one_file_in_any_order() -> None:
    first, second, third = parts_of_qwen()
    file = gguf_file(third, first, second)
    assert total_parameters(file.model) == 32_762_123_264
    assert file.doubts == ()
    assert file.stored_weights() is not None


def test_parts_that_do_not_belong_together_are_refused() -> None:
    first, second, third = parts_of_qwen()
    for others in (
        (second, third),
        (first, first),
        (first, read_gguf_header(header(keys_of("llama", SIZES), small()))),
    ):
        with pytest.raises(InvalidInputError, match=r"model\.gguf_base64: "):
            gguf_file(*others)


def test_a_part_on_disk_takes_the_others_beside_it(tmp_path: Path) -> None:
    split: list[dict[str, Value]] = [{"split.count": 2, "split.no": number} for number in (0, 1)]
    tensors = small()
    keys = keys_of("llama", SIZES)
    whole = header(keys, tensors)
    (tmp_path / "tiny-00001-of-00002.gguf").write_bytes(header({**keys, **split[0]}, tensors[:9]))
    (tmp_path / "tiny-00002-of-00002.gguf").write_bytes(header(split[1], tensors[9:]))
    (tmp_path / "whole.gguf").write_bytes(whole)
    apart = model_part(tmp_path / "tiny-00002-of-00002.gguf")
    assert len(apart["gguf_base64"]) == 2
    model = read_gguf_base64(*apart["gguf_base64"]).model
    assert total_parameters(model) == total_parameters(gguf_file(read_gguf_header(whole)).model)
    (tmp_path / "whole.gguf").unlink()
    assert model_part(tmp_path) == apart


def test_a_request_takes_the_parts_as_a_list() -> None:
    split: list[dict[str, Value]] = [{"split.count": 2, "split.no": number} for number in (0, 1)]
    heads = [header({**keys_of("llama", SIZES), **split[0]}, small()[:9]), header(split[1], small()[9:])]
    part_of_request = ModelPart(gguf_base64=tuple(base64.b64encode(each).decode() for each in heads))
    source = source_model(part_of_request, load_catalogs())
    assert (source.confidence, source.model.num_layers) == ("exact", 2)
