"""A GGUF header's keys under the names of a configuration, for architectures that stand for a family of them."""

from typing import Any

from llm_calc.core.checkpoints.gguf.header import GgufHeader
from llm_calc.core.checkpoints.gguf.keys import FIELD, Keys
from llm_calc.core.checkpoints.gguf.tables import Architecture
from llm_calc.core.errors import InvalidInputError

WINDOW = "attention.sliding_window"


def config_of(row: Architecture, keys: Keys, header: GgufHeader) -> dict[str, Any]:
    """The configuration that the keys stand for.

    Raises:
        InvalidInputError: keys that are missing, differ by layer, or tell another kind of file.
    """
    missing = [name for name in row.needs if not keys.has(name)]
    if missing:
        raise keys.refuse(missing[0], "is missing: a file of another kind")
    is_mixture = bool(keys.raw("expert_count"))
    names = {**row.keys, **(row.experts if is_mixture else {})}
    windowed = row.window_model_type is not None and bool(keys.raw(WINDOW))
    if windowed:
        names["sliding_window"] = WINDOW
    found = {key: _single(keys, name) for key, name in names.items()}
    config = {key: value for key, value in found.items() if value is not None or key in row.nulls}
    if "vocab_size" not in config:
        config["vocab_size"] = _vocabulary(header)
    config["model_type"] = _family(row, is_mixture=is_mixture, windowed=windowed)
    if header.tensors is not None:
        tensors = {tensor.name for tensor in header.tensors}
        config["tie_word_embeddings"] = "output.weight" not in tensors
        config.update({key: name in tensors for key, name in row.flags.items()})
    return _latent(config)


def _family(row: Architecture, *, is_mixture: bool, windowed: bool) -> str:
    if windowed and row.window_model_type:
        return row.window_model_type
    return row.mixture_model_type if is_mixture and row.mixture_model_type else row.model_type


def _latent(config: dict[str, Any]) -> dict[str, Any]:
    """Latent attention: the file gives query width and rotary width, the configuration their difference."""
    width = config.pop("qk_head_dim", None)
    if width is not None:
        config["qk_nope_head_dim"] = width - config.get("qk_rope_head_dim", 0)
        config.pop("head_dim", None)
        config["num_key_value_heads"] = config.get("num_attention_heads")
    return config


def _single(keys: Keys, name: str) -> object:
    """A number; a list of equal ones counts as one."""
    value = keys.raw(name)
    if value is None:
        return None
    if isinstance(value, list) and len(set(value)) != 1:
        raise keys.refuse(name, "differs by layer; the list of tensors is needed")
    return keys.number(name)


def _vocabulary(header: GgufHeader) -> object:
    tokens = header.values.get("tokenizer.ggml.tokens")
    if tokens is not None:
        return tokens
    table = next((t for t in header.tensors or () if t.name == "token_embd.weight"), None)
    if table is None:
        msg = f"{FIELD}: ends before the vocabulary; more of the file is needed"
        raise InvalidInputError(msg, field=FIELD)
    return table.shape[-1]
