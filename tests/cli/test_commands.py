"""Commands: what they read, print, and with which code they leave."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.cli.app import app

CONFIG: dict[str, Any] = load_catalogs().model("llama2-7b").config
RUNNER = CliRunner()


def run(*arguments: str, given: str | None = None) -> Result:
    return RUNNER.invoke(app, list(arguments), input=given)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    return tmp_path


def test_a_config_is_read_from_file_folder_and_standard_input(folder: Path) -> None:
    sources = [(str(folder), None), (str(folder / "config.json"), None), ("-", json.dumps(CONFIG))]
    for source, given in sources:
        said = run("inspect", source, "--json", given=given)
        assert said.exit_code == 0, said.output
        assert json.loads(said.output)["parameters"]["total"] == 6_738_415_616


def test_tables_show_the_figures_of_the_answer() -> None:
    said = run("estimate", "llama-3.1-8b", "h100-80gb", "--concurrency", "4")
    assert said.exit_code == 0
    assert "Time to first token" in said.output
    assert "likely" in said.output
    assert "assumption:" in said.output


def test_tokens_a_second_are_shown_only_where_the_memory_roof_is_known() -> None:
    assert "tokens/s" in run("calculate", "llama2-7b", "--gpu", "a100-80gb").output
    without = run("calculate", "llama2-7b").output
    assert "tokens/s" not in without
    assert "compute_only" in without


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("inspect", "lama2-7b"), 2, "llama2-7b"),
        (("estimate", "llama2-7b", "h100-80gb", "--tensor", "3"), 2, "hardware.count"),
        (("estimate", "llama2-7b", "h100-80gb", "--engine-option", "nonsense"), 4, "name=value"),
        (("estimate", "llama2-7b", "h100-80gb", "--engine", "magic"), 2, "magic"),
        (("memory", "llama-3.1-405b", "l4"), 3, "no"),
        (("plan", "llama2-7b", "--tpot", "1e-9", "--gpu", "l4"), 3, ""),
        (("recommend", "llama-3.1-405b", "--max-gpus", "1", "--gpu", "l4"), 3, ""),
        (("inspect", "nowhere.json"), 4, "nowhere.json"),
        (("compare", "/nowhere/at/all.json"), 4, "No such file"),
    ],
)
def test_exit_codes_mean_something(arguments: tuple[str, ...], code: int, said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert said in result.output


def test_what_is_no_config_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("[1]", encoding="utf-8")
    assert run("inspect", str(tmp_path)).exit_code == 4
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    said = run("inspect", str(tmp_path))
    assert said.exit_code == 4
    assert "not JSON" in said.output


def test_engine_options_reach_the_engine() -> None:
    flags = ("--engine-option", "max_model_len=4096", "--engine-option", "enforce_eager=true")
    plan = json.loads(run("memory", "llama-3.1-8b", "h100-80gb", *flags, "--json").output)
    assert plan["max_model_len_tokens"] == 4096
    assert plan["per_gpu"]["cuda_graphs_bytes"] == 0


def test_plans_end_with_the_command_that_starts_them() -> None:
    said = run("plan", "llama-3.1-8b", "--gpu", "l40s", "--concurrency", "2")
    assert said.exit_code == 0
    assert "l40s" in said.output


def test_scenarios_and_measurements_come_from_files(tmp_path: Path) -> None:
    scenario = {"model": {"name": "llama-3.1-8b"}, "hardware": {"gpu": "h100-80gb"}}
    other = {**scenario, "hardware": {"gpu": "a100-80gb"}}
    file = tmp_path / "requests.json"
    file.write_text(json.dumps([scenario, other]), encoding="utf-8")
    assert "Scenario" in run("compare", str(file)).output
    measured = [{**scenario, "workload": {"concurrency": 4}, "measured": {"tpot_s": 0.01}}]
    said = run("calibrate", "-", given=json.dumps(measured))
    assert said.exit_code == 0, said.output
    assert "Error before" in said.output


def test_lists_can_be_searched() -> None:
    names = [row["name"] for row in json.loads(run("models", "llama2", "--json").output)]
    assert "llama2-7b" in names
    assert "H200" in run("gpus", "h200").output


def test_a_sweep_goes_to_a_file_with_its_rows_counted(tmp_path: Path) -> None:
    request = {"target": "calculate", "base": {"model_name": "llama2-7b"}, "grid": {"batch_size": [1, 2, 4]}}
    out = tmp_path / "rows.csv"
    said = run("sweep", "-", "--format", "csv", "--out", str(out), given=json.dumps(request))
    assert said.exit_code == 0, said.output
    assert "3/3" in said.output
    assert len(out.read_text(encoding="utf-8").splitlines()) == 4
    refused = run("sweep", "-", "--max-rows", "2", given=json.dumps(request))
    assert refused.exit_code == 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_sweep_runs_on_a_cluster_with_the_same_rows(tmp_path: Path) -> None:
    from dask.distributed import LocalCluster

    request = {"target": "calculate", "base": {"model_name": "llama2-7b"}, "grid": {"batch_size": [1, 2, 4]}}
    here, there = tmp_path / "here", tmp_path / "there"
    assert run("sweep", "-", "--out", str(here), given=json.dumps(request)).exit_code == 0
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        address = cluster.scheduler_address.replace("tcp://", "dask://")
        said = run("sweep", "-", "--out", str(there), "--on", address, given=json.dumps(request))
    assert said.exit_code == 0, said.output
    assert there.read_bytes() == here.read_bytes()


def test_help_names_every_command() -> None:
    said = run("--help").output
    for command in ("serve", "calculate", "inspect", "memory", "estimate", "plan", "recommend", "compare"):
        assert command in said
    assert "--install-completion" in said
