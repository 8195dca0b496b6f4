"""Speculative decoding of a request: what is accepted, what proposing costs, which weights and caches it takes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import get_args

from llm_calc.adapters.acceptance import Measured, load_acceptances, measured_of
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.drafts import Found, method_of, own_draft
from llm_calc.adapters.formats import number_format
from llm_calc.adapters.prediction_layers import load_mtp
from llm_calc.adapters.runs_on_drafts import check_draft, check_stages, draft_methods
from llm_calc.adapters.setup import Subject
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.adapters.wire.speculative import Method, SpeculativePart
from llm_calc.core.architectures.draft_heads import FIELD
from llm_calc.core.architectures.notes import WITHOUT_PREDICTION
from llm_calc.core.checkpoints.recipes.precision import sixteen_bit
from llm_calc.core.engines import Setup, traits_of
from llm_calc.core.errors import UnsupportedError
from llm_calc.core.serving.drafts import (
    DraftModel,
    draft_cost_fraction,
    joined_in,
    layer_cost_fraction,
    recipe_beside,
    with_draft,
    with_layers,
)
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
NOT_COUNTED = "speculative: weights and cache of the draft are not counted; memory for them must be left"
LOADED = (
    "speculative: the draft is loaded beside the model, all of its layers on the GPUs, with as many cells of 16 bits "
    "as the model has; its cells and buffers stand with the model's compute buffers"
)
PACKED = "deepseek_v4"
"""Models whose pools are laid out by their own layers alone."""
ONE_AT_A_TIME = "speculative: a draft model ends batching: requests are served one at a time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """A draft as the core takes it, what it has in memory, and what was taken for granted.

    ``layers``: of the model's own kind; ``model``: one of its own; ``loaded``: by itself. ``assumed``: whether
    nobody stated or measured what is accepted. ``memory_words``: what memory holds of it. ``method``: as
    stated, or as was measured.
    """

    draft: Draft = NO_DRAFT
    layers: int = 0
    model: DraftModel | None = None
    loaded: DraftModel | None = None
    words: tuple[str, ...] = ()
    memory_words: tuple[str, ...] = ()
    assumed: bool = False
    method: Method | None = None

    def beside(self, setup: Setup) -> Setup:
        """A deployment with what the draft has in memory."""
        setup = replace(setup, drafted_tokens=self.draft.tokens, draft=self.loaded)
        numbers = setup.numbers
        if self.model is not None:
            recipe = recipe_beside(numbers.recipe, setup.model, self.model)
            model = with_draft(setup.model, self.model.model)
        elif self.layers:
            recipe = joined_in(numbers.recipe, number_format(sixteen_bit(setup.model)))
            model = with_layers(setup.model, self.layers)
        else:
            return setup
        return replace(setup, model=model, numbers=replace(numbers, recipe=recipe))


NOTHING_DRAFTED = Drafted()


def drafted(
    part: SpeculativePart | None,
    subject: Subject,
    catalogs: Catalogs,
    engine: str,
    version: str | None = None,
) -> Drafted:
    """The draft of a request for a model of the catalog, or any other.

    Raises:
        InvalidInputError: a draft that cannot be read.
        UnsupportedError: layers of the model's own, which it does not have; a method that the engine does not have.
    """
    if part is None:
        return NOTHING_DRAFTED
    named = part.method or (method_of(part.draft) if part.draft else None)
    check_draft(engine, version, named or "draft_model")
    check_stages(engine, version, subject.setup.layout.pipeline)
    measured = measured_of(part, subject.name, (named,) if named else draft_methods(engine, version))
    method = named or (measured.row.method if measured else None)
    layers = _layers(method, subject)
    own = own_draft(part.draft, method, subject, catalogs, engine, version)
    found = _in_memory(own, method, subject, engine)
    of_another, measured = (measured, None) if own.unlike else (None, measured)
    cost, cost_words = _cost(part, method, subject, found)
    draft = Draft(
        tokens=part.draft_tokens,
        acceptance=_accepted(part, method, measured),
        cost_fraction=cost,
        gained_tokens=_gained(part, measured),
    )
    alone = (ONE_AT_A_TIME,) if traits_of(engine).load.drafts_alone else ()
    memory = (*found.words, *_staged(subject, layers, found), *alone)
    accepted = _acceptance_words(part, measured, method, of_another)
    words = (*_unsaid(part, method, measured), accepted, cost_words)
    return Drafted(
        draft=draft,
        layers=layers,
        model=found.draft if traits_of(engine).load.drafts_placed else None,
        loaded=None if traits_of(engine).load.drafts_placed else found.draft,
        words=(*words, *memory),
        memory_words=memory,
        assumed=measured is None and _open(part),
        method=method,
    )


def _in_memory(found: Found, method: Method | None, subject: Subject, engine: str) -> Found:
    """The same with what is to be said of memory, where the draft is none of its own or is not planned."""
    if found.draft is None:
        return Found(draft=None, words=(_memory_words(method, subject.prediction_layers),))
    if not traits_of(engine).load.drafts_placed:
        return Found(draft=found.draft, words=(*found.words, LOADED), unlike=found.unlike)
    return found


def _staged(subject: Subject, layers: int, found: Found) -> Iterator[str]:
    """Over several stages layers of a draft are dealt like the model's own; some pools have no place for its cache."""
    if subject.setup.model.model_type == PACKED and found.draft is not None:
        yield f"speculative: the cache of the draft is not counted beside the pools of {PACKED}"
    if subject.setup.layout.pipeline > 1 and (layers or found.draft is not None):
        yield "speculative: layers of the draft are dealt over pipeline stages behind the model's own"


