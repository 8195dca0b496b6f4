"""What an hour of a GPU costs its owner, and which rents plans take."""

from collections.abc import Callable
from typing import Any

import pytest

import llm_calc
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.planning.owned import load_owner_defaults
from llm_calc.adapters.wire.plans import DeploymentPlansAnswer
from llm_calc.core.errors import InvalidInputError, UnknownNameError

H100 = "h100-80gb-sxm"
OWNER: dict[str, Any] = {
    "purchase_usd": {H100: 40_000.0},
    "years": 4,
    "busy_fraction": 0.5,
    "upkeep_fraction_per_year": 0.05,
    "host_power_fraction": 0.5,
    "pue": 1.2,
    "usd_per_kwh": 0.1,
}


def planned(**fields: Any) -> DeploymentPlansAnswer:
    asked = {"model": "llama-3.1-8b", "gpus": [H100], "engines": ["vllm"], "workload": {"concurrency": 16}}
    return llm_calc.plan(**{**asked, **fields})


def test_an_hour_of_an_owner_by_hand() -> None:
    plan = planned(owner=OWNER).plans[0]
    assert plan.price is not None
    assert plan.price.owned is not None
    owned = plan.price.owned
    # 40000 USD over 4 x 8766 hours of which half serve; a twentieth a year; 700 W x 1.5 x 1.2 at 0.1 USD a kWh
    assert owned.capital_usd_per_gpu_hour == pytest.approx(40_000 / (4 * 8766 * 0.5))
    assert owned.upkeep_usd_per_gpu_hour == pytest.approx(40_000 * 0.05 / (8766 * 0.5))
    assert owned.energy_usd_per_gpu_hour == pytest.approx(0.126)
    assert plan.price.kind == "owned"
    assert plan.usd_per_hour is not None
    assert plan.usd_per_hour == pytest.approx(plan.gpus * plan.price.usd_per_gpu_hour)
    assert plan.usd_per_million_output_tokens_all_in == pytest.approx(
        plan.usd_per_hour / 3600 / plan.output_tokens_per_s * 1e6
    )


def test_what_an_owner_leaves_out_is_the_catalogs_and_named() -> None:
    answer = planned(owner={"purchase_usd": {H100: 40_000.0}})
    (text,) = [each for each in answer.assumptions if each.startswith("owner: ")]
    rows = load_owner_defaults()
    assert all(f"{row.name} {row.value:g}" in text for row in rows.values())
    price = answer.plans[0].price
    assert price is not None
    assert price.owned is not None
    assert price.owned.capital_usd_per_gpu_hour == pytest.approx(40_000 / (5 * 8766))
    assert price.owned.energy_usd_per_gpu_hour == pytest.approx(0.7 * 1.8214 * 1.54 * 0.0806)
    stated = planned(owner=OWNER).assumptions
    assert not any("pue 1.54" in each for each in stated)


def test_gpus_that_are_not_owned_are_rented_beside() -> None:
    answer = planned(owner=OWNER, gpus=[H100, "l40s"])
    kinds = {plan.hardware.gpu: plan.price.kind for plan in answer.plans if plan.price}
    assert kinds == {H100: "owned", "l40s": "on_demand"}


def test_a_spot_price_is_taken_where_it_is_asked_for() -> None:
    rows = load_catalogs().prices_of_gpu(H100)
    spots = {row.spot_usd_per_gpu_hour for row in rows} - {None}
    plain, spot = planned().plans[0].price, planned(rental="spot").plans[0].price
    assert plain is not None
    assert spot is not None
    assert (plain.kind, spot.kind) == ("on_demand", "spot")
    assert spot.usd_per_gpu_hour in spots
    assert spot.usd_per_gpu_hour < plain.usd_per_gpu_hour
    assert any("taken back at any time" in text for text in planned(rental="spot").assumptions)


def test_gpus_without_a_spot_price_have_none() -> None:
    answer = planned(rental="spot", gpus=["mi355x"])
    assert not any(row.spot_usd_per_gpu_hour for row in load_catalogs().prices_of_gpu("mi355x"))
    assert answer.plans[0].price is None
    assert any("no spot price is known of mi355x" in text for text in answer.warnings)


def test_a_reserved_price_is_taken_with_its_term_where_it_is_asked_for() -> None:
    answer = planned(rental="reserved", gpus=[H100, "h100-80gb-pcie"], max_plans=20)
    prices = {plan.hardware.gpu: plan.price for plan in answer.plans if plan.price}
    told = {
        gpu: (price.kind, price.provider, price.usd_per_gpu_hour, price.term_months)
        for gpu, price in prices.items()
    }
    # Both providers' lists: DigitalOcean's names twelve months, Hyperstack's no term.
    assert told[H100] == ("reserved", "DigitalOcean", 3.26, 12)
    assert told["h100-80gb-pcie"] == ("reserved", "Hyperstack", 1.75, None)
    assert any("paid for in every hour of its term" in text for text in answer.assumptions)
    plain = planned().plans[0].price
    assert plain is not None
    assert plain.term_months is None


