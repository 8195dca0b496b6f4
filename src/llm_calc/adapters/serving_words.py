"""What an estimate takes for granted, and what it warns of."""

from collections.abc import Callable, Iterator

from llm_calc.adapters.apart_sides import Sides
from llm_calc.adapters.apart_words import apart_warnings, apart_words, of_both
from llm_calc.adapters.arrivals import were_measured
from llm_calc.adapters.certainty import meets_unmeasured, packs_cache
from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.disaggregation import most_apart_per_s
from llm_calc.adapters.engines import version_warnings
from llm_calc.adapters.idle_options import Timed, idle_activations, idle_in_time
from llm_calc.adapters.lora import lora_words
from llm_calc.adapters.mean_lengths import lengths_of
from llm_calc.adapters.passed_options import nothing_words, uncounted_words
from llm_calc.adapters.presets import chosen_words
from llm_calc.adapters.release_days import release_note, unstated_note
from llm_calc.adapters.said_unused import APPROXIMATE, Confidence
from llm_calc.adapters.session_words import session_assumptions, session_warnings, tier_assumptions
from llm_calc.adapters.unnamed_engine import unnamed_words
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.serving import (
    Percentiles,
    PercentilesOfRun,
    Resolved,
    ResolvedReplicas,
    ServingEstimateRequest,
)
from llm_calc.core.engines import traits_of
from llm_calc.core.hardware import Gpu
from llm_calc.core.names import counted
from llm_calc.core.serving import estimate as core
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.estimate import Estimate
from llm_calc.core.serving.machine import matrix_type
from llm_calc.core.serving.traffic import OPEN_REQUESTS
from llm_calc.core.workloads.estimate import Found, lengths_seen

UNCOUNTED_UNITS = frozenset(("apple-m5",))
"""Generations with matrix units whose rate nobody publishes; notes of their entries in the catalog say so.

Source: reports of Apple's own comparison of M4 and M5, such as https://www.applemust.com/
apple-confirms-up-to-4x-mlx-ai-performance-boost-with-macos-26-2; checked: 2026-11-30.
"""

RUN_OF_ARRIVALS = (
    f"workload.request_rate: one simulated run of {OPEN_REQUESTS} requests of equal lengths, of an engine that has "
    "been under this load until its empty start is forgotten, for twice as many at most"
)
UNTIMED = (
    "its effect on time is not known; steps are timed as by the engine's default, with the memory that it leaves for "
    "the KV cache"
)
OF_GRAPHS = ("enforce_eager", "cudagraph_mode", "disable_cuda_graph", "cuda_graph")
UNCAPTURED = (
    "its effect on time is not known; every step is taken to last at least as long as one with prompts, which is "
    "launched kernel by kernel"
)
WIDE = {
    "precision.weights": "matrices in fp32 were never measured; they are timed at the GPU's rate of fp32",
    "precision.activations": "activations in fp32 were never measured; steps are timed as with those of 16 bits",
}
NARROW = {
    "precision.weights": "kernels of this format were never measured; matrices are timed as those of 16-bit numbers "
    "that take as few bytes, and unpacking may take longer",
    "precision.activations": "matrices in such weights are not multiplied with these; steps are timed as by the "
    "engine's own",
}
INTEGERS = (
    "8-bit integers of bitsandbytes were never measured; matrices are timed as those of others, and theirs, which "
    "multiply outliers apart, take longer"
)
LONG_WAIT_S = 60.0
UNCUT_BY = ("enable_chunked_prefill", "chunked_prefill_size")
UNCUT = (
    "leaves prompts whole; they are timed as if the last of a step could be cut where the step is full, where a whole "
    "one waits for the next step; no such run was measured"
)


def most_per_s(placed: Placed, lengths: Lengths) -> float:
    """What one replica can serve of an endless queue [requests/s]."""
    return float(placed.encoder.most(core.queue_of_many(placed.deployment, lengths).requests_per_s))


