"""Words of a request in any case: names of engines as their projects write them, and of choices."""

import re
from collections.abc import Mapping

_OTHERWISE = {
    "vllm": "vllm",
    "sglang": "sglang",
    "trtllm": "trtllm",
    "tensorrtllm": "trtllm",
    "llamacpp": "llama.cpp",
    "llamaserver": "llama.cpp",
    "mlx": "mlx",
    "mlxlm": "mlx",
    "generic": "generic",
}
"""Names of engines without case and what stands between their parts, and the names that they have here."""


def typed_name(name: object) -> object:
    """An engine's name as requests have it; what is none stays as it is.

    >>> typed_name("TensorRT-LLM"), typed_name("llama-cpp"), typed_name("tgi")
    ('trtllm', 'llama.cpp', 'tgi')
    """
    return _OTHERWISE.get(re.sub(r"[\s._-]+", "", name.casefold()), name) if isinstance(name, str) else name


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
