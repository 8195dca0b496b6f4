"""A single request on an engine that serves: timed by runs without a client where such were measured."""

from dataclasses import replace

from llm_calc.adapters.calibration import (
    SERVERS,
    Family,
    family_of,
    host_of,
    load_calibration,
    measured_key,
    offsets_of,
    rates_of,
)
from llm_calc.adapters.offload import offload_of
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.core.calibration import chip_class
from llm_calc.core.engines import Engine, Setup
from llm_calc.core.hardware import Gpu
from llm_calc.core.serving.estimate import Deployment
from llm_calc.core.serving.rates import Machine


def is_alone(engine: str, workload: WorkloadPart) -> bool:
    """Whether a server is asked about one request at once."""
    return engine in SERVERS and workload.load == "concurrency" and workload.requests_in_flight <= 1


def family_for(engine: str, workload: WorkloadPart, gpu: Gpu) -> Family:
    """The measurements that an answer rests on.

    Published single streams of servers are runs without clients: they answer for one request, where this engine was
    measured so on this class of chips. Else it is a server's.
    """
    family = family_of(engine, workload.load)
    measured = f"{engine}/{chip_class(gpu)}" in load_calibration("batch").seen
    return "batch" if is_alone(engine, workload) and measured else family


def measured_load(family: str, workload: WorkloadPart) -> str:
    """The kind of measured load that a request's load is nearest to."""
    if workload.load == "concurrency":
        alone = workload.requests_in_flight <= 1 and family != "served"
        return "single_stream" if alone else "closed_loop"
    return {"request_rate": "closed_loop", "batch": "static_batch", "offline": "offline"}[workload.load]


def with_bounds(
    deployment: Deployment, machine: Machine, engine: Engine, setup: Setup, workload: WorkloadPart
) -> Deployment:
    """With what keeps one request and many in order, where measured runs of either kind say otherwise.

    A stack that was measured alone and never as a server: its token alone bounds those of many. Any other: two
    requests of the server bound one alone.
    """
    if engine.name not in SERVERS or workload.load != "concurrency":
        return deployment
    key = measured_key(engine.name, setup.gpu.id, setup.model)
    only_alone = key in load_calibration("batch").seen and key not in load_calibration("served").seen
    alone = is_alone(engine.name, workload) and family_for(engine.name, workload, setup.gpu) == "batch"
    if alone == only_alone:
        return deployment
    other: Family = "served" if alone else "batch"
    bound = _of_family(deployment, machine, engine, setup, other)
    return replace(deployment, server=bound) if alone else replace(deployment, alone=bound)


def _of_family(
    deployment: Deployment, machine: Machine, engine: Engine, setup: Setup, family: Family
) -> Deployment:
    """The same deployment as the measurements of a family have it."""
    calibration, load = load_calibration(family), "closed_loop" if family == "served" else "single_stream"
    rates = rates_of(calibration, machine, deployment.work, engine.name, setup.gpu, many=family == "served")
    return replace(
        deployment,
        rates=offload_of(engine, setup, rates).rates,
        host=host_of(calibration, engine.name, setup.gpu, deployment.work),
        offsets=offsets_of(calibration, load, engine.name, setup.gpu.id, setup.model, deployment.work),
    )
