"""``read_config``: a Hugging Face ``config.json`` as a model; equal content is read once."""

import json
from collections.abc import Mapping
from functools import lru_cache

from llm_calc.adapters.key_tables import key_tables
from llm_calc.core.architectures.fields import ROOT
from llm_calc.core.architectures.reading import Reading, read_values
from llm_calc.core.errors import InvalidInputError


def read_config(config: Mapping[str, object], *, name: str = "") -> Reading:
    """Reads a configuration as published.

    Raises:
        InvalidInputError: names the key under ``model.hf_config`` that is missing or cannot be right.
    """
    try:
        content = json.dumps(config)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"{ROOT} must be a JSON object: {error}", field=ROOT) from error
    return _read(content, name)


@lru_cache(maxsize=512)
def _read(content: str, name: str) -> Reading:
    values = json.loads(content)
    if not isinstance(values, dict) or not values:
        raise InvalidInputError(f"{ROOT} must be the object of a config.json", field=ROOT)
    return read_values(values, key_tables(), name=name)