@pytest.mark.parametrize("ask", [planned, llm_calc.recommend])
def test_no_other_rent_takes_the_place_of_a_reserved_one(ask: Callable[..., Any]) -> None:
    assert not any(row.reserved_usd_per_hour for row in load_catalogs().prices_of_gpu("rtx-4090"))
    answer = ask(model="llama-3.1-8b", gpus=["rtx-4090"], rental="reserved")
    (found, *_) = answer.plans if hasattr(answer, "plans") else answer.recommendations
    assert (found.price, found.usd_per_hour) == (None, None)
    assert "prices: no reserved price is known of rtx-4090; give it in prices" in answer.warnings
    own = ask(model="llama-3.1-8b", gpus=["rtx-4090"], rental="reserved", prices={"rtx-4090": 0.4})
    (found, *_) = own.plans if hasattr(own, "plans") else own.recommendations
    assert (found.price.kind, found.price.usd_per_gpu_hour) == ("own", 0.4)
    assert not any(text.startswith("prices: no ") for text in own.warnings)


def test_many_kinds_without_a_price_are_counted() -> None:
    answer = llm_calc.recommend(model="llama-3.1-8b", rental="reserved")
    without = sorted(row.gpu for row in answer.recommendations if row.price is None)
    (text,) = [each for each in answer.warnings if each.startswith("prices: no reserved price")]
    assert text.endswith(f"{', '.join(without[:12])} and {len(without) - 12} more; give it in prices")


def test_what_is_reserved_is_paid_for_at_night_too() -> None:
    day = {"rates_per_s": [1.0] * 12 + [40.0] * 12, "spare_replicas": 0}
    plan = planned(rental="reserved", workload={}, day=day).plans[0]
    assert plan.day is not None
    assert plan.price is not None
    assert plan.day.gpu_hours < 24 * plan.day.gpus_at_peak
    paid = 24 * plan.day.gpus_at_peak * plan.price.usd_per_gpu_hour
    assert plan.day.usd_per_day == pytest.approx(paid)
    assert plan.day.usd_per_day_at_peak == pytest.approx(paid)


def test_a_limit_on_rent_names_the_kind_that_is_not_known() -> None:
    answer = planned(rental="reserved", gpus=["rtx-4090"], limits={"usd_per_hour": 5.0})
    assert not answer.plans
    assert answer.refused[0].reason.startswith("no price of this kind of rent is known; give one in prices")


def test_recommendations_take_the_same_prices() -> None:
    asked: dict[str, Any] = {"model": "llama-3.1-8b", "gpus": [H100, "l40s"]}
    answer = llm_calc.recommend(**asked, owner=OWNER, rental="spot")
    kinds = {row.gpu: row.price.kind for row in answer.recommendations if row.price}
    assert kinds == {H100: "owned", "l40s": "spot"}
    assert any(text.startswith("owner: busy_fraction 0.5") for text in answer.assumptions)


def test_what_is_owned_is_paid_for_at_night_too() -> None:
    day = {"rates_per_s": [1.0] * 12 + [40.0] * 12, "spare_replicas": 0}
    plan = planned(owner=OWNER | {"busy_fraction": 1.0}, workload={}, day=day).plans[0]
    assert plan.day is not None
    assert plan.price is not None
    assert plan.price.owned is not None
    owned = plan.price.owned
    standing = owned.capital_usd_per_gpu_hour + owned.upkeep_usd_per_gpu_hour
    assert plan.day.gpu_hours < 24 * plan.day.gpus_at_peak
    assert plan.day.usd_per_day == pytest.approx(
        24 * plan.day.gpus_at_peak * standing + plan.day.gpu_hours * owned.energy_usd_per_gpu_hour
    )


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"owner": {"purchase_usd": {"h1000": 1.0}}}, UnknownNameError, "owner.purchase_usd"),
        ({"owner": OWNER, "prices": {H100: 2.0}}, InvalidInputError, "has a rent in prices as well"),
        ({"owner": {**OWNER, "busy_fraction": 0.0}}, InvalidInputError, "owner.busy_fraction"),
        ({"rental": "leased"}, InvalidInputError, "rental: must be 'on_demand', 'spot' or 'reserved'"),
    ],
)
def test_prices_that_cannot_be_right_are_named(
    fields: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        planned(**fields)


def test_every_default_has_its_source() -> None:
    assert set(load_owner_defaults()) == {"years", "pue", "usd_per_kwh", "host_power_fraction"}
    assert all(len(row.source) > 20 for row in load_owner_defaults().values())
