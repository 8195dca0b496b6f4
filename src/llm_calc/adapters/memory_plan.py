"""``/api/memory_plan``: from a request to an engine's plan, and from the plan to the answer."""

from dataclasses import replace
from functools import partial
from itertools import chain

from llm_calc.adapters.advice import advised, tried_gpu
from llm_calc.adapters.apart_sides import computing_side, named_as_stated, planned_side
from llm_calc.adapters.attention_groups import with_groups
from llm_calc.adapters.beside_model import check_parts_beside
from llm_calc.adapters.cache_types import why_cache, with_cache_types
from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.engine_catalog import EngineRules
from llm_calc.adapters.engines import engine_from, release_of, version_warnings
from llm_calc.adapters.idle_options import idle_fields, idle_options
from llm_calc.adapters.images import seen_images, with_images, words_of
from llm_calc.adapters.lora import lora_answer, served_lora, with_lora
from llm_calc.adapters.memory_advice import CONCURRENCY, changes_that_fit, context_table, with_context_said
from llm_calc.adapters.memory_tiers import tier_memory, tier_warnings, tiers_held
from llm_calc.adapters.other_gpu import recommended_gpu
from llm_calc.adapters.passed_options import nothing_words, uncounted_words
from llm_calc.adapters.planned import Planned, prefill_warnings, reason_of_both
from llm_calc.adapters.presets import chosen_words, with_preset
from llm_calc.adapters.served import served_words
from llm_calc.adapters.setup import Subject, as_named, resolve_setup
from llm_calc.adapters.speculation import with_draft_said
from llm_calc.adapters.stage_memory import cache_groups, per_gpu, stage_memory
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.adapters.wire.memory import (
    CacheSize,
    Change,
    HostMemory,
    KvCache,
    MemoryPlanAnswer,
    MemoryPlanRequest,
    RecommendedGpu,
)
from llm_calc.adapters.wire.parts import PrecisionPart, WorkloadPart
from llm_calc.adapters.wire.workload_rules import most_prompt_tokens
from llm_calc.core.advice.memory import sequences_text
from llm_calc.core.deployments.question import (
    Asked,
    Question,
    headroom_bytes,
    replica_sequences,
    sequence_bytes,
    whole_concurrency,
)
from llm_calc.core.engines import MemoryPlan
from llm_calc.core.engines.caches import needed_bytes, stage_caches
from llm_calc.core.engines.dealt_check import check_dealt
from llm_calc.core.engines.plan_words import encoder_words, plan_warnings
from llm_calc.core.host import host_words
from llm_calc.core.workloads.held_tiers import pays_words

LONGEST_TABLE_TOKENS = 1 << 24


def answer_memory_plan(request: MemoryPlanRequest, catalogs: Catalogs) -> MemoryPlanAnswer:
    """What the engine does with the memory of the fullest GPU, and what the deployment holds.

    Raises:
        InvalidInputError: a field that cannot be right, or a layout that does not fill the GPUs.
        UnsupportedError: a layout or format that the engine does not run.
    """
    seen = seen_images(request.workload, request.model, catalogs)
    request = with_preset(with_images(request, seen), catalogs)
    planned = planned_memory(request, catalogs)
    subject, plan, asked, model = planned.subject, planned.plan, planned.asked, planned.subject.setup.model
    tiers = list(tiers_held(request, planned))
    return MemoryPlanAnswer(
        engine=planned.rules.answered,
        weights_format=subject.precision.weights.words,
        fits=planned.fits,
        starts=planned.starts,
        reason=reason_of_both(planned),
        headroom_bytes=headroom_bytes(plan, asked),
        asked_sequences=asked.sequences,
        asked_context_tokens=asked.context_tokens,
        max_model_len_tokens=plan.max_model_len_tokens,
        per_gpu=per_gpu(plan),
        stages=stage_memory(plan, subject.setup),
        host=_host(planned),
        kv_cache=_kv_cache(planned),
        kv_cache_tokens=plan.kv_cache_tokens if plan.available_bytes > 0 else 0,
        max_concurrency=round(whole_concurrency(plan), 4),
        sequences_that_fit=int(plan.max_concurrency(asked.context_tokens)) if plan.available_bytes > 0 else 0,
        max_context_tokens=_longest_context(plan, model.context_length_tokens),
        scheduler_max_sequences=plan.limits.max_sequences * plan.replicas,
        changes_that_fit=_changes(request, planned, catalogs),
        recommended_gpu=_other_gpu(request, planned, catalogs),
        images=None if seen is None else seen.answer(None),
        kv_tiers=[tier_memory(each, asked.context_tokens) for each in tiers],
        lora=lora_answer(planned.lora, subject.setup),
        table_concurrency=list(CONCURRENCY),
        table=context_table(plan, min(plan.max_model_len_tokens, LONGEST_TABLE_TOKENS)),
        assumptions=[
            *subject.assumptions,
            *words_of(seen),
            *_assumptions(planned, request),
            *chain(*map(pays_words, tiers)),
        ],
        warnings=[*_warnings(planned, request), *tier_warnings(request, planned, tiers)],
    )


