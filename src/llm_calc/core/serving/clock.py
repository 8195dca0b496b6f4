"""Step times of one deployment as tables, so that a scheduler can be simulated event by event.

A simulated run asks for the time of thousands of steps that differ only in how many sequences decode, at what
context, and how many prompt tokens ride along. The operators are evaluated once as arrays over those counts;
between grid points the time is interpolated linearly (it is linear there but for the knee of the roofs).
"""

from dataclasses import dataclass, replace
from functools import lru_cache, partial
from math import cbrt

import numpy as np
import numpy.typing as npt

from llm_calc.core.arrays import FloatArray, Quantity
from llm_calc.core.operators.context import visited_pairs
from llm_calc.core.operators.work import StepWork
from llm_calc.core.serving.batch import bubbles, share_of, stages_at_once
from llm_calc.core.serving.machine import overlapped, pair_seconds
from llm_calc.core.serving.rates import Rates
from llm_calc.core.serving.speculation import NO_DRAFT, Draft
from llm_calc.core.serving.step import StepLoad, context_seconds, prefill_floor_s, step_seconds
from llm_calc.core.serving.table import Table
from llm_calc.core.serving.traffic import MOST_SLOTS, Traffic

_TOKENS = np.unique(np.round(np.geomspace(1, 65536, 49)))
_PROMPTS = np.minimum(_TOKENS, 1.0)
_POSITIONS = np.concatenate([[0.0], np.unique(np.round(np.geomspace(1, 4e6, 129)))])
_ORIGIN = np.zeros_like(_POSITIONS)
GROUPS = 64
KEPT = 64
"""Deployments whose tables are kept: users ask for one under many loads."""
Groups = npt.NDArray[np.intp]


