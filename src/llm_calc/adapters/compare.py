"""``/api/compare``: scenarios side by side, with what differs and why."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.memory_plan import planned_memory
from llm_calc.adapters.planning.as_requests import memory_request
from llm_calc.adapters.planning.owned import owned_prices, owner_assumptions
from llm_calc.adapters.planning.price_words import rental_words, unused_prices
from llm_calc.adapters.planning.prices import own_prices
from llm_calc.adapters.release_days import old_prices
from llm_calc.adapters.rent import Prices, gpus_of, rent_of, rent_words
from llm_calc.adapters.serving import answer_serving_estimate
from llm_calc.adapters.stopping import checkpoint
from llm_calc.adapters.unlike import kinds_of
from llm_calc.adapters.wire.compare import (
    CompareAnswer,
    ComparedScenario,
    CompareRequest,
    FieldDifference,
    FigureDifference,
    Reason,
    Scenario,
)
from llm_calc.adapters.wire.plans import PlanMemory
from llm_calc.adapters.wire.serving import OperatorRow, ServingEstimateRequest
from llm_calc.core.deployments.question import headroom_bytes, whole_concurrency
from llm_calc.core.errors import CalcError, InvalidInputError, UnknownNameError

LESS_IS_BETTER = (
    "ttft_s",
    "tpot_s",
    "request_latency_s",
    "usd_per_hour",
    "usd_per_million_output_tokens_all_in",
)
MORE_IS_BETTER = (
    "output_tokens_per_s",
    "output_tokens_per_s_per_gpu",
    "requests_per_s",
    "headroom_bytes",
)
SHOWN_CHARACTERS = 120
NOTABLE_FRACTION = 0.05
_NAMES = ("hardware.gpu", "model.name", "draft.name")


def answer_compare(request: CompareRequest, catalogs: Catalogs) -> CompareAnswer:
    """Every scenario as the other endpoints answer it, and what tells them apart.

    Raises:
        InvalidInputError: a scenario that cannot be right; names its place and field.
    """
    own = own_prices(catalogs, request.prices)
    prices = Prices(own=own, owned=owned_prices(catalogs, request.owner, own), rental=request.rental)
    scenarios = [_compared(place, each, catalogs, prices) for place, each in enumerate(request.scenarios)]
    scenarios = _with_words(scenarios, list(_price_words(request, prices, catalogs)))
    return CompareAnswer(
        scenarios=scenarios,
        differences=list(_differences(request.scenarios, catalogs)),
        figures=list(_figures(scenarios)),
        reasons=[
            Reason(scenario=place, text=_reason(scenarios[0], each))
            for place, each in enumerate(scenarios[1:], start=1)
        ],
    )


def _price_words(request: CompareRequest, prices: Prices, catalogs: Catalogs) -> Iterator[str]:
    """Whose prices were taken, where they are not typical rents, and those that nothing here has."""
    if request.rental != "on_demand":
        yield f"rental: {rental_words(request.rental)}"
    yield from owner_assumptions(request.owner)
    yield from unused_prices(prices.own, prices.owned, gpus_of(request.scenarios, catalogs))


def _with_words(scenarios: Sequence[ComparedScenario], words: list[str]) -> list[ComparedScenario]:
    """The same words in every scenario."""
    return [
        each.model_copy(
            update={
                "estimate": each.estimate.model_copy(
                    update={"assumptions": [*each.estimate.assumptions, *words]}
                )
            }
        )
        for each in scenarios
    ]


def _compared(place: int, scenario: Scenario, catalogs: Catalogs, prices: Prices) -> ComparedScenario:
    checkpoint()
    names = ServingEstimateRequest.model_fields
    request = ServingEstimateRequest(**{name: getattr(scenario, name) for name in names})
    try:
        planned = planned_memory(memory_request(request), catalogs)
        estimate = answer_serving_estimate(request, catalogs)
    except CalcError as error:
        raise InvalidInputError(
            f"scenarios[{place}].{error.message}", field=f"scenarios[{place}]", **_details(error)
        ) from error
    rent = rent_of(request, estimate, catalogs, prices)
    plan = planned.plan
    dated = old_prices([(side.gpu, side.price.as_of) for side in rent.sides] if rent else [])
    told = {
        "warnings": [*estimate.warnings, *dated],
        "assumptions": [*estimate.assumptions, *rent_words(request, rent, catalogs, prices)],
    }
    estimate = estimate.model_copy(update=told)
    return ComparedScenario(
        label=scenario.label or str(place + 1),
        memory=PlanMemory(
            fits=planned.fits,
            headroom_bytes=headroom_bytes(plan, planned.asked),
            weights_bytes=round(plan.budget.weights_bytes),
            kv_cache_bytes=round(plan.budget.kv_cache_bytes),
            max_concurrency=round(whole_concurrency(plan), 4),
        ),
        estimate=estimate,
        price=None if rent is None else rent.price.answered,
        usd_per_hour=rent and rent.usd_per_hour,
        usd_per_million_output_tokens_all_in=rent and rent.usd_per_million_output_tokens,
    )


def _details(error: CalcError) -> dict[str, object]:
    return {name: value for name, value in error.details.items() if name != "field"}


def _differences(scenarios: Sequence[Scenario], catalogs: Catalogs) -> Iterator[FieldDifference]:
    """Fields that are not alike; two names of one model or GPU are."""
    flat = [dict(_leaves(_said(each))) for each in scenarios]
    meant = [{field: _meant(field, value, catalogs) for field, value in each.items()} for each in flat]
    for field in dict.fromkeys(name for each in flat for name in each):
        if len({_shown(each.get(field)) for each in meant}) > 1:
            yield FieldDifference(field=field, values=[_shown(each.get(field)) for each in flat])


def _meant(field: str, value: object, catalogs: Catalogs) -> object:
    """What a name stands for, where it is one of the catalogs'."""
    if not isinstance(value, str) or not field.endswith(_NAMES):
        return value
    with suppress(UnknownNameError):
        return catalogs.gpu(value).id if field.endswith(".gpu") else catalogs.model(value).name
    return value


