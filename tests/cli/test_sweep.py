"""Sweeps from the command line: grids, files, tables, clusters."""

import csv
import json
from pathlib import Path

import pytest

from tests.command import run

MEMORY = ("sweep", "llama-3.1-8b", "-g", "l40s", "--target", "memory_plan")


def test_a_grid_is_written_as_lists_and_ranges() -> None:
    ended = run(
        *MEMORY,
        *("--grid", "precision.weights=bf16,fp8", "--grid", "workload.concurrency=1:64:3:log"),
        *("--grid", "workload.input_tokens=[1024, 2048]", "--json"),
    )
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [row["precision.weights"] for row in rows] == ["bf16"] * 6 + ["fp8"] * 6
    assert {row["workload.concurrency"] for row in rows} == {1, 8, 64}
    assert {row["workload.input_tokens"] for row in rows} == {1024, 2048}


def test_a_table_shows_the_first_rows() -> None:
    ended = run(*MEMORY, "--grid", "workload.concurrency=1:50")
    assert ended.exit_code == 0
    assert "10 more rows; --out FILE writes all of them" in ended.stdout
    assert "workload concurrency" in ended.stdout


def test_the_ending_of_a_file_is_its_format(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    assert run(*MEMORY, "--grid", "workload.concurrency=1,2", "--out", file).stdout == ""
    with file.open(encoding="utf-8", newline="") as lines:
        assert [row["workload.concurrency"] for row in csv.DictReader(lines)] == ["1", "2"]
    parquet = tmp_path / "rows.parquet"
    run(*MEMORY, "--grid", "workload.concurrency=1,2", "--out", parquet)
    assert parquet.read_bytes()[:4] == b"PAR1"
    refused = run(*MEMORY, "--grid", "workload.concurrency=1", "--out", tmp_path / "no" / "rows.csv")
    assert (refused.exit_code, "cannot be written" in refused.stderr) == (2, True)


def test_options_go_over_a_sweep_of_a_file() -> None:
    request = {
        "target": "memory_plan",
        "base": {"model": "llama-3.1-8b", "hardware": "l4"},
        "grid": {"workload.concurrency": [1, 2]},
    }
    asked = ("sweep", "-r", "-", "--grid", "workload.concurrency=4", "--format", "csv")
    lines = run(*asked, given=json.dumps(request)).stdout.splitlines()
    assert len(lines) == 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_writes_the_same_bytes() -> None:
    from dask.distributed import LocalCluster

    asked = (*MEMORY, "--grid", "workload.concurrency=1:20", "--json")
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None, protocol="tcp"
    ) as cluster:
        address = cluster.scheduler_address.replace("tcp://", "dask://")
        assert run(*asked, "--on", address).stdout == run(*asked).stdout
