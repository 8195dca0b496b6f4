"""How many tokens and sequences a step of vLLM takes, by card, by how it is started, and by what is said.

Read from vLLM 0.11.0, 0.17.0, 0.27.0, 0.31.0 and 0.33.0 (``vllm/engine/arg_utils.py``); what differs is in
``VllmRules``.
"""

from dataclasses import dataclass

from llm_calc.core.engines.base import Limits
from llm_calc.core.engines.setup import Setup
from llm_calc.core.engines.vllm_rules import VllmRules

GIB = 2**30
LARGE_CARD_BYTES, VERY_LARGE_CARD_BYTES = 70 * GIB, 160 * GIB
OFFLINE = "LLM_CLASS"
LARGE_CARD_TOKENS = {"OPENAI_API_SERVER": 8192, OFFLINE: 16384}
TOKENS = {"OPENAI_API_SERVER": 2048, OFFLINE: 8192}
LARGE_CARD_SEQUENCES, SEQUENCES = 1024, 256
THROUGHPUT, THROUGHPUT_TIMES = "throughput", 2
WHOLE_ITEMS = {"gemma4": 32 * (70 + 2 + 6)}
"""Tokens of the largest item: 32 frames of a video, each 70 with two marks and a time stamp of 6 (``gemma4_mm.py``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepWishes:
    """What is said of a step; None: left to the engine. ``usage``: by the server, or by the class LLM."""

    tokens: int | None
    sequences: int | None
    chunked: bool
    usage: str
    performance: str


def step_limits(setup: Setup, rules: VllmRules, wishes: StepWishes, context_tokens: int) -> Limits:
    """``max_num_seqs`` and ``max_num_batched_tokens`` [sequences, tokens].

    By the card (:func:`card_class`), doubled where throughput is asked for; without chunked prefill a step takes the
    whole context; what is not said never exceeds ``sequences x context`` tokens nor as many sequences as tokens.
    Source: vLLM 0.33.0 ``vllm/engine/arg_utils.py``, ``_set_default_max_num_seqs_and_batched_tokens_args``; checked:
    2026-11-30, read.
    Models that read an image or a video at once (Gemma 4) take no fewer tokens than their largest item, in later
    releases. Leaves out: such models of other makers, whose largest item is not known beforehand.
    """
    tokens, sequences = card_class(setup, rules, wishes.usage)
    times = THROUGHPUT_TIMES if wishes.performance == THROUGHPUT else 1
    sequences = wishes.sequences or sequences * times
    tokens *= times
    if not wishes.chunked:
        tokens = max(tokens, context_tokens)
    if rules.whole_items and setup.model.model_type in WHOLE_ITEMS and setup.model.vision_tower is not None:
        tokens = max(tokens, WHOLE_ITEMS[setup.model.model_type])
    tokens = wishes.tokens or min(tokens, sequences * context_tokens)
    return Limits(max_sequences=wishes.sequences or min(sequences, tokens), max_batched_tokens=tokens)


def card_class(setup: Setup, rules: VllmRules, usage: str) -> tuple[int, int]:
    """Tokens and sequences of a step by the card's memory and name [tokens, sequences].

    160 GiB and more: 16384 in later releases; 70 GiB and more, not A100 (nor, later, GB10): 8192, and 16384 where
    Python's LLM class starts it; else 2048 and 8192. 1024 sequences on large cards, else 256.
    Source: vLLM 0.33.0 ``vllm/engine/arg_utils.py``, ``get_batch_defaults``; checked: 2026-11-30, read.
    Leaves out: other vendors' cards that have sizes of their own.
    """
    name = setup.gpu.name.lower()
    small = "a100" in name or (rules.small_gb10 and "gb10" in name)
    if setup.memory_bytes >= VERY_LARGE_CARD_BYTES and rules.very_large_card_tokens:
        return rules.very_large_card_tokens, LARGE_CARD_SEQUENCES
    if setup.memory_bytes >= LARGE_CARD_BYTES and not small:
        return LARGE_CARD_TOKENS[usage], LARGE_CARD_SEQUENCES
    return TOKENS[usage], SEQUENCES
