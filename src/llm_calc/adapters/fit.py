"""``/api/fit``: which quantization of a model fits on a machine, with which cache, and how fast."""

from collections.abc import Iterator
from dataclasses import replace

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.certainty import basis_kind, interval_of
from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.engines import engine_from, engine_rules
from llm_calc.adapters.fit_dead_end import ways_out
from llm_calc.adapters.fit_files import ALIKE_FORMATS, USUAL_FORMATS, files_of, formats_of
from llm_calc.adapters.fit_flags import ALL_LAYERS, SIXTEEN_BITS, Chosen, runners
from llm_calc.adapters.fit_positions import with_positions
from llm_calc.adapters.fit_speed import Tried, best_place, best_words, faster_words, too_slow_words
from llm_calc.adapters.fit_vllm import old_rules_of, vllm_command
from llm_calc.adapters.model_source import served_in_any_format
from llm_calc.adapters.presets import OWN_KIND
from llm_calc.adapters.runs_on import names_models
from llm_calc.adapters.said_as import fields_of_rows, said_as
from llm_calc.adapters.serving import place_request, time_load
from llm_calc.adapters.serving_words import unit_words
from llm_calc.adapters.stopping import checkpoint
from llm_calc.adapters.units import gib
from llm_calc.adapters.unlike import llama_cpp_notes
from llm_calc.adapters.wire.engines import LlamaCppEngine
from llm_calc.adapters.wire.fitting import FitAnswer, FitRequest, FitRow, Runners, Where
from llm_calc.adapters.wire.parts import PrecisionPart, WorkloadPart
from llm_calc.adapters.wire.serving import Range, ServingEstimateRequest
from llm_calc.core.deployments.question import Asked, fits
from llm_calc.core.engines import OWN_MACHINE
from llm_calc.core.engines.llama_cpp import LlamaCpp
from llm_calc.core.engines.llama_cpp_split import layer_bytes
from llm_calc.core.errors import CalcError, InvalidInputError, RefusedError
from llm_calc.core.host import host_words
from llm_calc.core.memory import total_parameters

ALIKE = "formats: {0}; other kinds leave the experts in {1} as well, and differ little from these: name one to see it"
USUAL_CACHES = ("f16", "q8_0")
ANSWER_SHARE = 8
"""One token in so many of the context is the answer's, as in /api/recommend_gpus."""


MOST_DEVICES = 16
"""GPUs that one llama.cpp process takes (GGML_SCHED_MAX_BACKENDS) [GPUs]."""


def check_devices(count: int) -> None:
    """Refuses more GPUs than llama.cpp takes.

    Raises:
        InvalidInputError: names the field and the most.
    """
    if count > MOST_DEVICES:
        raise InvalidInputError(
            f"hardware.count: must be at most {MOST_DEVICES}, the GPUs that llama.cpp takes",
            field="hardware.count",
        )


def answer_fit(request: FitRequest, catalogs: Catalogs) -> FitAnswer:
    """Every kind of GGUF file with every cache type, as llama.cpp would start it.

    Raises:
        InvalidInputError: a field that cannot be right.
        UnsupportedError: llama.cpp does not run on this GPU, has no such model, or the model no such context.
    """
    check_devices(request.hardware.count)
    request, longer = with_positions(request, catalogs)
    source = served_in_any_format(request.model, catalogs)
    kinds = [(weights, cache) for weights in formats_of(request, source) for cache in _caches(request)]
    with said_as(fields_of_rows(request)):
        tried = _each_once([_tried(request, catalogs, *kind) for kind in kinds])
    formats = dict.fromkeys(words for each in tried for words in each.formats)
    if request.formats is None and {kind for kind, _ in kinds} == {*ALIKE_FORMATS}:
        formats[ALIKE.format(" and ".join(ALIKE_FORMATS), OWN_KIND)] = None
    best = best_place(tried, request.least_tokens_per_s)
    rows = [each.row.model_copy(update={"best": place == best}) for place, each in enumerate(tried)]
    return FitAnswer(
        model=source.name,
        release=engine_rules(OWN_MACHINE).answered,
        context_tokens=request.context_tokens,
        rows=rows,
        best=best,
        assumptions=[*source.assumptions, *formats, *_assumptions(request, catalogs)],
        warnings=[
            *longer,
            *source.warnings,
            *old_rules_of(rows),
            *too_slow_words(rows, best, request.least_tokens_per_s),
            *faster_words(rows, best),
            *ways_out(request, rows, catalogs, lambda other, *kind: holds(other, catalogs, *kind)),
        ],
    )


