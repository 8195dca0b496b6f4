"""Sessions of an estimate: what caches gave, first and later turns."""

from collections.abc import Sequence

from rich.console import Console

from llm_calc.adapters.wire.serving import ClassAnswer, ServingEstimateAnswer
from llm_calc.adapters.wire.workloads import TierHits
from llm_calc.cli.tables import facts, listing
from llm_calc.cli.text import NONE, number, percent, seconds


def show_sessions(console: Console, answer: ServingEstimateAnswer) -> None:
    """What was found in which memory, and what turns wait for."""
    found = answer.sessions
    if found is None:
        return
    first, later = (
        NONE if value is None else seconds(value)
        for value in (found.first_turn_ttft_s, found.later_turns_ttft_s)
    )
    rows = [
        ("found in caches", f"{percent(found.hit_fraction)} of {percent(found.most_hit_fraction)} at most"),
        ("prompt of a turn", f"{number(found.prompt_tokens)} tokens, {number(found.new_tokens)} computed"),
        ("first token, first turn", first),
        ("first token, later turns", later),
        ("a session", f"{seconds(found.session_s)}, {number(found.longest_tokens)} tokens at its end"),
        ("sessions alive", f"{number(found.sessions_at_once)}, {number(found.sessions_per_s)} end a second"),
    ]
    facts(console, rows, "Sessions")
    _show_tiers(console, found.tiers)


def show_trace(console: Console, answer: ServingEstimateAnswer) -> None:
    """What was found in which memory of a trace's prompts, and how long it took."""
    found = answer.trace
    if found is None:
        return
    rows = [
        (
            "requests",
            f"{number(found.requests)} in {seconds(found.span_s)}, answered in {seconds(found.elapsed_s)}",
        ),
        (
            "lengths",
            f"{number(found.prompt_tokens)} prompt and {number(found.output_tokens)} generated tokens",
        ),
        ("found in caches", f"{percent(found.hit_fraction)} of {percent(found.most_hit_fraction)} at most"),
    ]
    facts(console, rows, "Trace")
    _show_tiers(console, found.tiers)


def _show_tiers(console: Console, tiers: Sequence[TierHits]) -> None:
    rows = [(each.tier, percent(each.hit_fraction), number(each.capacity_tokens)) for each in tiers]
    listing(console, ("Memory", "found", "holds [tokens]"), rows)


def show_classes(console: Console, answer: ServingEstimateAnswer) -> None:
    """What each class of requests waits for, and how many keep their targets."""
    show_class_rows(console, [("", each) for each in answer.classes])


def show_class_rows(console: Console, classes: Sequence[tuple[str, ClassAnswer]]) -> None:
    """The same of classes of several plans, by what comes before their names."""
    if not classes:
        return
    rows = [
        (
            f"{before}{each.name}",
            number(each.requests_per_s),
            *(NONE if value is None else seconds(value) for value in (each.ttft_s, each.tpot_s)),
            NONE if each.percentiles is None else seconds(each.percentiles.ttft_s.p99),
            NONE if each.targets_kept_fraction is None else percent(each.targets_kept_fraction),
            NONE if each.goodput_requests_per_s is None else number(each.goodput_requests_per_s),
        )
        for before, each in classes
    ]
    columns = (
        "Class",
        "a second",
        "first token",
        "per token",
        "first token p99",
        "keep targets",
        "good a second",
    )
    listing(console, columns, rows)
