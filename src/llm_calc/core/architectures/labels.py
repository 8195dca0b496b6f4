"""What a file says of a model as a whole that is no size of it."""

from llm_calc.core.architectures.fields import QUANTIZATION_KEYS, Fields


def context_length(f: Fields) -> int | None:
    """Longest context that the file states."""
    key = next(
        (key for key in ("max_position_embeddings", "seq_length", "max_sequence_length") if f.known(key)),
        None,
    )
    return None if key is None else f.optional_int(key, least=1)


def dtype(f: Fields) -> str:
    """The 16 or 32 bit type that the weights were published in; bf16 where the file does not say."""
    names = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16"}
    found = [str(f.raw(key, None) or "").removeprefix("torch.") for key in ("dtype", "torch_dtype")]
    name = found[0] or found[1] or "bfloat16"
    if all(found) and found[0] != found[1]:
        f.assume(f"dtype {found[0][:40]!r} and torch_dtype {found[1][:40]!r} differ; dtype was followed")
    if name not in names and not any(f.given(key) for key in QUANTIZATION_KEYS):
        f.assume(f"dtype {name[:40]!r} is no 16 or 32 bit type; weights were taken as bf16")
    return names.get(name, "bf16")