def _each_once(tried: list[Tried]) -> list[Tried]:
    """By bits, most first; of kinds or names that make the same file (of gpt-oss q8_0 and mxfp4) the first."""
    kept: dict[tuple[int, str], Tried] = {}
    for each in tried:
        kept.setdefault((each.row.file_bytes, each.row.kv_cache), each)
    return sorted(kept.values(), key=lambda each: (-each.bits, -each.cache_bits))


def _caches(request: FitRequest) -> tuple[str, ...]:
    return tuple(dict.fromkeys(request.cache_types or USUAL_CACHES))


def estimate_request(request: FitRequest, weights: str, cache: str, **engine: int) -> ServingEstimateRequest:
    """The row as a request of its own: every sequence in a slot, the prompt as long as the context allows."""
    output = max(1, request.context_tokens // ANSWER_SHARE)
    each = -(-request.context_tokens // 256) * 256
    return ServingEstimateRequest(
        model=request.model,
        precision=PrecisionPart(weights=weights),
        hardware=request.hardware,
        engine=LlamaCppEngine(
            n_ctx=each * request.concurrency,
            n_parallel=request.concurrency,
            kv_unified=False,
            cache_type_k=cache,
            cache_type_v=cache,
            **engine,
        ),
        workload=WorkloadPart(
            input_tokens=max(1, request.context_tokens - output),
            output_tokens=output,
            concurrency=request.concurrency,
        ),
    )


def _tried(request: FitRequest, catalogs: Catalogs, weights: str, cache: str) -> Tried:
    checkpoint()
    asked, placed = _loaded(request, catalogs, weights, cache)
    setup, plan = placed.subject.setup, placed.plan
    stack = layer_bytes(setup.model, setup.numbers.recipe)
    bits = 8 * stack.file_bytes / total_parameters_of_file(placed)
    ok = fits(plan, Asked(sequences=request.concurrency, context_tokens=request.context_tokens))
    speed, likely, ttft = _speed(asked, placed) if ok else (None, None, None)
    where = _where(placed) if ok else "nowhere"
    engine = _engine(asked)
    loading = engine.loading(setup)
    row = FitRow(
        weights=weights,
        kv_cache=placed.kv_cache,
        file_bytes=round(stack.file_bytes),
        bits_per_weight=bits,
        fits=ok,
        where=where,
        gpu_layers=loading.offloaded,
        layers=setup.model.num_layers + 1,
        split_layers=sum(map(bool, loading.host)) if ok else 0,
        gpu_bytes=round(plan.budget.memory_bytes - plan.budget.unallocated_bytes),
        host_bytes=round(plan.host.needed_bytes) if plan.host else 0,
        longest_context_tokens=_longest(engine, placed, request.concurrency) or None,
        tokens_per_s=speed,
        likely_tokens_per_s=likely,
        ttft_s=ttft,
        basis=basis_kind(placed) if ok else None,
        best=False,
        reason=_reason(placed, where),
        run_with=_runners(request, catalogs, placed, loading.offloaded) if ok else None,
    )
    return Tried(
        row=row,
        on_gpu=where == "gpu",
        bits=bits,
        cache_bits=setup.numbers.cache.bits_per_element,
        tokens_per_s=speed or 0.0,
        formats=placed.subject.precision.weights.assumptions,
    )


def _loaded(
    request: FitRequest, catalogs: Catalogs, weights: str, cache: str
) -> tuple[ServingEstimateRequest, Placed]:
    """Everything on the GPU where it fits, without the margin of a fit; else as the server fits it."""
    whole = estimate_request(request, weights, cache, n_gpu_layers=ALL_LAYERS)
    placed = place_request(whole, catalogs)
    if fits(placed.plan, Asked(sequences=request.concurrency, context_tokens=request.context_tokens)):
        return whole, placed
    fitted = estimate_request(request, weights, cache)
    return fitted, place_request(fitted, catalogs)


def holds(request: FitRequest, catalogs: Catalogs, weights: str, cache: str) -> bool:
    """Whether a machine holds one kind with one cache type, and how is not asked."""
    _, placed = _loaded(request, catalogs, weights, cache)
    return fits(placed.plan, Asked(sequences=request.concurrency, context_tokens=request.context_tokens))


def total_parameters_of_file(placed: Placed) -> float:
    """Parameters that the file holds: all but towers."""
    model = placed.subject.setup.model
    towers = sum(each.weight.params for each in model.placed if each.weight.component == "vision")
    return float(total_parameters(model) - towers)


def _engine(asked: ServingEstimateRequest) -> LlamaCpp:
    engine = engine_from(asked.engine)
    if not isinstance(engine, LlamaCpp):
        raise TypeError(engine.name)
    return engine


def _speed(asked: ServingEstimateRequest, placed: Placed) -> tuple[float, Range | None, float]:
    found = time_load(placed, asked.workload)
    tpot = float(found.tpot_s)
    span = interval_of(asked, placed, found).tpot_s
    likely = None if span is None else Range(low=1 / span.high, high=1 / span.low)
    return 1 / tpot, likely, float(found.ttft_s)


def _where(placed: Placed) -> Where:
    if not placed.offload.used:
        return "gpu"
    return "host" if placed.offload.placement.layers_fraction >= 1 else "gpu and host"


def _longest(engine: LlamaCpp, placed: Placed, sequences: int) -> int:
    """Everything on the GPU, with the margin that the server keeps itself."""
    setup = placed.subject.setup
    whole = replace(engine, fit=False, n_gpu_layers=setup.model.num_layers + 1).plan(setup)
    if whole.available_bytes <= 0:
        return 0
    own = setup.model.context_length_tokens or whole.max_context_tokens(sequences)
    return min(whole.max_context_tokens(sequences) // 256 * 256, own)


def _reason(placed: Placed, where: Where) -> str:
    budget, host = placed.plan.budget, placed.plan.host
    taken = gib(budget.memory_bytes - budget.unallocated_bytes)
    room = gib(budget.memory_bytes)
    if placed.subject.setup.gpu.unified_memory and where != "gpu":
        all_of_it = taken + (gib(host.needed_bytes) if host else 0.0)
        return f"needs {all_of_it:.1f} of {room:.1f} GiB, which GPU and host share"
    match where:
        case "gpu":
            return f"{taken:.1f} of {room:.1f} GiB on the GPU"
        case "nowhere":
            there = gib(host.memory_bytes or 0) if host else 0.0
            needed = gib(host.needed_bytes) if host else 0.0
            return f"needs {taken:.1f} of {room:.1f} GiB on the GPU and {needed:.1f} of {there:.1f} GiB on the host"
        case _:
            return (
                f"{taken:.1f} GiB on the GPU, {gib(host.needed_bytes) if host else 0.0:.1f} GiB on the host"
            )


def _runners(request: FitRequest, catalogs: Catalogs, placed: Placed, layers: int) -> Runners:
    weights, cache = placed.subject.precision.weights.name, placed.kv_cache
    bits = placed.subject.setup.numbers.recipe.default.bits_per_element
    apple, on_gpu = placed.subject.setup.gpu.vendor.lower() == "apple", not placed.offload.used
    small = cache not in SIXTEEN_BITS
    vllm = vllm_command(request, catalogs, bits, small_cache=small) if on_gpu and not apple else None
    return runners(
        Chosen(
            files=files_of(request.model, catalogs, placed.subject.name),
            weights=weights,
            cache=cache,
            context_tokens=request.context_tokens,
            sequences=request.concurrency,
            gpu_layers=layers,
            all_layers=placed.subject.setup.model.num_layers + 1,
            bits=bits,
            mlx=apple and names_models("mlx", placed.subject.setup.model.model_type),
            on_gpu=on_gpu,
            experts=bool(placed.subject.setup.model.num_experts),
            vllm=vllm,
        )
    )


def _assumptions(request: FitRequest, catalogs: Catalogs) -> Iterator[str]:
    rules = engine_rules(OWN_MACHINE)
    yield f"started by {rules.title} {rules.version}, which leaves 1 GiB free where it fits layers to the memory"
    yield from llama_cpp_notes(request.hardware, catalogs)
    yield f"one token in {ANSWER_SHARE} of the context is the answer's; ttft_s is that of all the others"
    yield best_words(request.least_tokens_per_s)
    try:
        setup = place_request(estimate_request(request, USUAL_FORMATS[0], "f16"), catalogs).subject.setup
    except (CalcError, RefusedError):
        return
    yield from unit_words(setup.gpu)
    if setup.host is not None and not setup.host.stated:
        yield host_words(setup.host)
