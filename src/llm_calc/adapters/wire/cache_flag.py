"""Flags of engines that say the format of the cache, brought to the precision of a request."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from llm_calc.core.errors import InvalidInputError

CACHE_TYPES: Mapping[str, Mapping[str, str]] = {
    "vllm": {
        "auto": "auto",
        "float16": "fp16",
        "bfloat16": "bf16",
        "nvfp4": "nvfp4",
        **dict.fromkeys(("fp8", "fp8_e4m3", "fp8_e5m2", "fp8_inc", "fp8_ds_mla"), "fp8"),
    },
    "sglang": {
        "auto": "auto",
        "bf16": "bf16",
        "bfloat16": "bf16",
        "nvfp4": "nvfp4",
        "mxfp8": "mxfp8",
        **dict.fromkeys(("fp8_e4m3", "fp8_e5m2"), "fp8"),
    },
    "trtllm": {"auto": "auto", "fp8": "fp8", "nvfp4": "nvfp4"},
    "mlx": {"auto": "auto"},
}
"""What each engine calls number formats of its cache, and what they are called here. Formats with a scale for each
token and head take more room than those that they resemble, and are not taken for them."""


def with_cache_flag(data: object) -> object:
    """A request that has no layout: what its engine's flag says of the cache is brought to the precision.

    Raises:
        InvalidInputError: both say something and differ; names both.
    """
    engine = plain(data.get("engine")) if isinstance(data, dict) else {}
    name, stated = engine.get("name"), engine.pop("kv_cache_dtype", None)
    if not isinstance(data, dict) or not isinstance(name, str) or stated is None or name not in CACHE_TYPES:
        return data
    return {**data, "engine": engine, "precision": with_cache(data.get("precision"), str(stated), name)}


def with_cache(part: object, stated: str, engine: str) -> dict[str, Any]:
    """The precision with what a flag says of the cache.

    Raises:
        InvalidInputError: no such type, or the precision says another.
    """
    known = CACHE_TYPES[engine]
    if stated not in known:
        msg = f"engine.kv_cache_dtype: must be one of {', '.join(known)}"
        raise InvalidInputError(msg, field="engine.kv_cache_dtype", accepted=list(known))
    precision, name = plain(part), known[stated]
    other = precision.get("kv_cache", "auto")
    other = known.get(other, other) if isinstance(other, str) else other
    if "auto" not in (other, name) and other != name:
        msg = (
            f"engine.kv_cache_dtype: {stated} is {name}, but precision.kv_cache says {other}; they must agree"
        )
        raise InvalidInputError(msg, field="engine.kv_cache_dtype")
    return {**precision, "kv_cache": other if name == "auto" else name}


def plain(part: object) -> dict[str, Any]:
    """A part as the mapping of what it states."""
    if isinstance(part, BaseModel):
        return part.model_dump(exclude_unset=True)
    return dict(part) if isinstance(part, dict) else {}