def said_of(
    request: ServingEstimateRequest,
    placed: Placed,
    turns: Found | None,
    sides: Sides | None,
    timed_by: Callable[[EnginePart], Timed],
    served_per_s: float = 0.0,
) -> tuple[list[str], list[str]]:
    """Assumptions and warnings; of two sides those of both. ``served_per_s``: requests that the estimate says are."""

    def assumed(side: Placed) -> Iterator[str]:
        yield from side.assumptions
        yield from _assumptions(request, side)

    if sides is None:
        assumptions, warnings = list(assumed(placed)), list(placed_warnings(placed))
    else:
        assumptions = [*of_both(placed, sides, assumed), *apart_words(request, sides)]
        warnings = list(of_both(placed, sides, placed_warnings))
    if turns is not None and sides is None:
        assumptions += tier_assumptions(placed, request.workload, turns)
    idle = idle_in_time(request.engine, placed.subject.setup.layout.data, [*assumptions, *warnings], timed_by)
    uncounted = uncounted_words(request.engine) if request.engine.further else ()
    loads = _load_warnings(request, placed, turns, sides, served_per_s)
    kept = idle_activations(request.precision, placed.subject.setup, request.engine.name, "the times")
    return [*assumptions, *idle, *kept], [*warnings, *version_warnings(request.engine), *uncounted, *loads]


def _assumptions(request: ServingEstimateRequest, placed: Placed) -> Iterator[str]:
    apart = request.disaggregated is not None
    if request.engine.further:
        yield from nothing_words(request.engine)
    yield from chosen_words(request) if hasattr(request.engine, "preset") else unnamed_words(request)
    said = request.workload
    if said.is_stream or any(part is not None for part in (said.preset, said.users, said.sessions)):
        yield from session_assumptions(placed, said, apart=apart)
    if request.engine.version is not None:
        yield release_note(placed.release_factor)
    elif unsaid := unstated_note(request.engine, placed.subject.setup.gpu):
        yield unsaid
    load = "stream" if request.workload.is_stream else request.workload.load
    several = request.workload.requests_in_flight > 1
    if load == "concurrency" and several and not apart and placed.calibration.name == "served":
        yield (
            "workload: as benchmark clients do, ten requests a slot, all slots at once at the start, lengths drawn "
            "between 80 and 100 % of those given"
        )
    if load == "request_rate" and not apart:
        yield RUN_OF_ARRIVALS
    yield from unit_words(placed.subject.setup.gpu)
    yield from placed.beside.draft.words
    if placed.beside.lora is not None:
        yield from lora_words(placed.beside.lora)
    if request.calibration is not None:
        yield (
            f"calibration: efficiencies scaled by {request.calibration.measurements} measured figures of the caller; "
            "intervals are those of the published measurements"
        )
    if request.workload.prefix_cache_hit_fraction and not request.workload.grows:
        yield "workload.prefix_cache_hit_fraction: every prompt finds this share cached; that was not calibrated"


def unit_words(gpu: Gpu) -> Iterator[str]:
    """That prompts are computed faster than is said, where units of a chip are not counted."""
    if gpu.generation in UNCOUNTED_UNITS:
        yield (
            f"hardware.gpu: matrix units of {gpu.id} are not counted, since Apple publishes no rate for them; "
            "programs that use them (MLX under macOS 26.2) read prompts up to about four times as fast as is said"
        )


def placed_warnings(placed: Placed) -> Iterator[str]:
    """What is warned of a deployment whatever asks for its times."""
    yield from placed.warnings
    if placed.beside.draft.assumed:
        yield (
            "speculative: what is gained rests on an assumed acceptance; state acceptance_length or "
            "acceptance_fraction as measured on your text"
        )
    for option in placed.untimed:
        if option in WIDE:
            yield f"{option}: {_of_numbers(placed, option)}"
        else:
            yield f"engine.{option}: {untimed_words(placed, option)}"
    if packs_cache(placed):
        yield "engine.kv_bits: a quantized cache was never measured; its bytes are in the times, unpacking them is not"
    if meets_unmeasured(placed):
        yield f"engine: {placed.engine} was measured with single requests only; several at once are the formula's"


def _of_numbers(placed: Placed, option: str) -> str:
    """What is said of numbers that no run was measured with, wider than 16 bits or narrower."""
    numbers = placed.subject.setup.numbers
    of_weights = option == "precision.weights"
    if of_weights and placed.subject.precision.weights.storage == "int8":
        return INTEGERS
    wide = numbers.recipe.default.compute == "fp32" if of_weights else numbers.activations.element_bits > 16
    return (WIDE if wide else NARROW)[option]


def confidence_of(placed: Placed) -> Confidence:
    """``exact`` where everything that is said of a deployment is understood and in its times, and nothing assumed."""
    units = placed.subject.setup.gpu.generation in UNCOUNTED_UNITS
    apart = placed.untimed or placed.beside.draft.assumed or packs_cache(placed) or units
    return APPROXIMATE if apart else placed.unused.confidence


