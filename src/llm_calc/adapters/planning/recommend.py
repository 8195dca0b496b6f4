"""``/api/recommend_gpus``: the fewest GPUs of each kind that hold a model with its context, best first."""

import math
from collections.abc import Iterator

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.certainty import basis_kind
from llm_calc.adapters.engines import engine_rules, release_of, told_of
from llm_calc.adapters.model_source import SourcedModel, model_precision, served_model
from llm_calc.adapters.planned import Planned
from llm_calc.adapters.planning.answer import intervals
from llm_calc.adapters.planning.basis_words import basis_words
from llm_calc.adapters.planning.choices import layouts_on, named_gpus
from llm_calc.adapters.planning.holding import NODE, Holding, Started, started_by
from llm_calc.adapters.planning.launch_catalog import load_launch_rules
from llm_calc.adapters.planning.names import names_of
from llm_calc.adapters.planning.owned import owned_prices, owner_assumptions
from llm_calc.adapters.planning.price_words import price_warnings, rental_words, unused_prices
from llm_calc.adapters.planning.prices import GpuPrice, gpu_price, own_prices
from llm_calc.adapters.planning.started import other_cause, started_on
from llm_calc.adapters.planning.ways import Way
from llm_calc.adapters.runs_on import refusal
from llm_calc.adapters.said_unused import of_formats
from llm_calc.adapters.serving import place_request, time_load
from llm_calc.adapters.serving_words import placed_warnings, slow_words, unit_words
from llm_calc.adapters.setup import load_of
from llm_calc.adapters.stopping import checkpoint
from llm_calc.adapters.units import gib
from llm_calc.adapters.wire.engines import EnginePart, LlamaCppEngine, VllmEngine
from llm_calc.adapters.wire.output_caps import output_cap
from llm_calc.adapters.wire.parts import ParallelismPart, WorkloadPart
from llm_calc.adapters.wire.plan_parts import RefusedGpu
from llm_calc.adapters.wire.recommend import Recommendation, RecommendGpusAnswer, RecommendGpusRequest
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.costs import request_usd, token_costs
from llm_calc.core.deployments.question import headroom_bytes
from llm_calc.core.engines import traits_of
from llm_calc.core.engines.llama_cpp_traits import MOST_PARALLEL
from llm_calc.core.engines.positions import check_positions, positions_of
from llm_calc.core.errors import CalcError
from llm_calc.core.hardware import Gpu
from llm_calc.core.launching.manifests.made import manifest_assumption
from llm_calc.core.memory import weights_bytes
from llm_calc.core.model import Model
from llm_calc.core.parallelism import Layout
from llm_calc.core.planning.space import LayoutRules, layouts

OBJECTIVES = {
    "cost": "fewest USD for a generated token",
    "latency": "least time of a request",
    "gpus": "fewest GPUs, then the least memory",
}
ANSWER_SHARE = 8
"""One token in so many of the context is taken to be the answer's."""


def answer_recommend_gpus(request: RecommendGpusRequest, catalogs: Catalogs) -> RecommendGpusAnswer:
    """The kinds of GPUs that hold a model, best first, and why others do not.

    Raises:
        UnknownNameError: a model, GPU or format that the catalogs do not hold.
        InvalidInputError: a field that cannot be right.
        UnsupportedError: a context beyond what the model has positions for.
    """
    source = served_model(request.model, catalogs)
    request, lowered = _within_positions(request, source.model)
    own = own_prices(catalogs, request.prices)
    owned = owned_prices(catalogs, request.owner, own)
    named = named_gpus(request.gpus, catalogs)
    found: list[Holding] = []
    refused: list[RefusedGpu] = []
    for gpu in dict.fromkeys(named):
        price = owned.get(gpu.id) or gpu_price(catalogs, gpu.id, own, request.rental)
        held = _held(request, source, catalogs, gpu, price)
        if isinstance(held, Holding):
            found.append(held)
        else:
            refused.append(RefusedGpu(gpu=gpu.id, reason=held))
    ordered = sorted(found, key=lambda each: _order(request.objective, each))
    workload = _workload(request)
    started = Started(source, names_of(request.model, source, catalogs), request.manifests or (), catalogs)
    return RecommendGpusAnswer(
        objective=f"{request.objective}: {OBJECTIVES[request.objective]}",
        recommendations=[_recommendation(rank, each, started) for rank, each in enumerate(ordered, start=1)],
        refused=refused,
        assumptions=[
            *source.assumptions,
            *lowered,
            *_formats_told(request, source, ordered),
            _words(workload),
            f"prices: {rental_words(request.rental)}; kinds without one come last where cost decides",
            *owner_assumptions(request.owner),
            *unused_prices(own, owned, (gpu.id for gpu in named)),
            *([manifest_assumption()] if request.manifests else []),
        ],
        warnings=[
            *source.warnings,
            *_release_warnings(request.engine, ordered),
            *price_warnings(request.rental, ((each.gpu.id, each.price) for each in ordered)),
        ],
    )


