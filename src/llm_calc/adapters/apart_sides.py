"""The two sides of prefill and decode apart: their GPUs, their layouts, and what is refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from llm_calc.adapters.apart_way import Way, way_between, way_of
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.deployment import Placed, place
from llm_calc.adapters.engine_catalog import load_engine_rules
from llm_calc.adapters.unlike import ONE_KIND_APART
from llm_calc.adapters.wire.apart import DisaggregatedPart
from llm_calc.adapters.wire.machines import UnlikeHardware
from llm_calc.adapters.wire.memory import MemoryPlanRequest
from llm_calc.adapters.wire.parts import HardwarePart, ParallelismPart, WorkloadPart
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.arrays import ceil_div
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.memory import kv_cache_bytes_per_token
from llm_calc.core.serving.disaggregated import Pools

DECODE_LAYOUT = "disaggregated.decode_parallelism"
Asked = TypeVar("Asked", ServingEstimateRequest, MemoryPlanRequest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """A replica of each side, how many there are, the way of the cache between them, and what was chosen of them."""

    prefill: Placed
    decode: Placed
    pools: Pools
    way: Way
    chosen: tuple[str, ...] = ()

    @property
    def alike(self) -> bool:
        """Whether replicas of both sides are the same."""
        return self.prefill is self.decode

    @property
    def most_answers(self) -> float:
        """Answers at once on one decode replica: what its cache holds, and what its engine runs at most."""
        deployment = self.decode.deployment
        return min(float(deployment.capacity), float(deployment.limit))


def check_apart(request: ServingEstimateRequest) -> None:
    """Refuses engines that have no such mode, and what is not answered over two sides.

    Raises:
        UnsupportedError: such an engine, GPUs of several kinds; names what is accepted.
        InvalidInputError: memories below the GPU's.
    """
    _check_sides(request)
    if request.kv_tiers:
        msg = "kv_tiers: with disaggregated no memory below the GPU's is followed; leave one of the two out"
        raise InvalidInputError(msg, field="kv_tiers")


def _check_sides(request: ServingEstimateRequest | MemoryPlanRequest) -> None:
    if isinstance(request.hardware, UnlikeHardware):
        raise UnsupportedError(ONE_KIND_APART, field="hardware")
    _check_engine(request.engine.name)


def _check_engine(name: str) -> None:
    engines = load_engine_rules()
    rules = engines[name]
    if rules.disaggregates:
        return
    able = [each for each, other in engines.items() if other.disaggregates]
    msg = f"disaggregated: {rules.title} is not known to run prefill and decode apart; taken under {', '.join(able)}"
    raise UnsupportedError(msg, field="disaggregated", engines=able)


def replica_hardware(request: ServingEstimateRequest | MemoryPlanRequest) -> HardwarePart:
    """The GPUs of one prefill replica."""
    part, hardware = request.disaggregated, request.hardware
    if part is None:
        return hardware
    if request.parallelism is not None:
        return hardware.model_copy(update={"count": request.parallelism.gpus})
    others, parts = 0, part.prefill_replicas
    if part.decode_hardware is None and part.decode_parallelism is not None:
        others = part.decode_replicas * part.decode_parallelism.gpus
    elif part.decode_hardware is None:
        parts += part.decode_replicas
    return hardware.model_copy(update={"count": max(1, (hardware.count - others) // parts)})


def holding_side(request: Asked) -> Asked:
    """A deployment's replica that holds the caches of answers: one that decodes, with its share of the requests.

    Raises:
        InvalidInputError: its layout is open.
    """
    part = request.disaggregated
    load: WorkloadPart | None = request.workload
    if part is None:
        return request
    hardware, layout = replica_hardware(request), request.parallelism
    if part.decode_hardware is not None or part.decode_parallelism is not None:
        hardware, layout, _ = _decode_gpus(request, part)
    if load is not None:
        counted = {name: getattr(load, name) for name in ("concurrency", "batch")}
        shares = {
            name: ceil_div(all_, part.decode_replicas) for name, all_ in counted.items() if all_ is not None
        }
        load = load.model_copy(update=shares)
    said = {"hardware": hardware, "parallelism": layout, "workload": load, "disaggregated": None}
    return request.model_copy(update=said)


def computing_side(request: MemoryPlanRequest) -> MemoryPlanRequest | None:
    """A replica that prefills, with one request; None where it is as one that decodes, which holds as many and more."""
    part, load = request.disaggregated, request.workload
    if part is None or (part.decode_hardware is None and part.decode_parallelism is None):
        return None
    if load is not None:
        counted = [name for name in ("concurrency", "batch") if getattr(load, name) is not None]
        load = load.model_copy(update=dict.fromkeys(counted, 1))
    said = {"hardware": replica_hardware(request), "workload": load, "disaggregated": None}
    return request.model_copy(update=said)


def planned_side(request: MemoryPlanRequest) -> MemoryPlanRequest:
    """The replica whose memory is planned: the deployment's own, of two sides one that decodes.

    Raises:
        UnsupportedError: an engine or a load that is not known to run on two sides.
        InvalidInputError: the replicas do not take the GPUs that are said.
    """
    part = request.disaggregated
    if part is None:
        return request
    _check_sides(request)
    side = holding_side(request)
    first, second = (
        part.prefill_replicas * replica_hardware(request).count,
        part.decode_replicas * side.hardware.count,
    )
    if part.decode_hardware is None:
        _check_count("hardware.count", request.hardware.count, first + second)
    else:
        _check_count("hardware.count", request.hardware.count, first)
        _check_count("disaggregated.decode_hardware.count", part.decode_hardware.count, second)
    return side


def all_gpus(request: ServingEstimateRequest) -> int:
    """GPUs of both sides."""
    part = request.disaggregated
    other = None if part is None else part.decode_hardware
    return request.hardware.count + (0 if other is None else other.count)


def sides_of(placed: Placed, request: ServingEstimateRequest, catalogs: Catalogs) -> Sides | None:
    """Both sides, checked against the GPUs that there are; None where the same GPUs do both.

    Raises:
        InvalidInputError: the replicas do not fill the GPUs, or a decode replica's layout is open.
    """
    part = request.disaggregated
    if part is None:
        return None
    decode, chosen = _decode_side(placed, request, part, catalogs)
    first = part.prefill_replicas * placed.layout.gpus * placed.replicas
    second = part.decode_replicas * decode.layout.gpus * decode.replicas
    if part.decode_hardware is None:
        _check_count("hardware.count", request.hardware.count, first + second)
    else:
        _check_count("hardware.count", request.hardware.count, first)
        _check_count("disaggregated.decode_hardware.count", part.decode_hardware.count, second)
    setup = placed.beside.draft.beside(placed.subject.setup)
    hosts = min(each.gpus_per_node for each in (request.hardware, part.decode_hardware or request.hardware))
    gpus = setup.gpu, decode.subject.setup.gpu
    way = way_of(part, way_between(catalogs, gpus, first + second, hosts))
    senders = min(placed.layout.gpus, decode.layout.gpus)
    return Sides(
        prefill=placed,
        decode=decode,
        pools=Pools(
            prefill_replicas=part.prefill_replicas * placed.replicas,
            decode_replicas=part.decode_replicas * decode.replicas,
            cache_bytes_per_token=kv_cache_bytes_per_token(setup.model, setup.numbers.cache_format),
            link_bytes_per_s=way.bytes_per_s * senders,
            links=min(first, second) / senders,
        ),
        way=way,
        chosen=chosen,
    )


def _check_count(field: str, found: int, needed: int) -> None:
    if needed != found:
        msg = f"{field}: the replicas take {needed} GPUs; it is {found}"
        raise InvalidInputError(msg, field=field, expected=needed)


def _decode_side(
    placed: Placed, request: ServingEstimateRequest, part: DisaggregatedPart, catalogs: Catalogs
) -> tuple[Placed, tuple[str, ...]]:
    """A decode replica, and what was chosen of it."""
    if part.decode_hardware is None and part.decode_parallelism is None:
        return placed, ()
    hardware, layout, chosen = _decode_gpus(request, part)
    with named_as_stated(part):
        decode = place(
            catalogs,
            model=request.model,
            precision=request.precision,
            hardware=hardware,
            parallelism=layout,
            engine=request.engine,
            workload=request.workload,
            speculative=request.speculative,
            lora=request.lora,
            own=request.calibration,
            apart=True,
        )
    return decode, chosen


def _decode_gpus(
    request: ServingEstimateRequest | MemoryPlanRequest, part: DisaggregatedPart
) -> tuple[HardwarePart, ParallelismPart | None, tuple[str, ...]]:
    """GPUs and layout of a decode replica that differs from those of prefill, and what was chosen of it."""
    chosen: tuple[str, ...] = ()
    hardware, layout = part.decode_hardware or request.hardware, part.decode_parallelism
    count = layout.gpus if layout is not None else max(1, hardware.count // part.decode_replicas)
    if layout is None and request.parallelism is not None:
        layout, chosen = _decode_layout(request.parallelism, count)
    return hardware.model_copy(update={"count": count}), layout, chosen


def _decode_layout(prefill: ParallelismPart, count: int) -> tuple[ParallelismPart, tuple[str, ...]]:
    """The layout of a decode replica of so many GPUs where only that of prefill is stated.

    Raises:
        InvalidInputError: it has other GPUs, and prefill's is no plain cut that they could follow.
    """
    if prefill.gpus == count:
        return prefill, ()
    if prefill.tensor == prefill.gpus and prefill.expert == 1:
        of = f"parallelism is of {prefill.gpus}"
        return ParallelismPart(tensor=count), (
            f"{DECODE_LAYOUT}: tensor {count}, all GPUs of a decode replica, since none was given and {of}",
        )
    msg = f"{DECODE_LAYOUT}: must be given; a decode replica has {count} GPUs, and parallelism is of {prefill.gpus}"
    raise InvalidInputError(msg, field=DECODE_LAYOUT)


@contextmanager
def named_as_stated(part: DisaggregatedPart | None) -> Iterator[None]:
    """What is wrong of the decode side by the names that it was stated under."""
    try:
        yield
    except InvalidInputError as error:
        first = (error.field or "").partition(".")[0]
        if first in ("parallelism", "hardware") and getattr(part, f"decode_{first}", None) is not None:
            error.message = error.message.replace(first, f"disaggregated.decode_{first}", 1)
            error.field = f"disaggregated.decode_{error.field}"
            error.args, error.details["field"] = (error.message,), error.field
        raise
