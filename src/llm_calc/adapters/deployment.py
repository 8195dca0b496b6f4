"""From the parts of a request to a deployment as the core times it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from llm_calc.adapters import served
from llm_calc.adapters.alone import family_for, known_of, measured_load, several, share_of, with_bounds
from llm_calc.adapters.attention_groups import with_groups
from llm_calc.adapters.beside_model import NOTHING_BESIDE, Beside
from llm_calc.adapters.cache_types import with_cache_types
from llm_calc.adapters.calibration import load_calibration, scaled_calibration
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.engines import engine_from, untimed_options, with_launches_of
from llm_calc.adapters.graphs import OPTIONS, beyond_graphs
from llm_calc.adapters.release_days import at_release, release_factor
from llm_calc.adapters.said_unused import NOTHING_UNUSED, Unused, unused_of
from llm_calc.adapters.sessions import room_of
from llm_calc.adapters.setup import Subject, as_named, resolve_setup
from llm_calc.adapters.standing import Asked, Standing, standing, stands_beside, true_beside
from llm_calc.adapters.wire.calibration_part import CalibrationPart
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.adapters.wire.lora import LoraPart
from llm_calc.adapters.wire.parts import HardwarePart, ModelPart, ParallelismPart, PrecisionPart, WorkloadPart
from llm_calc.adapters.wire.speculative import SpeculativePart
from llm_calc.adapters.wire.workload_rules import has_targets, most_prompt_tokens
from llm_calc.adapters.wire.workloads import KvTierPart
from llm_calc.core.calibration import Calibration
from llm_calc.core.deployments.question import CacheRoom, fit_warnings
from llm_calc.core.engines import Engine, MemoryPlan
from llm_calc.core.engines.dealt_check import check_dealt
from llm_calc.core.operators import StepWork
from llm_calc.core.parallelism import Layout, one_replica
from llm_calc.core.serving.calibrated import offsets_of
from llm_calc.core.serving.encoder import NO_ENCODER, Encoder
from llm_calc.core.serving.estimate import Deployment
from llm_calc.core.serving.offload import Offload
from llm_calc.core.serving.rates import Machine
from llm_calc.core.workloads.stream import Room


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One replica of a deployment with everything that was found out about it.

    ``replicas`` independent ones share the load; ``known``: the fit whose measurements are of such loads, whichever
    ``calibration`` times it; ``operators``: the step matrix by matrix; ``filled_fraction``: the part of the planned
    cache that measured deployments fill. ``timed_plan``: the plan with what measured deployments leave off.
    ``prompt_tokens``: the longest prompt. ``offload``: what the host does of it. ``untimed``: options whose effect on
    time is not known. ``room``: where contexts of sessions lie. ``release_factor``: time a token of the stated release
    as a server over the middle of measured ones. ``novel``: of a kind never measured. ``larger_cache``: the load takes
    more cache than planned. ``beside``: its draft and its adapters. ``encoder``: of the images of each request.
    ``met``: requests run at once, of which an engine may have no run. ``unused``: what was said in vain.
    """

    subject: Subject
    engine: str
    layout: Layout
    replicas: int
    plan: MemoryPlan
    timed_plan: MemoryPlan
    kv_cache: str
    calibration: Calibration
    known: Calibration
    machine: Machine
    deployment: Deployment
    operators: StepWork
    offload: Offload
    context_tokens: float
    filled_fraction: float
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]
    prompt_tokens: int = 0
    untimed: tuple[str, ...] = ()
    unused: Unused = NOTHING_UNUSED
    room: Room | None = None
    release_factor: float | None = None
    novel: bool = False
    larger_cache: bool = False
    met: bool = False
    beside: Beside = NOTHING_BESIDE
    encoder: Encoder = NO_ENCODER


