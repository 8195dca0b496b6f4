"""A real terminal: widths, colours, progress, closed pipes, Ctrl-C, the tab key."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import pytest
from rich.cells import cell_len

from llm_calc.cli.examples import EXAMPLES
from tests.command import run
from tests.terminal import Shown, in_terminal, one_by_one

COMMAND = (sys.executable, "-m", "llm_calc")
PLAN = (
    "plan",
    "deepseek-v3",
    "--rate",
    2,
    "--ttft",
    2,
    "--tpot",
    0.05,
    "--max-gpus",
    32,
    "-g",
    "h200-141gb-sxm",
)
TABLES = {
    "estimate": ("estimate", "llama-3.1-8b", "-g", "l4", "-c", 16),
    "memory": ("memory", "llama-3.1-8b", "-g", "h100-80gb-sxm"),
    "plan": (*PLAN, "-g", "h100-80gb-pcie"),
    "recommend": ("recommend", "llama-3.1-8b", "-g", "l40s", "-g", "h100-94gb-nvl"),
    "fit": ("fit", "qwen3-8b", "-g", "rtx-3060-12gb"),
    "models-for": ("models-for", "-g", "l4", "--max-models", 3),
    "compare": ("compare", "llama-3.1-8b", "-g", "h100-80gb-sxm", "-g", "2x h200-141gb-sxm"),
    "sweep": ("sweep", "llama-3.1-8b", "-g", "l40s", "--grid", "workload.concurrency=1,8"),
    "calculate": ("calculate", "llama2-7b", "-g", "l4"),
    "models": ("models", "llama-3"),
    "gpus": ("gpus", "h200"),
    "inspect": ("inspect", "qwen3-30b-a3b"),
}
SWEEP = ("sweep", "llama-3.1-8b", "-g", "l40s", "--target", "memory_plan")


HELPED = ["", *EXAMPLES]


@cache
def helped() -> dict[str, Shown]:
    """The help of all commands; a process each would load the package twenty times."""
    shown = one_by_one([(80, [*filter(None, [command]), "--help"]) for command in HELPED])
    return dict(zip(HELPED, shown, strict=True))


@pytest.mark.parametrize("command", HELPED)
def test_help_fits_a_narrow_terminal_and_shows_examples(command: str) -> None:
    shown = helped()[command]
    assert shown.code == 0
    assert max(map(cell_len, shown.text.splitlines())) <= 80
    assert not re.search(
        r"<(bool|str|int|float|path)|\.\.\.\s*│|…\s*│\n", shown.text.replace("q4_k_m, …", "")
    )
    for example in EXAMPLES.get(command, ()):
        assert f"llm-calc {example}" in shown.text


def widths_of(name: str) -> tuple[int, ...]:
    """Where columns are left out, where they just fit, and in the widest tables also where all fit."""
    return (70, 80, 200) if name in ("compare", "plan", "fit") else (70, 80)


@cache
def tables() -> dict[tuple[str, int], str]:
    """All tables at all of their widths, by one process."""
    asked = [(name, columns) for name in TABLES for columns in (250, *widths_of(name))]
    shown = one_by_one([(columns, TABLES[name]) for name, columns in asked])
    return {each: of.text for each, of in zip(asked, shown, strict=True)}


@pytest.mark.parametrize("name", TABLES)
def test_tables_fit_and_break_no_word(name: str) -> None:
    widths = widths_of(name)
    widest, *all_narrow = (tables()[name, columns] for columns in (250, *widths))
    known = set(re.split(r"[\s│─]+", widest))
    assert len(known) > 20
    for columns, narrow in zip(widths, all_narrow, strict=True):
        assert max(cell_len(line.rstrip()) for line in narrow.splitlines()) <= columns
        said = re.compile(r"  (in all rows|too narrow for): .*(\n {12}.*)*")
        assert set(re.split(r"[\s│─]+", said.sub("", narrow))) <= known


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_are_left_out_where_they_are_not_wanted(environment: dict[str, str]) -> None:
    plain = in_terminal("memory", "llama-3.1-8b", "-g", "l4", environment=environment)
    coloured = in_terminal("memory", "llama-3.1-8b", "-g", "l4")
    colour = re.compile(r"\x1b\[[0-9;]*3[0-7]")
    assert not colour.search(plain.raw)
    assert colour.search(coloured.raw)
    assert plain.text.split() == coloured.text.split()
    assert plain.code == coloured.code == 3


def test_what_is_piped_has_no_escapes_and_no_progress() -> None:
    ended = subprocess.run(
        [*COMMAND, *SWEEP, "--grid", "workload.concurrency=1:9"], capture_output=True, text=True, check=True
    )
    assert "\x1b" not in ended.stdout
    assert ended.stderr == ""


def test_a_terminal_sees_the_progress_of_a_sweep(tmp_path: Path) -> None:
    shown = in_terminal(*SWEEP, "--grid", "workload.concurrency=1:9", "--out", tmp_path / "rows.csv")
    assert shown.code == 0
    assert "9/9 rows" in shown.text
    assert len((tmp_path / "rows.csv").read_text(encoding="utf-8").splitlines()) == 10


def test_binary_rows_are_not_sent_to_a_terminal() -> None:
    shown = in_terminal(*SWEEP, "--grid", "workload.concurrency=1,2", "--format", "parquet")
    assert (shown.code, "is binary" in shown.text) == (2, True)


def test_an_interrupted_sweep_leaves_no_half_file(tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    grid = ("--grid", "workload.concurrency=1:5000", "--grid", "workload.input_tokens=1:100000")
    command = [*COMMAND, *map(str, SWEEP), *grid, "--out", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            started = time.monotonic()
            while not out.with_name("rows.csv.part").exists():
                assert time.monotonic() - started < 60
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
            assert process.stderr is not None
            assert process.stderr.read() == "Interrupted\n"
        finally:
            process.kill()  # where it was deaf; the block waits for its end
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("estimate", "--help"),
        ("models",),
        (*SWEEP, "--grid", "workload.concurrency=1:20000", "--json"),
    ],
)
def test_a_reader_may_leave_early(arguments: tuple[str, ...]) -> None:
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_full_disk_is_a_failure_in_a_sentence(options: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [*COMMAND, "gpus", "h200", *options], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (ended.returncode, ended.stderr) == (1, "Error: No space left on device\n")


def test_a_terminal_without_the_marks_shows_the_rest() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(
        [*COMMAND, "memory", "llama-3.1-8b", "-g", "l4"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (3, "")
    assert "? does not fit" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("estmate",), "estmate: is not a known command; did you mean estimate?"),
        (("xyzzy",), "xyzzy: is not a known command"),
        (("--vers",), "--vers: is not a known option; did you mean --version?"),
        (("estimate", "--gpus", "l4"), "--gpus: is not a known option; did you mean --gpu?"),
        (("estimate", "x", "-c", "many"), "--concurrency: must be a whole number"),
        (("estimate", "x", "--rate", "fast"), "--rate: must be a number"),
        (
            ("plan", "x", "--ttft", "soon"),
            "--ttft: must be a number of seconds, or a time such as 500ms or 2s",
        ),
        (
            ("plan", "x", "--budget", "little"),
            "--usd-per-hour: must be a number of US dollars, such as 20 or $20",
        ),
        (("plan", "x", "--budgets", "20"), "--budgets: is not a known option; did you mean --budget?"),
        (("estimate", "x", "--gpu"), "--gpu: needs a value"),
        (("estimate", "x", "--json=1"), "--json: takes no value"),
        (("models", "a", "b"), "b: one argument more than the command takes"),
        (
            ("memory", "llama-3.1-8b", "--gpu", "h100", "80gb"),
            '80gb: one argument more than the command takes; names of several words go in quotes: --gpu "h100 80gb"',
        ),
        (("calibrate",), "FILE: is required"),
    ],
)
def test_the_parser_refuses_in_the_words_of_the_operations(arguments: tuple[str, ...], said: str) -> None:
    ended = run(*arguments)
    first, hint = ended.stderr.splitlines()
    assert (ended.exit_code, ended.stdout, first) == (2, "", f"Error: {said}")
    assert hint.startswith("Try: llm-calc")
    as_json = run(*arguments, "--json")
    assert as_json.exit_code == 2
    if as_json.stderr == "":
        assert "error" in json.loads(as_json.stdout)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("config.json", b"", "it is empty"),
        ("config.json", b'{"a":', "it is no JSON (EOF"),
        ("config.json", b"[1]", "must hold a JSON object"),
        ("config.json", b"{}", "must be the object of a config.json"),
        ("model.gguf", b"\x00\xff" * 999, "it is no JSON"),
        ("model.gguf", b"GGUF", "GGUF file"),
        ("empty/", None, "holds neither config.json nor a GGUF file"),
        ("absent/", None, "cannot read"),
    ],
)
def test_broken_files_are_refused_in_sentences(
    tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    (tmp_path / "empty").mkdir()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    ended = run("inspect", f"{tmp_path}/{name}")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert said in ended.stderr
    told = run("inspect", f"{tmp_path}/{name}", "--json")
    assert (told.exit_code, told.stderr) == (2, "")
    assert said in json.loads(told.stdout)["error"]


def test_a_huge_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "huge.gguf"
    with file.open("wb") as sparse:
        sparse.truncate(2**40)
    ended = run("inspect", file)
    assert (ended.exit_code, "more than 64 MiB" in ended.stderr) == (2, True)


def test_an_empty_name_is_no_folder() -> None:
    assert "MODEL: is empty" in run("inspect", "").stderr


SHELL = r"""
eval "$(_LLM_CALC_COMPLETE=source_bash llm-calc)"
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_llm_calc_completion llm-calc
printf '%s\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("est",), {"estimate"}),
        (("estimate", "llama-3.1-7"), {"llama-3.1-70b"}),
        (("estimate", "x", "--gp"), {"--gpu"}),
        (("estimate", "x", "--gpu", "h200-141gb-s"), {"h200-141gb-sxm"}),
        (("estimate", "x", "-w", "q4_k"), {"q4_k_m", "q4_k_s"}),
        (("estimate", "x", "-e", "tr"), {"trtllm"}),
        (("plan", "x", "--objective", "tp"), {"tpot"}),
        (("sweep", "x", "--target", "m"), {"memory_plan"}),
        (("gpus", "mi300x"), {"mi300x"}),
    ],
)
def test_the_tab_key_works_in_bash(tmp_path: Path, words: tuple[str, ...], offered: set[str]) -> None:
    bash = shutil.which("bash")
    assert bash
    command = tmp_path / "llm-calc"
    command.write_text(f'#!/bin/sh\nexec {shlex.join(COMMAND)} "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    ended = subprocess.run(
        [bash, "-c", SHELL, "bash", "llm-calc", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(ended.stdout.split()) == offered
