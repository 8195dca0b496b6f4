"""The examples of the documentation, run as they stand there."""

import doctest
import json
import re
import shlex
import shutil
from math import isclose
from pathlib import Path

import httpx
import pytest

from llm_calc.adapters.links import link_defaults_text
from llm_calc.api.app import create_app
from tests.command import run
from tests.process import Service
from tools.doc_examples import BY_HAND, RECORDED, ROOT, WITHOUT_CURL, Block, Reader, blocks, recorded
from tools.examples import all_requests, curl_command

PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if "_build" not in path.parts
}
COMMANDS = [
    line
    for block in blocks(PAGES["docs/cli.md"])
    if block.language == "shell"
    for line in block.text.splitlines()
]
ASKED = {
    f"{page}:{PAGES[page].count(chr(10), 0, block.start)}": block
    for page in PAGES
    for block in blocks(PAGES[page])
    if block.language == "shell" and "curl " in block.text
}
OPERATIONS = {f"{method} {path}": (kind, body) for method, path, kind, body in all_requests(create_app())}
NUMBER = re.compile(r"\d+\.\d+")
# Processors differ in the last digits of powers and logarithms; simulated loads add many of them up.
RELATIVE = 1e-6


@pytest.fixture
def reader(service: Service, tmp_path: Path) -> Reader:
    """Somebody in an empty folder, beside a running service."""
    return Reader(folder=tmp_path, address=f"127.0.0.1:{service.port}")


def alike(printed: str, shown: str) -> bool:
    """Return whether two outputs are the same but for the last digits of numbers."""
    numbers = [[float(each) for each in NUMBER.findall(text)] for text in (printed, shown)]
    return NUMBER.sub("#", printed) == NUMBER.sub("#", shown) and all(
        isclose(first, second, rel_tol=RELATIVE) for first, second in zip(*numbers, strict=True)
    )


@pytest.mark.parametrize("page", ["docs/library.md", "docs/formulas.md"])
def test_examples_of_python_answer_so(page: str) -> None:
    parts = [block.text for block in blocks(PAGES[page]) if block.text.startswith(">>>")]
    examples = doctest.DocTestParser().get_doctest("\n".join(parts), {}, page, page, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    found = runner.run(examples)
    assert (found.failed, found.attempted >= 5) == (0, True)


def test_the_example_of_the_client_runs(reader: Reader) -> None:
    (block,) = [each for each in blocks(PAGES["docs/library.md"]) if each.text.startswith("import asyncio")]
    ratio, *rows = reader.run(block).splitlines()
    assert float(ratio) > 1  # an L4 has a third of the bandwidth of an L40S
    assert len(rows) == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_answer(command: str) -> None:
    program, *arguments = shlex.split(command)
    assert program == "llm-calc"
    ended = run(*arguments)
    assert ended.exit_code == 0, ended.output
    assert len(ended.output.splitlines()) > 3


@pytest.mark.parametrize("page", RECORDED)
def test_examples_print_what_the_page_shows(page: str, reader: Reader) -> None:
    text = PAGES[f"docs/{page}"]
    shutil.copytree(ROOT / "catalogs", reader.folder / "catalogs")
    different = []
    for block, printed in reader.follow(text):
        shown = recorded(text, block)
        if printed and not (shown and alike(printed, shown.text)):
            different.append(f"{block.text}prints\n{printed}")
    assert different == [], "run `make examples`"


@pytest.mark.parametrize("page", RECORDED)
def test_pages_show_what_every_example_prints(page: str) -> None:
    shown = [
        recorded(PAGES[f"docs/{page}"], block) for block in blocks(PAGES[f"docs/{page}"]) if block.is_run
    ]
    assert len([block for block in shown if block and block.text.strip()]) >= 6


def test_only_setting_up_is_not_run() -> None:
    left = [block.text for page in RECORDED for block in blocks(PAGES[f"docs/{page}"]) if is_left_out(block)]
    assert [text.split()[0] for text in left] == ["git", "make"]


def test_the_link_of_the_quick_start_opens_the_page(service: Service) -> None:
    (link,) = re.findall(r"\]\(http://127\.0\.0\.1:8000/\?([^)]*)\)", PAGES["docs/quickstart.md"])
    known = json.loads(link_defaults_text())["defaults"]
    assert {part.partition("=")[0] for part in link.split("&")} <= set(known)
    page = httpx.get(f"{service.url}/?{link}")
    assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (200, "text/html")


def is_left_out(block: Block) -> bool:
    """Return whether a block of commands is not run as an example."""
    return block.language == "shell" and block.text.startswith(BY_HAND)


@pytest.mark.parametrize("place", ASKED)
def test_shown_requests_are_answered(place: str, reader: Reader) -> None:
    text = ASKED[place].text.split(" | ")[0].rstrip()
    assert text.startswith("curl -s ")
    status, answer = asked(reader, text)
    assert (status, isinstance(json.loads(answer), dict)) == (200, True)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_requests_of_the_api_page_are_answered(operation: str, reader: Reader) -> None:
    method, path = operation.split()
    description, body = OPERATIONS[operation]
    status, answer = asked(reader, curl_command(method, path, body))
    assert status == 200, answer
    if path == "/metrics":
        assert answer.startswith("# HELP")
        return
    lines = answer.splitlines() if path == "/api/sweep" else [answer]
    assert all(isinstance(json.loads(line), (dict, list)) for line in lines)
    assert (body is not None) == ("requestBody" in description)


def test_examples_are_run_without_curl_too(reader: Reader) -> None:
    command = curl_command("POST", "/api/memory_plan", OPERATIONS["POST /api/memory_plan"][1])
    own = command.replace("curl -s ", f"{WITHOUT_CURL / 'curl'} -s ", 1)
    texts = [reader.run(Block(language="shell", text=text, start=0, end=0)) for text in (command, own)]
    assert texts[0] == texts[1]


def asked(reader: Reader, command: str) -> tuple[int, str]:
    """Return the status and the answer to a request that a page shows."""
    told = command.replace("curl -s ", r"curl -s -w '\n%{http_code}' ", 1)
    answer, _, status = (
        reader.run(Block(language="shell", text=told, start=0, end=0)).rstrip().rpartition("\n")
    )
    return int(status), answer
