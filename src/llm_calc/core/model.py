"""A model: groups of equal layers, the embedding before them, the head behind them.

Everything that the product says of a model is derived from this description and nothing else.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from llm_calc.core.blocks.parts import Block, Parts
from llm_calc.core.weights import Weight


@dataclass(frozen=True, kw_only=True)
class LayerGroup:
    """Blocks that stand in every layer of ``indices`` (0-based positions in the stack).

    A layer may be covered by several groups. ``stored``: distinct sets of weights (None: one a layer; 1: all
    positions share one set). Caches and FLOPs always count once a position.
    """

    indices: tuple[int, ...]
    blocks: tuple[Block, ...]
    stored: int | None = None

    @property
    def calls(self) -> int:
        """How often a token passes through these blocks [layers].

        Definition: once for each position in the stack.
        """
        return len(self.indices)

    @property
    def stored_sets(self) -> int:
        """How many sets of these weights memory holds [layers].

        Definition: one for each position, unless layers share them.
        """
        return len(self.indices) if self.stored is None else self.stored

    @cached_property
    def parts(self) -> Parts:
        """The sum of the blocks' parts, for one layer [parameters, elements, FLOP].

        Definition: a layer is its blocks.
        """
        total = Parts()
        for block in self.blocks:
            total = total + block.parts()
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A weight with how many sets of it are stored and how often each token meets it."""

    weight: Weight
    stored: int
    calls: int
    indices: tuple[int, ...] = ()
    """Layers that it stands in; empty outside of the stack."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """A decoder as weights, context products and caches; equal only to itself, so that results can be cached.

    ``embedding``: tables read at the input (and matrices applied there). ``head``: hidden -> vocabulary;
    ``head_tied``: it is the embedding's tensor, stored once. ``outside``: what stands in no layer (final norm,
    vision and audio towers, projectors).
    Towers count by their weights only: text tokens never meet them. ``vision_tower``: layers and width of a vision
    tower by the names that its file gives them, 24 and 1024 where it has other names, as engines read it.
    ``draft_layers``: so many of the last layers only propose tokens for the others.
    ``context_limit_tokens``: positions with the file's own scaling of rotary ones, where that is more than it states.
    """

    model_type: str
    hidden: int
    num_layers: int
    vocab: int
    groups: tuple[LayerGroup, ...]
    embedding: tuple[Weight, ...]
    head: Weight
    head_tied: bool = False
    outside: tuple[Weight, ...] = ()
    name: str = ""
    context_length_tokens: int | None = None
    context_limit_tokens: int | None = None
    dtype: str = "bf16"
    vision_tower: tuple[int, int] | None = None
    draft_layers: int = 0

    @cached_property
    def placed(self) -> tuple[Placed, ...]:
        """Every weight of the model with its multiplicity; the tied head is stored zero times."""
        ends = [Placed(weight=w, stored=1, calls=1) for w in (*self.embedding, *self.outside)]
        ends.append(Placed(weight=self.head, stored=0 if self.head_tied else 1, calls=1))
        return (*self._in_layers(), *ends)

    def _in_layers(self) -> Iterator[Placed]:
        for group in self.groups:
            for weight in group.parts.weights:
                yield Placed(
                    weight=weight, stored=group.stored_sets, calls=group.calls, indices=group.indices
                )

    @cached_property
    def attention_units(self) -> tuple[int, ...]:
        """Head counts that tensor parallelism has to divide, one a kind of attention, falling [heads].

        Definition: the units of the products with the context, where they have more than one.
        """
        heads = {score.units for group in self.groups for score in group.parts.scores if score.units > 1}
        return tuple(sorted(heads, reverse=True))

    @cached_property
    def num_experts(self) -> int:
        """Routed experts of a layer that has most of them; 0 for a dense model [experts].

        Definition: the copies of a routed matrix.
        """
        return max((p.weight.copies for p in self.placed if p.weight.component == "experts"), default=0)

    def named(self, name: str) -> "Model":
        """The same model under another name."""
        return replace(self, name=name)


@lru_cache(maxsize=256)
def without_speech(model: Model) -> Model:
    """The model without talker and vocoder; itself where it has none."""
    heard = tuple(weight for weight in model.outside if weight.place != "speech")
    return model if len(heard) == len(model.outside) else replace(model, outside=heard)


def group_layers(layers: Iterable[tuple[Block, ...]]) -> tuple[LayerGroup, ...]:
    """Layers given one by one, from the first to the last, as groups of equal ones."""
    positions: dict[tuple[Block, ...], list[int]] = {}
    for index, blocks in enumerate(layers):
        positions.setdefault(blocks, []).append(index)
    return tuple(LayerGroup(indices=tuple(at), blocks=blocks) for blocks, at in positions.items())
