"""From an evaluated candidate to a plan of the answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from llm_calc.adapters.catalog import TokenPrice
from llm_calc.adapters.certainty import basis_kind, interval_of
from llm_calc.adapters.context_flags import EVERY_CONTEXT_FLAG
from llm_calc.adapters.engines import release_of
from llm_calc.adapters.memory_plan import headroom_bytes, whole_concurrency
from llm_calc.adapters.planning.exact import Evaluated, Scene
from llm_calc.adapters.planning.launch import Launch, launch_command, launch_notes
from llm_calc.adapters.planning.over_day import plan_day
from llm_calc.adapters.planning.prices import GpuPrice
from llm_calc.adapters.wire.engines import EnginePart
from llm_calc.adapters.wire.parts import ParallelismPart
from llm_calc.adapters.wire.plans import BreakEven, LikelyRange, Plan, PlanMemory, PlanPrice
from llm_calc.core.costs import (
    TokenCosts,
    break_even_requests_per_s,
    hosted_request_usd,
    joules_per_token,
    prefill_share,
    request_usd,
    token_costs,
)
from llm_calc.core.serving.batch import decode_seconds, prefill_seconds
from llm_calc.core.serving.percentiles import PERCENTILES

METRICS = ("ttft_s", "tpot_s", "output_tokens_per_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What commands call the model, and who hosts it at what price."""

    repository: str
    dtype: str
    hosted: tuple[TokenPrice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """Rent of a plan, the prices of its tokens, and how it compares; all absent where no price is known."""

    usd_per_hour: float | None = None
    tokens: TokenCosts | None = None
    break_even: BreakEven | None = None


def plan_answer(scene: Scene, plan: Evaluated, rank: int, price: GpuPrice | None, names: Names) -> Plan:
    """The plan with everything that the answer says of it."""
    found, request = plan.found, plan.request
    output = float(found.output_tokens_per_s) * plan.replicas
    money = _money(scene, plan, price, names.hosted)
    power_w = None if plan.row.gpu.tdp_w is None else plan.row.gpu.tdp_w * plan.gpus
    return Plan(
        rank=rank,
        hardware=request.hardware,
        parallelism=request.parallelism or ParallelismPart(),
        precision=request.precision,
        engine=request.engine,
        release=release_of(request.engine).answered,
        workload=request.workload,
        weights_format=plan.row.choice.precision.weights.words,
        replicas=plan.replicas,
        gpus=plan.gpus,
        ttft_s=float(found.ttft_s),
        tpot_s=float(found.tpot_s),
        request_latency_s=float(found.request_latency_s),
        percentiles=_percentiles(plan),
        output_tokens_per_s=output,
        total_tokens_per_s=float(found.total_tokens_per_s) * plan.replicas,
        requests_per_s=float(found.requests_per_s) * plan.replicas,
        output_tokens_per_s_per_gpu=output / plan.gpus,
        output_tokens_per_s_per_user=1 / float(found.tpot_s),
        interval=_intervals(plan),
        basis=basis_kind(plan.placed),
        memory=_memory(plan),
        price=_price(price),
        usd_per_hour=money.usd_per_hour,
        usd_per_million_input_tokens=_usd(money, "input_usd"),
        usd_per_million_output_tokens=_usd(money, "output_usd"),
        usd_per_million_output_tokens_all_in=_usd(money, "all_in_output_usd"),
        power_w=power_w,
        joules_per_output_token=None if power_w is None else float(joules_per_token(power_w, output)),
        break_even=money.break_even,
        day=plan_day(scene.day, plan, price),
        launch_command=launch_command(_launch(scene, plan, names)),
        notes=[*plan.placed.warnings, *_basis_notes(plan), *_launch_notes(plan)],
    )


def _basis_notes(plan: Evaluated) -> list[str]:
    """What to know of a plan that rests on no measurement."""
    if basis_kind(plan.placed) != "formula_only":
        return []
    engine, gpu = plan.placed.engine, plan.placed.subject.setup.gpu
    return [
        f"no measurement of {engine} on GPUs of the generation of {gpu.id}: times are the formula's alone"
    ]


def _percentiles(plan: Evaluated) -> dict[str, dict[str, float]] | None:
    if not plan.found.percentiles:
        return None
    names = [f"p{percent}" for percent in PERCENTILES]
    return {metric: dict(zip(names, values, strict=True)) for metric, values in plan.found.percentiles}


def _intervals(plan: Evaluated) -> dict[str, LikelyRange]:
    """Ranges of times are those of a replica, that of the throughput is of all of them."""
    known = interval_of(plan.request, plan.placed, plan.found)
    ranges = {name: getattr(known, name) for name in METRICS}
    scale = {"output_tokens_per_s": plan.replicas}
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


def _price(price: GpuPrice | None) -> PlanPrice | None:
    if price is None:
        return None
    return PlanPrice(
        usd_per_gpu_hour=price.usd_per_gpu_hour,
        provider=price.provider,
        as_of=price.as_of,
        source=price.source,
    )


def _usd(money: Money, name: str) -> float | None:
    return None if money.tokens is None else float(getattr(money.tokens, name))


def _money(scene: Scene, plan: Evaluated, price: GpuPrice | None, hosted: Sequence[TokenPrice]) -> Money:
    if price is None:
        return Money()
    workload = scene.workload
    usd_per_hour = price.usd_per_gpu_hour * plan.gpus
    each = float(request_usd(usd_per_hour, plan.found.requests_per_s * plan.replicas))
    tokens = token_costs(
        each, _input_share(scene, plan), workload.mean_input_tokens, workload.mean_output_tokens
    )
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
    step = decode_seconds(deployment.work, deployment.rates, running, lengths)
    return float(prefill_share(prefill, step / running * lengths.output_tokens))


def _break_even(
    scene: Scene, hosted: Sequence[TokenPrice], usd_per_hour: float, own_usd: float
) -> BreakEven | None:
    """Against the provider whose price of such a request is lowest, free offers left out."""
    workload = scene.workload
    asked = {
        row.provider: hosted_request_usd(
            row.usd_per_million_input_tokens,
            row.usd_per_million_output_tokens,
            workload.mean_input_tokens,
            workload.mean_output_tokens,
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


def _launch(scene: Scene, plan: Evaluated, names: Names) -> Launch:
    choice, engine = plan.row.choice, plan.request.engine
    storage = choice.precision.weights.storage
    loaded = None if choice.own_weights else storage
    return Launch(
        engine=engine.name,
        model=_model_word(plan, names),
        layout=plan.row.layout,
        gpus_per_node=scene.gpus_per_node,
        context_tokens=_first(engine, *EVERY_CONTEXT_FLAG),
        max_sequences=_sequences_of_a_group(engine, plan.row.layout.data),
        dtype=None if loaded is None else choice.part.weights,
        quantize_on_load=loaded,
        kv_cache=None if choice.own_cache else choice.precision.kv_cache,
        layers=plan.placed.subject.setup.model.num_layers,
    )


def _sequences_of_a_group(engine: EnginePart, groups: int) -> int | None:
    """Sequences of one group of the attention; SGLang's option counts those of all groups."""
    stated = _first(
        engine, "max_num_seqs", "max_running_requests", "max_batch_size", "n_parallel", "decode_concurrency"
    )
    return stated // groups if stated is not None and engine.name == "sglang" else stated


def _first(engine: object, *names: str) -> int | None:
    return next((value for name in names if (value := getattr(engine, name, None)) is not None), None)


def _model_word(plan: Evaluated, names: Names) -> str:
    """The repository, or the checkpoint in another format that has to be at hand."""
    weights = plan.row.choice.precision.weights
    if plan.row.choice.engine == "llama.cpp":
        return f"{names.repository.rpartition('/')[2]}-{weights.name}.gguf"
    return names.repository if _loads(plan) else f"{names.repository.rpartition('/')[2]}-{weights.name}"


def _loads(plan: Evaluated) -> bool:
    """Whether the engine makes these weights of the published checkpoint: its own, 16 bits, fp8 while loading."""
    choice = plan.row.choice
    made = choice.precision.weights.storage in ("fp8", "16-bit", "32-bit") and choice.engine in (
        "vllm",
        "sglang",
    )
    return choice.own_weights or made


def _launch_notes(plan: Evaluated) -> list[str]:
    choice = plan.row.choice
    foreign = None if _loads(plan) and choice.engine != "llama.cpp" else choice.precision.weights.name
    nodes = -(-plan.row.layout.gpus // plan.request.hardware.gpus_per_node)
    return launch_notes(choice.engine, nodes, foreign_weights=foreign)