def place(
    catalogs: Catalogs,
    *,
    model: ModelPart,
    precision: PrecisionPart,
    hardware: HardwarePart,
    parallelism: ParallelismPart | None,
    engine: EnginePart,
    workload: WorkloadPart,
    speculative: SpeculativePart | None = None,
    lora: LoraPart | None = None,
    own: CalibrationPart | None = None,
    tiers: Sequence[KvTierPart] = (),
    apart: bool = False,
) -> Placed:
    """A deployment ready to be timed; ``own``: efficiencies fitted to the caller's own measurements; ``apart``: a side.

    Raises:
        UnknownNameError: a model, GPU or format that the catalogs do not hold.
        InvalidInputError: the layout does not fill the GPUs, or a part cannot be read.
        UnsupportedError: a layout or format that the engine does not run, a GPU whose rates nobody published.
    """
    subject = resolve_setup(
        catalogs,
        model=model,
        precision=precision,
        hardware=hardware,
        parallelism=parallelism,
        engine=engine.name,
        version=engine.version,
        processor=getattr(engine, "mm_processor_kwargs", None),
    )
    return place_subject(
        catalogs,
        as_named(subject, engine, model, catalogs),
        precision=precision,
        gpus_per_node=hardware.gpus_per_node,
        engine=engine,
        workload=workload,
        speculative=speculative,
        lora=lora,
        own=own,
        tiers=tiers,
        apart=apart,
    )


def place_subject(
    catalogs: Catalogs,
    subject: Subject,
    *,
    precision: PrecisionPart,
    gpus_per_node: int,
    engine: EnginePart,
    workload: WorkloadPart,
    speculative: SpeculativePart | None = None,
    lora: LoraPart | None = None,
    own: CalibrationPart | None = None,
    tiers: Sequence[KvTierPart] = (),
    built: Engine | None = None,
    apart: bool = False,
) -> Placed:
    """What was resolved, ready to be timed under a load; ``built``: its engine, where it is there already."""
    built = built or engine_from(engine)
    subject = with_groups(subject, engine) if subject.setup.layout.data > 1 else subject
    dealt = built.traits.options.contexts in engine.model_fields_set and check_dealt(built, subject.setup)
    subject = with_cache_types(subject, precision, engine, workload.longest_tokens)
    default, (subject, kv_cache, assumed) = subject, served.with_served_cache(subject, precision, engine.name)
    beside = stands_beside(speculative, lora, subject, catalogs, engine)
    share = share_of(workload, one_replica(subject.setup.layout)[1])
    calibration = scaled_calibration(load_calibration(family_for(engine.name, share, subject.setup.gpu)), own)
    asked = Asked(subject, engine, catalogs, gpus_per_node, several(share))
    placed = _placed(asked, built, standing(asked, built, calibration, beside), calibration, share, beside)
    if not served.keeps_states(engine, workload):
        placed = _without_kept_states(placed, getattr(engine, "max_running_requests", None))
    placed = _as_measured(placed, engine, built, share) if own is None else placed
    placed = _as_planned(placed) if apart else placed
    told = served.told(placed.deployment, built, share, placed.plan)
    return replace(
        placed,
        beside=beside,
        kv_cache=kv_cache,
        **_of_cache_room(placed, workload, served.unheld_by_default(default, built, workload, assumed)),
        assumptions=(*placed.assumptions, *(dealt or ()), *assumed, *told),
        met=share.load not in ("concurrency", "batch") or share.requests_in_flight > 1,
        untimed=(*untimed_options(engine), *_beyond(placed, precision, engine, workload)),
        room=_room(placed, engine, workload, tiers),
    )


def _as_planned(placed: Placed) -> Placed:
    """As a side, none of which was ever measured, which alone says of a cache that it is larger than planned."""
    deployment, plan = placed.deployment, placed.timed_plan
    return replace(placed, deployment=served.held_as_planned(deployment, plan, placed.context_tokens))


def _of_cache_room(placed: Placed, workload: WorkloadPart, unheld: tuple[str, ...]) -> dict[str, Any]:
    """What follows where figures take a larger cache than planned; ``unheld``: what is said of the default's."""
    room = CacheRoom(
        planned=placed.plan,
        timed=placed.timed_plan,
        taken_sequences=float(placed.deployment.capacity),
        context_tokens=placed.context_tokens,
        replicas=placed.replicas,
    )
    words = room.warnings(workload)
    larger = bool(words) and room.is_larger(workload)
    return {"warnings": (*placed.warnings, *words, *unheld), "larger_cache": larger}


