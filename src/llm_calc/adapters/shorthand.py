"""Short forms of a request's parts, for people who write them by hand.

``model="llama-3.1-8b"`` or a path, ``hardware="2x h100-80gb-sxm"`` or ``"rtx-4090, rtx-3090"``,
``precision="fp8"``, ``engine="vllm"``: each stands for the part that the service takes.
The service itself takes parts only.
"""

import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from llm_calc.adapters.gpu_counts import read_counted
from llm_calc.adapters.model_files import GGUF_HEAD_BYTES, described, model_part

Fields = dict[str, Any]

_SEVERAL = re.compile(r"\s*,\s*|\s+\+\s+")
_LISTS = ("scenarios", "measurements")


def expanded(fields: Mapping[str, Any], gguf_head_bytes: int = GGUF_HEAD_BYTES) -> Fields:
    """The fields of a request with every short form replaced by its part; the rest stays as it is.

    A sweep of ``calculate``, whose requests have no parts, has no short forms either.

    Raises:
        InvalidInputError: a model's file that cannot be read.
    """
    if fields.get("target") == "calculate":
        return dict(fields)
    return {name: _expanded_field(name, value, gguf_head_bytes) for name, value in fields.items()}


def _expanded_field(name: str, value: object, gguf_head_bytes: int) -> object:
    if name in _LISTS and isinstance(value, (list, tuple)):
        return [expanded(each, gguf_head_bytes) if isinstance(each, Mapping) else each for each in value]
    if (
        name == "hardware"
        and isinstance(value, (list, tuple))
        and value
        and all(isinstance(each, str) for each in value)
    ):
        return _hardware(",".join(value))
    if name == "base" and isinstance(value, Mapping):
        return expanded(value, gguf_head_bytes)
    forms: Mapping[str, Callable[[Any], object]] = {
        "model": partial(_model, gguf_head_bytes=gguf_head_bytes),
        "hardware": _hardware,
        "precision": lambda text: {"weights": text},
        "engine": lambda text: {"name": text},
    }
    is_config = (
        name == "model" and isinstance(value, Mapping) and ("name" not in value or "model_type" in value)
    )
    is_short = is_config or isinstance(value, (str, os.PathLike))
    return forms[name](value) if is_short and name in forms else value


def _model(value: str | os.PathLike[str] | Mapping[str, Any], gguf_head_bytes: int) -> Fields:
    """A name, a path (as ``Path``, so that no name is taken for one), a config.json, or a part."""
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, Mapping):
        return described(value)
    return model_part(Path(value), gguf_head_bytes)


def _hardware(text: str) -> Fields | list[Fields]:
    """``gpu`` or ``count x gpu``; several, joined by commas or ``+``, are GPUs of several kinds."""
    parts = [_gpus(part) for part in _SEVERAL.split(text) if part.strip()]
    return parts if len(parts) > 1 else _gpus(text)


def _gpus(text: str) -> Fields:
    read = read_counted(text.strip())
    return (
        {"gpu": read.gpu, "count": read.count} if read.count and read.gpu in text else {"gpu": text.strip()}
    )
