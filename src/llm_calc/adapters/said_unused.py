"""What a question says and its figures leave out, for ways in that answer many questions at once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from llm_calc.adapters.engines import told_of, version_warnings
from llm_calc.adapters.model_source import CUSTOM
from llm_calc.adapters.passed_options import uncounted_of
from llm_calc.adapters.setup import Subject
from llm_calc.adapters.wire.engines import EnginePart

Confidence = Literal["exact", "approximate"]
EXACT: Confidence = "exact"
APPROXIMATE: Confidence = "approximate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unused:
    """What was said in vain.

    ``options``: of the engine, which may change memory or times in a way that nothing here counts. ``further``:
    whether something of the model, its formats or the engine's release is not in the figures.
    """

    options: tuple[str, ...] = ()
    further: bool = False

    @property
    def confidence(self) -> Confidence:
        """``exact`` where everything that was said is understood and counted."""
        return APPROXIMATE if self.options or self.further else EXACT


NOTHING_UNUSED = Unused()


def unused_of(subject: Subject, part: EnginePart) -> Unused:
    """What was said of a deployment in vain."""
    weights = subject.precision.weights
    unread = subject.confidence != EXACT or weights.guessed or (weights.unread and subject.name == CUSTOM)
    return Unused(
        options=tuple(uncounted_of(part)) if part.further else (),
        further=unread or bool(part.version and version_warnings(part)),
    )


def told_words(subject: Subject, part: EnginePart) -> list[str]:
    """What is said of a deployment whatever is asked about it: of its model, formats and layout, of its engine."""
    return list(dict.fromkeys((*subject.assumptions, *subject.warnings, *told_of(part))))


def of_formats(assumptions: Iterable[str]) -> list[str]:
    """What of a deployment's assumptions is about its number formats."""
    return [words for words in assumptions if words.startswith("precision.")]


def told_of_several(what: str, subjects: Iterable[Subject], parts: Iterable[EnginePart]) -> Iterator[str]:
    """The same of several deployments, each sentence once with the places of those whose it is, from 0."""
    places: dict[str, list[str]] = {}
    for place, (subject, part) in enumerate(zip(subjects, parts, strict=True)):
        for words in told_words(subject, part):
            places.setdefault(words, []).append(str(place))
    yield from (f"{what}[{', '.join(known)}]: {words}" for words, known in places.items())
