"""Prefill and decode on GPUs of their own."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.deployment import Placed, place
from llm_calc.adapters.sessions import ARRIVING, stream_of
from llm_calc.adapters.wire.parts import HardwarePart, ParallelismPart, WorkloadPart
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.hardware import Gpu
from llm_calc.core.memory import kv_cache_bytes_per_token
from llm_calc.core.serving.batch import Lengths, decode_seconds, prefill_seconds
from llm_calc.core.serving.disaggregated import Pools, estimate
from llm_calc.core.serving.estimate import Estimate
from llm_calc.core.serving.host import NO_HOST
from llm_calc.core.serving.traffic import poisson_arrivals
from llm_calc.core.workloads.apart import Stations, run_apart
from llm_calc.core.workloads.estimate import (
    Found,
    as_clients_see,
    as_found,
    counted_requests,
    session_seconds,
)
from llm_calc.core.workloads.stream import Stream

NETWORK_BYTES_PER_S = 12.5e9
"""100 Gbit/s Ethernet: what the cache travels over where no faster link of the GPU is known."""
NEARLY = 0.9
"""A run ends with its last answers, so that it serves somewhat less a second than comes; so much is all of it."""
ACCEPTED = ["concurrency", "request_rate", "sessions", "session_rate", "classes", "targets"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """A replica of each side, how many there are, and the way of the cache between them."""

    prefill: Placed
    decode: Placed
    pools: Pools


def cache_link(gpu: Gpu) -> tuple[float, str]:
    """Bytes a second that each GPU sends its share of the cache at, and over what."""
    if gpu.link_bytes_per_s_per_gpu_each_way:
        return gpu.link_bytes_per_s_per_gpu_each_way, "the GPU's own link, as within one node"
    if gpu.pcie_bytes_per_s_each_way:
        return gpu.pcie_bytes_per_s_each_way, "PCIe"
    return NETWORK_BYTES_PER_S, "100 Gbit/s Ethernet, since no link of the GPU is known"


def apart_words(request: ServingEstimateRequest, gpu: Gpu) -> Iterator[str]:
    """What was taken for granted of the two sides."""
    part = request.disaggregated
    if part is None:
        return
    link, name = cache_link(gpu) if part.link_bytes_per_s is None else (part.link_bytes_per_s, "as stated")
    way = f"{link / 1e9:.4g} GB/s a GPU ({name})"
    yield f"disaggregated: the cache travels at {way}; nothing of it was calibrated"
    if request.workload.load == "request_rate" and not request.workload.is_stream:
        yield f"workload.request_rate: one simulated run of {ARRIVING} requests of equal lengths"
    if part.decode_hardware is not None or part.decode_parallelism is not None:
        yield "disaggregated: resolved and operators are those of a prefill replica; rates a GPU count both sides"
    if request.workload.grows and request.workload.prefix_cache_hit_fraction is None:
        yield (
            "disaggregated: what prefill replicas keep between turns is not followed; every prompt is computed whole, "
            "or but for workload.prefix_cache_hit_fraction"
        )


def check_apart(request: ServingEstimateRequest) -> None:
    """Refuses loads that are not answered over two sides.

    Raises:
        UnsupportedError: a static batch, an offline queue, a trace; names what is accepted.
        InvalidInputError: memories below the GPU's.
    """
    workload = request.workload
    if request.disaggregated is None:
        return
    if workload.load in ("batch", "offline") or workload.trace is not None:
        found = "trace" if workload.trace is not None else workload.load
        msg = f"disaggregated: does not answer workload.{found}; it takes {', '.join(ACCEPTED)}"
        raise UnsupportedError(msg, field="disaggregated", accepted=ACCEPTED)
    if request.kv_tiers:
        msg = "kv_tiers: with disaggregated nothing is kept between prompts; leave one of the two out"
        raise InvalidInputError(msg, field="kv_tiers")


def replica_hardware(request: ServingEstimateRequest) -> HardwarePart:
    """The GPUs of one prefill replica."""
    part, hardware = request.disaggregated, request.hardware
    if part is None:
        return hardware
    if request.parallelism is not None:
        return hardware.model_copy(update={"count": request.parallelism.gpus})
    both = part.decode_hardware is None and part.decode_parallelism is None
    parts = part.prefill_replicas + (part.decode_replicas if both else 0)
    return hardware.model_copy(update={"count": max(1, hardware.count // parts)})


def all_gpus(request: ServingEstimateRequest) -> int:
    """GPUs of both sides."""
    part = request.disaggregated
    other = None if part is None else part.decode_hardware
    return request.hardware.count + (0 if other is None else other.count)


def sides_of(placed: Placed, request: ServingEstimateRequest, catalogs: Catalogs) -> Sides:
    """Both sides, checked against the GPUs that there are.

    Raises:
        InvalidInputError: the replicas do not fill the GPUs.
    """
    part = request.disaggregated
    if part is None:
        raise InvalidInputError("disaggregated: must be given", field="disaggregated")
    decode = _decode_side(placed, request, catalogs)
    first = part.prefill_replicas * placed.layout.gpus * placed.replicas
    second = part.decode_replicas * decode.layout.gpus * decode.replicas
    if part.decode_hardware is None:
        _check_count("hardware.count", request.hardware.count, first + second)
    else:
        _check_count("hardware.count", request.hardware.count, first)
        _check_count("disaggregated.decode_hardware.count", part.decode_hardware.count, second)
    setup = placed.subject.setup
    link = part.link_bytes_per_s or cache_link(setup.gpu)[0]
    senders = min(placed.layout.gpus, decode.layout.gpus)
    return Sides(
        prefill=placed,
        decode=decode,
        pools=Pools(
            prefill_replicas=part.prefill_replicas * placed.replicas,
            decode_replicas=part.decode_replicas * decode.replicas,
            cache_bytes_per_token=kv_cache_bytes_per_token(setup.model, setup.numbers.cache_format),
            link_bytes_per_s=link * senders,
        ),
    )


def _check_count(field: str, found: int, needed: int) -> None:
    if needed != found:
        msg = f"{field}: the replicas take {needed} GPUs; it is {found}"
        raise InvalidInputError(msg, field=field, expected=needed)


def _decode_side(placed: Placed, request: ServingEstimateRequest, catalogs: Catalogs) -> Placed:
    part = request.disaggregated
    if part is None or (part.decode_hardware is None and part.decode_parallelism is None):
        return placed
    hardware, layout = part.decode_hardware or request.hardware, part.decode_parallelism
    count = layout.gpus if layout is not None else max(1, hardware.count // part.decode_replicas)
    if layout is None and request.parallelism is not None:
        layout = ParallelismPart(tensor=count) if count != request.parallelism.gpus else request.parallelism
    return place(
        catalogs,
        model=request.model,
        precision=request.precision,
        hardware=hardware.model_copy(update={"count": count}),
        parallelism=layout,
        engine=request.engine,
        workload=request.workload,
        speculative=request.speculative,
        lora=request.lora,
        own=request.calibration,
    )


def disaggregated_estimate(
    placed: Placed, request: ServingEstimateRequest, catalogs: Catalogs
) -> Estimate | Found:
    """A closed loop of equal requests in closed form, every other load request by request."""
    sides, workload = sides_of(placed, request, catalogs), request.workload
    if workload.load == "concurrency" and not workload.is_stream:
        lengths = Lengths(
            input_tokens=float(workload.mean_input_tokens),
            output_tokens=float(workload.mean_output_tokens),
            cached_fraction=workload.cached_fraction,
        )
        prefill, decode = sides.prefill.deployment, sides.decode.deployment
        return estimate(
            prefill, sides.pools, lengths, float(workload.requests_in_flight), decode, placed.encoder
        )
    return _simulated(sides, workload)


def _simulated(sides: Sides, workload: WorkloadPart) -> Found:
    stream, rate = _stream(workload)
    arrivals = round(len(stream.arrivals_s) * stream.mean_turns)
    wanted = arrivals or counted_requests(stream, stream.slots)
    first = stream.slots if stream.slots and stream.mean_turns > 1 else 0
    seen = run_apart(stream, _stations(sides, workload), wanted, first)
    deployment = sides.decode.deployment
    if rate is not None:
        deployment = replace(deployment, host=NO_HOST)
    seen = as_clients_see(deployment, seen)
    served = len(seen.kind) / seen.elapsed_s
    if rate is None:
        answered = min(served, stream.slots * stream.mean_turns / max(session_seconds(stream, seen), 1e-12))
        return as_found(deployment, seen, answered, float(stream.slots))
    answered = min(rate * stream.mean_turns, served)
    if served > rate * stream.mean_turns * NEARLY:
        answered = rate * stream.mean_turns
    return as_found(deployment, seen, answered, answered * float(seen.latency_s.mean()))


def _stream(workload: WorkloadPart) -> tuple[Stream, float | None]:
    """What comes, and the rate at which it does; None: a closed loop."""
    rate = workload.session_rate or workload.request_rate
    if rate is None:
        return stream_of(workload, max(1, workload.requests_in_flight)), None
    return stream_of(workload, 0, poisson_arrivals(rate, ARRIVING)), rate


def _stations(sides: Sides, workload: WorkloadPart) -> Stations:
    prefill, decode, pools = sides.prefill.deployment, sides.decode.deployment, sides.pools
    mean = Lengths(
        input_tokens=float(workload.longest_tokens + workload.mean_input_tokens) / 2
        if workload.grows
        else float(workload.mean_input_tokens),
        output_tokens=float(workload.mean_output_tokens),
    )

    @lru_cache(maxsize=4096)
    def prompt_s(tokens: float) -> float:
        cached = workload.cached_fraction
        one = Lengths(input_tokens=tokens, output_tokens=1.0, cached_fraction=cached)
        return float(prefill_seconds(prefill.work, prefill.rates, 1.0, one))

    @lru_cache(maxsize=4096)
    def token_s(answers: int) -> float:
        checked = decode.draft.checked_tokens
        step = decode_seconds(decode.work, decode.rates, float(answers), mean, checked)
        return float(decode.draft.seconds_per_token(step))

    most = int(min(float(decode.capacity), float(decode.limit)))
    return Stations(
        prefills=pools.prefill_replicas,
        decodes=pools.decode_replicas,
        most=max(1, most),
        prefill_s=prompt_s,
        transfer_s=partial(_transfer_s, pools),
        token_s=token_s,
    )


def _transfer_s(pools: Pools, tokens: float) -> float:
    return float(tokens * pools.cache_bytes_per_token / pools.link_bytes_per_s)
