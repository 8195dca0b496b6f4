"""A single request on an engine that serves: timed by runs without a client where such were measured."""

from dataclasses import replace

from llm_calc.adapters.calibration import Family, family_of, load_calibration
from llm_calc.adapters.hosts import load_reached
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.core.calibration import Calibration, chip_class
from llm_calc.core.engines import Engine, Setup, traits_of
from llm_calc.core.hardware import Gpu
from llm_calc.core.serving.calibrated import host_under, measured_key, offsets_of, rates_of
from llm_calc.core.serving.estimate import Deployment
from llm_calc.core.serving.offload import offload_of
from llm_calc.core.serving.rates import Machine


def load_key(load: str, engine: str, chip: str) -> str:
    """What a fit has seen together: a kind of load and an engine on a class of chips."""
    return f"load:{load}/{engine}/{chip}"


def share_of(workload: WorkloadPart, replicas: int) -> WorkloadPart:
    """The load of the replica that has most of the requests of a closed loop or a batch."""
    each = {
        name: -(-value // replicas)
        for name in ("concurrency", "batch")
        if (value := getattr(workload, name)) is not None
    }
    return workload.model_copy(update=each) if replicas > 1 else workload


def is_alone(engine: str, workload: WorkloadPart) -> bool:
    """Whether a server is asked about one request at once; a batch of one is one as well."""
    return traits_of(engine).load.server and workload.load in CLOSED and workload.requests_in_flight <= 1


CLOSED = ("concurrency", "batch")


def family_for(engine: str, workload: WorkloadPart, gpu: Gpu) -> Family:
    """The measurements that an answer rests on.

    Published single streams of servers are runs without clients: they answer for one request, where this engine was
    measured so on this class of chips. Else it is a server's. What has no client (batches, long queues) rests on such
    runs too; where the engine was never measured so on these chips, or never a queue of it, on servers.
    """
    family, chip = family_of(engine, workload.load), chip_class(gpu)
    if not traits_of(engine).load.server:
        return family
    seen = load_calibration("batch").seen
    if (load_key("offline", engine, chip) if workload.load == "offline" else f"{engine}/{chip}") in seen:
        return "batch" if is_alone(engine, workload) else family
    return "served"


def several(workload: WorkloadPart) -> bool:
    """Whether requests meet others: not one at once, nor a batch, whose prompts enter together."""
    if workload.load == "concurrency":
        return workload.requests_in_flight > 1
    return workload.load != "batch"


def known_of(calibration: Calibration, engine: str, load: str) -> Calibration:
    """The fit that saw loads of this kind, whichever times it: no server was measured without its clients."""
    return load_calibration(family_of(engine, load)) if load in ("batch", "offline") else calibration


def measured_load(family: str, workload: WorkloadPart) -> str:
    """The kind of measured load that a request's load is nearest to."""
    if workload.load in CLOSED and workload.requests_in_flight <= 1 and family != "served":
        return "single_stream"
    loads = {"concurrency": "closed_loop", "request_rate": "closed_loop", "batch": "static_batch"}
    return loads.get(workload.load, "offline")


def with_bounds(
    deployment: Deployment, machine: Machine, engine: Engine, setup: Setup, workload: WorkloadPart
) -> Deployment:
    """With what keeps one request and many in order, where measured runs of either kind say otherwise.

    A stack that was measured alone and never as a server: its token alone bounds those of many. Any other: two
    requests of the server bound one alone.
    """
    if not engine.traits.load.server or workload.load not in CLOSED:
        return deployment
    key = measured_key(engine.name, setup.gpu.id, setup.model)
    alone, served = (key in load_calibration(each).seen for each in ("batch", "served"))
    single = is_alone(engine.name, workload) and family_for(engine.name, workload, setup.gpu) == "batch"
    if workload.load == "batch":
        if alone or family_for(engine.name, workload, setup.gpu) == "served":
            return deployment
        return replace(deployment, server=_of_family(deployment, machine, engine, setup, "served"))
    only_alone = alone and not served
    if single == only_alone:
        return deployment
    other: Family = "served" if single else "batch"
    bound = _of_family(deployment, machine, engine, setup, other)
    return replace(deployment, server=bound) if single else replace(deployment, alone=bound)


def _of_family(
    deployment: Deployment, machine: Machine, engine: Engine, setup: Setup, family: Family
) -> Deployment:
    """The same deployment as the measurements of a family have it."""
    calibration, load = load_calibration(family), "closed_loop" if family == "served" else "single_stream"
    rates = rates_of(calibration, machine, deployment.work, engine.name, setup.gpu, many=family == "served")
    return replace(
        deployment,
        rates=offload_of(engine, setup, rates, load_reached()).rates,
        host=host_under(calibration, engine, setup, deployment.work),
        offsets=offsets_of(calibration, load, engine.name, setup, deployment.work),
    )
