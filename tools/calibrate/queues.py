"""What measured offline runs were sent and how their engines were started (``catalogs/calibration/queues.csv``)."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from llm_calc.core.arrays import FloatArray
from llm_calc.core.operators import StepWork
from llm_calc.core.serving import offline
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.rates import Rates
from tools.calibrate.measurements import ROOT, Measurement

ENDLESS = float("inf")


@dataclass(frozen=True, slots=True)
class Queue:
    """``requests`` that wait from the start; ``max_sequences``: what the engine was told to run at most at once."""

    requests: float = ENDLESS
    max_sequences: float | None = None


def queue_of(row: Measurement) -> Queue:
    """That of an offline run whose source tells it, else an endless one under the engine's own limit.

    TensorRT-LLM's benchmark chooses the limit itself: what the cache holds, at most 4096 over all stages.
    Source: TensorRT-LLM ``tensorrt_llm/bench/build/tuning.py``, ``finetune_setting``; checked: 2026-12-01, read.
    """
    lengths = (round(row.input_tokens), round(row.output_tokens))
    told = _told() if row.load == "offline" else {}
    return told.get((row.source, row.model, *lengths), told.get((row.source, "", *lengths), Queue()))


@cache
def _told() -> Mapping[tuple[str, str, int, int], Queue]:
    with (ROOT / "queues.csv").open(newline="") as file:
        return {
            (row["source"], row["model"], int(row["input_tokens"]), int(row["output_tokens"])): Queue(
                float(row["requests"]), float(row["max_sequences"])
            )
            for row in csv.DictReader(file)
        }


def output_tokens_per_s(
    work: StepWork,
    rates: Rates,
    lengths: Lengths,
    capacity: FloatArray,
    limit: FloatArray,
    requests: FloatArray,
) -> FloatArray:
    """Output of a queue of so many equal requests [tokens/s].

    ``N / (w x B / X(B) + r / X(r))``: all have one length, so that they run in ``w`` waves of ``B = min(N, capacity,
    limit)`` and a last one of ``r = N - w x B``; ``X``: output of an endless queue of so many at once.
    Choice: waves that stay together, as prompts of one length let them.
    Leaves out: how far sequences of a wave come apart.
    """

    def output(running: FloatArray) -> FloatArray:
        return np.asarray(offline.steady_state(work, rates, lengths, running, limit).output_tokens_per_s)

    at_once = np.maximum(np.minimum(np.minimum(capacity, limit), requests), 1.0)
    sent = np.where(np.isfinite(requests), requests, at_once)
    waves = np.floor(sent / at_once)
    rest = sent - waves * at_once
    seconds = waves * at_once / output(at_once) + rest / output(np.maximum(rest, 1.0))
    return np.asarray(sent / seconds)
