"""What measured deployments set where a request leaves it open: the cache's format, slots, the least room for it."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache, reduce

from llm_calc.adapters.calibration import load_calibration_file
from llm_calc.adapters.formats import FormatWishes, Precision, number_format
from llm_calc.adapters.measured_runs import was_measured
from llm_calc.adapters.setup import Subject
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.adapters.wire.parts import PrecisionPart, WorkloadPart
from llm_calc.core.arrays import Quantity, larger, smaller
from llm_calc.core.calibration import Calibration, chip_class, without_class
from llm_calc.core.engines import ANY_ENGINE, Engine, MemoryPlan, Pool, Setup, traits_of
from llm_calc.core.hardware import Gpu
from llm_calc.core.parallelism import Layout
from llm_calc.core.serving.estimate import Deployment
from llm_calc.core.serving.host import poll_words, stated_polls
from llm_calc.core.serving.traffic import Scheduling, reserved_by

AUTO = "auto"
SMALLER = (
    "precision.kv_cache: estimates with such weights take {0} in its place, as the measured deployments ran; name {0} "
    "here for the memory of that"
)
MOST_RUNNING = 2048
"""Requests at once that SGLang allows at least where memory does not bound them."""
LEAST_CACHE_FRACTION = 0.15
"""Of a GPU's memory: deployments that were measured at all left at least so much to the cache."""

BITSANDBYTES = "bitsandbytes"


def served_cache(precision: Precision, wishes: FormatWishes, gpu: Gpu) -> str | None:
    """The cache format that measured deployments choose in place of the engine's own ``auto``; None: that one.

    Seen from the number of requests at which first tokens begin to wait: twice what a 16-bit cache would hold.
    """
    if wishes.kv_cache != AUTO or precision.kv_cache == "fp8":
        return None
    kinds = traits_of(wishes.engine).formats.small_cache.get(chip_class(gpu), frozenset())
    return "fp8" if precision.weights.storage in kinds else None


@lru_cache(64)
def with_served_cache(
    subject: Subject, asked: PrecisionPart, engine: str
) -> tuple[Subject, str, tuple[str, ...]]:
    """The cache format of measured deployments where the request leaves it open."""
    wishes = FormatWishes(weights=asked.weights, kv_cache=asked.kv_cache, engine=engine)
    small = served_cache(subject.precision, wishes, subject.setup.gpu)
    if small is None:
        return subject, subject.precision.kv_cache, ()
    numbers = replace(subject.setup.numbers, cache=number_format(small))
    note = (
        f"precision.kv_cache: {small}, as the measured deployments of {engine} on this generation with such weights "
        f"run; a memory plan counts {subject.precision.kv_cache}, the engine's own default, and may hold fewer "
        f"requests: name {subject.precision.kv_cache} here for figures of that, or {small} in the plan"
    )
    return replace(subject, setup=replace(subject.setup, numbers=numbers)), small, (note,)


def unheld_by_default(
    default: Subject, built: Engine, workload: WorkloadPart, assumed: tuple[str, ...]
) -> tuple[str, ...]:
    """What an estimate warns of where the engine's own cache, in place of the one that is ``assumed``, holds less."""
    if not assumed:
        return ()
    plan, tokens, asked = _planned(built.plan, default), workload.longest_tokens, workload.requests_in_flight
    if plan.holds(asked, tokens):
        return ()
    held = int(plan.max_concurrency(tokens)) if plan.available_bytes > 0 else 0
    said = (
        f"precision.kv_cache: in {default.precision.kv_cache}, the engine's own default, the KV cache holds {held} "
        f"requests of {tokens} tokens and not {asked}: a memory plan does not fit; figures are of a server that is "
        "told to keep its cache in fp8"
    )
    return (said,)


@lru_cache(64)
def _planned(plan: Callable[[Setup], MemoryPlan], subject: Subject) -> MemoryPlan:
    """A plan as it was made; of engines whose options are stated the same, which are one object."""
    return plan(subject.setup)


