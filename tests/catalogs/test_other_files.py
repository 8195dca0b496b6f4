"""Schemas, links and prices of the catalog."""

import json
import re
from pathlib import Path

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.catalog.files import catalog_root
from llm_calc.adapters.catalog.gpus import pcie_bytes_per_s_each_way
from llm_calc.adapters.catalog.schema import schema_texts, write_schemas

ROOT = catalog_root()
CATALOGS = load_catalogs()


@pytest.mark.parametrize("name", sorted(schema_texts()))
def test_schemas_are_current(name: str) -> None:
    written = (ROOT / name).read_text(encoding="utf-8")
    assert written == schema_texts()[name], "run python tools/write_catalog_schemas.py"


def test_schemas_are_written_beside_the_catalogs(tmp_path: Path) -> None:
    (tmp_path / "gpus").mkdir()
    write_schemas(tmp_path)
    assert json.loads((tmp_path / "gpu.schema.json").read_text())["additionalProperties"] is False


def test_editors_find_the_schema() -> None:
    for file in (ROOT / "gpus").glob("*.toml"):
        assert file.read_text(encoding="utf-8").startswith("#:schema ../gpu.schema.json\n")
    assert (ROOT / "links.toml").read_text(encoding="utf-8").startswith("#:schema links.schema.json\n")


@pytest.mark.parametrize("link", CATALOGS.links.values(), ids=lambda link: str(link.id))
def test_links_stay_below_their_peaks(link: object) -> None:
    row = CATALOGS.links[str(getattr(link, "id"))]  # noqa: B009
    for measured in row.allreduce:
        reduced_in_switch = "in-switch" in measured.conditions
        if measured.bus_gb_per_s and row.gb_per_s_each_way:
            assert measured.bus_gb_per_s <= row.gb_per_s_each_way * (1.1 if reduced_in_switch else 1)


def test_every_link_kind_that_gpus_name_has_a_rate_or_says_why() -> None:
    without = {
        row.id
        for row in CATALOGS.gpu_entries
        if row.link and not row.link.gb_per_s_each_way and not CATALOGS.links[row.link.kind].gb_per_s_each_way
    }
    assert without == {"max-1550"}


@pytest.mark.parametrize(
    ("slot", "gb_per_s"), [("3.0 x16", 15.754), ("4.0 x16", 31.508), ("5.0 x8", 31.508), ("6.0 x16", 128)]
)
def test_pcie_rates(slot: str, gb_per_s: float) -> None:
    assert pcie_bytes_per_s_each_way(slot) == pytest.approx(gb_per_s * 1e9, rel=1e-4)


def test_typical_prices() -> None:
    typical = {price.gpu: price for price in CATALOGS.rental_prices if price.typical}
    assert len(typical) >= 25
    for price in typical.values():
        assert price.usd_per_gpu_hour is not None
        assert 0.05 < price.usd_per_gpu_hour < 20


def test_rental_prices_have_plausible_sizes_and_dates() -> None:
    assert len(CATALOGS.rental_prices) >= 120
    for price in CATALOGS.rental_prices:
        if price.spot_usd_per_hour and price.usd_per_hour:
            assert price.spot_usd_per_hour <= 1.5 * price.usd_per_hour
        assert price.as_of == "undated" or re.match(r"202[456]", price.as_of)
        assert price.source


def test_reserved_rents_are_those_that_providers_publish() -> None:
    rows = [price for price in CATALOGS.rental_prices if price.reserved_usd_per_hour is not None]
    known = {(row.provider, row.gpu): (row.of_gpu("reserved"), row.reserved_months) for row in rows}
    # Hyperstack's list of 2026-08-26 says "from" and no term, DigitalOcean's of 2026-10-04 twelve months.
    assert known["Hyperstack", "h100-80gb-sxm"] == (2.72, None)
    assert known["Hyperstack", "rtx-a4000"] == (0.11, None)
    assert known["DigitalOcean", "h100-80gb-sxm"] == (3.26, 12)
    assert known["DigitalOcean", "mi350x"] == (4.76, 12)
    assert len({gpu for _, gpu in known}) >= 20
    for row in rows:
        assert row.reserved_usd_per_hour is not None
        assert row.usd_per_hour is None or row.reserved_usd_per_hour < row.usd_per_hour


@pytest.mark.parametrize(
    ("provider", "instance", "months", "usd_per_hour"),
    [
        # A month of 730 h on committed use in us-central1, in USD: 44810.08066464, 28370.99821392, 325.07215214,
        # 232.19438719, 1689.3711392, 938.56707798.
        ("GCP", "a3-highgpu-8g", 12, 44810.08066464 / 730),
        ("GCP", "a3-highgpu-8g", 36, 28370.99821392 / 730),
        ("GCP", "g2-standard-4", 12, 325.07215214 / 730),
        ("GCP", "g2-standard-4", 36, 232.19438719 / 730),
        ("GCP", "a2-highgpu-1g", 12, 1689.3711392 / 730),
        ("GCP", "a2-highgpu-1g", 36, 938.56707798 / 730),
        ("AWS", "p4d.24xlarge", 12, 13.921094),
        ("AWS", "p4de.24xlarge", 12, 17.401365),
        ("AWS", "g6.xlarge", 12, 0.52392),
    ],
)
def test_reserved_rents_of_the_largest_clouds_are_those_of_whole_instances(
    provider: str, instance: str, months: int, usd_per_hour: float
) -> None:
    (row,) = (
        price
        for price in CATALOGS.rental_prices
        if (price.provider, price.instance, price.reserved_months) == (provider, instance, months)
    )
    # Six figures are kept.
    assert row.reserved_usd_per_hour == pytest.approx(usd_per_hour, rel=1e-5)
    assert row.of_gpu("reserved") == pytest.approx(usd_per_hour / row.gpus, rel=1e-5)
    list_price = [
        each.usd_per_hour
        for each in CATALOGS.rental_prices
        if (each.provider, each.instance) == (provider, instance) and each.usd_per_hour
    ]
    assert all(0.3 * usd < usd_per_hour < 0.75 * usd for usd in list_price)


def test_token_prices() -> None:
    assert len({price.model for price in CATALOGS.token_prices}) >= 80
    for price in CATALOGS.token_prices:
        assert 0 < price.usd_per_million_input_tokens < 100
        assert 0 < price.usd_per_million_output_tokens < 100
        cached = price.usd_per_million_cached_input_tokens
        assert cached is None or cached <= price.usd_per_million_input_tokens