def _warnings(planned: Planned, request: MemoryPlanRequest) -> list[str]:
    subject = planned.subject
    return [
        *subject.warnings,
        *version_warnings(request.engine),
        *uncounted_words(request.engine),
        *plan_warnings(planned.plan, planned.asked, subject.setup.gpu, fits=planned.held.fits),
        *prefill_warnings(planned),
    ]


def _changes(request: MemoryPlanRequest, planned: Planned, catalogs: Catalogs) -> list[Change]:
    if planned.serves:
        return []
    known = planned.subject.setup, planned.engine, planned.asked
    ways = partial(changes_that_fit, *known), partial(with_context_said, *known)
    return advised(request, *ways, fits=lambda other: planned_memory(other, catalogs).serves)


def _other_gpu(request: MemoryPlanRequest, planned: Planned, catalogs: Catalogs) -> RecommendedGpu | None:
    sold = catalogs.gpus_sold(beside=planned.subject.setup.gpu.id)
    found = recommended_gpu(planned.subject.setup, planned.engine, planned.asked, sold)
    return tried_gpu(request, found, lambda other: planned_memory(other, catalogs).serves)


def planned_memory(request: MemoryPlanRequest, catalogs: Catalogs) -> Planned:
    """The request resolved and planned by its engine; of prefill and decode apart a replica that decodes."""
    other = computing_side(request)
    side = planned_side(request)
    with named_as_stated(request.disaggregated):
        planned = _planned_replica(side, catalogs)
    return planned if other is None else replace(planned, prefill=_planned_replica(other, catalogs))


def _planned_replica(request: MemoryPlanRequest, catalogs: Catalogs) -> Planned:
    request = with_images(request, seen_images(request.workload, request.model, catalogs))
    request = with_preset(request, catalogs)
    subject = resolve_setup(
        catalogs,
        model=request.model,
        precision=request.precision,
        hardware=request.hardware,
        parallelism=request.parallelism,
        engine=request.engine.name,
        version=request.engine.version,
        processor=getattr(request.engine, "mm_processor_kwargs", None),
    )
    subject = as_named(subject, request.engine, request.model, catalogs)
    check_parts_beside(request.speculative, request.lora, request.engine.name)
    served = served_lora(request.lora, subject, request.engine.name)
    subject = with_draft_said(subject, request.speculative, catalogs, request.engine)
    subject = with_lora(subject, served)
    return replace(plan_of(subject, request.precision, request.engine, request.workload), lora=served)


def plan_of(
    subject: Subject, precision: PrecisionPart, part: EnginePart, workload: WorkloadPart | None
) -> Planned:
    """What is resolved, planned by its engine."""
    subject = with_groups(with_cache_types(subject, precision, part), part)
    built = engine_from(part)
    check_dealt(built, subject.setup)
    question = Question(setup=subject.setup, engine=built, asked=asked_of(workload))
    return planned_as(subject, release_of(part), question)