def _beyond(
    placed: Placed, precision: PrecisionPart, engine: EnginePart, workload: WorkloadPart
) -> tuple[str, ...]:
    """What is beyond measurements: graphs where one is stated and steps hold more, kernels, numbers."""
    found = tuple(served.unmeasured(placed.subject, precision, engine))
    if not OPTIONS & engine.model_fields_set:
        return found
    graphs = beyond_graphs(engine, placed.subject.setup, placed.deployment, workload, placed.replicas)
    return (*graphs, *found)


def _room(
    placed: Placed, engine: EnginePart, workload: WorkloadPart, tiers: Sequence[KvTierPart]
) -> Room | None:
    """Where contexts lie, of a load whose requests are told apart."""
    if not (workload.is_stream or has_targets(workload)):
        return None
    return room_of(
        placed.subject,
        placed.timed_plan,
        engine,
        workload,
        capacity_tokens=float(placed.deployment.capacity) * placed.context_tokens,
        replicas=placed.replicas,
        tiers=tiers,
    )


def _placed(
    asked: Asked,
    built: Engine,
    stands: Standing,
    calibration: Calibration,
    workload: WorkloadPart,
    beside: Beside,
) -> Placed:
    """One replica with its plan, its work and the rates that it reaches."""
    subject, plan, context = asked.subject, asked.seen(stands, workload), float(workload.longest_tokens)
    (layout, replicas), prompts = one_replica(subject.setup.layout), most_prompt_tokens(workload)
    scheduling, filled = served.scheduling_of(calibration, built, plan, layout)
    return Placed(
        subject=subject,
        engine=built.name,
        layout=layout,
        replicas=replicas,
        plan=plan,
        timed_plan=plan,
        kv_cache=subject.precision.kv_cache,
        calibration=calibration,
        known=known_of(calibration, built.name, workload.load),
        machine=stands.machine,
        deployment=Deployment(
            work=stands.work,
            rates=stands.offload.rates,
            capacity=served.taken_capacity(plan, context, filled),
            limit=float(plan.limits.max_sequences * plan.replicas),
            scheduling=scheduling,
            host=stands.host,
            draft=beside.draft.draft,
        ),
        operators=stands.operators,
        offload=stands.offload,
        context_tokens=context,
        prompt_tokens=prompts,
        filled_fraction=filled,
        unused=unused_of(subject, asked.engine),
        assumptions=(*subject.assumptions, *stands.offload.assumptions),
        warnings=(*true_beside(subject, beside), *fit_warnings(plan, workload.longest_tokens, prompts)),
    )


def _without_kept_states(placed: Placed, most: int | None) -> Placed:
    plan, context = served.without_kept_states(placed.plan), placed.context_tokens
    if plan is placed.plan:
        return placed
    deployment = replace(
        placed.deployment,
        capacity=served.taken_capacity(plan, context, placed.filled_fraction),
        limit=min(float(plan.limits.max_sequences * plan.replicas), float(most or math.inf)),
    )
    unfit = fit_warnings(placed.plan, context, placed.prompt_tokens)
    kept = (words for words in placed.warnings if words not in unfit)
    note = (
        f"engine.disable_radix_cache: figures take one slot of recurrent state a request, as measured deployments ran; "
        f"by default {placed.engine} runs {placed.plan.limits.max_sequences} requests at once here; false times that"
    )
    return replace(
        placed,
        timed_plan=plan,
        deployment=deployment,
        assumptions=(*placed.assumptions, note),
        warnings=(*kept, *fit_warnings(plan, context, placed.prompt_tokens)),
    )


def _as_measured(placed: Placed, engine: EnginePart, built: Engine, workload: WorkloadPart) -> Placed:
    """With what measured runs of this stack and release took over the formulas; a caller's own replace them."""
    setup, deployment, calibration = placed.subject.setup, placed.deployment, placed.calibration
    load, work = measured_load(calibration.name, workload), deployment.work
    offsets = offsets_of(calibration, load, placed.engine, setup, work)
    timed = deployment if setup.unlike else replace(deployment, offsets=offsets)
    timed = with_bounds(timed, placed.machine, built, setup, workload)
    if (factor := release_factor(engine, setup.gpu)) is not None:
        timed = at_release(timed, calibration.name, factor)
    return replace(placed, deployment=with_launches_of(timed, engine), release_factor=factor)
