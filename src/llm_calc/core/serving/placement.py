"""Where the parts of a model lie between a GPU and its host, and what each then does of a step.

Every matrix is on one of the two; so is the cache of every layer. A step does the GPU's share at the GPU's rates and
the host's at the host's, one after the other, since layers follow each other.
"""

from dataclasses import dataclass, replace
from typing import Any

from llm_calc.core.arrays import Quantity
from llm_calc.core.host import Host
from llm_calc.core.operators.work import GROUPS, ContextWork, Group, LayerCounts, LinearWork, StepWork
from llm_calc.core.serving.rates import TIMES, HostRates, Kernels, LinearRates, Rates

NO_TOKENS = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Which part of a model lies with the host.

    ``fractions``: of the weight bytes of each group, in the order of ``operators.GROUPS``. ``cache_fraction``: of the
    layers, those whose cache does. ``layers_fraction``: whole layers. ``expert_layers``: layers of which the experts
    alone do. ``crossings``: hand-overs between the two in one step.
    """

    fractions: tuple[float, ...]
    cache_fraction: float
    layers_fraction: float
    expert_layers: float
    crossings: int

    @property
    def uses_host(self) -> bool:
        """Whether the host computes at all."""
        return any(self.fractions) or self.cache_fraction > 0

    def of(self, group: Group) -> float:
        """The host's part of one group of matrices [1].

        ``host bytes / all bytes``.
        Definition: matrices of a group are alike.
        """
        return self.fractions[GROUPS.index(group)]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostEfficiencies:
    """Which part of its peaks a host reaches, and what a layer and a hand-over cost it.

    Fitted to public runs (``docs/performance.md``).
    """

    bandwidth_fraction: float
    compute_fraction: float
    layer_s: float
    expert_layer_s: float
    crossing_s: float
    copy_fraction: float
    copied_from_tokens: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReach:
    """What a host reaches, and how far an answer may be off: a factor either way [1].

    ``stated_range``: where the host was stated; ``assumed_range``: where it was taken for lack of a word;
    ``prompt_range``: the least of prompts.
    """

    efficiencies: HostEfficiencies
    stated_range: float
    assumed_range: float
    prompt_range: float


def placed_work(work: StepWork, placement: Placement) -> StepWork:
    """The same step with the host's share apart [bytes, FLOP].

    ``GPU = (1 - fraction) x work``, ``host = fraction x work``.
    Definition: nothing is done twice or left out.
    """
    if not placement.uses_host:
        return work
    kept = _share(work, placement, on_host=False)
    return replace(kept, host=_share(work, placement, on_host=True))


def _share(work: StepWork, placement: Placement, *, on_host: bool) -> StepWork:
    def part(fraction: float) -> float:
        return fraction if on_host else 1.0 - fraction

    counts, whole = work.counts, part(placement.layers_fraction)
    return replace(
        work,
        linear=tuple(_linear(each, part(placement.of(each.group))) for each in work.linear),
        context=tuple(_context(each, part(placement.cache_fraction)) for each in work.context),
        collectives=() if on_host else work.collectives,
        counts=LayerCounts(
            layers=counts.layers * whole,
            expert_layers=placement.expert_layers if on_host else counts.expert_layers * whole,
            latent_layers=counts.latent_layers * whole,
            sparse_layers=counts.sparse_layers * whole,
            recurrent_layers=counts.recurrent_layers * whole,
        ),
        state_bytes=work.state_bytes * part(placement.cache_fraction),
    )


def _linear(work: LinearWork, part: float) -> LinearWork:
    return replace(
        work,
        weight_bytes=work.weight_bytes * part,
        flops_per_token=work.flops_per_token * part,
        activation_bytes_per_token=work.activation_bytes_per_token * part,
        calls=work.calls * part,
    )


def _context(work: ContextWork, part: float) -> ContextWork:
    return replace(
        work,
        calls=work.calls * part,
        kv_bytes_per_key=work.kv_bytes_per_key * part,
        decode_flops_per_key=work.decode_flops_per_key * part,
        prefill_flops_per_pair=work.prefill_flops_per_pair * part,
        prefill_bytes_per_pair=work.prefill_bytes_per_pair * part,
    )


def host_rates(
    host: Host,
    reached: HostEfficiencies,
    *,
    crossings: int,
    link_bytes_per_s: float,
    micro_batch: int,
    copies: bool,
    routing_exponent: Quantity,
) -> HostRates:
    """What the host reaches [bytes/s, FLOP/s, s].

    ``rate = peak x fraction`` of memory and processor; ``copies``: prompts take its weights over the link instead.
    Choice: one fraction for all formats; fitted to public runs.
    Leaves out: how many threads run, memory of several sockets, and layouts that a processor repacks.
    """
    bytes_per_s = host.memory_bandwidth_bytes_per_s * reached.bandwidth_fraction
    flops_per_s = host.flops_per_s * reached.compute_fraction
    rates = _of_host(bytes_per_s, flops_per_s, reached, routing_exponent)
    return HostRates(
        rates=rates,
        copied_from_tokens=reached.copied_from_tokens if copies else NO_TOKENS,
        micro_batch_tokens=float(micro_batch),
        copy_bytes_per_s=link_bytes_per_s * reached.copy_fraction,
        crossings_s=crossings * reached.crossing_s,
    )


def _of_host(
    bytes_per_s: float, flops_per_s: float, reached: HostEfficiencies, routing_exponent: Quantity
) -> Rates:
    linear = LinearRates(bytes_per_s=bytes_per_s, flops_per_s=flops_per_s, vector_flops_per_s=flops_per_s)
    none: dict[str, Any] = dict.fromkeys(TIMES, 0.0)
    times = {
        "routing_exponent": routing_exponent,
        "layer_s": reached.layer_s,
        "expert_layer_s": reached.expert_layer_s,
    }
    return Rates(
        linear=(linear,) * len(GROUPS),
        activation_bytes_per_s=bytes_per_s,
        kv_bytes_per_s=bytes_per_s,
        state_bytes_per_s=bytes_per_s,
        decode_attention_flops_per_s=flops_per_s,
        prefill_attention_flops_per_s=flops_per_s,
        link_bytes_per_s=bytes_per_s,
        kernels=Kernels(name="host", overlap_exponent=3.0),
        **{**none, **times},
    )
