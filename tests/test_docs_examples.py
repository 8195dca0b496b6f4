"""The examples of the documentation, run as they stand there."""

import doctest
import re
import shlex
from pathlib import Path

import pytest

from tests.command import run

DOCS = Path(__file__).parents[1] / "docs"
LIBRARY = (DOCS / "library.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"```shell\n(.*?)```", (DOCS / "cli.md").read_text(encoding="utf-8"), re.DOTALL)
    for line in block.splitlines()
]


def test_examples_of_the_library_answer_so() -> None:
    blocks = re.findall(r"```python\n(>>>.*?)```", LIBRARY, re.DOTALL)
    examples = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "library.md", "library.md", 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    found = runner.run(examples)
    assert (found.failed, found.attempted > 5) == (0, True)


def test_the_example_of_the_client_compiles() -> None:
    (block,) = re.findall(r"```python\n(import.*?)```", LIBRARY, re.DOTALL)
    assert "main" in compile(block, "library.md", "exec").co_names


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_answer(command: str) -> None:
    program, *arguments = shlex.split(command)
    assert program == "llm-calc"
    ended = run(*arguments)
    assert ended.exit_code == 0, ended.output
    assert len(ended.output.splitlines()) > 3
