"""Plans and recommendations."""

from collections.abc import Sequence

from rich.console import Console

from llm_calc.adapters.wire.apart_plans import ApartPlan
from llm_calc.adapters.wire.parts import ParallelismPart
from llm_calc.adapters.wire.plan_parts import RefusedGpu
from llm_calc.adapters.wire.plans import DeploymentPlansAnswer, Plan
from llm_calc.adapters.wire.recommend import RecommendGpusAnswer
from llm_calc.cli.tables import facts, heading, listing, notes
from llm_calc.cli.text import counted, memory, number, seconds, usd
from llm_calc.cli.views.sessions import show_class_rows
from llm_calc.core.engines import traits_of

SHOWN_REFUSALS = 10


def show_plans(console: Console, answer: DeploymentPlansAnswer) -> None:
    """The plans in a row each, then how to start each of them."""
    searched = answer.considered
    heading(
        console,
        f"{counted(len(answer.plans), 'plan')} by {answer.objective}",
        f"of {searched.deployments:,} deployments",
    )
    columns = (
        "#",
        " GPUs",
        " layout",
        " format",
        " engine",
        "TTFT",
        "TPOT",
        "tokens/s",
        "USD/h",
        "USD/M out",
        " basis",
    )
    if answer.plans:
        listing(console, columns, [_plan(each) for each in answer.plans])
        _show_plan_classes(console, answer.plans)
    commands = [(f"{each.rank}", each.launch_command) for each in answer.plans]
    if commands:
        facts(console, commands, "Start one replica with")
        _show_noted(console, answer.plans)
    _show_apart(console, answer.apart)
    _show_days(console, answer.plans)
    _show_refused(console, answer.refused)
    notes(console, answer.warnings, answer.assumptions)


def _show_plan_classes(console: Console, plans: Sequence[Plan | ApartPlan]) -> None:
    """What classes of requests see of each plan, by its rank."""
    show_class_rows(console, [(f"{plan.rank}: ", each) for plan in plans for each in plan.classes])


def _show_noted(console: Console, plans: Sequence[Plan | ApartPlan]) -> None:
    """What the notes say of commands and figures, each once: of which plans, unless of all."""
    ranks = dict[str, list[int]]()
    for plan in plans:
        for note in dict.fromkeys(plan.notes):
            ranks.setdefault(note, []).append(plan.rank)
    said = (
        note if len(of) == len(plans) else f"{', '.join(map(str, of))}: {note}" for note, of in ranks.items()
    )
    notes(console, said, ())


def _show_days(console: Console, plans: list[Plan]) -> None:
    """What plans take over the day, of a load that changes."""
    rows = [
        (
            str(plan.rank),
            f"{min(day.replicas)} to {max(day.replicas)}",
            str(day.gpus_at_peak),
            str(day.gpu_hours),
            usd(day.usd_per_day),
            usd(day.usd_per_day_at_peak),
        )
        for plan in plans
        if (day := plan.day) is not None
    ]
    if rows:
        listing(
            console, ("#", "replicas", "GPUs at peak", "GPU hours", "USD/day", "USD/day, not scaled"), rows
        )


def _plan(plan: Plan) -> tuple[str, ...]:
    each = f"{plan.hardware.count} x {plan.hardware.gpu}"
    gpus = each if plan.replicas == 1 else f"{plan.replicas} replicas of {each}"
    return (
        str(plan.rank),
        gpus,
        _layout(plan.parallelism),
        plan.precision.weights or plan.weights_format,
        _engine(plan),
        seconds(plan.ttft_s),
        seconds(plan.tpot_s),
        number(plan.output_tokens_per_s),
        usd(plan.usd_per_hour),
        usd(plan.usd_per_million_output_tokens_all_in),
        plan.basis.replace("_", " "),
    )


def _engine(plan: Plan | ApartPlan) -> str:
    """The engine, with a draft, contexts over GPUs and tiers where there are any."""
    contexts = getattr(plan.engine, traits_of(plan.engine.name).options.contexts or "", None) or 1
    parts = (
        (plan.speculative is not None, f"{(plan.speculative and plan.speculative.method) or 'draft'}"),
        (contexts > 1, f"DCP{contexts}"),
        (bool(getattr(plan, "kv_tiers", ())), "tiers"),
    )
    return " + ".join([plan.engine.name, *(words for said, words in parts if said)])


def _show_apart(console: Console, plans: list[ApartPlan]) -> None:
    """Plans with prefill and decode on GPUs of their own, where they were asked for."""
    rows = [
        (
            str(plan.rank),
            f"{plan.gpus} x {plan.hardware.gpu}",
            f"{part.prefill_replicas} x {_layout(plan.parallelism)}",
            f"{part.decode_replicas} x {_layout(part.decode_parallelism or plan.parallelism)}",
            _engine(plan),
            seconds(plan.ttft_s),
            seconds(plan.tpot_s),
            number(plan.output_tokens_per_s),
            usd(plan.usd_per_hour),
            usd(plan.usd_per_million_output_tokens_all_in),
            "yes" if plan.better else "no",
        )
        for plan in plans
        for part in (plan.disaggregated,)
    ]
    if not rows:
        return
    heading(console, "Prefill and decode apart")
    sides = ("#", " GPUs", " prefill", " decode", " engine")
    listing(console, (*sides, "TTFT", "TPOT", "tokens/s", "USD/h", "USD/M out", " beats plans"), rows)
    _show_plan_classes(console, plans)
    for plan in plans:
        commands = [("prefill", plan.launch_prefill), ("decode", plan.launch_decode)]
        facts(console, commands, f"Start a replica of each side of {plan.rank} with")
    _show_noted(console, plans)


SHORT = {"tensor": "TP", "pipeline": "PP", "data": "DP", "expert": "EP"}


def _layout(part: ParallelismPart) -> str:
    """The sizes that are not 1, as in ``TP4, PP2``."""
    sizes = ", ".join(f"{short}{size}" for name, short in SHORT.items() if (size := getattr(part, name)) > 1)
    return sizes or "one GPU"


def _show_refused(console: Console, refused: list[RefusedGpu]) -> None:
    rows = [(each.gpu, each.reason) for each in refused[:SHOWN_REFUSALS]]
    more = len(refused) - len(rows)
    if rows:
        rest = [("…", f"{more} more; --json lists all")] if more else []
        facts(console, [*rows, *rest], "No plan on")


def show_recommended(console: Console, answer: RecommendGpusAnswer) -> None:
    """The fewest GPUs of each kind, best first."""
    heading(console, f"{counted(len(answer.recommendations), 'kind')} of GPU, by {answer.objective}")
    columns = ("#", " GPUs", " layout", " engine", "left for KV cache", "at once", "TTFT", "TPOT", "USD/h")
    rows = [
        (
            str(each.rank),
            f"{each.count} x {each.gpu}",
            _layout(each.parallelism),
            each.engine.name,
            memory(each.headroom_bytes),
            number(each.max_concurrency),
            seconds(each.ttft_s),
            seconds(each.tpot_s),
            usd(each.usd_per_hour),
        )
        for each in answer.recommendations
    ]
    if rows:
        listing(console, columns, rows)
    _show_refused(console, answer.refused)
    best = [note for each in answer.recommendations[:1] if each.manifests is None for note in each.notes]
    notes(console, answer.warnings, [*answer.assumptions, *best])
