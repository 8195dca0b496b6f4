"""Flags of engines that say the format of the cache, brought to the precision of a request."""

from typing import Any

from pydantic import BaseModel

from llm_calc.core.engines import traits_of
from llm_calc.core.errors import InvalidInputError


def with_cache_flag(data: object) -> object:
    """A request that has no layout: what its engine's flag says of the cache is brought to the precision.

    Raises:
        InvalidInputError: both say something and differ; names both.
    """
    engine = plain(data.get("engine")) if isinstance(data, dict) else {}
    name, stated = engine.get("name"), engine.pop("kv_cache_dtype", None)
    if (
        not isinstance(data, dict)
        or not isinstance(name, str)
        or stated is None
        or not traits_of(name).options.cache_types
    ):
        return data
    return {**data, "engine": engine, "precision": with_cache(data.get("precision"), str(stated), name)}


def with_cache(part: object, stated: str, engine: str) -> dict[str, Any]:
    """The precision with what a flag says of the cache.

    Formats with a scale for each token and head take more room than those that they resemble, and are not taken for
    them.

    Raises:
        InvalidInputError: no such type, or the precision says another.
    """
    known = traits_of(engine).options.cache_types
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
