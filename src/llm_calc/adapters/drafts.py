"""The draft of a request as a model of its own: a smaller model, or a head that was trained for the model."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

from pydantic import BaseModel, Field

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.catalog.files import TEXT, catalog_folder, read_csv
from llm_calc.adapters.formats import FormatWishes, resolve_precision
from llm_calc.adapters.model_source import own_precision, served_model
from llm_calc.adapters.runs_on_drafts import check_vocabulary
from llm_calc.adapters.setup import Subject
from llm_calc.adapters.wire.parts import ModelPart
from llm_calc.adapters.wire.speculative import Method
from llm_calc.core.architectures.draft_heads import FIELD, read_head, usual_head
from llm_calc.core.errors import CatalogError, InvalidInputError
from llm_calc.core.memory import total_parameters
from llm_calc.core.serving.drafts import DraftModel
from llm_calc.core.serving.heads import EagleHead

FEATURES: Mapping[str, int] = {"eagle": 0, "eagle3": 3}
"""Layers of the model that a head of each kind reads."""


class PublishedHead(BaseModel):
    """One row of ``catalogs/workloads/heads.csv``: the head that was published for a model."""

    model_config = TEXT

    model: str
    hidden: int = Field(ge=1)
    intermediate: int = Field(ge=1)
    heads: int = Field(ge=1)
    kv_heads: int = Field(ge=1)
    head_dim: int = Field(ge=1)
    draft_vocab: int = Field(ge=1)
    source: str = Field(min_length=1)
    checked: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A draft with what is to be said of it; None: nothing describes it.

    ``unlike``: a head that is described and is not the one that was published for the model, nor measured.
    """

    draft: DraftModel | None
    words: tuple[str, ...]
    unlike: bool = False


@cache
def load_heads(path: Path | None = None) -> Mapping[str, PublishedHead]:
    """``catalogs/workloads/heads.csv`` by model, read once.

    Raises:
        CatalogError: two rows for one model.
    """
    found: dict[str, PublishedHead] = {}
    for row in read_csv(PublishedHead, catalog_folder("workloads", path) / "heads.csv"):
        if row.model in found:
            raise CatalogError(f"workloads/heads.csv: two rows for {row.model}")
        found[row.model] = row
    return found


def method_of(part: ModelPart) -> Method:
    """What a draft is, where no method is named: a head by its configuration, else a model."""
    config = part.hf_config or {}
    names = " ".join(str(each).lower() for each in (config.get("architectures") or ()))
    if "eagle3" in names or config.get("speculators_model_type") == "eagle3":
        return "eagle3"
    return "eagle" if "eagle" in names else "draft_model"


def own_draft(
    part: ModelPart | None,
    method: Method | None,
    subject: Subject,
    catalogs: Catalogs,
    engine: str,
    version: str | None = None,
) -> Found:
    """The draft of a request with its formats.

    Raises:
        InvalidInputError: a draft that cannot be read, or of a method that has none.
        UnsupportedError: a draft of another vocabulary that the engine refuses.
    """
    if method in FEATURES:
        return _head(part, FEATURES[method or ""], subject)
    if part is None:
        return Found(draft=None, words=())
    if method != "draft_model":
        msg = f"{FIELD}: {method} has no draft of its own; eagle, eagle3 and draft_model have"
        raise InvalidInputError(msg, field=FIELD)
    found = _smaller_model(part, subject, catalogs)
    if found.draft is not None:
        check_vocabulary(engine, version, subject.setup.model.vocab, found.draft.model.vocab, FIELD)
    return found