def planned_as(subject: Subject, rules: EngineRules, question: Question) -> Planned:
    """A question about what is resolved, planned by its engine."""
    return Planned(subject=subject, engine=question.engine, rules=rules, held=question.held())


def asked_of(workload: WorkloadPart | None) -> Asked | None:
    """What a load asks memory to hold."""
    if workload is None:
        return None
    return Asked(
        sequences=workload.requests_in_flight,
        context_tokens=workload.longest_tokens,
        prompt_tokens=most_prompt_tokens(workload),
    )


def _host(planned: Planned) -> HostMemory | None:
    budget, host = planned.plan.host, planned.subject.setup.host
    if budget is None or host is None:
        return None
    return HostMemory(
        name=host.name,
        stated=host.stated,
        memory_bytes=host.memory_bytes,
        weights_bytes=round(budget.weights_bytes),
        kv_cache_bytes=round(budget.kv_cache_bytes),
        compute_bytes=round(budget.compute_bytes),
        fits=budget.fits,
    )


def _kv_cache(planned: Planned) -> KvCache:
    plan, setup, asked = planned.plan, planned.subject.setup, planned.asked
    context, numbers = plan.max_model_len_tokens, setup.numbers
    caches = stage_caches(
        setup.model,
        setup.layout,
        plan.stage,
        numbers.cache.bytes_per_element,
        setup.activation_bytes_per_element,
    )

    def needed(tokens: int) -> float:
        return float(needed_bytes(caches, tokens))

    return KvCache(
        format=planned.subject.precision.kv_cache,
        needed=CacheSize(
            bytes_per_token=needed(2) - needed(1),
            bytes_per_sequence=round(needed(context)),
            bytes_in_all=round(replica_sequences(plan, asked) * needed(asked.context_tokens)),
        ),
        allocated=CacheSize(
            bytes_per_token=plan.bytes_per_token,
            bytes_per_sequence=round(sequence_bytes(plan, context)),
            bytes_in_all=round(replica_sequences(plan, asked) * sequence_bytes(plan, asked.context_tokens)),
        ),
        groups=[group for pool in plan.pools for group in cache_groups(pool)],
    )


def _longest_context(plan: MemoryPlan, own: int | None) -> int:
    """The longest context that the pools hold, at most the model's own or what the engine was started with."""
    if plan.available_bytes <= 0:
        return 0
    limit = max(own or 0, plan.max_model_len_tokens)
    return min(plan.max_context_tokens(), limit)


def _assumptions(planned: Planned, request: MemoryPlanRequest) -> list[str]:
    plan, rules = planned.plan, planned.rules
    found = [
        f"rules and defaults of {rules.title} {rules.version}",
        *plan.notes,
        *nothing_words(request.engine),
        *chosen_words(request),
        *encoder_words(planned.subject.setup, planned.engine, plan),
    ]
    if request.precision.kv_cache == "auto":
        formats = planned.subject.precision
        found.append(why_cache(formats.kv_cache, request.engine, formats.weights.kv_cache))
        found += served_words(planned.subject, request.precision, request.engine.name)
    if request.disaggregated is not None:
        found.append(
            f"planned is one of {request.disaggregated.decode_replicas} decode replicas, with its share of requests"
        )
    if planned.prefill is not None:
        found.append(
            "fits and starts are of both sides: a prefill replica is to hold one request of the same length"
        )
    if request.workload is None:
        found.append(f"asked for {sequences_text(1, plan.max_model_len_tokens)}, since no workload was given")
    setup, host = planned.subject.setup, planned.subject.setup.host
    if plan.host is not None and plan.host.offloads and host is not None:
        found.append(host_words(host))
    return [*found, *idle_fields(request, setup), *idle_options(request.engine, setup, plan)]
