"""Options that a request states and that leave its answer as it is: named, so that none is taken for effective."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.engines import engine_from, release_of
from llm_calc.adapters.formats.recipes import number_format
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.adapters.wire.homes import homed_flags
from llm_calc.adapters.wire.memory import MemoryPlanRequest
from llm_calc.adapters.wire.parts import HardwarePart, PrecisionPart, WorkloadPart
from llm_calc.core.checkpoints.recipes.precision import sixteen_bit
from llm_calc.core.engines import MemoryPlan, traits_of
from llm_calc.core.engines.setup import Setup
from llm_calc.core.errors import CalcError
from llm_calc.core.memory import kv_cache_bytes
from llm_calc.core.serving.estimate import Deployment
from llm_calc.core.serving.host import HostTimes

NOT_OPTIONS = frozenset(
    (
        "name",
        "version",
        "preset",
        "cache_type_k",
        "cache_type_v",
        "mm_processor_kwargs",
        "further",
        "further_values",
    )
)
"""What chooses rules, or a format or limits that were brought into the setup before."""
SERVED = "served"
OF_PRESETS = frozenset(("n_ctx", "n_parallel", "kv_unified", "n_batch", "n_ubatch"))
"""What a preset chooses, each by the others."""


def idle_options(part: EnginePart, setup: Setup, plan: MemoryPlan) -> list[str]:
    """One sentence for each option that is stated, differs from its default and changes nothing of the memory."""
    return [
        f"engine.{name}: changes nothing of the memory here"
        for name in _stated(part, setup.layout.data)
        if not any(name in note for note in plan.notes) and _without(part, name, setup) == _shown(plan)
    ]


def _shown(plan: MemoryPlan) -> MemoryPlan:
    """A plan without the tokens of a step, of which its answer says nothing: their peak tells them."""
    return replace(plan, limits=replace(plan.limits, max_batched_tokens=0))


def idle_fields(request: MemoryPlanRequest, setup: Setup) -> Iterator[str]:
    """The same of other parts of a request, which say something of times alone."""
    load, hosts = request.workload, request.hardware.gpus_per_node
    apart = request.disaggregated
    stated = {
        "disaggregated.link_bytes_per_s": apart is not None and apart.link_bytes_per_s is not None,
        "hardware.gpus_per_node": hosts != HardwarePart.model_fields["gpus_per_node"].default,
        "workload.prefix_cache_hit_fraction": load is not None and bool(load.prefix_cache_hit_fraction),
        "workload.targets": load is not None and load.targets is not None,
        "workload.sessions.think_s": load is not None
        and load.sessions is not None
        and load.sessions.think_s > 0,
    }
    yield from (f"{name}: changes nothing of the memory here" for name, given in stated.items() if given)
    yield from idle_activations(request.precision, setup, request.engine.name, "the memory")


def idle_activations(precision: PrecisionPart, setup: Setup, engine: str, what: str) -> Iterator[str]:
    """Activations in a format of their own that take as much, and recurrent states as well, as the engine's own."""
    if precision.activations == "auto":
        return
    own = sixteen_bit(setup.model)
    if precision.activations == own or (
        traits_of(engine).formats.fp8_with and precision.activations == "fp8"
    ):
        return
    numbers = replace(setup.numbers, activations=number_format(own))
    other = replace(setup, numbers=numbers)
    states = [kv_cache_bytes(setup.model, 1, 1, each.numbers.cache_format) for each in (setup, other)]
    if setup.activation_bytes_per_element == other.activation_bytes_per_element and states[0] == states[1]:
        yield f"precision.activations: changes nothing of {what} here"


@dataclass(frozen=True, kw_only=True, eq=False)
class Timed:
    """What times follow from; ``rest``: without what may not be reached; ``figures``: the times themselves."""

    whole: tuple[object, ...]
    rest: tuple[object, ...]
    figures: Callable[[], object]

    def same(self, other: "Timed") -> bool:
        """Whether times are the same, run only where nothing differs but what may not be reached."""
        return self.whole == other.whole or (self.rest == other.rest and self.figures() == other.figures())


def idle_in_time(
    part: EnginePart, data: int, said: Sequence[str], timed_by: Callable[[EnginePart], Timed]
) -> Iterator[str]:
    """The same of options that change nothing of the times, nor are said to; ``timed_by``: what these follow from.

    ``data``: groups or servers of the layout.
    """
    names = list(_stated(part, data))
    if not names:
        return
    now = timed_by(part)
    for name in names:
        if any(f"engine.{name}" in words for words in said):
            continue
        try:
            other = timed_by(part.model_copy(update={name: None}))
        except CalcError:
            continue
        if now.same(other):
            yield f"engine.{name}: changes nothing of the times here"


def timed(placed: Placed, workload: WorkloadPart, figures: Callable[[], object]) -> Timed:
    """What times follow from: steps of a server are filled up to its budget of tokens, those of others are not.

    No more run at once than come.
    """
    deployment = placed.deployment
    if workload.load in ("concurrency", "batch"):
        deployment = _at_most(deployment, -(-workload.requests_in_flight // placed.replicas))
    if placed.calibration.name != SERVED:
        scheduling = replace(deployment.scheduling, budget_tokens=0.0)
        deployment = replace(deployment, scheduling=scheduling)
    beside = (placed.operators, placed.replicas, placed.context_tokens, placed.room, placed.layout)
    return Timed(whole=(deployment, *beside), rest=(unlimited(deployment), *beside), figures=figures)


def unlimited(deployment: Deployment) -> Deployment:
    """The same without what may not be reached: a most of requests at once, a most of tokens in a prompt's step.

    Nor steps between looks for new requests, for which none waits that is alone, nor the part of an answer that
    must fit beside its prompt, where the cache has room for all.
    """
    server, alone = (other and unlimited(other) for other in (deployment.server, deployment.alone))
    kernels = replace(deployment.rates.kernels, prompt_tokens=0)
    rates = replace(deployment.rates, kernels=kernels)
    host, scheduling = unpolled(deployment.host), replace(deployment.scheduling, reserved_fraction=1.0)
    return replace(
        deployment, limit=0.0, rates=rates, host=host, scheduling=scheduling, server=server, alone=alone
    )


def unpolled(host: HostTimes) -> HostTimes:
    """The same where new requests are looked for in every step."""
    return replace(host, polled_steps=1.0, polled_steps_of_few=1.0)


def _at_most(deployment: Deployment, requests: int) -> Deployment:
    """The same where so many requests are all that there are."""
    server, alone = (other and _at_most(other, requests) for other in (deployment.server, deployment.alone))
    limit = min(float(deployment.limit), float(requests))
    return replace(deployment, limit=limit, server=server, alone=alone)


def _stated(part: EnginePart, data: int) -> Iterator[str]:
    """Options that may be idle; a switch that said what the ``data`` groups are to each other is not."""
    defaults, flags = release_of(part).defaults, traits_of(part.name).options.layout
    idle = () if flags.joins and data > 1 else flags.switches
    apart = NOT_OPTIONS | (homed_flags(part.name) - frozenset(idle))
    if getattr(part, "preset", None) is not None:
        apart |= OF_PRESETS
    for name in sorted(part.model_fields_set - apart):
        value = getattr(part, name)
        if value is not None and value != defaults.get(name):
            yield name


def _without(part: EnginePart, name: str, setup: Setup) -> MemoryPlan | None:
    """The plan of the same engine without an option; None where it does not stand without it."""
    try:
        return _shown(engine_from(part.model_copy(update={name: None})).plan(setup))
    except CalcError:
        return None