def _release_warnings(asked: EnginePart | None, found: list[Holding]) -> dict[str, None]:
    """What to know of the releases whose rules answered: of the engine asked for, else of all that are recommended."""
    parts = (each.request.engine for each in found)
    return dict.fromkeys(text for one in ([asked] if asked else parts) for text in told_of(one))


def _formats_told(
    request: RecommendGpusRequest, source: SourcedModel, found: list[Holding]
) -> dict[str, None]:
    """What is said of the formats of what is recommended; of the engine's that was to hold them where none does."""
    names = [each.request.engine.name for each in found] or [(request.engine or VllmEngine()).name]
    kinds = (model_precision(source, request.precision, name).weights for name in dict.fromkeys(names))
    return dict.fromkeys(words for kind in kinds for words in kind.assumptions)


def _words(workload: WorkloadPart) -> str:
    count = workload.requests_in_flight
    return (
        f"times are those of {count} request{'' if count == 1 else 's'} at once of "
        f"{workload.mean_input_tokens} prompt and {workload.mean_output_tokens} generated tokens"
    )


def _within_positions(
    request: RecommendGpusRequest, model: Model
) -> tuple[RecommendGpusRequest, tuple[str, ...]]:
    """The request with a context that the model has positions for, and that none was stated where it is shorter.

    Raises:
        UnsupportedError: a longer one was stated.
    """
    own = positions_of(model)
    if own is None or request.context_tokens <= own:
        return request, ()
    if "context_tokens" in request.model_fields_set:
        check_positions(model, request.context_tokens, "context_tokens")
    words = f"context_tokens: {own}, all that the model has positions for, since none was given"
    return request.model_copy(update={"context_tokens": own}), (words,)