def served_words(subject: Subject, asked: PrecisionPart, engine: str) -> list[str]:
    """What a memory plan says where estimates take another cache."""
    wishes = FormatWishes(weights=asked.weights, kv_cache=asked.kv_cache, engine=engine)
    small = served_cache(subject.precision, wishes, subject.setup.gpu)
    return [] if small is None else [SMALLER.format(small)]


def keeps_states(engine: EnginePart, workload: WorkloadPart) -> bool:
    """Whether the request asks for a prefix cache, by prompts that it holds or by the engine's option."""
    said = getattr(engine, "disable_radix_cache", None) is not None
    return said or workload.cached_fraction > 0 or workload.reuses


def without_kept_states(plan: MemoryPlan) -> MemoryPlan:
    """The plan as of a server without prefix cache, where a request holds a single slot of recurrent state.

    Measured deployments of such models never queued for slots: under 256 requests where the default's slots for the
    prefix cache leave room for 96.
    """
    if all(pool.slots_a_request == 1 for pool in plan.pools):
        return plan
    pools = tuple(_one_slot(pool) for pool in plan.pools)
    held = min(_whole_slots(pool) for pool in plan.pools if pool.slots_a_request > 1)
    if plan.limits.max_sequences < held:
        return replace(plan, pools=pools)
    most = max(plan.limits.max_sequences, min(MOST_RUNNING, _fewest_slots(pools, plan.pools)))
    return replace(plan, pools=pools, limits=replace(plan.limits, max_sequences=most))


def taken_capacity(plan: MemoryPlan, context_tokens: Quantity, filled_fraction: float = 1.0) -> Quantity:
    """Sequences that figures take a deployment to hold: the filled part of its cache, and no more than have a state.

    Slots of recurrent state are made at start, so that no larger cache is taken for them.
    """
    found = larger(1.0, served_capacity(plan, context_tokens) * filled_fraction)
    slots = (pool.sequences(context_tokens) * plan.replicas for pool in plan.pools if pool.name == "state")
    return reduce(smaller, slots, found)


def held_as_planned(deployment: Deployment, plan: MemoryPlan, context_tokens: float) -> Deployment:
    """With no more whole sequences than the engine's memory rules hold, and one at least."""
    held = max(1.0, float(plan.max_concurrency(math.ceil(context_tokens))))
    return replace(deployment, capacity=min(float(deployment.capacity), held))


def _fewest_slots(pools: tuple[Pool, ...], kept: tuple[Pool, ...]) -> int:
    pairs = zip(pools, kept, strict=True)
    return min(_whole_slots(pool) for pool, before in pairs if before.slots_a_request > 1)


def _whole_slots(pool: Pool) -> int:
    return int(pool.capacity_bytes / pool.sequence_bytes(1) + 1e-9)


def _one_slot(pool: Pool) -> Pool:
    claims = tuple(replace(each, block_bytes=each.block_bytes / pool.slots_a_request) for each in pool.claims)
    return replace(pool, claims=claims, slots_a_request=1)


def with_chosen_cache(plan: MemoryPlan, engine: EnginePart) -> MemoryPlan:
    """The plan, marked where the request states an option that says how large the cache is, or its share."""
    options = traits_of(plan.engine).options
    names = {*options.cache_sizes, options.cache_share} - {None}
    stated = any(getattr(engine, str(name), None) is not None for name in names)
    return replace(plan, cache_chosen=True) if stated else plan


def as_seen(plan: MemoryPlan, workload: WorkloadPart, subject: Subject) -> MemoryPlan:
    """The plan, marked as well where no measured run tells of a larger cache than the engine's rules give.

    Runs of this model, engine, GPU, number of GPUs and kind of weights, under a load of their kind: closed loops,
    batches and queues of equal requests. A rate, sessions and requests that vary take what memory holds by rule, as
    plans of them do. Where the rules leave no cache at all, figures are of a deployment that is made to fit.
    """
    alike = workload.load != "request_rate" and not workload.is_stream
    if plan.available_bytes <= 0 or (alike and was_measured(plan.engine, subject)):
        return plan
    return replace(plan, cache_chosen=True)


