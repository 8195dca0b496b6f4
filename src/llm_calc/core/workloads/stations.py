"""Replicas that prefill, replicas that decode, and the links between them: their times, and what they serve at most."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil, inf

import numpy as np

from llm_calc.core.arrays import FloatArray
from llm_calc.core.workloads.stream import Room

_NEARLY = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Stations:
    """Replicas of both kinds and the links between them, with their times [s].

    ``prefill_s``: of a prompt of which so much is found; ``transfer_s``: of its cache over one of the ``links``;
    ``token_s``: of a further token with so many answers on the replica; ``most``: answers at once on one decode
    replica. ``room``: where a prefill replica keeps prompts that it computed; None: nothing is followed, and
    ``cached_fraction`` of each prompt is found. ``sessions_together``: that move as one, each prompt one of theirs;
    ``sessions_kept_for``: that share the room of each that moves, the others waiting; ``step_tokens``: of each answer
    in a step, above 1 with speculative decoding.
    """

    prefills: int
    decodes: int
    most: int
    prefill_s: Callable[[float, float], float]
    transfer_s: Callable[[float], float]
    token_s: Callable[[float], float]
    cached_fraction: float = 0.0
    room: Room | None = None
    sessions_together: float = 1.0
    sessions_kept_for: float = 1.0
    step_tokens: float = 1.0
    links: float = 1.0

    @property
    def ways(self) -> int:
        """Caches that travel at once, ``ways = ceil(links)``, each for ``ways / links`` times as long [1].

        Choice: a broken number of links carries as much as it does, in whole caches.
        Leaves out: nothing.
        """
        return max(1, ceil(self.links - _NEARLY))

    def carried_per_s(self, prompts: FloatArray) -> float:
        """Caches of such prompts that the links carry at most, ``links / mean transfer_s`` [requests/s].

        Definition: links that are never idle.
        Leaves out: caches that one link waits with while another is free.
        """
        return self.links / max(float(np.mean([self.transfer_s(float(each)) for each in prompts])), 1e-30)

    def most_per_s(
        self,
        prompts: FloatArray,
        outputs: FloatArray,
        encoding_s: float = 0.0,
        found: FloatArray | None = None,
    ) -> float:
        """What both sides and the links can serve of requests of these lengths, with images or without [requests/s].

        ``min(prefills / (mean prompt_s + encoding_s), links / mean transfer_s,
        decodes x most / (mean (output - 1) x token_s(most)))``; ``found``: of each prompt, as stated where not given.
        Definition: a side that is never idle; what waits for another does not bound it.
        Leaves out: as :meth:`carried_per_s`.
        """
        there = self.cached_fraction * prompts if found is None else found
        pairs = zip(prompts.tolist(), there.tolist(), strict=True)
        text_s = float(np.mean([self.prefill_s(*each) for each in pairs]))
        prompt_s = (text_s + encoding_s) * self.sessions_together
        answer_s = float(np.mean(outputs - 1)) * self.token_s(self.most)
        decoded = self.decodes * self.most / answer_s if answer_s > 0 else inf
        return min(self.prefills / max(prompt_s, 1e-12), self.carried_per_s(prompts), decoded)

    def part(self, of: float) -> "Stations":
        """So-manieth part of both sides, in whole replicas, for as small a part of all requests [1].

        ``p = max(1, round(prefills / of))``, each prompt for ``p x of / prefills``; decode replicas alike, where n
        answers of a part are ``n x d x of / decodes`` of the whole; ``links / of``.
        Choice: both sides serve of the part exactly what they serve of the whole.
        Leaves out: waits that many replicas share out better than few.
        """
        if of <= 1:
            return self
        prefills, decodes = (max(1, round(each / of)) for each in (self.prefills, self.decodes))
        each = decodes * of / self.decodes
        token_s = self.token_s
        return replace(
            self,
            prefills=prefills,
            decodes=decodes,
            most=max(1, round(self.most / each)),
            token_s=lambda answers: token_s(max(1.0, answers * each)),
            sessions_together=self.sessions_together * prefills * of / self.prefills,
            links=self.links / of,
        )
