"""``/api/deployment_plans``: from a request to ranked plans, fronts, and the reasons of refused GPUs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from llm_calc.adapters.calibration import family_of, load_calibration, scaled_calibration
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.engines import release_of
from llm_calc.adapters.images import seen_images, untimed_words, with_images
from llm_calc.adapters.mean_lengths import cut_words
from llm_calc.adapters.model_source import SourcedModel, served_in_any_format
from llm_calc.adapters.planning.answer import plan_answer
from llm_calc.adapters.planning.apart import check_load
from llm_calc.adapters.planning.apart_answer import apart_answers, without_any
from llm_calc.adapters.planning.choices import MOST_GPUS, Choice, choices, chosen_gpus
from llm_calc.adapters.planning.exact import Evaluated
from llm_calc.adapters.planning.held import check_targets, limits_of, targets_words
from llm_calc.adapters.planning.names import Names, names_of
from llm_calc.adapters.planning.over_day import at_peak, day_assumptions, day_of
from llm_calc.adapters.planning.owned import owned_prices, owner_assumptions
from llm_calc.adapters.planning.plots import Space, build_rows
from llm_calc.adapters.planning.price_words import price_warnings, rental_words, unused_prices
from llm_calc.adapters.planning.prices import gpu_price, own_prices
from llm_calc.adapters.planning.refusals import Searched, refusals
from llm_calc.adapters.planning.scene import Scene
from llm_calc.adapters.planning.search import Search
from llm_calc.adapters.planning.turns import turns_assumption
from llm_calc.adapters.planning.ways import unused_formats, unused_ways
from llm_calc.adapters.planning.widened import widened
from llm_calc.adapters.release_days import old_rules
from llm_calc.adapters.sessions import refuse_unplanned
from llm_calc.adapters.wire.parts import WorkloadPart
from llm_calc.adapters.wire.plan_parts import ManifestKind, RefusedGpu
from llm_calc.adapters.wire.plans import (
    Considered,
    DeploymentPlansAnswer,
    DeploymentPlansRequest,
    Pareto,
    ParetoPoint,
    Plan,
)
from llm_calc.adapters.workload_catalog import LOADS
from llm_calc.core.calibration import Calibration
from llm_calc.core.hardware import Gpu
from llm_calc.core.launching.manifests.made import manifest_assumption
from llm_calc.core.planning.bounded import FASTEST, OBJECTIVES, bounds
from llm_calc.core.planning.fronts import FRONTS, front, front_candidates
from llm_calc.core.planning.split import Load


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """What a search found, before it is put into words."""

    searched: Searched
    gpus: tuple[Gpu, ...]
    plans: tuple[Evaluated, ...]
    names: Names
    left_out: tuple[str, ...] = ()
    written: dict[tuple[int, int, tuple[ManifestKind, ...]], Plan] = field(default_factory=dict)

    @property
    def search(self) -> Search:
        """The search itself."""
        return self.searched.search

    def plan(self, each: Evaluated, rank: int, manifests: Sequence[ManifestKind] = ()) -> Plan:
        """A plan of the answer, written once where it is also a point of fronts."""
        key = id(each), rank, tuple(manifests)
        if key not in self.written:
            price = self.search.prices[each.row.gpu.id]
            self.written[key] = plan_answer(self.search.scene, each, rank, price, self.names, manifests)
        return self.written[key]


def answer_deployment_plans(request: DeploymentPlansRequest, catalogs: Catalogs) -> DeploymentPlansAnswer:
    """Ranked plans for a workload under limits.

    Raises:
        UnknownNameError: a model, GPU or format that the catalogs do not hold.
        InvalidInputError: a field that cannot be right.
    """
    seen = seen_images(request.workload, request.model, catalogs)
    request = with_images(request, seen)
    refuse_unplanned(request.workload)
    check_load(request)
    check_targets(request.workload, request.limits)
    request = at_peak(request)
    source = served_in_any_format(request.model, catalogs)
    found = _find(request, catalogs, source, None if seen is None else seen.limits)
    plans = found.plans[: request.max_plans]
    planned = frozenset(each.row.gpu.id for each in plans)
    apart = apart_answers(request, found.search, found.searched.candidates, found.plans, found.names)
    return DeploymentPlansAnswer(
        objective=f"{request.objective}: {OBJECTIVES[request.objective]}",
        plans=[found.plan(each, rank, request.manifests or ()) for rank, each in enumerate(plans, start=1)],
        apart=apart,
        pareto=_pareto(found),
        refused=[
            RefusedGpu(gpu=gpu, reason=reason)
            for gpu, reason in refusals(found.gpus, planned, found.searched)
        ],
        considered=Considered(
            gpus=len(found.gpus),
            deployments=sum(len(each.rows.gpus) for each in found.searched.candidates),
            estimated=found.search.estimated,
        ),
        assumptions=[*source.assumptions, *untimed_words(seen), *_assumptions(request, found)],
        warnings=[*source.warnings, *without_any(request, apart), *_warnings(request, found)],
    )


def _find(
    request: DeploymentPlansRequest,
    catalogs: Catalogs,
    source: SourcedModel,
    processor: Mapping[str, object] | None,
) -> Found:
    gpus, options = chosen_gpus(request, catalogs), choices(request, source)
    own = own_prices(catalogs, request.prices)
    owned = owned_prices(catalogs, request.owner, own)
    load = load_of(request.workload, request.objective)
    search = Search(
        scene=replace(_scene(request, catalogs, source), processor=processor),
        load=load,
        objective=request.objective,
        prices={
            gpu.id: owned.get(gpu.id) or gpu_price(catalogs, gpu.id, own, request.rental) for gpu in gpus
        },
        named=request.gpus is not None,
        wide=request.limits.targets_kept_fraction is not None or (load.open and request.workload.is_stream),
    )
    options, left_out = widened(request, search.scene, options, gpus)
    searched = _bounded(search, source, options, gpus)
    plans = search.best(searched.candidates, request.max_plans)
    names = names_of(request.model, source, catalogs)
    return Found(searched=searched, gpus=gpus, plans=tuple(plans), names=names, left_out=left_out)


def _bounded(
    search: Search, source: SourcedModel, options: tuple[Choice, ...], gpus: tuple[Gpu, ...]
) -> Searched:
    """Every candidate with its bound."""
    scene = search.scene
    space = Space(
        catalogs=scene.catalogs,
        model=source.model,
        most_gpus=int(scene.limits.gpus),
        gpus_per_node=scene.gpus_per_node,
    )
    calibrations, context = _calibrations(options, search), float(scene.context_tokens)
    rows = build_rows(space, options, gpus, calibrations, scene.workload, context)
    aimed = replace(scene, limits=scene.aimed)
    bounded = (bounds(each, aimed, search.load, search.objective, search.prices) for each in rows)
    return Searched(
        search=search,
        model=source.model,
        options=options,
        candidates=tuple(bounded),
    )


def _pareto(found: Found) -> Pareto:
    searched = found.searched
    candidates = front_candidates(found.search, searched.candidates)
    points = {kind.name: front(kind, found.search, candidates, found.plans) for kind in FRONTS}
    ranks = {id(plan): rank for rank, plan in enumerate(found.plans, start=1)}
    return Pareto(
        **{
            name: [
                ParetoPoint(
                    x=point.both[0],
                    y=point.both[1],
                    plan=found.plan(point.plan, ranks.get(id(point.plan), 0)),
                )
                for point in each
            ]
            for name, each in points.items()
        }
    )


def _scene(request: DeploymentPlansRequest, catalogs: Catalogs, source: SourcedModel) -> Scene:
    limits = request.limits
    return Scene(
        catalogs=catalogs,
        model=request.model,
        source=source,
        workload=request.workload,
        limits=limits_of(limits),
        percentile=limits.percentile or ("p90" if request.workload.load == "request_rate" else "mean"),
        gpus_per_node=request.gpus_per_node,
        targets_kept_fraction=limits.targets_kept_fraction or 0.0,
        calibration=request.calibration,
        day=day_of(request),
    )


def load_of(workload: WorkloadPart, objective: str) -> Load:
    """The load of all replicas; open where the workload names none."""
    given = any(getattr(workload, name) is not None for name in LOADS)
    part = workload.sessions
    turns = 1 if part is None else part.turns
    sessions_per_s = workload.session_rate or 0.0
    amount = workload.request_rate or sessions_per_s * turns or float(workload.requests_in_flight)
    return Load(
        kind=workload.load,
        amount=amount,
        open=not given,
        fastest=objective in FASTEST,
        think_s=0.0 if part is None else part.think_s * (turns - 1) / turns,
    )


def _calibrations(options: Sequence[Choice], search: Search) -> dict[str, Calibration]:
    """The calibration of each engine under this load; an open load is one of many requests."""
    load, own = search.load, search.scene.calibration
    engines = {choice.engine for choice in options}
    families = {engine: family_of(engine, load.kind) for engine in engines}
    return {engine: scaled_calibration(load_calibration(family), own) for engine, family in families.items()}


def _running(found: Found) -> Sequence[Choice]:
    """What an engine runs on any of the GPUs; everything where none does."""
    options = found.searched.options
    return [each for each in options if any(each.refusal(gpu) is None for gpu in found.gpus)] or options


def _assumptions(request: DeploymentPlansRequest, found: Found) -> Iterator[str]:
    scene, prices, options = found.search.scene, found.search.prices, found.searched.options
    running = _running(found)
    if request.limits.max_gpus is None:
        yield f"limits.max_gpus: {MOST_GPUS}, since none was given"
    yield from dict.fromkeys(words for choice in running for words in choice.precision.weights.assumptions)
    if request.formats is None:
        names = ", ".join(dict.fromkeys(choice.precision.weights.name for choice in running))
        yield f"formats: {names}; name others in formats to have them considered"
    yield from unused_formats(request.formats or (), [(each.engine, each.part.weights) for each in running])
    if scene.percentile != "mean":
        yield f"limits: kept by the mean and by the {scene.percentile} of one simulated run"
    yield from targets_words(request.workload, request.limits.targets_kept_fraction)
    yield (
        "prices: rent of the GPUs alone, busy at this load all the time; a prompt and an answer are billed for the GPU "
        "time that each takes (own prefill; part of shared decode steps), so that both add up to the rent"
    )
    if any(price is not None for price in prices.values()):
        yield f"prices: {rental_words(request.rental)}, of the day that each plan states"
    yield from owner_assumptions(request.owner)
    own = own_prices(scene.catalogs, request.prices)
    owned = owned_prices(scene.catalogs, request.owner, own)
    yield from unused_prices(own, owned, (gpu.id for gpu in found.gpus))
    yield "power: every GPU draws its board power limit (TDP) all the time; hosts, network and cooling are not counted"
    yield from unused_ways([choice.way for choice in options], [plan.row.choice.way for plan in found.plans])
    yield from day_assumptions(scene.day)
    yield from cut_words(request.workload)
    if turns := turns_assumption(request.workload):
        yield turns
    if request.manifests:
        yield manifest_assumption()
    yield f"layouts: hosts of {request.gpus_per_node} GPUs; replicas of at most 32 GPUs share the load evenly"


def _unchecked(found: Found) -> Iterator[str]:
    """Plans whose times are closed forms, of which no percentile can be held to a limit."""
    percentile = found.search.scene.percentile
    engines = sorted({plan.row.choice.engine for plan in found.plans if not plan.found.percentiles})
    if percentile != "mean" and found.search.scene.limits.bound_times and engines:
        yield (
            f"limits.percentile: {percentile} was not checked of plans of {', '.join(engines)}: under this load their "
            "times are closed forms of equal requests, and keep the limits in the mean alone"
        )


def _warnings(request: DeploymentPlansRequest, found: Found) -> Iterator[str]:
    yield from found.left_out
    if not found.plans:
        yield "plans: none keeps all limits; refused says for each kind of GPU what decides"
    yield from _unchecked(found)
    shown = ((plan.row.gpu.id, found.search.prices[plan.row.gpu.id]) for plan in found.plans)
    yield from price_warnings(request.rental, shown)
    releases = [release_of(plan.engine) for plan in found.plans]
    for title, version, read_on in sorted({(each.title, each.version, each.read_on) for each in releases}):
        yield from old_rules(title, version, read_on)
    if request.workload.grows:
        yield "workload.sessions: sessions were never measured; the intervals are those of closed loops"
    elif request.workload.varies:
        yield (
            "workload: lengths that vary were never measured; bounds are those of their means, the intervals those of "
            "closed loops"
        )
    elif request.workload.request_rate is not None:
        yield "workload.request_rate: bounds and intervals are those of closed loops"
