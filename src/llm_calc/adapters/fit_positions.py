"""A context beyond a model's positions: a release of the same shape that has more of them, else a refusal."""

from collections.abc import Iterable

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.catalog.models import Checkpoint
from llm_calc.adapters.model_source import served_model
from llm_calc.adapters.variants import published
from llm_calc.adapters.wire.fitting import FitRequest
from llm_calc.adapters.wire.parts import ModelPart
from llm_calc.core.engines.positions import positions_of
from llm_calc.core.errors import UnsupportedError


def with_positions(request: FitRequest, catalogs: Catalogs) -> tuple[FitRequest, list[str]]:
    """The request of a release that has positions for its context, and in words which one that is.

    Raises:
        UnsupportedError: neither the model nor another release of its shape has so many.
    """
    model, asked = served_model(request.model, catalogs).model, request.context_tokens
    own = positions_of(model)
    if not own or asked <= own:
        return request, []
    longer = [each for each in _longer(request.model, catalogs) if (each.context_length_tokens or 0) > own]
    found = next((each for each in longer if (each.context_length_tokens or 0) >= asked), None)
    if found is None:
        further = f"; {_words(longer[-1])}" if longer else ""
        msg = f"context_tokens: {asked} is above the {own} tokens that the model has positions for{further}"
        raise UnsupportedError(msg, field="context_tokens", accepted=[own])
    name = found.hugging_face_ids[0]
    said = f"model: {request.model.name} has positions for {own} tokens; {_words(found)}, and is what rows are of"
    return request.model_copy(update={"model": ModelPart(name=name)}), [said]


def _words(found: Checkpoint) -> str:
    return f"{found.hugging_face_ids[0]}, of the same shape, has {found.context_length_tokens}"


def _longer(part: ModelPart, catalogs: Catalogs) -> list[Checkpoint]:
    """Releases of the same publisher and shape in the same formats with other positions, the fewest first."""
    if part.name is None:
        return []
    name = published(catalogs, part.name).entry.name
    entry = next(each for each in catalogs.models if each.name == name)
    found = [
        each
        for each in entry.checkpoints
        if each.context_length_tokens is not None
        and each.quantization_config is None
        and _publishers(each.hugging_face_ids) & _publishers(entry.hugging_face_ids)
    ]
    return sorted(found, key=lambda each: each.context_length_tokens or 0)


def _publishers(ids: Iterable[str]) -> set[str]:
    return {each.partition("/")[0] for each in ids}
