"""Step times of one deployment as tables, so that a scheduler can be simulated event by event.

A simulated run asks for the time of thousands of steps that differ only in how many sequences decode, at what
context, and how many prompt tokens ride along. The operators are evaluated once as arrays over those counts;
between grid points the time is interpolated linearly (it is linear there but for the knee of the roofs).
"""

from bisect import bisect_right
from dataclasses import dataclass, replace
from math import cbrt

import numpy as np

from llm_calc.core.arrays import FloatArray
from llm_calc.core.operators.context import visited_pairs
from llm_calc.core.operators.work import StepWork
from llm_calc.core.serving.rates import Rates
from llm_calc.core.serving.speculation import NO_DRAFT, Draft
from llm_calc.core.serving.step import StepLoad, prefill_floor_s, step_seconds

_TOKENS = np.unique(np.round(np.geomspace(1, 65536, 49)))
_POSITIONS = np.concatenate([[0.0], np.unique(np.round(np.geomspace(1, 4e6, 129)))])


@dataclass(frozen=True, slots=True)
class Table:
    """A function of one count by linear interpolation; beyond the grid its last slope continues."""

    points: list[float]
    values: list[float]

    def at(self, count: float) -> float:
        """The value at ``count`` [s].

        ``y0 + (count - x0) x (y1 - y0) / (x1 - x0)`` between the neighbouring points.
        Definition: linear interpolation; the tables of this module hold seconds.
        """
        points, values = self.points, self.values
        right = min(max(bisect_right(points, count), 1), len(points) - 1)
        x0, y0 = points[right - 1], values[right - 1]
        return y0 + (count - x0) * (values[right] - y0) / (points[right] - x0)


class StepClock:
    """Seconds of decode and mixed steps of one deployment.

    ``contexts``: the two contexts between which decode times are interpolated. Sequences come in multiples of
    ``group``, ``groups`` of them at most.
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
        counts = np.arange(groups + 1, dtype=np.float64) * group
        low, high = (_decode_seconds(work, rates, counts, context, draft) for context in contexts)
        self._decode_s, self._growth_s = low.tolist(), (high - low).tolist()
        self._floor_s = float(prefill_floor_s(work, rates))
        self._replicas = 1.0 / float(work.sequence_share)
        self._checked = (counts * draft.checked_tokens).tolist()
        self._spread = _prompt_table(work, rates, 1.0 / self._replicas)
        self._alone = _prompt_table(work, rates, 1.0)
        self._beside = [self._spread.at(tokens) for tokens in self._checked]
        self._scores = _score_table(work, rates)

    def decode_s(self, groups: int, context_tokens: float) -> float:
        """One step in which every sequence of so many groups decodes one token [s].

        ``low + (context - start) / (end - start) x (high - low)``, from :func:`.step.step_seconds` at both contexts.
        Choice: linear in the context, which steps are but for windows that fill.
        Leaves out: the knee of a window between the two contexts.
        """
        longer = (context_tokens - self._start) / self._span
        return float(self._decode_s[groups] + longer * self._growth_s[groups])

    def mixed_s(
        self, groups: int, context_tokens: float, prompt_tokens: float, prompts: float, prompt_start: float
    ) -> float:
        """One step with chunks of so many prompts, beside decoding sequences or alone [s].

        ``decode(n) + linear(n + prompt) - linear(n) + scores of the chunk``, at least the floor of an uncaptured
        step. Prompts run on one attention replica each, so that few of them leave the others idle.
        Choice: prompt and decoding tokens share every matrix product, and nothing else.
        Leaves out: what their attention kernels share.
        """
        share = 1.0 / min(self._replicas, prompts)
        each = prompt_tokens / prompts
        scores = self._scores.at(prompt_start + each) - self._scores.at(prompt_start)
        total = share * prompts * scores + self._linear_s(self._checked[groups] + prompt_tokens, share)
        if groups:
            total += self.decode_s(groups, context_tokens) - self._beside[groups]
        return cbrt(total * total * total + self._floor_s**3)

    def _linear_s(self, tokens: float, share: float) -> float:
        if self._replicas <= 1:
            return self._alone.at(tokens)
        least = 1.0 / self._replicas
        weight = (share - least) / (1.0 - least)
        return (1 - weight) * self._spread.at(tokens) + weight * self._alone.at(tokens)


def _decode_seconds(
    work: StepWork, rates: Rates, counts: FloatArray, context: float, draft: Draft
) -> FloatArray:
    load = StepLoad(
        sequences=counts,
        context_start=context,
        context_end=context,
        tokens_per_sequence=draft.checked_tokens,
    )
    return np.asarray(step_seconds(work, load, rates)) * draft.step_factor


def _prompt_table(work: StepWork, rates: Rates, share: float) -> Table:
    """Everything but scores and the floor, by prompt tokens."""
    bare = work.without_context()
    free = replace(rates, prefill_layer_s=0.0)
    load = StepLoad(
        prompt_tokens=_TOKENS,
        prompts=np.minimum(_TOKENS, 1.0),
        prompt_share=np.full_like(_TOKENS, share),
    )
    return Table(_TOKENS.tolist(), np.asarray(step_seconds(bare, load, free)).tolist())


def _score_table(work: StepWork, rates: Rates) -> Table:
    """Seconds for the scores of the first so many tokens of a prompt."""
    seconds = np.zeros_like(_POSITIONS)
    for context in work.context:
        pairs = np.asarray(visited_pairs(context, np.zeros_like(_POSITIONS), _POSITIONS))
        seconds += pairs * float(context.prefill_flops_per_pair / rates.prefill_attention_flops_per_s)
    return Table(_POSITIONS.tolist(), seconds.tolist())
