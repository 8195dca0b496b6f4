"""Ways to serve a choice beside the plain one: speculation, adapters, memories below the GPU's, contexts over GPUs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from llm_calc.adapters.beside_model import Beside, beside_of
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.formats import find_recipe
from llm_calc.adapters.runs_on_drafts import drafts_in_one_stage
from llm_calc.adapters.setup import Subject
from llm_calc.adapters.wire.lora import LoraPart
from llm_calc.adapters.wire.speculative import SpeculativePart
from llm_calc.adapters.wire.workloads import KvTierPart
from llm_calc.core.engines import Setup, traits_of
from llm_calc.core.engines.dealt_check import deals
from llm_calc.core.engines.starting import Options
from llm_calc.core.parallelism import Layout
from llm_calc.core.serving.speculation import NO_DRAFT, Draft


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Way:
    """What a candidate has beside its engine and formats; ``draft``: of its speculation, for bounds.

    ``contexts``: GPUs that the tokens of a cache are dealt over; ``setup``: of one GPU, to tell which layouts allow it.
    """

    speculative: SpeculativePart | None = None
    lora: LoraPart | None = None
    tiers: tuple[KvTierPart, ...] = ()
    contexts: int = 1
    draft: Draft = NO_DRAFT
    setup: Setup | None = None

    @property
    def label(self) -> str:
        """What tells it from other ways of one request; empty for the plain one."""
        drafts = f"+{self.speculative.method}" if self.speculative else ""
        return f"{drafts}{'+tiers' * bool(self.tiers)}{f'+{self.contexts}' * (self.contexts > 1)}"

    @property
    def novel(self) -> bool:
        """Whether it is of a kind of which no run was measured."""
        return self.speculative is not None or self.lora is not None

    def options(self, engine: str) -> Options:
        """Options of the engine that it takes."""
        option = traits_of(engine).options.contexts
        return {option: self.contexts} if option is not None and self.contexts > 1 else {}

    def takes(self, engine: str, layout: Layout) -> bool:
        """Whether contexts can be dealt so over a layout, and a draft stands beside its stages."""
        if self.speculative is not None and layout.pipeline > 1 and drafts_in_one_stage(engine):
            return False
        if self.contexts == 1 or self.setup is None:
            return True
        return deals(engine, replace(self.setup, layout=layout), self.contexts)

    def beside(self, subject: Subject, catalogs: Catalogs, engine: str) -> Beside:
        """What memory holds of it.

        Raises:
            CalcError: a draft or an adapter that cannot be read, or that the engine does not take.
        """
        return beside_of(self.speculative, self.lora, subject, catalogs, engine)


PLAIN = Way()


def unused_formats(asked: Sequence[str], running: Sequence[tuple[str, str | None]]) -> Iterator[str]:
    """Formats that were asked for and that none of the engines runs on one of the GPUs; ``running``: those they do."""
    kept = {(engine, find_recipe(weights, engine).name) for engine, weights in running if weights is not None}
    for name in dict.fromkeys(asked):
        if not any(find_recipe(name, engine).name == own for engine, own in kept):
            yield f"formats: {name} is in no plan: none of the engines runs it on these GPUs"


def unused_ways(tried: Sequence[Way], shown: Sequence[Way]) -> Iterator[str]:
    """What was tried beside none and is in no plan that is shown; nothing where none is shown."""
    if not shown:
        return
    better = "was tried beside none; no plan in plans is the better for it"
    if not any(way.tiers for way in shown):
        yield from dict.fromkeys(
            f"kv_tiers: {', '.join(map(_stated, way.tiers))} {better}" for way in tried if way.tiers
        )
    if all(way.speculative is None for way in shown):
        drafts = (way.speculative for way in tried if way.speculative is not None)
        yield from dict.fromkeys(f"speculative: {_stated(draft)} {better}" for draft in drafts)
    for size in sorted({way.contexts for way in tried} - {way.contexts for way in shown} - {1}):
        yield f"context_parallel: {size} {better}"


def _stated(part: KvTierPart | SpeculativePart) -> str:
    """A part by its words and numbers."""
    found = part.model_dump(exclude_unset=True)
    plain = {name: value for name, value in found.items() if isinstance(value, (str, int, float))}
    return f"({', '.join(f'{name} {_number(value)}' for name, value in plain.items())})"


def _number(value: str | float) -> str:
    """A value in words; 1e11 without a point.

    >>> _number(1e11), _number(0.5), _number("host")
    ('100000000000', '0.5', 'host')
    """
    return f"{int(value)}" if isinstance(value, float) and value.is_integer() else f"{value}"