def untimed_words(placed: Placed, option: str) -> str:
    """How steps are timed under an option that was never measured."""
    if option in UNCUT_BY:
        return UNCUT
    return UNTIMED if placed.deployment.rates.kernels.captured or option not in OF_GRAPHS else UNCAPTURED


def slow_words(ttft_s: float) -> Iterator[str]:
    """That nobody waits so long for a first token, where one takes more than a minute."""
    if ttft_s > LONG_WAIT_S:
        yield f"ttft_s: a first token comes after {ttft_s / 60:.3g} minutes; ask for less at once, or for a limit on it"


def waiting_words(placed: Placed, workload: WorkloadPart) -> Iterator[str]:
    """That requests in flight wait for others, and what there are too few of: slots, or room in the cache."""
    deployment = placed.deployment
    room, slots = (
        int(float(each) * placed.replicas + 1e-9)
        for each in (deployment.capacity, min(deployment.limit, 1e9))
    )
    if workload.load != "concurrency" or workload.requests_in_flight <= min(room, slots):
        return
    if traits_of(placed.engine).load.slots and slots <= room + 1:
        said = f"the server has {counted(slots, 'slot')}, one for each request (n_parallel; of ollama num_parallel)"
    elif slots < room:
        said = f"the engine runs {counted(slots, 'request')} at once by its own limit"
    else:
        said = f"the KV cache holds about {counted(max(room, 1), 'request')} of this length"
    yield f"workload.concurrency: {said}; the others wait"


def _load_warnings(
    request: ServingEstimateRequest,
    placed: Placed,
    turns: Found | None,
    sides: Sides | None,
    served_per_s: float,
) -> Iterator[str]:
    workload = request.workload
    if sides is not None:
        lengths = lengths_of(workload) if turns is None else lengths_seen(turns.seen)
        yield from apart_warnings(workload, sides, lengths)
        if turns is not None:
            yield from session_warnings(placed, workload, turns, most_apart_per_s(sides, turns))
        return
    if turns is not None:
        yield from session_warnings(placed, workload, turns)
        return
    yield from waiting_words(placed, workload)
    if workload.load == "request_rate":
        if not were_measured(placed.engine):
            yield "workload.request_rate: never measured of this engine; the intervals are those of other loads"
        rate = workload.request_rate or 0.0
        all_are = rate <= served_per_s * (1 + 1e-9)
        most = rate if all_are else most_per_s(placed, lengths_of(workload)) * placed.replicas
        if rate > most:
            yield (
                f"workload.request_rate: above the {most:.3g} requests a second that the deployment can serve; "
                "the queue grows without end, and waiting times with the length of the run"
            )


def resolved_of(placed: Placed, found: Estimate, sides: Sides | None) -> Resolved:
    """What the request left open, decided."""
    setup = placed.subject.setup
    kind = setup.numbers.recipe.default
    return Resolved(
        model=placed.subject.name,
        weights=placed.subject.precision.weights.words,
        weights_kind=kind.name,
        weights_bits=kind.element_bits,
        multiplied_in=matrix_type(setup.gpu, kind.compute, half_sums=traits_of(placed.engine).half_sums),
        engine=placed.engine,
        **_resolved_replicas(placed).model_dump(),
        running_sequences=float(found.running),
        decode=None if sides is None else _resolved_replicas(sides.decode),
    )


def _cache_tokens(placed: Placed) -> float:
    """What the memory plan says of the same; figures may stand for more than it (``served_capacity``)."""
    return float(placed.plan.kv_cache_tokens * placed.replicas) if placed.plan.available_bytes > 0 else 0.0


def _resolved_replicas(placed: Placed) -> ResolvedReplicas:
    layout, sequences = placed.layout, float(placed.deployment.capacity) * placed.replicas
    return ResolvedReplicas(
        kv_cache=placed.kv_cache,
        tensor=layout.tensor,
        pipeline=layout.pipeline,
        data=layout.data * placed.replicas,
        expert=layout.expert,
        kv_capacity_tokens=max(_cache_tokens(placed), sequences * placed.context_tokens),
        kv_capacity_sequences=sequences,
    )


def percentiles_of_run(found: Estimate) -> PercentilesOfRun | None:
    """Spread over its requests; None where a closed form has none."""
    if not found.percentiles:
        return None
    rows = {
        name: Percentiles(p50=values[0], p90=values[1], p95=values[2], p99=values[3])
        for name, values in found.percentiles
    }
    return PercentilesOfRun(**rows)