class StepClock:
    """Seconds of decode and mixed steps of one deployment.

    ``contexts``: the two contexts between which decode times are interpolated. Sequences come in multiples of
    ``group``, ``groups`` of them until more are asked for (:meth:`reach`). ``floor_cubed``: the cube of the least time
    of a step with prompts. Where stages have batches of their own (:mod:`.serving.batch`), a step is what all of
    them do until each sequence has had one: it decodes as the batch of one stage does, and prompts take it a ``part``
    of their time; what they are longer on their way than that is :func:`.scheduler.on_the_way_s`.
    """

    def __init__(
        self,
        work: StepWork,
        rates: Rates,
        *,
        contexts: tuple[float, float],
        groups: int,
        group: float = 1.0,
        draft: Draft = NO_DRAFT,
    ) -> None:
        self._start, self._span = contexts[0], max(contexts[1] - contexts[0], 1e-9)
        self.stages = float(stages_at_once(work, rates))
        self.part = float(bubbles(rates, self.stages, self.stages)) / self.stages
        self.floor_cubed = (float(prefill_floor_s(work, rates)) * self.part) ** 3
        self._replicas, self._group = 1.0 / float(work.sequence_share), group
        self._kept: dict[tuple[int, float, float, float], float] = {}
        self._of = partial(self._by_counts, group, work, rates, contexts, draft)
        self._tables, self._arrays = self._of(0, groups)
        self._alone, self._spread, self._scores = self._tables
        self._numbers: tuple[list[float], ...] = tuple(each.tolist() for each in self._arrays)

    def _by_counts(
        self,
        group: float,
        work: StepWork,
        rates: Rates,
        contexts: tuple[float, float],
        draft: Draft,
        first: int,
        last: int,
    ) -> "tuple[tuple[Table, Table, Table], tuple[FloatArray, ...]]":
        """Tables, and steps by groups that decode: seconds, what a token of context adds, tokens, their linear part."""
        steps = _steps_of(work, rates, draft, group, first, last)
        low, high = _decode_seconds(work, rates, steps, contexts, draft)
        return steps.tables, (low, (high - low) / self._span, steps.checked, steps.beside)

    def reach(self, groups: int) -> int:
        """How many groups there are times for, at least as many as are asked for [1].

        ``max(groups, those there are)``; the lists of :meth:`by_groups` grow.
        Definition: the same functions at more points.
        """
        there = len(self._numbers[0])
        if groups >= there:
            _, more = self._of(there, groups)
            self._arrays = tuple(map(np.append, self._arrays, more))
            for numbers, added in zip(self._numbers, more, strict=True):
                numbers.extend(added.tolist())
        return len(self._numbers[0]) - 1

    def groups_of(self, sequences: float) -> int:
        """How many groups so many sequences are [1].

        ``sequences / group``, rounded.
        Definition: what a group is.
        """
        return round(sequences / self._group)

    def by_groups(self) -> tuple[list[float], list[float], float]:
        """Steps by the groups that decode, what each token of context adds, and from which context on [s, tokens].

        As :meth:`decode_s`.
        Definition: its numbers.
        """
        return self._numbers[0], self._numbers[1], self._start

    def decode_s(self, groups: int, context_tokens: float) -> float:
        """One step in which every sequence of so many groups decodes one token [s].

        ``low + (context - start) x (high - low) / (end - start)``, from :func:`.step.step_seconds` at both contexts.
        Choice: linear in the context, which steps are but for windows that fill.
        Leaves out: the knee of a window between the two contexts.
        """
        low, growth, *_ = self._numbers
        return low[groups] + (context_tokens - self._start) * growth[groups]

    def mixed_s(
        self, groups: int, context_tokens: float, prompt_tokens: float, prompts: float, prompt_start: float
    ) -> float:
        """One step with chunks of so many prompts, beside decoding sequences or alone [s].

        ``decode(n) + linear(n + prompt) - linear(n) + scores of the chunk``, at least the floor of an uncaptured
        step. Prompts run on one attention replica each, so that few of them leave the others idle.
        Choice: prompt and decoding tokens share every matrix product, and nothing else.
        Leaves out: what their attention kernels share.
        """
        total = self.kept_prompt_s(groups, prompt_tokens, prompts, prompt_start)
        if groups:
            total += self.decode_s(groups, context_tokens)
        return cbrt(total * total * total + self.floor_cubed)

    def kept_prompt_s(self, *load: *tuple[int, float, float, float]) -> float:
        """As :meth:`prompt_s`, whose results are kept [s].

        Definition: that of the same load.
        """
        total = self._kept.get(load)
        if total is None:
            total = self._kept[load] = self.prompt_s(*load)
        return total

    def prompt_s(self, groups: int, prompt_tokens: float, prompts: float, prompt_start: float) -> float:
        """What prompts add to a step of so many groups, at any context, but for the floor [s].

        ``linear(n + prompt) - linear(n) + scores of the chunk``.
        Definition: as :meth:`mixed_s`.
        """
        _, _, checked, beside = self._numbers
        share = 1.0 / min(self._replicas, prompts)
        each = prompt_tokens / prompts
        scores = self._scores.at(prompt_start + each) - self._scores.at(prompt_start)
        tokens = checked[groups] + prompt_tokens
        total = share * prompts * scores + self._alone.at(tokens)
        if self._replicas > 1:
            total += float(self._spread_part(share)) * (self._spread.at(tokens) - self._alone.at(tokens))
        return (total - beside[groups] if groups else total) * self.part

    def seconds(
        self,
        groups: Groups,
        context_tokens: FloatArray,
        prompt_tokens: FloatArray,
        prompts: FloatArray,
        prompt_start: FloatArray,
    ) -> FloatArray:
        """Many steps at once, with prompts or without [s].

        :meth:`mixed_s` where there are prompts, else :meth:`decode_s`.
        Definition: element by element.
        """
        low, growth, checked, linear_beside = self._arrays
        total: FloatArray = low[groups] + (context_tokens - self._start) * growth[groups]
        mixed = prompts.nonzero()[0]
        beside, own = groups[mixed], prompts[mixed]
        share = 1.0 / np.minimum(self._replicas, own)
        start, tokens = prompt_start[mixed], checked[beside] + prompt_tokens[mixed]
        scores = self._scores.of(start + prompt_tokens[mixed] / own) - self._scores.of(start)
        linear = self._alone.of(tokens)
        if self._replicas > 1:
            linear = linear + self._spread_part(share) * (self._spread.of(tokens) - linear)
        added = share * own * scores + linear - np.where(beside > 0, linear_beside[beside], 0.0)
        part = np.where(beside > 0, total[mixed], 0.0) + self.part * added
        total[mixed] = np.cbrt(part * part * part + self.floor_cubed)
        return total

    def _spread_part(self, share: Quantity) -> Quantity:
        """How near a step is to one whose prompts are spread over all replicas."""
        return (1.0 - share) / (1.0 - 1.0 / self._replicas)