def _usual(method: Method | None) -> float:
    """What is accepted where nothing is stated or measured."""
    return LOOK_UP_ACCEPTANCE if method == "ngram" else USUAL_ACCEPTANCE


def _accepted(part: SpeculativePart, method: Method | None, measured: Measured | None) -> float:
    if part.acceptance_fraction is not None:
        return part.acceptance_fraction
    return _usual(method) if measured is None else measured.share


def _gained(part: SpeculativePart, measured: Measured | None) -> float | None:
    """A length as stated, or as measured with so many tokens; of another number its share is taken instead."""
    if measured is None:
        return part.acceptance_length
    same = measured.row.draft_tokens == part.draft_tokens
    return measured.row.acceptance_length if same else None


def _unsaid(part: SpeculativePart, method: Method | None, measured: Measured | None) -> Iterator[str]:
    """A method that is not named, and a stated way of thinking that chooses no measurement."""
    if method is None:
        yield NO_METHOD
    unused = measured is None or measured.row.reasoning == "none"
    if "reasoning" in part.model_fields_set and unused:
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


def _acceptance_words(
    part: SpeculativePart, measured: Measured | None, method: Method | None, of_another: Measured | None
) -> str:
    if measured is not None:
        row = measured.row
        other = f" {measured.differs}" if measured.differs else ""
        return (
            f"speculative: {row.acceptance_length:g} tokens a step with {row.method}, as measured on coding prompts"
            f"{other} ({row.source}); other text is accepted less or more"
        )
    if part.acceptance_length is not None:
        return "speculative: nothing of it was calibrated but the acceptance length, which is stated"
    if of_another is not None:
        return (
            f"speculative.acceptance_fraction: {_usual(method):g} is assumed: {FIELD} describes another head than the "
            f"published one, of which {of_another.row.acceptance_length:g} tokens a step were measured; acceptances "
            "are independent; nothing of it was calibrated"
        )
    if part.acceptance_fraction is None:
        return (
            f"speculative.acceptance_fraction: {_usual(method):g} is assumed, since none is stated and none was "
            "measured for this model and method; acceptances are independent; nothing of it was calibrated"
        )
    return "speculative: acceptances are independent; nothing of it was calibrated"


def _cost(part: SpeculativePart, method: Method | None, subject: Subject, found: Found) -> tuple[float, str]:
    """Time of a proposal over a step, and how it was found."""
    name, setup = "speculative.draft_cost_fraction", subject.setup
    if part.draft_cost_fraction is not None:
        return part.draft_cost_fraction, f"{name}: as stated"
    if found.draft is not None:
        cost = draft_cost_fraction(setup.model, setup.numbers.recipe, found.draft)
        return cost, f"{name}: {cost:.3g}, the bytes that a token reads of the draft over those of the model"
    if method == "mtp":
        cost = layer_cost_fraction(setup.model)
        return cost, f"{name}: {cost:.3g}, one layer and the head of the model's weights"
    if method == "ngram":
        return 0.0, f"{name}: 0, a look-up"
    return USUAL_COST, f"{name}: {USUAL_COST:g}, since none is stated"


def _memory_words(method: Method | None, layers: int | None) -> str:
    if method == "mtp" and layers is None:
        return (
            "speculative: memory holds one more layer like the model's last, with its cache; nothing tells whether the "
            "model has such a layer, or an engine drafts with it"
        )
    if method == "mtp":
        more = "one more layer" if layers == 1 else f"{layers} more layers"
        return f"speculative: memory holds {more} like the model's last, with their caches, as its configuration says"
    if method == "ngram":
        return "speculative: a look-up takes no memory of the GPUs"
    return f"{NOT_COUNTED}, or {FIELD} be named"


def with_draft_said(
    subject: Subject, part: SpeculativePart | None, catalogs: Catalogs, engine: EnginePart
) -> Subject:
    """What was resolved, with the draft in memory and what was taken for granted of it."""
    if part is None:
        return subject
    found = drafted(part, subject, catalogs, engine.name, engine.version)
    return replace(
        subject,
        setup=found.beside(subject.setup),
        assumptions=(*subject.assumptions, *_idle_in_memory(part), *found.memory_words),
        warnings=true_warnings(subject.warnings, found.layers),
    )


def true_warnings(warnings: tuple[str, ...], layers: int) -> tuple[str, ...]:
    """Warnings of a model, without that of layers that are left out where a draft holds them."""
    return tuple(words for words in warnings if not layers or not words.endswith(WITHOUT_PREDICTION))


def _idle_in_memory(part: SpeculativePart) -> Iterator[str]:
    """What a request says of speculation besides method and draft, which alone take memory."""
    if part.method is None and part.draft is None:
        yield NO_METHOD
    for name in sorted(part.model_fields_set - {"method", "draft"}):
        yield f"speculative.{name}: changes nothing of the memory"
