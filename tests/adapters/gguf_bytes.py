"""GGUF headers of any architecture, written byte by byte: full size, as nothing but the header is."""

import struct
from collections.abc import Mapping, Sequence

from llm_calc.adapters.gguf_header import GgufFile, gguf_file
from llm_calc.adapters.gguf_reader import read_gguf_header

TYPES = {
    "f32": 0,
    "f16": 1,
    "q4_0": 2,
    "q8_0": 8,
    "q4_k": 12,
    "q6_k": 14,
    "bf16": 30,
    "mxfp4": 39,
    "q1_0": 41,
    "q2_0": 42,
}
Tensor = tuple[str, tuple[int, ...], str]
Value = int | float | str | bool | list[int] | list[bool] | list[str]


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def value_bytes(value: Value) -> bytes:
    """A value with its kind before it."""
    if isinstance(value, list):
        first = value[0] if value else 0
        kind = 7 if isinstance(first, bool) else 8 if isinstance(first, str) else 4
        return struct.pack("<IIQ", 9, kind, len(value)) + b"".join(value_bytes(each)[4:] for each in value)
    if isinstance(value, bool):
        return struct.pack("<IB", 7, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + text(value)
    return struct.pack("<If", 6, value) if isinstance(value, float) else struct.pack("<II", 4, value)


def header(keys: Mapping[str, Value], tensors: Sequence[Tensor], version: int = 3) -> bytes:
    """The whole header, without the data behind it."""
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(keys))
    for name, value in keys.items():
        out += text(name) + value_bytes(value)
    for name, shape, kind in tensors:
        out += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, TYPES[kind], 0)
    return out


def keys_of(architecture: str, values: Mapping[str, Value], **others: Value) -> dict[str, Value]:
    """Keys with the architecture before them; ``others`` with dots for double underscores."""
    own: dict[str, Value] = {f"{architecture}.{name}": value for name, value in values.items()}
    return {
        "general.architecture": architecture,
        **own,
        **{k.replace("__", "."): v for k, v in others.items()},
    }


def norms(prefix: str, width: int, *names: str) -> list[Tensor]:
    return [(f"{prefix}{name}.weight", (width,), "f32") for name in names]


def attention(
    prefix: str, hidden: int, q: int, kv: int, kind: str = "f16", v: int | None = None
) -> list[Tensor]:
    """Query, key, value and output."""
    sizes = (
        ("attn_q", hidden, q),
        ("attn_k", hidden, kv),
        ("attn_v", hidden, v or kv),
        ("attn_output", q, hidden),
    )
    return [(f"{prefix}{name}.weight", (rows, cols), kind) for name, rows, cols in sizes]


def feed_forward(
    prefix: str, hidden: int, width: int, kind: str = "f16", tail: str = "", experts: int = 0
) -> list[Tensor]:
    """Gate, up and down; ``tail``: of the names; ``experts``: how many in one tensor."""
    stack = (experts,) if experts else ()
    sizes = (("ffn_gate", hidden, width), ("ffn_up", hidden, width), ("ffn_down", width, hidden))
    return [(f"{prefix}{name}{tail}.weight", (rows, cols, *stack), kind) for name, rows, cols in sizes]


def ends(hidden: int, vocab: int, kind: str = "f16", *, tied: bool = False) -> list[Tensor]:
    """Embedding, last norm and output."""
    head: list[Tensor] = [] if tied else [("output.weight", (hidden, vocab), kind)]
    return [("token_embd.weight", (hidden, vocab), kind), ("output_norm.weight", (hidden,), "f32"), *head]


MIB = 2**20
SIZES: dict[str, Value] = {
    "block_count": 2,
    "embedding_length": 64,
    "feed_forward_length": 128,
    "attention.head_count": 4,
    "attention.head_count_kv": 2,
    "vocab_size": 100,
}


def small(kind: str = "f16", layers: int = 2, hidden: int = 64) -> list[Tensor]:
    """The tensors of a Llama."""
    found = ends(hidden, 100, kind)
    for layer in range(layers):
        prefix = f"blk.{layer}."
        found += norms(prefix, hidden, "attn_norm", "ffn_norm")
        found += attention(prefix, hidden, hidden, hidden // 2, kind) + feed_forward(
            prefix, hidden, 128, kind
        )
    return found


def read(architecture: str, sizes: dict[str, Value], tensors: list[Tensor], **others: Value) -> GgufFile:
    return gguf_file(read_gguf_header(header(keys_of(architecture, sizes, **others), tensors)))
