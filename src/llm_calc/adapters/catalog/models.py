"""One model of the catalog as its file writes it: names and the published ``config.json``."""

from copy import deepcopy
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, Strict

from llm_calc.adapters.catalog.files import STRICT, Many
from llm_calc.adapters.catalog.gpus import Count, Slug, Text
from llm_calc.core.names import joined_name, normal_name

MOST_BILLIONS = 1e5
"""No model has as many: a figure above is in another unit."""
IsoDate = Annotated[date, Strict(strict=False)]
"""A date that JSON writes as text."""
HuggingFaceId = Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]


class ConfigSource(BaseModel):
    """Where the config was taken from.

    ``kind``: ``config.json``, the published file (a copy in a public repository where ``repository`` is
    not the model's own); ``values``, keys and values of the published file as another project's source
    states them, keys left out taking the class's defaults; ``dimensions``, published dimensions in its form.
    """

    model_config = STRICT

    kind: Literal["config.json", "values", "dimensions"]
    repository: Text
    path: Text | None = None
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{7,40}$")] | None = None


class Checkpoint(BaseModel):
    """Another release of the same model, in a number format or with a context of its own.

    ``quantization_config`` is that of the release's ``config.json``, or the content of the ``hf_quant_config.json``
    beside it (``file``); ``context_length_tokens`` its ``max_position_embeddings`` where the first release has
    another. Asked by one of these ids, a model is what the release is. ``assumed``: what of that was not read in the
    release itself; an answer says so and is approximate.
    """

    model_config = STRICT

    hugging_face_ids: Many[HuggingFaceId] = Field(min_length=1)
    aliases: Many[Slug] = ()
    context_length_tokens: Count | None = None
    file: Literal["config.json", "hf_quant_config.json"] = "config.json"
    source: ConfigSource
    checked: IsoDate
    notes: Many[Text] = ()
    assumed: Text | None = None
    quantization_config: dict[str, Any] | None = Field(None, min_length=1)


class CatalogModel(BaseModel):
    """One file of ``catalogs/models``. ``config`` is kept as published: null and absent differ there.

    ``assumed``: what of it was not read in the release itself, as for a checkpoint.
    """

    model_config = STRICT

    schema_: Literal["../model.schema.json"] = Field(alias="$schema")
    name: Slug
    aliases: Many[Slug] = ()
    hugging_face_ids: Many[HuggingFaceId] = ()
    family: Text
    description: Text
    nominal_parameters_billions: Annotated[float, Field(gt=0, le=MOST_BILLIONS)]
    context_length_tokens: Count
    source: ConfigSource
    checked: IsoDate
    notes: Many[Text] = ()
    assumed: Text | None = None
    checkpoints: Many[Checkpoint] = ()
    config: dict[str, Any] = Field(min_length=1)

    def stored_as(self, checkpoint: Checkpoint) -> "CatalogModel":
        """The same model in the format and with the context of one of its checkpoints, and under its ids.

        What was not read of the first release was not read of this one either.
        """
        config = self.config
        if checkpoint.quantization_config is not None:
            config = _quantized(config, checkpoint.quantization_config)
        if checkpoint.context_length_tokens is not None:
            config = _positions(config, checkpoint.context_length_tokens)
        return self.model_copy(
            update={
                "hugging_face_ids": checkpoint.hugging_face_ids,
                "assumed": "; ".join(filter(None, (self.assumed, checkpoint.assumed))) or None,
                "context_length_tokens": checkpoint.context_length_tokens or self.context_length_tokens,
                "config": config,
            }
        )

    @property
    def all_hugging_face_ids(self) -> tuple[str, ...]:
        """Ids of the release in its first format, then those of its checkpoints."""
        further = (name for checkpoint in self.checkpoints for name in checkpoint.hugging_face_ids)
        return (*self.hugging_face_ids, *further)

    def repository_of(self, name: str) -> str:
        """The hub id that ``name`` says: of several of one shape the one that it names or begins, else the first."""
        said = joined_name(name.rpartition("/")[2])
        last = {each: joined_name(each.rpartition("/")[2]) for each in self.hugging_face_ids}
        exact = (each for each in last if normal_name(each) == normal_name(name))
        alike = sorted(
            (each for each in last if last[each].startswith(said)), key=lambda each: len(last[each])
        )
        return next(exact, next(iter((*alike, *self.hugging_face_ids, self.name))))

    @property
    def published_config(self) -> dict[str, Any]:
        """A copy of the config, the caller's to change."""
        return deepcopy(self.config)


def _quantized(config: dict[str, Any], quantization: dict[str, Any]) -> dict[str, Any]:
    """A config in another format; the first release may say its own in the part of the text."""
    text = config.get("text_config")
    inner = (
        {key: value for key, value in text.items() if key != "quantization_config"}
        if isinstance(text, dict)
        else {}
    )
    return {**config, **({"text_config": inner} if inner else {}), "quantization_config": quantization}


def _positions(config: dict[str, Any], tokens: int) -> dict[str, Any]:
    """A config with another largest position, where the first release writes it."""
    text = config.get("text_config")
    if isinstance(text, dict) and "max_position_embeddings" in text:
        return {**config, "text_config": {**text, "max_position_embeddings": tokens}}
    return {**config, "max_position_embeddings": tokens}
