"""Words of a request in any case: names of engines as their projects write them, and of choices."""

import re
from collections.abc import Mapping
from functools import cache


def typed_name(name: object) -> object:
    """An engine's name as requests have it; what is none stays as it is.

    >>> typed_name("TensorRT-LLM"), typed_name("llama-cpp"), typed_name("tgi")
    ('trtllm', 'llama.cpp', 'tgi')
    """
    return _by_letters().get(_letters(name), name) if isinstance(name, str) else name


def typed_engine(value: object) -> object:
    """An engine part under the name that requests have for it."""
    if not isinstance(value, Mapping) or "name" not in value:
        return value
    return {**value, "name": typed_name(value["name"])}


def typed_word(word: object) -> object:
    """A choice in lower case, with underscores.

    >>> typed_word("On-Demand")
    'on_demand'
    """
    return re.sub(r"[\s-]+", "_", word.strip().casefold()) if isinstance(word, str) else word


@cache
def _by_letters() -> Mapping[str, str]:
    """Engines by all of their names; a service that only calculates loads no engine."""
    from llm_calc.core.engines import ENGINES

    names = ((name, [name, *engine.traits.written]) for name, engine in ENGINES.items())
    return {_letters(each): name for name, written in names for each in written}


def _letters(name: str) -> str:
    """A name without case and without what stands between its parts."""
    return re.sub(r"[\s._-]+", "", name.casefold())