def served_capacity(plan: MemoryPlan, context_tokens: Quantity) -> Quantity:
    """Sequences of ``context_tokens`` that a deployment holds: as planned, at least in a seventh of its memory.

    Places that were made at start are as many as they are, and a cache whose size was chosen, or of which no measured
    run tells, is as large as it is.
    """
    planned = plan.sequences(context_tokens) if plan.available_bytes > 0 else 0.0 * context_tokens
    if plan.places is not None or plan.cache_chosen:
        return larger(1.0, planned)
    least = LEAST_CACHE_FRACTION * plan.budget.memory_bytes * plan.replicas
    sizes = [pool.sequence_bytes(context_tokens) for pool in plan.pools]
    floors = [least / size for size in sizes if not isinstance(size, (int, float)) or size]
    return larger(larger(1.0, planned), reduce(smaller, floors, planned if not floors else floors[0]))


def unmeasured(subject: Subject, precision: PrecisionPart, engine: EnginePart) -> Iterator[str]:
    """What a deployment says that no run was measured with."""
    yield from wide_numbers(subject)
    yield from narrow_activations(subject, precision, engine)
    yield from other_kernels(subject, engine)
    yield from of_bitsandbytes(subject, engine)


def of_bitsandbytes(subject: Subject, engine: EnginePart) -> Iterator[str]:
    """The field of 8-bit integers of bitsandbytes, which multiplies outliers apart; no run was measured with them."""
    weights, kind = subject.precision.weights, (engine.further_values or {}).get("load_format")
    if weights.storage == "int8" and BITSANDBYTES in (weights.method, str(kind).lower()):
        yield "precision.weights"


def wide_numbers(subject: Subject) -> Iterator[str]:
    """Fields of numbers in 32 bits, or of few bits in a format of no class, which no run was measured with."""
    numbers = subject.setup.numbers
    stored = (numbers.recipe.default, *(rule.format for rule in numbers.recipe.rules))
    if numbers.recipe.default.compute == "fp32" or any(without_class(each) for each in stored):
        yield "precision.weights"
    elif numbers.activations.element_bits > 16:
        yield "precision.activations"


def scheduling_of(
    calibration: Calibration, engine: Engine, plan: MemoryPlan, layout: Layout
) -> tuple[Scheduling, float]:
    """How the engine forms steps, and which part of its planned cache it fills.

    ``layout``: of one replica, whose groups of attention wait for each other.
    """
    rows = load_calibration_file("served").scheduling
    row = rows.get(engine.name, rows[ANY_ENGINE])
    scheduling = Scheduling(
        policy=row.policy,
        budget_tokens=float(max(plan.limits.max_batched_tokens, 1)),
        replicas=layout.data,
        reserved_fraction=reserved_by(engine, row.reserved_fraction, layout),
    )
    return scheduling, row.capacity_fraction if calibration.name == "served" else 1.0


def told(deployment: Deployment, engine: Engine, share: WorkloadPart, plan: MemoryPlan) -> tuple[str, ...]:
    """What is said of a server's looks for new requests, where no request says it, and of a share taken otherwise."""
    requests, options = (
        share.requests_in_flight if share.load == "concurrency" else 0,
        traits_of(engine.name).options,
    )
    shares = (note for note in plan.notes if options.cache_share and options.cache_share in note)
    looks = poll_words(deployment.host, engine.name, requests) if stated_polls(engine) is None else ()
    return *shares, *looks


def narrow_activations(subject: Subject, precision: PrecisionPart, engine: EnginePart) -> Iterator[str]:
    """The field of activations in fewer bits than 16 that matrices in such weights are not multiplied with."""
    numbers, kinds = subject.setup.numbers, traits_of(engine.name).formats.fp8_with
    if precision.activations == AUTO or numbers.activations.element_bits >= 16:
        return
    taken = numbers.activations.name == "fp8" and subject.precision.weights.storage in kinds
    if not taken and numbers.activations.compute != numbers.recipe.default.compute:
        yield "precision.activations"


def other_kernels(subject: Subject, engine: EnginePart) -> Iterator[str]:
    """The option that names attention kernels, where the engine would take others and the measured runs did."""
    usual, named = traits_of(engine.name).options.usual_kernels, getattr(engine, "attention_backend", None)
    if usual is not None and named is not None and named not in usual(subject.setup):
        yield "attention_backend"
