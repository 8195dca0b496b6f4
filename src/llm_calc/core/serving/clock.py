"""Step times of one deployment as tables, so that a scheduler can be simulated event by event.

A simulated run asks for the time of thousands of steps that differ only in how many sequences decode, at what
context, and how many prompt tokens ride along. The operators are evaluated once as arrays over those counts;
between grid points the time is interpolated linearly (it is linear there but for the knee of the roofs).
"""

from bisect import bisect_right
from dataclasses import dataclass, replace

import numpy as np

from llm_calc.core.arrays import FloatArray
from llm_calc.core.operators.context import visited_pairs
from llm_calc.core.operators.work import ContextWork, StepWork
from llm_calc.core.serving.rates import Rates
from llm_calc.core.serving.speculation import NO_DRAFT, Draft
from llm_calc.core.serving.step import StepLoad, step_seconds

_GRID = np.unique(np.round(np.geomspace(1, 65536, 49)))


@dataclass(frozen=True, slots=True)
class Table:
    """A function of one count by linear interpolation; beyond the grid its last slope continues."""

    points: list[float]
    values: list[float]

    def at(self, count: float) -> float:
        """The value at ``count``."""
        points, values = self.points, self.values
        right = min(max(bisect_right(points, count), 1), len(points) - 1)
        x0, y0 = points[right - 1], values[right - 1]
        return y0 + (count - x0) * (values[right] - y0) / (points[right] - x0)


class StepClock:
    """Seconds of decode and mixed steps of one deployment.

    ``contexts``: the two contexts between which decode times are interpolated.
    """

    def __init__(
        self,
        work: StepWork,
        rates: Rates,
        *,
        contexts: tuple[float, float],
        most_sequences: int,
        draft: Draft = NO_DRAFT,
    ) -> None:
        self._contexts, self._draft = contexts, draft
        counts = np.unique(np.round(np.geomspace(1, max(2, most_sequences), 40)))
        low, high = (_decode_table(work, rates, counts, context, draft) for context in contexts)
        self._low, self._high = low, high
        self._floor_s = float(rates.prefill_layer_s * (work.counts.layers + work.counts.expert_layers))
        self._replicas = 1.0 / float(work.sequence_share)
        self._pair_rates = [(each, _pair_seconds(each, rates)) for each in work.context if each.calls]
        self._spread = _prompt_table(work, rates, 1.0 / self._replicas)
        self._alone = _prompt_table(work, rates, 1.0)

    def decode_s(self, sequences: float, context_tokens: float) -> float:
        """One step in which every sequence decodes one token."""
        start, end = self._contexts
        low, high = self._low.at(sequences), self._high.at(sequences)
        return low + (high - low) * (context_tokens - start) / (end - start) if end > start else low

    def mixed_s(
        self,
        sequences: float,
        context_tokens: float,
        prompt_tokens: float,
        prompts: float,
        prompt_start: float,
    ) -> float:
        """One step with a chunk of prompts, beside decoding sequences or alone.

        ``decode(n) + linear(n + prompt) - linear(n) + scores of the chunk``, at least the floor of an uncaptured
        step. Prompts run on one attention replica each, so that few of them leave the others idle.
        """
        share = 1.0 / min(self._replicas, max(1.0, prompts))
        checked = sequences * self._draft.checked_tokens
        total = self._linear_s(checked + prompt_tokens, share)
        if sequences:
            total += self.decode_s(sequences, context_tokens) - self._spread.at(checked)
        total += share * self._attention_s(prompt_tokens, prompts, prompt_start)
        return float((total**3 + self._floor_s**3) ** (1 / 3))

    def _linear_s(self, tokens: float, share: float) -> float:
        if self._replicas <= 1:
            return self._alone.at(tokens)
        least = 1.0 / self._replicas
        weight = (share - least) / (1.0 - least)
        return (1 - weight) * self._spread.at(tokens) + weight * self._alone.at(tokens)

    def _attention_s(self, prompt_tokens: float, prompts: float, start: float) -> float:
        each = prompt_tokens / max(prompts, 1e-9)
        return sum(
            prompts * float(visited_pairs(work, start, each)) * per_pair
            for work, per_pair in self._pair_rates
        )


def _pair_seconds(context: ContextWork, rates: Rates) -> float:
    return float(context.prefill_flops_per_pair / rates.prefill_attention_flops_per_s)


def _decode_table(work: StepWork, rates: Rates, counts: FloatArray, context: float, draft: Draft) -> Table:
    load = StepLoad(
        sequences=counts,
        context_start=context,
        context_end=context,
        tokens_per_sequence=draft.checked_tokens,
    )
    seconds = np.asarray(step_seconds(work, load, rates)) * draft.step_factor
    return Table(counts.tolist(), seconds.tolist())


def _without_context(work: StepWork) -> StepWork:
    return replace(work, context=(), state_bytes=0.0)


def _prompt_table(work: StepWork, rates: Rates, share: float) -> Table:
    bare = _without_context(work)
    free = replace(rates, prefill_layer_s=0.0)
    load = StepLoad(
        prompt_tokens=_GRID, prompts=np.minimum(_GRID, 1.0), prompt_share=np.full_like(_GRID, share)
    )
    return Table(_GRID.tolist(), np.asarray(step_seconds(bare, load, free)).tolist())
