"""Starting the service is quick: it loads nothing of the other commands."""

import subprocess
import sys

from tests.command import run

SERVE = """
import sys
from llm_calc.__main__ import main

sys.argv = ["llm-calc", "serve", "--port", "70000"]
try:
    main()
except SystemExit as end:
    print(end)
print(sorted({"mcp", "rich", "typer"} & set(sys.modules)))
"""


def test_the_service_starts_without_what_other_commands_need() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SERVE], capture_output=True, text=True, timeout=60, check=True
    )
    refusal, loaded = ended.stdout.splitlines()
    assert refusal.startswith("LLM_CALC_PORT: ")
    assert loaded == "[]"


def test_help_and_options_are_those_of_the_other_commands() -> None:
    shown = run("serve", "--help")
    assert shown.exit_code == 0
    assert "--host" in shown.output
    assert "--port" in shown.output


def test_an_option_that_is_not_there_is_refused_with_two() -> None:
    command = [sys.executable, "-m", "llm_calc", "serve", "--prot", "1"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "--prot" in ended.stderr
