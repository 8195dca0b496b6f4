"""``Wrapper``: a multimodal model is a text model of its own type with towers and projectors beside it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from llm_calc.core.architectures.beside import first_number
from llm_calc.core.architectures.dispatch import read_model
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.labels import dtype
from llm_calc.core.architectures.pieces import HEAD_PARTS, output_head
from llm_calc.core.architectures.registry import Reader, read_as
from llm_calc.core.architectures.towers.parts import Weights, placed
from llm_calc.core.architectures.towers.projectors import Projector, nothing
from llm_calc.core.architectures.towers.table import read_tower
from llm_calc.core.model import Model

Tying = Literal["own", "either", "text", "never", "first"]
"""Whose ``tie_word_embeddings`` ties the head: the wrapper's, the wrapper's or the text's, the text's, nobody's;
``first``: the wrapper's where the file states it, else the text's."""


_FOUR = 4
"""Mistral-Small-3.1's file names no ``tie_word_embeddings`` and was written by 4.50: its head is a matrix of its
own, though the class of 5.24 ties the head of a file that does not speak of it."""


def _by_4(f: Fields) -> bool:
    """Whether transformers 4 wrote the file, where the text part alone tied a head."""
    return first_number(f.values.get("transformers_version")) == _FOUR


def with_plain_head(model: Model) -> Model:
    """The decoder with one matrix from its hidden size to its vocabulary, whatever its own head is made of."""
    outside = tuple(weight for weight in model.outside if weight.name not in HEAD_PARTS)
    return replace(model, head=output_head(model.hidden, model.vocab), outside=outside)


@dataclass(frozen=True, slots=True, kw_only=True)
class TowerPart:
    """A nested configuration ``key`` that holds a tower, and the projector behind it.

    ``copies``: how often the tower itself stands in the model. ``heard``: it encodes sound. ``text_width``: the key
    that the outer class sets to the text's hidden size, whatever the file says.
    """

    key: str = "vision_config"
    projector: Projector = nothing
    copies: int = 1
    heard: bool = False
    text_width: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapper:
    """How one multimodal type is read.

    ``text_class``: the class in ``architectures`` that builds the text part alone. ``flat``: files may hold the
    text part's keys at their own level; ``text_reader`` reads it where they always do. ``completed``: keys that
    the text part lacks are the wrapper's. ``own_text``: the class builds its own text part from whatever
    configuration stands there; ``whole_text``: it builds a generating model with the head of that, where others
    put a plain matrix behind the last layer. ``tie_key``: an older name of ``tie_word_embeddings``, which then
    prevails. ``further``: further weights, from the wrapper's fields and the text.
    """

    towers: tuple[TowerPart, ...] = (TowerPart(),)
    tying: Tying = "own"
    text_class: str = ""
    flat: bool = False
    completed: bool = False
    own_text: bool = False
    tie_key: str = ""
    whole_text: bool = False
    text_key: str = "text_config"
    text_reader: Reader | None = None
    further: Callable[[Fields, Model], Weights] | None = None

    def __call__(self, f: Fields) -> Model:
        """The text model with the towers' weights outside of its stack."""
        model = self._text(f)
        weights: Weights = ()
        if self._text_alone(f):
            f.pass_by("when:text_alone", *(part.key for part in self.towers))
        else:
            for part in self.towers:
                weights += self._tower(f, part, model)
            if self.further is not None:
                weights += self.further(f, model)
        return replace(
            model,
            model_type=f.model_type,
            outside=model.outside + weights,
            head_tied=self._tied(f, model),
            dtype=dtype(f) if f.given("dtype") or f.given("torch_dtype") else model.dtype,
        )

    def _text(self, f: Fields) -> Model:
        if self.text_reader is not None:
            return self.text_reader(f)
        part = self._text_fields(f)
        expected = f.defaults.parts.get(self.text_key, "")
        foreign = self.own_text and part.model_type != expected
        model = read_as(part, expected) if foreign else read_model(part)
        return model if self.whole_text or self._text_alone(f) else with_plain_head(model)

    def _text_fields(self, f: Fields) -> Fields:
        if (
            not f.given(self.text_key)
            and f.given("hidden_size")
            and (self.flat or f.given("num_hidden_layers"))
        ):
            part = f.flat(self.text_key)
        else:
            part = f.part(self.text_key, completed=self.completed)
            f.pass_by("when:nested_text")
            if not f.given(self.text_key):
                f.assume(f"{self.text_key} is absent: the text part is what the class assumes")
        part.fallbacks = {"tie_word_embeddings": False}
        return part

    def _text_alone(self, f: Fields) -> bool:
        return bool(self.text_class) and self.text_class in (f.items("architectures", ()) or ())

    def _tied(self, f: Fields, model: Model) -> bool:
        own = f.flag("tie_word_embeddings", f.defaults.keys.get("tie_word_embeddings", False))
        if self.tie_key and self.tie_key in f.values:
            own = f.flag(self.tie_key)
        if self.tying == "never":
            return False
        unsaid = not f.given("tie_word_embeddings") and (self.tying == "first" or _by_4(f))
        of_text = self.tying == "text" or unsaid
        if of_text or self._text_alone(f):
            return model.head_tied
        return own or (self.tying == "either" and model.head_tied)

    def _tower(self, f: Fields, part: TowerPart, model: Model) -> Weights:
        if not f.given(part.key):
            if part.key in f.defaults.optional:
                return ()
            f.assume(f"{part.key} is absent: the tower is what the class assumes")
        fields = f.part(part.key)
        if part.text_width:
            _set_width(fields, part.text_width, model.hidden)
        tower = read_tower(fields, f.defaults.parts.get(part.key, ""))
        if tower is None:
            return ()
        repeated = tuple(replace(weight, copies=weight.copies * part.copies) for weight in tower.weights)
        weights = repeated + part.projector(f, fields, tower, model.hidden)
        return placed(weights, "sound") if part.heard else weights


def _set_width(fields: Fields, key: str, width: int) -> None:
    """Puts the text's width in the place of what the file says, which is named where it is another."""
    if fields.given(key) and fields.raw(key) != width:
        fields.assume(
            f"{fields.path}.{key}: {width} was taken, the width of the text, as the outer class does"
        )
    fields.values = {**fields.values, key: width}
