"""The encoder of images: time of the GPUs that every request takes before its first token, whatever the load."""

import math
from dataclasses import dataclass, replace

from llm_calc.core.arrays import Quantity
from llm_calc.core.serving.estimate import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """``seconds`` of each request's images on one of ``groups`` of GPUs of a replica that encode apart."""

    seconds: float = 0.0
    groups: int = 1

    @property
    def share_s(self) -> float:
        """Time of the whole replica that one request's images take [s].

        ``seconds / groups``.
        Definition: groups encode different images at once.
        """
        return self.seconds / self.groups

    def most(self, text_per_s: Quantity) -> Quantity:
        """What a replica serves of requests with images, of which it would serve so many without [requests/s].

        ``1 / (1 / rate + seconds / groups)``: below ``groups / seconds`` whatever the text.
        Definition: a GPU does one thing at a time; vLLM runs the encoder in the step that carries the prompt, so that
        those that decode in it wait.
        Leaves out: what an encoder and a bound of memory could share of the same time.
        """
        return text_per_s / (1 + text_per_s * self.share_s)

    def turns(self, requests: float) -> int:
        """How often the busiest group encodes for so many requests [1].

        ``ceil(requests / groups)``.
        Definition: requests are dealt out evenly.
        """
        return math.ceil(requests / self.groups)


NO_ENCODER = Encoder()


def in_queue(text: Estimate, encoder: Encoder) -> Estimate:
    """A long queue whose requests take the encoder's time as well [s, tokens/s, requests/s].

    ``requests/s = most(those of the text)``; all else takes ``1 + rate x seconds / groups`` times as long, the part of
    the time that the encoders of others leave.
    Definition: :meth:`Encoder.most`.
    """
    longer = 1 + float(text.requests_per_s) * encoder.share_s
    return at_rate(stretched(text, longer, encoder.seconds), float(encoder.most(text.requests_per_s)))


def in_loop(text: Estimate, encoder: Encoder, requests: float, most_per_s: float) -> Estimate:
    """A closed loop of so many requests, each of which waits for every other's encoder once [s, requests/s].

    ``latency = text + turns x seconds``, that of the others spread evenly over its life; ``requests/s = min(most,
    1 / (1 / text's + turns x seconds / requests))``.
    Source: Little 1961 (doi:10.1287/opre.9.3.383), ``L = lambda x W``: while one is served, each other slot is once;
    checked: 2026-11-30, its entry in MathSciNet and the law as quoted.
    Leaves out: that encoders come in bursts when all slots start at once.
    """
    turns = encoder.turns(requests)
    longer = 1 + max(turns - 1, 0) * encoder.seconds / float(text.request_latency_s)
    each_s = turns * encoder.seconds / requests
    rate = float(text.requests_per_s) / (1 + float(text.requests_per_s) * each_s)
    found = stretched(text, longer, encoder.seconds)
    return at_rate(found, min(rate, most_per_s) if encoder.seconds else rate)


def in_batch(text: Estimate, encoder: Encoder, requests: float) -> Estimate:
    """A static batch whose images are all encoded before its prompts, round by round [s, requests/s].

    ``latency = text + turns(requests) x seconds``; the first token of a round waits for its images and those of the
    rounds before, ``(turns(requests) + turns(round)) / 2 x seconds`` on average.
    Definition: nothing enters or leaves a static batch.
    """
    turns, once = encoder.turns(requests), encoder.turns(float(text.running))
    latency = float(text.request_latency_s) + turns * encoder.seconds
    rate = float(text.requests_per_s) * (float(text.request_latency_s) / latency)
    first = text.ttft_s + (turns + min(once, turns)) / 2 * encoder.seconds
    return replace(at_rate(text, rate), ttft_s=first, request_latency_s=latency)


def stretched(found: Estimate, longer: float, later_s: float) -> Estimate:
    """The same with all times so much longer, and all first tokens later besides [s].

    ``time x longer``, ``+ later`` for first tokens and whole requests.
    Definition: element by element.
    """

    def moved(name: str, value: Quantity) -> Quantity:
        return value * longer + (0.0 if name == "tpot_s" else later_s)

    return replace(
        found,
        ttft_s=moved("ttft_s", found.ttft_s),
        tpot_s=moved("tpot_s", found.tpot_s),
        request_latency_s=moved("request_latency_s", found.request_latency_s),
        percentiles=tuple(
            (name, tuple(float(moved(name, value)) for value in values)) for name, values in found.percentiles
        ),
        each=found.each.later(longer, later_s),
    )


def at_rate(found: Estimate, requests_per_s: float) -> Estimate:
    """The same with so many requests a second and their tokens [tokens/s, requests/s].

    ``rate x requests/s / those before``.
    Definition: a request has as many tokens at any rate.
    """
    share = requests_per_s / found.requests_per_s
    return replace(
        found,
        output_tokens_per_s=found.output_tokens_per_s * share,
        total_tokens_per_s=found.total_tokens_per_s * share,
        requests_per_s=requests_per_s,
    )