def _workload(request: RecommendGpusRequest) -> WorkloadPart:
    cap = output_cap(request.engine) or request.context_tokens
    answer = max(1, min(request.context_tokens // ANSWER_SHARE, cap))
    prompt = max(1, request.context_tokens - answer)
    return WorkloadPart(input_tokens=prompt, output_tokens=answer, concurrency=request.concurrency)


def _held(
    request: RecommendGpusRequest,
    source: SourcedModel,
    catalogs: Catalogs,
    gpu: Gpu,
    price: GpuPrice | None,
) -> Holding | str:
    """The fewest of one kind that hold everything, or the reason why none do."""
    checkpoint()
    if not gpu.peaks:
        return "no dense rates of its arithmetic are published"
    try:
        engine = _engine(request, source, gpu)
        if isinstance(engine, str):
            return engine
        return _fewest(request, source, catalogs, gpu, engine, price)
    except CalcError as error:
        return error.message


def _engine(request: RecommendGpusRequest, source: SourcedModel, gpu: Gpu) -> EnginePart | str:
    """The engine asked for; else vLLM, or llama.cpp where vLLM does not run such weights; or why none does."""
    reasons = []
    for engine in (request.engine,) if request.engine else _usual(request):
        weights = model_precision(source, request.precision, engine.name)
        named = source.states(request.precision.weights) or not traits_of(engine.name).formats.gguf_alone
        reason = refusal(engine.name, gpu, load_of(source, weights, named=named), engine.version)
        if reason is None:
            return engine
        reasons.append(reason)
    return "; ".join(reasons)


def _usual(request: RecommendGpusRequest) -> tuple[EnginePart, ...]:
    return (VllmEngine(),) if request.concurrency > MOST_PARALLEL else (VllmEngine(), LlamaCppEngine())


def _fewest(
    request: RecommendGpusRequest,
    source: SourcedModel,
    catalogs: Catalogs,
    gpu: Gpu,
    engine: EnginePart,
    price: GpuPrice | None,
) -> Holding | str:
    recipe = model_precision(source, request.precision, engine.name).numbers.recipe
    needed = weights_bytes(source.model, recipe)
    holding: list[Holding] = []
    failed: Planned | None = None
    for layout in _layouts(source, gpu, engine, request.max_gpus):
        if holding and layout.gpus > holding[0].request.hardware.count:
            break
        if needed <= layout.gpus * gpu.usable_memory_bytes * 1.1:
            asked, planned = started_on(request, _workload(request), catalogs, gpu, engine, layout)
            failed = planned
            holding += _holding(asked, planned, catalogs, gpu, price)
    if holding:
        return min(holding, key=lambda each: float(each.found.request_latency_s))
    title, load = engine_rules(engine.name).title, f"{request.concurrency} x {request.context_tokens} tokens"
    cause = None if failed is None else other_cause(failed)
    if cause is not None:
        return f"{title} does not take {load}: {cause}"
    return (
        f"{title} does not hold weights of {gib(needed):.1f} GiB and {load} "
        f"on up to {request.max_gpus} of {gib(gpu.usable_memory_bytes):.1f} GiB"
    )


def _layouts(source: SourcedModel, gpu: Gpu, engine: EnginePart, most: int) -> tuple[Layout, ...]:
    rules = load_launch_rules().get(engine.name)
    if rules is None:
        return layouts(source.model, LayoutRules(), most)
    return layouts_on(gpu, source.model, rules, most, NODE)


def _holding(
    asked: ServingEstimateRequest, planned: Planned, catalogs: Catalogs, gpu: Gpu, price: GpuPrice | None
) -> Iterator[Holding]:
    """The layout with its times, if the engine starts on it and holds everything."""
    if planned.serves:
        placed = place_request(asked, catalogs)
        found = time_load(placed, asked.workload)
        yield Holding(gpu=gpu, request=asked, planned=planned, placed=placed, found=found, price=price)


def _own_warnings(each: Holding, source: SourcedModel) -> list[str]:
    """What is said of this GPU and engine and their times; words on the model are the answer's."""
    unmeasured = basis_words(each.placed, each.planned.engine, Way(), each.request.workload)
    slow = slow_words(float(each.found.ttft_s))
    times = (*slow, *placed_warnings(each.placed), *unit_words(each.gpu), *unmeasured)
    told = (*of_formats(each.placed.assumptions), *times)
    return [words for words in told if words not in source.warnings]


def _order(objective: str, each: Holding) -> tuple[float, ...]:
    latency, usd = float(each.found.request_latency_s), each.usd_per_hour
    cost = math.inf if usd is None else usd / float(each.found.output_tokens_per_s)
    count = float(each.request.hardware.count)
    memory = float(each.gpu.usable_memory_bytes)
    orders = {"cost": (cost, latency), "latency": (latency, cost), "gpus": (count, memory, cost)}
    return orders[objective]


def _recommendation(rank: int, each: Holding, started: Started) -> Recommendation:
    usd, request, plan = each.usd_per_hour, each.request, each.planned.plan
    workload = request.workload
    made, notes = started_by(each, started)
    tokens = None
    if usd is not None:
        own = request_usd(usd, each.found.requests_per_s)
        tokens = token_costs(own, 0.0, workload.mean_input_tokens, workload.mean_output_tokens)
    return Recommendation(
        rank=rank,
        gpu=each.gpu.id,
        name=each.gpu.name,
        count=request.hardware.count,
        hardware=request.hardware,
        parallelism=request.parallelism or ParallelismPart(),
        engine=request.engine,
        release=release_of(request.engine).answered,
        headroom_bytes=headroom_bytes(plan, each.planned.asked),
        max_concurrency=float(plan.max_concurrency(workload.mean_input_tokens + workload.mean_output_tokens)),
        ttft_s=float(each.found.ttft_s),
        tpot_s=float(each.found.tpot_s),
        output_tokens_per_s=float(each.found.output_tokens_per_s),
        interval=intervals(request, each.placed, each.found),
        basis=basis_kind(each.placed),
        price=None if each.price is None else each.price.answered,
        usd_per_hour=usd,
        usd_per_million_output_tokens_all_in=None if tokens is None else float(tokens.all_in_output_usd),
        manifests=made,
        notes=[*_own_warnings(each, started.source), *notes],
    )
