"""From the precision part of a request to the number formats of a calculation, by the catalog's formats."""

import json
from collections.abc import Mapping
from functools import cache, lru_cache

from llm_calc.adapters.formats.catalog import format_catalog
from llm_calc.adapters.formats.gguf_rows import tensor_names
from llm_calc.adapters.formats.recipes import find_recipe, number_format, recipe_for
from llm_calc.adapters.formats.stored import recipe_from_quantization_config
from llm_calc.core.checkpoints.checkpoint import CheckpointFormat
from llm_calc.core.checkpoints.recipes import precision
from llm_calc.core.checkpoints.recipes.precision import Book, FormatWishes, Precision, StoredWeights
from llm_calc.core.model import Model


@cache
def book() -> Book:
    """What the catalog knows of formats."""
    return Book(
        catalog=format_catalog(),
        number=number_format,
        find=find_recipe,
        recipe=recipe_for,
        read=checkpoint_format,
        prediction_blocks=tensor_names().prediction_blocks,
    )


def resolve_precision(
    model: Model,
    wishes: FormatWishes,
    quantization: Mapping[str, object] | None = None,
    stored: StoredWeights | None = None,
) -> Precision:
    """The formats of a calculation; ``stored``: weights that are known tensor by tensor already.

    Raises:
        UnknownNameError: a format that the catalog does not hold.
        InvalidInputError: a ``quantization_config`` that cannot be read, where it is needed.
    """
    return precision.resolve_precision(book(), model, wishes, quantization, stored)


def stored_weights(
    model: Model,
    name: str | None,
    quantization: Mapping[str, object] | None = None,
    engine: str | None = None,
) -> StoredWeights:
    """How the weights are stored: as asked for, else as the checkpoint says, else in the model's own type.

    Raises:
        UnknownNameError: a format that the catalog does not hold.
        InvalidInputError: a ``quantization_config`` that cannot be read, where no format was asked for.
    """
    return precision.stored_weights(book(), model, name, quantization, engine)


def checkpoint_format(quantization: Mapping[str, object], model: Model) -> CheckpointFormat:
    """What a ``quantization_config`` says of a model; equal content is read once.

    Raises:
        InvalidInputError: it cannot be read; names the key.
    """
    return _read(json.dumps(dict(quantization)), model)


@lru_cache(maxsize=256)
def _read(text: str, model: Model) -> CheckpointFormat:
    return recipe_from_quantization_config(json.loads(text), model)
