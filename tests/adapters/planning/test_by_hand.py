"""What plans are paid by, and what they may be sent, worked out by hand."""

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.catalog.prices import RentalPrice
from llm_calc.adapters.planning.exact import _is_steady, evaluate
from llm_calc.adapters.planning.prices import _middle
from llm_calc.adapters.serving import place_request
from llm_calc.adapters.wire.plans import DeploymentPlansRequest
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.core.serving.batch import Lengths
from llm_calc.core.serving.estimate import queue_of_many
from tests.core.planning.test_candidates import searched


@pytest.mark.parametrize(
    ("prices", "taken"),
    [((3.0,), 3.0), ((1.0, 9.0), 1.0), ((9.0, 1.0, 2.0), 2.0), ((4.0, 1.0, 9.0, 2.0), 2.0)],
)
def test_the_middle_price_is_taken_of_two_the_lower(prices: tuple[float, ...], taken: float) -> None:
    said = {"provider": "p", "instance": "i", "region": "r", "as_of": "2026-11-01", "checked": "2026-11-02"}
    rows = [
        RentalPrice.model_validate(
            {"gpu": "g", "gpus": 2, "usd_per_hour": 2 * price, "source": "s", "confidence": "catalogue"}
            | said
        )
        for price in prices
    ]
    middle = _middle(tuple(rows), "on_demand")
    assert middle is not None
    assert middle.usd_per_gpu_hour == taken


@pytest.mark.parametrize(
    ("reserved", "taken"),
    [
        ([(3.0, None)], (3.0, None)),
        ([(1.0, None), (2.0, 36), (4.0, 12)], (4.0, 12)),  # the shortest stated term, though dearer
        ([(1.0, None), (5.0, 12), (4.0, 12), (9.0, 12)], (5.0, 12)),
        ([(1.0, None), (2.0, None)], (1.0, None)),
        ([], None),
    ],
)
def test_of_reserved_prices_those_of_the_shortest_stated_term_are_taken(
    reserved: list[tuple[float, int | None]], taken: tuple[float, int | None] | None
) -> None:
    said = {"provider": "p", "instance": "i", "region": "r", "as_of": "2026-11-01", "checked": "2026-11-02"}
    rows = [
        RentalPrice.model_validate(
            {"gpu": "g", "gpus": 2, "usd_per_hour": 0.5, "source": "s", "confidence": "catalogue"}
            | {"reserved_usd_per_hour": 2 * usd, "reserved_months": months}
            | said
        )
        for usd, months in reserved
    ]
    middle = _middle(tuple(rows), "reserved")
    assert (middle and (middle.of_gpu("reserved"), middle.reserved_months)) == taken


def test_a_replica_takes_95_percent_of_the_arrivals_that_it_could_serve() -> None:
    """As the page of planning says: of an endless queue's requests a second, on one replica and on two."""
    for replicas in (1, 2):
        body = {
            "model": {"name": "llama-3.1-8b"},
            "hardware": {"gpu": "h100-80gb-sxm", "count": replicas},
            "parallelism": {"data": replicas},
            "workload": {"input_tokens": 1000, "output_tokens": 100, "request_rate": 1.0},
        }
        request = ServingEstimateRequest.model_validate(body)
        placed = place_request(request, load_catalogs())
        lengths = Lengths(input_tokens=1000.0, output_tokens=100.0)
        most = float(queue_of_many(placed.deployment, lengths).requests_per_s)
        for share, steady in ((0.94, True), (0.96, False)):
            load = request.workload.model_copy(update={"request_rate": share * replicas * most})
            assert _is_steady(placed, load, lengths) is steady


def test_a_plan_puts_out_what_its_mean_replica_does_at_the_times_of_its_fullest() -> None:
    """Ten requests on three replicas: the fullest has four, the mean one 10/12 of that."""
    load = {"concurrency": 4, "input_tokens": 500, "output_tokens": 50}
    asked = {
        "model": {"name": "llama-3.1-8b"},
        "gpus": ["h100-80gb-sxm"],
        "engines": ["vllm"],
        "workload": load,
    }
    found = searched(DeploymentPlansRequest.model_validate(asked))
    row = found.candidates[0].bound(0).row
    full, mean = (
        evaluate(found.search.scene, row, found.search.workload, 3, filled) for filled in (1.0, 10 / 12)
    )
    assert full is not None
    assert mean is not None
    assert (mean.found.ttft_s, mean.found.tpot_s) == (full.found.ttft_s, full.found.tpot_s)
    for name in ("output_tokens_per_s", "requests_per_s", "total_tokens_per_s"):
        assert getattr(mean.found, name) == pytest.approx(getattr(full.found, name) * 10 / 12)
