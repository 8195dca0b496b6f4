"""What differs between releases of llama.cpp."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LlamaCppRules:
    """What differs by release.

    ``automatic_slots``: slots of a server that is told no number; several share one cache. ``context_for_each_slot``:
    an absent ``n_ctx`` is the model's own for each slot, else for all together. ``fits``: what is not said is fitted
    to the memory at start. ``output_rows_by_slot``: logits for one token a slot, else for the whole micro-batch.
    ``cached_beside_scores``: without flash attention keys and values of a micro-batch lie beside its scores.
    """

    automatic_slots: int
    context_for_each_slot: bool
    fits: bool
    output_rows_by_slot: bool
    cached_beside_scores: bool
