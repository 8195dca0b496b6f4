"""From an evaluated candidate to a plan of the answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llm_calc.adapters.catalog import TokenPrice
from llm_calc.adapters.certainty import basis_kind, interval_of
from llm_calc.adapters.deployment import Placed
from llm_calc.adapters.engines import release_of
from llm_calc.adapters.planning.as_requests import serving_request
from llm_calc.adapters.planning.basis_words import basis_words
from llm_calc.adapters.planning.beside_words import way_notes
from llm_calc.adapters.planning.exact import Evaluated
from llm_calc.adapters.planning.held import unchecked_words
from llm_calc.adapters.planning.launched import chosen_plan, command_notes, launch_of, served_of
from llm_calc.adapters.planning.names import Names
from llm_calc.adapters.planning.over_day import plan_day
from llm_calc.adapters.planning.prices import GpuPrice
from llm_calc.adapters.planning.scene import Scene
from llm_calc.adapters.said_unused import of_formats
from llm_calc.adapters.served import told
from llm_calc.adapters.serving_words import placed_warnings, slow_words, unit_words
from llm_calc.adapters.wire.parts import ParallelismPart
from llm_calc.adapters.wire.plan_parts import LikelyRange, ManifestKind
from llm_calc.adapters.wire.plans import BreakEven, Plan, PlanMemory
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.costs import (
    TokenCosts,
    break_even_requests_per_s,
    hosted_request_usd,
    joules_per_token,
    prefill_share,
    request_usd,
    token_costs,
)
from llm_calc.core.deployments.question import headroom_bytes, whole_concurrency
from llm_calc.core.launching.command import launch_command
from llm_calc.core.launching.manifests.made import manifests_of
from llm_calc.core.serving.batch import decode_seconds, prefill_seconds, share_of, stages_at_once
from llm_calc.core.serving.estimate import Estimate
from llm_calc.core.serving.traffic import PERCENTILES

METRICS = ("ttft_s", "tpot_s", "output_tokens_per_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """Rent of a plan, the prices of its tokens, and how it compares; all absent where no price is known."""

    usd_per_hour: float | None = None
    tokens: TokenCosts | None = None
    break_even: BreakEven | None = None


def plan_answer(
    scene: Scene,
    plan: Evaluated,
    rank: int,
    price: GpuPrice | None,
    names: Names,
    manifests: Sequence[ManifestKind] = (),
) -> Plan:
    """The plan with everything that the answer says of it, and the manifests that are asked for."""
    request = serving_request(scene, plan)
    power_w = None if plan.row.gpu.tdp_w is None else plan.row.gpu.tdp_w * plan.gpus
    chosen = chosen_plan(scene, plan)
    launch = launch_of(chosen, names)
    made, made_notes = manifests_of(served_of(chosen, launch, names.checkpoint_bytes), manifests)
    return Plan(
        rank=rank,
        **_parts(request),
        release=release_of(request.engine).answered,
        weights_format=plan.row.choice.precision.weights.words,
        replicas=plan.replicas,
        gpus=plan.gpus,
        spare_replicas=scene.spare_replicas,
        gpus_with_spares=plan.gpus + plan.row.layout.gpus * scene.spare_replicas,
        **_figures(plan),
        interval=intervals(request, plan.placed, plan.found, plan.replicas),
        basis=basis_kind(plan.placed),
        memory=_memory(plan),
        price=None if price is None else price.answered,
        **_bill(_money(scene, plan, price, names.hosted)),
        power_w=power_w,
        joules_per_output_token=None if power_w is None else float(joules_per_token(power_w, _output(plan))),
        day=plan_day(scene.day, plan, price),
        launch_command=launch_command(launch),
        manifests=made if manifests else None,
        notes=[*_own_notes(scene, plan), *command_notes(chosen, launch), *made_notes],
    )


def _parts(request: ServingEstimateRequest) -> dict[str, Any]:
    """The parts of a request for one replica."""
    names = ("hardware", "precision", "engine", "workload", "speculative", "lora", "kv_tiers")
    layout = request.parallelism or ParallelismPart()
    return {"parallelism": layout, **{name: getattr(request, name) for name in names}}


def _own_notes(scene: Scene, plan: Evaluated) -> list[str]:
    """What to know of a plan whatever starts it."""
    placed, engine = plan.placed, plan.planned.engine
    units = unit_words(plan.row.gpu)
    basis = basis_words(placed, engine, plan.row.choice.way, plan.workload)
    return [
        *of_formats(placed.assumptions),
        *slow_words(float(plan.found.ttft_s)),
        *placed_warnings(placed),
        *units,
        *basis,
        *unchecked_words(scene.targets_kept_fraction, plan.workload, plan.engine.name, plan.classes),
        *way_notes(placed, engine),
        *told(placed.deployment, engine, plan.workload, plan.planned.plan),
    ]


def _output(plan: Evaluated) -> float:
    """Generated tokens of all replicas [tokens/s]."""
    return float(plan.found.output_tokens_per_s) * plan.replicas


def _figures(plan: Evaluated) -> dict[str, Any]:
    """Times of a replica, throughput of all of them."""
    found, output = plan.found, _output(plan)
    return {
        "ttft_s": float(found.ttft_s),
        "tpot_s": float(found.tpot_s),
        "request_latency_s": float(found.request_latency_s),
        "percentiles": percentiles_by_name(plan.found),
        "classes": list(plan.classes),
        "output_tokens_per_s": output,
        "total_tokens_per_s": float(found.total_tokens_per_s) * plan.replicas,
        "requests_per_s": float(found.requests_per_s) * plan.replicas,
        "output_tokens_per_s_per_gpu": output / plan.gpus,
        "output_tokens_per_s_per_user": 1 / float(found.tpot_s),
    }


def _bill(money: Money) -> dict[str, Any]:
    """Rent, prices of tokens and the comparison with hosted models."""
    return {
        "usd_per_hour": money.usd_per_hour,
        "usd_per_million_input_tokens": _usd(money, "input_usd"),
        "usd_per_million_output_tokens": _usd(money, "output_usd"),
        "usd_per_million_output_tokens_all_in": _usd(money, "all_in_output_usd"),
        "break_even": money.break_even,
    }


def percentiles_by_name(found: Estimate) -> dict[str, dict[str, float]] | None:
    """Percentiles of each time; None where a closed form has none."""
    if not found.percentiles:
        return None
    names = [f"p{percent}" for percent in PERCENTILES]
    return {metric: dict(zip(names, values, strict=True)) for metric, values in found.percentiles}


def intervals(
    request: ServingEstimateRequest, placed: Placed, found: Estimate, replicas: int = 1
) -> dict[str, LikelyRange]:
    """Ranges of times are those of a replica, that of the throughput is of all of them."""
    known = interval_of(request, placed, found)
    ranges = {name: getattr(known, name) for name in METRICS}
    scale = {"output_tokens_per_s": replicas}
    return {
        name: LikelyRange(low=each.low * scale.get(name, 1), high=each.high * scale.get(name, 1))
        for name, each in ranges.items()
        if each is not None
    }


def _memory(plan: Evaluated) -> PlanMemory:
    memory = plan.planned.plan
    return PlanMemory(
        fits=plan.planned.fits,
        headroom_bytes=headroom_bytes(memory, plan.planned.asked),
        weights_bytes=round(memory.budget.weights_bytes),
        kv_cache_bytes=round(memory.budget.kv_cache_bytes),
        max_concurrency=round(whole_concurrency(memory), 4),
    )


def _usd(money: Money, name: str) -> float | None:
    return None if money.tokens is None else float(getattr(money.tokens, name))


def _money(scene: Scene, plan: Evaluated, price: GpuPrice | None, hosted: Sequence[TokenPrice]) -> Money:
    if price is None:
        return Money()
    lengths = scene.lengths
    usd_per_hour = price.usd_per_gpu_hour * plan.gpus
    each = float(request_usd(usd_per_hour, plan.found.requests_per_s * plan.replicas))
    tokens = token_costs(each, _input_share(scene, plan), lengths.input_tokens, lengths.output_tokens)
    return Money(
        usd_per_hour=usd_per_hour,
        tokens=tokens,
        break_even=_break_even(scene, hosted, usd_per_hour, each),
    )


def _input_share(scene: Scene, plan: Evaluated) -> float:
    """Share of a request's GPU time that its prompt takes: its own prefill against its part of the decode steps."""
    deployment, lengths = plan.placed.deployment, scene.lengths
    running = max(1.0, float(plan.found.running) / plan.placed.replicas)
    prefill = prefill_seconds(deployment.work, deployment.rates, 1.0, lengths)
    draft = deployment.draft
    batch = share_of(running, stages_at_once(deployment.work, deployment.rates))
    step = decode_seconds(deployment.work, deployment.rates, batch, lengths, draft.checked_tokens)
    each = draft.seconds_per_token(step)
    return float(prefill_share(prefill, each / running * lengths.output_tokens))


def _break_even(
    scene: Scene, hosted: Sequence[TokenPrice], usd_per_hour: float, own_usd: float
) -> BreakEven | None:
    """Against the provider whose price of such a request is lowest, free offers left out."""
    lengths = scene.lengths
    asked = {
        row.provider: hosted_request_usd(
            row.usd_per_million_input_tokens,
            row.usd_per_million_output_tokens,
            float(lengths.input_tokens),
            float(lengths.output_tokens),
        )
        for row in hosted
    }
    paid = {provider: usd for provider, usd in asked.items() if usd > 0}
    if not paid:
        return None
    provider = min(paid, key=lambda name: paid[name])
    return BreakEven(
        provider=provider,
        hosted_usd_per_request=paid[provider],
        own_usd_per_request=own_usd,
        requests_per_s=break_even_requests_per_s(usd_per_hour, paid[provider]),
        cheaper="plan" if own_usd < paid[provider] else "hosted",
    )
