"""What the host does of a deployment: where llama.cpp left part of a model with it."""

from dataclasses import dataclass, replace

from llm_calc.core.engines import Engine, Setup
from llm_calc.core.engines.llama_cpp import LlamaCpp
from llm_calc.core.engines.llama_cpp_placement import without_effect
from llm_calc.core.engines.vllm import Vllm
from llm_calc.core.errors import UnsupportedError
from llm_calc.core.host import Host, host_words
from llm_calc.core.operators.work import GROUPS, StepWork
from llm_calc.core.serving.placement import HostReach, Placement, host_rates, placed_work
from llm_calc.core.serving.rates import Rates

ALL_ON_GPU = Placement(
    fractions=(0.0,) * len(GROUPS),
    cache_fraction=0.0,
    layers_fraction=0.0,
    expert_layers=0.0,
    crossings=0,
)
SLOWEST_LINK_BYTES_PER_S = 16e9
"""Taken for a card whose link nobody published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offload:
    """Where the parts of a model lie, the rates of both sides, and the host that was meant or taken.

    ``reach``: what is known of hosts.
    """

    placement: Placement
    rates: Rates
    reach: HostReach
    host: Host | None = None
    assumptions: tuple[str, ...] = ()

    @property
    def used(self) -> bool:
        """Whether the host computes at all."""
        return self.host is not None

    def work(self, whole: StepWork) -> StepWork:
        """A step with the host's share apart [bytes, FLOP].

        Definition: ``placed_work``.
        """
        return placed_work(whole, self.placement)

    def spread(self, metric: str) -> float:
        """How far an estimate may be off either way: a factor; 1 without the host [1].

        Definition: the range of hosts that were stated or taken, of prompts at least their own.
        """
        if not self.used:
            return 1.0
        reached = self.reach
        stated = self.host is not None and self.host.stated
        least = reached.prompt_range if metric == "ttft_s" else 1.0
        return max(least, reached.stated_range if stated else reached.assumed_range)


IDLE_HOST = (
    "hardware.host: all of the model lies on the GPUs, so that the host changes nothing of the times here"
)


def offload_of(engine: Engine, setup: Setup, rates: Rates, reach: HostReach) -> Offload:
    """The offload of a deployment; all on the GPU for engines that leave nothing with the host [bytes/s, FLOP/s, s].

    Definition: llama.cpp's own placement at the rates of ``host_rates``.

    Raises:
        UnsupportedError: weights that an engine copies from the host in every step, whose time is not modelled.
    """
    if isinstance(engine, Vllm) and engine.cpu_offload_gb:
        field = "engine.cpu_offload_gb"
        msg = f"{field}: the time of weights that each step copies from the host is not modelled; use 0, or llama.cpp"
        raise UnsupportedError(msg, field=field)
    if not isinstance(engine, LlamaCpp):
        return Offload(placement=ALL_ON_GPU, rates=rates, reach=reach)
    loading = engine.loading(setup)
    told = without_effect(setup, engine, engine.slots_at(loading.n_ctx))
    whole = loading.is_whole(setup.model.num_layers) and engine.cache_on_device
    placement = ALL_ON_GPU if setup.host is None or whole else engine.placement(setup)
    if setup.host is None or not placement.uses_host:
        stated = setup.host is not None and setup.host.stated
        return Offload(
            placement=ALL_ON_GPU,
            rates=rates,
            reach=reach,
            assumptions=(*told, *([IDLE_HOST] if stated else [])),
        )
    gpu = setup.gpu
    link = gpu.pcie_bytes_per_s_each_way or SLOWEST_LINK_BYTES_PER_S
    found = host_rates(
        setup.host,
        reach.efficiencies,
        crossings=placement.crossings,
        link_bytes_per_s=gpu.memory_bandwidth_bytes_per_s if gpu.unified_memory else link,
        micro_batch=engine.micro_batch(loading.n_ctx),
        copies=engine.op_offload,
        routing_exponent=rates.routing_exponent,
    )
    words = (host_words(setup.host), _share_words(placement))
    return Offload(
        placement=placement,
        rates=replace(rates, host=found),
        reach=reach,
        host=setup.host,
        assumptions=(*told, *words),
    )


def _share_words(placement: Placement) -> str:
    parts = [
        f"{part:.0%} of {group}" for group, part in zip(GROUPS, placement.fractions, strict=True) if part
    ]
    return f"on the host: {', '.join(parts) or 'the cache'}; its times rest on a few public runs (docs/performance.md)"
