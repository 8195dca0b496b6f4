"""What the help says is true: its defaults are the requests' own, its examples answer."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel
from rich.text import Text
from typer.core import TyperOption

from llm_calc.adapters.wire.documented_requests import CalculateRequest
from llm_calc.adapters.wire.fitting import FitRequest, ModelsForRequest
from llm_calc.adapters.wire.limits import LimitsPart
from llm_calc.adapters.wire.parts import HardwarePart, ParallelismPart, PrecisionPart, WorkloadPart
from llm_calc.adapters.wire.plans import DeploymentPlansRequest
from llm_calc.adapters.wire.recommend import RecommendGpusRequest
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.adapters.wire.sweep import SweepRequest
from llm_calc.api.settings import Settings
from llm_calc.cli.app import app
from llm_calc.cli.examples import EXAMPLES
from llm_calc.cli.options import PANELS
from tests.command import run

GROUP: Any = typer.main.get_command(app)
PARTS: dict[str, type[BaseModel]] = {
    "workload": WorkloadPart,
    "precision": PrecisionPart,
    "hardware": HardwarePart,
    "parallelism": ParallelismPart,
    "limits": LimitsPart,
}
DEFAULTS = [
    ("estimate", "--input", WorkloadPart, "input_tokens"),
    ("estimate", "--output", WorkloadPart, "output_tokens"),
    ("estimate", "--kv-cache", PrecisionPart, "kv_cache"),
    ("estimate", "--count", HardwarePart, "count"),
    ("memory", "--pipeline", ParallelismPart, "pipeline"),
    ("memory", "--data", ParallelismPart, "data"),
    ("memory", "--expert", ParallelismPart, "expert"),
    ("recommend", "--context", RecommendGpusRequest, "context_tokens"),
    ("recommend", "--concurrency", RecommendGpusRequest, "concurrency"),
    ("recommend", "--max-gpus", RecommendGpusRequest, "max_gpus"),
    ("recommend", "--objective", RecommendGpusRequest, "objective"),
    ("fit", "--context", FitRequest, "context_tokens"),
    ("fit", "--concurrency", FitRequest, "concurrency"),
    ("models-for", "--context", ModelsForRequest, "context_tokens"),
    ("models-for", "--max-models", ModelsForRequest, "max_models"),
    ("plan", "--objective", DeploymentPlansRequest, "objective"),
    ("plan", "--max-plans", DeploymentPlansRequest, "max_plans"),
    ("calculate", "--gpu-tflops", CalculateRequest, "gpu_tflops"),
    ("calculate", "--precision", CalculateRequest, "precision"),
    ("calculate", "--seq-length", CalculateRequest, "seq_length"),
    ("calculate", "--batch-size", CalculateRequest, "batch_size"),
    ("calculate", "--efficiency", CalculateRequest, "efficiency_factor"),
    ("sweep", "--method", SweepRequest, "method"),
    ("serve", "--host", Settings, "host"),
    ("serve", "--port", Settings, "port"),
]
RUN = [
    (name, example)
    for name, examples in EXAMPLES.items()
    for example in examples
    if name not in ("serve", "mcp", "calibrate")
]


def options_of(command: str) -> dict[str, TyperOption]:
    """Every option of a command by its long name."""
    params = GROUP.commands[command].params
    return {each.opts[0]: each for each in params if isinstance(each, TyperOption)}


@pytest.mark.parametrize(("command", "option", "kind", "field"), DEFAULTS)
def test_defaults_are_those_of_the_requests(
    command: str, option: str, kind: type[BaseModel], field: str
) -> None:
    told = re.search(r"default: (.*)\]\[/dim\]$", options_of(command)[option].help or "")
    assert told
    default = kind.model_fields[field].default
    assert told[1].split(", ")[-1] == (f"{default:g}" if isinstance(default, float) else str(default))


def test_the_engine_that_is_told_is_the_requests_own() -> None:
    assert "default: vllm" in (options_of("estimate")["--engine"].help or "")
    assert ServingEstimateRequest.model_fields["engine"].default.name == "vllm"


@pytest.mark.parametrize("command", EXAMPLES)
def test_every_option_has_a_group_and_words(command: str) -> None:
    for name, option in options_of(command).items():
        assert option.rich_help_panel in PANELS, name
        assert (option.help or "").split(" [dim]")[0].endswith((".", "…", "]")), name
        assert option.is_flag or option.metavar, name


@pytest.mark.parametrize(("name", "example"), RUN)
def test_examples_answer(name: str, example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = '{"model_type": "llama", "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2,'
    (tmp_path / "config.json").write_text(
        config + '"num_attention_heads": 4, "vocab_size": 1000}', encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    ended = run(*shlex.split(example))
    assert example.startswith(f"{name} ")
    assert ended.exit_code == 0, ended.output
    assert ended.stdout or list(tmp_path.glob("rows.*"))


def test_those_of_a_calibration_follow_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("measurements.json").write_text(
        '{"measurements": [{"model": "llama-3.1-8b", "hardware": "h100-80gb-sxm", "measured": {"tpot_s": 0.02}}]}',
        encoding="utf-8",
    )
    for example in EXAMPLES["calibrate"]:
        assert run(*shlex.split(example)).exit_code == 0


@pytest.mark.parametrize("command", EXAMPLES)
def test_what_stands_in_square_brackets_is_shown(command: str) -> None:
    helps = [getattr(each, "help", "") or "" for each in GROUP.commands[command].params]
    for told in [*helps, GROUP.commands[command].help]:
        written = told.count("[") - told.count("[dim]") - told.count("[/dim]")
        assert Text.from_markup(told).plain.count("[") == written, told


def test_a_rate_has_its_unit() -> None:
    assert "Poisson arrivals [requests/s]." in run("estimate", "--help").output
