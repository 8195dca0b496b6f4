"""Small real GGUF files, written by the gguf library."""

from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf.constants import GGML_QUANT_SIZES

HIDDEN, WIDE, LAYERS, HEADS, KV_HEADS, VOCAB = 256, 512, 2, 4, 2, 1000


def quantized(writer: gguf.GGUFWriter, name: str, rows: int, cols: int, kind: Type) -> None:
    """A matrix of ``cols`` outputs with ``rows`` numbers each, all zero bytes of its type."""
    block, size = GGML_QUANT_SIZES[kind]
    if kind == Type.F32:
        writer.add_tensor(name, np.zeros((cols, rows), dtype=np.float32))
    else:
        data = np.zeros((cols, rows // block * size), dtype=np.uint8)
        writer.add_tensor(name, data, raw_dtype=kind)


def write_llama(path: Path, *, tied: bool = False, tokens: int = VOCAB, architecture: str = "llama") -> Path:
    """A Llama of two layers as llama.cpp makes a ``q4_k_m`` file of it."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("Tiny Llama")
    writer.add_block_count(LAYERS)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(WIDE)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_context_length(4096)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_K_M)
    writer.add_token_list([f"token{index}" for index in range(tokens)])
    writer.add_token_scores([0.0] * tokens)
    write_tensors(writer, tied=tied)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write_tensors(writer: gguf.GGUFWriter, *, tied: bool) -> None:
    """Embedding, two layers with more bits for values and down projections, norm and head."""
    kv = HIDDEN * KV_HEADS // HEADS
    quantized(writer, "token_embd.weight", HIDDEN, VOCAB, Type.Q6_K if tied else Type.Q4_K)
    for layer in range(LAYERS):
        prefix = f"blk.{layer}."
        for norm in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"{prefix}{norm}.weight", np.zeros(HIDDEN, dtype=np.float32))
        quantized(writer, f"{prefix}attn_q.weight", HIDDEN, HIDDEN, Type.Q4_K)
        quantized(writer, f"{prefix}attn_k.weight", HIDDEN, kv, Type.Q4_K)
        quantized(writer, f"{prefix}attn_v.weight", HIDDEN, kv, Type.Q6_K if layer else Type.Q4_K)
        quantized(writer, f"{prefix}attn_output.weight", HIDDEN, HIDDEN, Type.Q4_K)
        quantized(writer, f"{prefix}ffn_gate.weight", HIDDEN, WIDE, Type.Q4_K)
        quantized(writer, f"{prefix}ffn_up.weight", HIDDEN, WIDE, Type.Q4_K)
        quantized(writer, f"{prefix}ffn_down.weight", WIDE, HIDDEN, Type.Q6_K)
    writer.add_tensor("output_norm.weight", np.zeros(HIDDEN, dtype=np.float32))
    writer.add_tensor("rope_freqs.weight", np.zeros(32, dtype=np.float32))
    if not tied:
        quantized(writer, "output.weight", HIDDEN, VOCAB, Type.Q6_K)


def llama_parameters(*, tied: bool = False) -> int:
    """Parameters of that file, counted by hand."""
    kv = HIDDEN * KV_HEADS // HEADS
    layer = 2 * HIDDEN + 2 * HIDDEN * HIDDEN + 2 * HIDDEN * kv + 3 * HIDDEN * WIDE
    return LAYERS * layer + HIDDEN + (1 if tied else 2) * VOCAB * HIDDEN