def _said(scenario: Scenario) -> dict[str, object]:
    """A scenario's fields; unlike GPUs by their names, one after the other."""
    fields: dict[str, object] = scenario.model_dump(exclude={"label"})
    kinds = kinds_of(scenario.hardware)
    if len(kinds) > 1:
        named = " + ".join(part.gpu if part.count == 1 else f"{part.count} x {part.gpu}" for part in kinds)
        fields["hardware"] = {**scenario.hardware.model_dump(exclude={"kinds"}), "gpu": named}
    return fields


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Every value of a request with its path; a whole configuration counts as one value."""
    if isinstance(value, dict) and not path.endswith(("hf_config", "safetensors_index")):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else name)
    else:
        yield path, value


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def _figures(scenarios: Sequence[ComparedScenario]) -> Iterator[FigureDifference]:
    for figure in (*LESS_IS_BETTER, *MORE_IS_BETTER):
        values = [_figure(each, figure) for each in scenarios]
        first = values[0]
        known = {place: value for place, value in enumerate(values) if value is not None}
        if not known:
            continue
        best = (min if figure in LESS_IS_BETTER else max)(known, key=lambda place: known[place])
        ratios = [None if value is None or not first else value / first for value in values]
        yield FigureDifference(figure=figure, values=values, ratios=ratios, best=best)


def _figure(scenario: ComparedScenario, name: str) -> float | None:
    if name == "headroom_bytes":
        return float(scenario.memory.headroom_bytes)
    if hasattr(scenario, name):
        value: float | None = getattr(scenario, name)
        return value
    return float(getattr(scenario.estimate, name))


def _reason(first: ComparedScenario, other: ComparedScenario) -> str:
    """Where the time of both phases goes in either scenario, and what changed most."""
    sentences = [
        _phase(first, other, "decode", "a decode step"),
        _phase(first, other, "prefill", "the prefill of a prompt"),
    ]
    if first.memory.fits != other.memory.fits:
        sentences.append(
            "; the load fits in memory" if other.memory.fits else "; the load does not fit in memory"
        )
    return ", and ".join(sentences[:2]) + "".join(sentences[2:])


def _phase(first: ComparedScenario, other: ComparedScenario, phase: str, words: str) -> str:
    before, after = (_by_bound(each.estimate.operators, phase) for each in (first, other))
    total_before, total_after = sum(before.values()), sum(after.values())
    if abs(total_after - total_before) <= NOTABLE_FRACTION * total_before:
        return f"{words} takes as long ({total_after * 1e3:.3g} ms)"
    bound = max({**before, **after}, key=lambda name: abs(after.get(name, 0.0) - before.get(name, 0.0)))
    return (
        f"{words} takes {total_after * 1e3:.3g} ms instead of {total_before * 1e3:.3g} ms, most of it because what "
        f"{bound} bounds takes {after.get(bound, 0.0) * 1e3:.3g} ms instead of {before.get(bound, 0.0) * 1e3:.3g} ms"
    )


def _by_bound(operators: Sequence[OperatorRow], phase: str) -> dict[str, float]:
    """Seconds of a phase by what bounds its operators."""
    seconds: dict[str, float] = {}
    for row in operators:
        if row.phase == phase:
            seconds[row.bound] = seconds.get(row.bound, 0.0) + row.seconds
    return seconds