def _smaller_model(part: ModelPart, subject: Subject, catalogs: Catalogs) -> Found:
    try:
        source = served_model(part, catalogs)
        precision = own_precision(source)
    except InvalidInputError as error:
        raise _of_draft(error) from error
    own, other = subject.setup.model.vocab, source.model.vocab
    notes = (*source.assumptions, *precision.weights.assumptions, *source.warnings)
    if own != other:
        notes = (
            *notes,
            f"{FIELD}: it has {other} tokens and the model {own}; it is taken for one that is mapped to the model's",
        )
    draft = DraftModel(model=source.model, recipe=precision.weights.recipe)
    words = (
        f"speculative: memory holds the draft {source.name}, {_size(draft)} in {precision.weights.words}, with its "
        "cache; embedding and head are its own"
    )
    return Found(draft=draft, words=(*(_prefixed(note) for note in notes), words))


def _prefixed(words: str) -> str:
    return words if words.startswith("speculative") else f"{FIELD}: {words}"


def _of_draft(error: InvalidInputError) -> InvalidInputError:
    """The same refusal, of the draft's fields."""
    field = (error.field or "model").replace("model", FIELD, 1)
    message = error.message.replace("model.", f"{FIELD}.", 1)
    details = {name: value for name, value in error.details.items() if name != "field"}
    return InvalidInputError(message, field=field, **details)


def _head(part: ModelPart | None, features: int, subject: Subject) -> Found:
    kind, target = ("EAGLE-3" if features else "EAGLE"), subject.setup.model
    if part is None:
        config: Mapping[str, object] = {}
        head, whence, unread = _published(features, subject)
    else:
        config = _config(part, kind)
        head, unread = read_head(config, features, target)
        whence = "as its configuration says"
    own = subject.setup.layout.pipeline > 1 or head.hidden != target.hidden
    model = replace(head, own_embedding=own).model()
    precision = resolve_precision(model, FormatWishes(), _quantization(config))
    draft = DraftModel(model=model, recipe=precision.weights.recipe)
    layers = f"{head.layers} layer{'s' * (head.layers > 1)}"
    words = (
        f"speculative: memory holds an {kind} head of {_size(draft)} in {precision.weights.words} ({layers}, "
        f"{head.hidden} wide, feed-forward {head.intermediate}, {head.kv_heads} KV heads of {head.head_dim}, "
        f"{head.draft_vocab} tokens) with its cache, {whence}; its embedding is "
        f"{'its own' if own else 'that of the model'}"
    )
    return Found(
        draft=draft,
        words=(*unread, words),
        unlike=part is not None and head != _known_head(features, subject),
    )


def _known_head(features: int, subject: Subject) -> EagleHead | None:
    """The head that was published for a model; None where none is known."""
    row, model = load_heads().get(subject.name), subject.setup.model
    if row is None or not features:
        return None
    return EagleHead(
        hidden=row.hidden,
        intermediate=row.intermediate,
        heads=row.heads,
        kv_heads=row.kv_heads,
        head_dim=row.head_dim,
        vocab=model.vocab,
        draft_vocab=row.draft_vocab,
        target_hidden=model.hidden,
        features=features,
    )


def _published(features: int, subject: Subject) -> tuple[EagleHead, str, tuple[str, ...]]:
    """The head that was published for a model, else one by the model's own dimensions."""
    head = _known_head(features, subject)
    if head is None:
        whence = "by the model's own dimensions, since no published head of it is known"
        return usual_head(subject.setup.model, features), f"{whence}; {FIELD} takes its configuration", ()
    source = load_heads()[subject.name].source
    return head, f"as in {source}; {FIELD} takes another's configuration", ()


def _config(part: ModelPart, kind: str) -> Mapping[str, object]:
    if part.hf_config is None:
        msg = f"{FIELD}: an {kind} head is described by its config.json, in hf_config"
        raise InvalidInputError(msg, field=FIELD)
    return part.hf_config


def _quantization(config: Mapping[str, object]) -> Mapping[str, object] | None:
    found = config.get("quantization_config")
    return found if isinstance(found, Mapping) else None


def _size(draft: DraftModel) -> str:
    return f"{total_parameters(draft.model) / 1e6:.4g} million parameters"