def clock_of(work: StepWork, rates: Rates, draft: Draft, traffic: Traffic) -> StepClock:
    """The step times of a load, between the contexts of its first and of its last tokens [s].

    Definition: :class:`StepClock`, of as many groups as a closed loop has, and of ``GROUPS`` at first of arrivals.
    """
    groups = min(traffic.slots, MOST_SLOTS) or GROUPS
    return StepClock(
        work,
        rates,
        contexts=(traffic.input_tokens, traffic.input_tokens + traffic.output_tokens),
        groups=groups,
        group=max(traffic.slots / groups, 1.0),
        draft=draft,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Steps:
    """What steps of one deployment take wherever their contexts are.

    ``tables``: prompts on one replica, spread over all, and their scores. By groups that decode: sequences in the batch
    of a stage, tokens, the linear part of these, seconds of a step without attention, and the factor of waiting stages.
    """

    tables: tuple[Table, Table, Table]
    batch: FloatArray
    checked: FloatArray
    beside: FloatArray
    bare_s: FloatArray
    longer: FloatArray


@lru_cache(KEPT)
def _steps_of(work: StepWork, rates: Rates, draft: Draft, group: float, first: int, last: int) -> _Steps:
    counts = np.arange(first, last + 1.0) * group
    tables = _tables(work, rates)
    stages = stages_at_once(work, rates)
    batch = np.asarray(share_of(counts, stages))
    checked = batch * draft.checked_tokens
    load = StepLoad(sequences=batch, tokens_per_sequence=draft.checked_tokens)
    free = replace(rates, kernels=replace(rates.kernels, captured=True))
    bare = np.asarray(step_seconds(replace(work, context=()), load, free)) + 0.0 * counts
    return _Steps(
        tables=tables,
        batch=batch,
        checked=checked,
        beside=tables[1].of(checked),
        bare_s=bare,
        longer=np.asarray(bubbles(rates, counts, stages)),
    )


@lru_cache(KEPT)
def _tables(work: StepWork, rates: Rates) -> tuple[Table, Table, Table]:
    alone, share = _prompt_table(work, rates, 1.0), float(work.sequence_share)
    spread = alone if share >= 1 else _prompt_table(work, rates, share)
    return alone, spread, _score_table(work, rates)


def _decode_seconds(
    work: StepWork, rates: Rates, steps: _Steps, contexts: tuple[float, float], draft: Draft
) -> FloatArray:
    """Steps of so many sequences, at the first context and at the second."""
    context = np.repeat(contexts, len(steps.batch))
    load = StepLoad(
        sequences=np.tile(steps.batch, 2),
        context_start=context,
        context_end=context,
        tokens_per_sequence=draft.checked_tokens,
    )
    seconds = np.tile(steps.bare_s, 2)
    for each in work.context:
        roofs = context_seconds(each, work.sequence_share, load, rates)
        seconds += np.asarray(overlapped(*roofs, rates.kernels.overlap_exponent))
    if not rates.kernels.captured:
        seconds = np.cbrt(seconds**3 + float(prefill_floor_s(work, rates)) ** 3)
    return (seconds * draft.step_factor).reshape(2, -1) * steps.longer


def _prompt_table(work: StepWork, rates: Rates, share: float) -> Table:
    """Everything but scores and the floor, by prompt tokens."""
    bare = work.without_context()
    free = replace(rates, prefill_layer_s=0.0)
    load = StepLoad(
        prompt_tokens=_TOKENS,
        prompts=_PROMPTS,
        prompt_share=np.full_like(_TOKENS, share),
    )
    return Table(_TOKENS, np.asarray(step_seconds(bare, load, free)))


def _score_table(work: StepWork, rates: Rates) -> Table:
    """Seconds for the scores of the first so many tokens of a prompt."""
    seconds = np.zeros_like(_POSITIONS)
    for context in work.context:
        pairs = np.asarray(visited_pairs(context, _ORIGIN, _POSITIONS))
        seconds += pairs * float(pair_seconds(context, rates))
    return Table(_POSITIONS, seconds)
