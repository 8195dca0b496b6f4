"""Readers of checkpoints with what the catalog holds for them."""

from collections.abc import Mapping
from functools import cache

from llm_calc.adapters.formats.catalog import format_catalog
from llm_calc.adapters.formats.keys import neutral_keys
from llm_calc.core.checkpoints.checkpoint import CheckpointFormat, checkpoint_format
from llm_calc.core.checkpoints.tables import FormatTables
from llm_calc.core.model import Model


@cache
def format_tables() -> FormatTables:
    """The catalog's number formats, and its keys of quantizers that change nothing."""
    return FormatTables(numbers=format_catalog().numbers, neutral=neutral_keys())


def recipe_from_quantization_config(config: Mapping[str, object], model: Model) -> CheckpointFormat:
    """The recipe that a checkpoint's ``quantization_config`` describes, tensor by tensor.

    Raises:
        InvalidInputError: an unknown method or impossible numbers, or no tensor that it names; names the key.
    """
    return checkpoint_format(config, model, format_tables())
