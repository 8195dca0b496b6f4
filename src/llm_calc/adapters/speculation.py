"""Speculative decoding of a request: what is accepted, what proposing costs, which weights and caches it takes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, Field

from llm_calc.adapters.catalog.files import TEXT, CatalogError, catalog_folder, read_csv
from llm_calc.adapters.prediction_layers import load_mtp
from llm_calc.adapters.setup import Subject
from llm_calc.adapters.wire.speculative import Method, SpeculativePart
from llm_calc.core.architectures.notes import WITHOUT_PREDICTION
from llm_calc.core.errors import UnsupportedError
from llm_calc.core.model import Model
from llm_calc.core.serving.drafts import layer_cost_fraction, with_layers
from llm_calc.core.serving.speculation import NO_DRAFT, Draft

USUAL_ACCEPTANCE, USUAL_COST = 0.7, 0.05
"""What is taken where nothing is stated or measured."""
LOOK_UP_ACCEPTANCE = 0.4
"""Of what a look-up of n-grams proposes.

1.55 to 1.74 tokens a step over conversation, translation, summaries, questions, mathematics and retrieval, Vicuna of
7B to 33B, which a share of 0.36 to 0.43 gives: Spec-Bench (github.com/hemingkx/Spec-Bench@09244ff ``Leaderboard.md``,
PLD); checked: 2026-11-30, read.
"""
NO_METHOD = "speculative.method: none is named; a draft model of its own is taken"
OF_A_LAYER: frozenset[Method] = frozenset({"mtp", "eagle3"})


class Acceptance(BaseModel):
    """One measured mean of tokens gained a step."""

    model_config = TEXT

    model: str
    method: Method
    reasoning: Literal["on", "off"]
    draft_tokens: int = Field(ge=1)
    acceptance_length: float = Field(ge=1)
    source: str = Field(min_length=1)
    checked: date


Key = tuple[str, Method, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """A draft as the core takes it, ``layers`` of its own in memory, and what was taken for granted.

    ``assumed``: whether nobody stated or measured what is accepted.
    """

    draft: Draft = NO_DRAFT
    layers: int = 0
    words: tuple[str, ...] = ()
    assumed: bool = False


@cache
def load_acceptances(path: Path | None = None) -> Mapping[Key, Acceptance]:
    """``catalogs/workloads/acceptance.csv`` by model, method, reasoning and draft tokens, read once.

    Raises:
        CatalogError: two rows for one case.
    """
    found: dict[Key, Acceptance] = {}
    for row in read_csv(Acceptance, catalog_folder("workloads", path) / "acceptance.csv"):
        key = (row.model, row.method, row.reasoning, row.draft_tokens)
        if key in found:
            raise CatalogError(f"workloads/acceptance.csv: two rows for {', '.join(map(str, key))}")
        found[key] = row
    return found


def drafted(part: SpeculativePart | None, subject: Subject) -> Drafted:
    """The draft of a request for a model of the catalog, or any other.

    Raises:
        UnsupportedError: layers of the model's own, which it does not have.
    """
    if part is None:
        return Drafted()
    measured = _measured(part, subject.name)
    method = part.method or (measured.method if measured else None)
    layers = _layers(method, subject)
    cost, cost_words = _cost(part, method, subject.setup.model)
    length = part.acceptance_length or (measured.acceptance_length if measured else None)
    draft = Draft(
        tokens=part.draft_tokens,
        acceptance=_usual(method) if part.acceptance_fraction is None else part.acceptance_fraction,
        cost_fraction=cost,
        gained_tokens=length,
    )
    words = (
        *_unsaid(part, method, measured),
        _acceptance_words(part, measured),
        cost_words,
        _memory_words(method, subject.prediction_layers),
    )
    return Drafted(
        draft=draft, layers=layers, words=words, assumed=draft.gained_tokens is None and _open(part)
    )


def _usual(method: Method | None) -> float:
    """What is accepted where nothing is stated or measured."""
    return LOOK_UP_ACCEPTANCE if method == "ngram" else USUAL_ACCEPTANCE


def _unsaid(part: SpeculativePart, method: Method | None, measured: Acceptance | None) -> Iterator[str]:
    """A method that is not named, and a stated way of thinking that chooses no measurement."""
    if method is None:
        yield NO_METHOD
    if "reasoning" in part.model_fields_set and measured is None:
        yield "speculative.reasoning: changes nothing here; it chooses between measured acceptances alone"


def _open(part: SpeculativePart) -> bool:
    """Whether the request says nothing of what is accepted."""
    return part.acceptance_fraction is None and part.acceptance_length is None


def _layers(method: Method | None, subject: Subject) -> int:
    """Layers of the draft in memory beside those of the model; one where nothing tells how many it has."""
    if method != "mtp":
        return 0
    if subject.prediction_layers == 0:
        measured = {row.method for row in load_acceptances().values() if row.model == subject.name}
        known = f"; measured of this model: {', '.join(sorted(measured))}" if measured else ""
        others = [name for name in get_args(Method) if name != "mtp"]
        msg = (
            f"speculative.method: mtp needs layers that the checkpoint has for it, and nothing says that "
            f"{subject.name} has any ({', '.join(load_mtp().keys)}); it takes {', '.join(others)}{known}"
        )
        raise UnsupportedError(msg, field="speculative.method", accepted=others)
    return subject.prediction_layers or 1


def _measured(part: SpeculativePart, name: str) -> Acceptance | None:
    """The measurement of this model; where no method is named the one that it has."""
    if part.acceptance_fraction is not None or part.acceptance_length is not None:
        return None
    for (model, method, reasoning, tokens), row in load_acceptances().items():
        same = (model, reasoning, tokens) == (name, part.reasoning, part.draft_tokens)
        if same and part.method in (None, method):
            return row
    return None


def _acceptance_words(part: SpeculativePart, measured: Acceptance | None) -> str:
    if measured is not None:
        return (
            f"speculative: {measured.acceptance_length:g} tokens a step with {measured.method}, as measured on coding "
            f"prompts ({measured.source}); other text is accepted less or more"
        )
    if part.acceptance_length is not None:
        return "speculative: nothing of it was calibrated but the acceptance length, which is stated"
    if part.acceptance_fraction is None:
        return (
            f"speculative.acceptance_fraction: {_usual(part.method):g} is assumed, since none is stated and none was "
            "measured for this model, method and number of tokens; acceptances are independent; nothing of it was "
            "calibrated"
        )
    return "speculative: acceptances are independent; nothing of it was calibrated"


def _cost(part: SpeculativePart, method: Method | None, model: Model) -> tuple[float, str]:
    """Time of a proposal over a step, and how it was found."""
    if part.draft_cost_fraction is not None:
        return part.draft_cost_fraction, "speculative.draft_cost_fraction: as stated"
    if method in OF_A_LAYER:
        cost = layer_cost_fraction(model)
        return (
            cost,
            f"speculative.draft_cost_fraction: {cost:.3g}, one layer and the head of the model's weights",
        )
    if method == "ngram":
        return 0.0, "speculative.draft_cost_fraction: 0, a look-up"
    return USUAL_COST, f"speculative.draft_cost_fraction: {USUAL_COST:g}, since none is stated"


def _memory_words(method: Method | None, layers: int | None) -> str:
    if method == "mtp" and layers is None:
        return (
            "speculative: memory holds one more layer like the model's last, with its cache; nothing tells whether the "
            "model has such a layer"
        )
    if method == "mtp":
        more = "one more layer" if layers == 1 else f"{layers} more layers"
        return f"speculative: memory holds {more} like the model's last, with their caches, as its configuration says"
    if method == "ngram":
        return "speculative: a look-up takes no memory of the GPUs"
    return "speculative: weights and cache of the draft are not counted; memory for them must be left"


def with_draft(subject: Subject, part: SpeculativePart | None) -> Subject:
    """What was resolved, with the layers of a draft in memory and what was taken for granted of it."""
    if part is None:
        return subject
    found = drafted(part, subject)
    setup = replace(subject.setup, model=with_layers(subject.setup.model, found.layers))
    return replace(
        subject,
        setup=setup,
        assumptions=(*subject.assumptions, *_idle_in_memory(part), found.words[-1]),
        warnings=true_warnings(subject.warnings, found.layers),
    )


def true_warnings(warnings: tuple[str, ...], layers: int) -> tuple[str, ...]:
    """Warnings of a model, without that of layers that are left out where a draft holds them."""
    return tuple(words for words in warnings if not layers or not words.endswith(WITHOUT_PREDICTION))


def _idle_in_memory(part: SpeculativePart) -> Iterator[str]:
    """What a request says of speculation besides the method, which alone takes memory."""
    if part.method is None:
        yield NO_METHOD
    for name in sorted(part.model_fields_set - {"method"}):
        yield f"speculative.{name}: changes nothing of the memory"
