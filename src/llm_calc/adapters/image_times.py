"""Time of the encoder of images, before first tokens."""

from dataclasses import replace

from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.images import Seen
from llm_calc.adapters.wire.serving import ServingEstimateAnswer
from llm_calc.core.serving.estimate import Estimate

FIRST = frozenset({"ttft_s", "request_latency_s"})
"""Percentiles that begin with the encoder."""


def encoder_seconds(placed: Placed, seen: Seen) -> float:
    """Time of the encoder for the images of one request, on all GPUs of a replica, in 16 bits [s].

    At the rate of prompts' attention, or that of their matrices where it is lower.
    """
    machine, rates = placed.machine, placed.deployment.rates
    reached = float(rates.linear[0].flops_per_s) / float(machine.group_flops_per_s[0])
    slower = min(
        float(machine.wide_flops_per_s) * min(1.0, reached), float(rates.prefill_attention_flops_per_s)
    )
    return seen.flops / (slower * placed.layout.tensor)


def with_encoder(found: Estimate, seconds: float, load: str) -> Estimate:
    """The same with the encoder before each first token; requests that wait for another take its time from the rate."""
    latency = found.request_latency_s + seconds
    if load == "request_rate":
        slower = 1.0
    elif load == "offline":
        slower = 1 / (1 + float(found.requests_per_s) * seconds)
    else:
        slower = float(found.request_latency_s / latency)
    return replace(
        found,
        ttft_s=found.ttft_s + seconds,
        request_latency_s=latency,
        output_tokens_per_s=found.output_tokens_per_s * slower,
        total_tokens_per_s=found.total_tokens_per_s * slower,
        requests_per_s=found.requests_per_s * slower,
        percentiles=tuple(
            (name, tuple(value + seconds for value in values) if name in FIRST else values)
            for name, values in found.percentiles
        ),
    )


def with_timed_images(answer: ServingEstimateAnswer, seen: Seen, seconds: float) -> ServingEstimateAnswer:
    """An answer whose times hold the encoder."""
    words = (
        f"workload.images: the encoder takes {seconds:.3g} s a request, before its first token; steps of others do "
        "not wait for it"
    )
    return answer.model_copy(
        update={
            "images": seen.answer(seconds),
            "assumptions": [*answer.assumptions, *seen.words, words],
        }
    )


def with_untimed_images(answer: ServingEstimateAnswer, seen: Seen | None) -> ServingEstimateAnswer:
    """An answer to a load whose requests are told apart: images count by their tokens alone."""
    if seen is None:
        return answer
    words = "workload.images: the time of the encoder is not part of the times of this kind of load"
    return answer.model_copy(
        update={
            "images": seen.answer(None),
            "assumptions": [*answer.assumptions, *seen.words],
            "warnings": [*answer.warnings, words],
        }
    )
