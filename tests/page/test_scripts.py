"""The page's scripts: types and lint are clean, and their rules are held by tests of their own, run by Node."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tools.page_check.__main__ import NODE_BIN, STATIC, objections

SCRIPTS = Path(__file__).parent / "scripts"


@pytest.mark.skipif(not NODE_BIN.exists(), reason="the checks of scripts are not installed: run make unit")
def test_types_and_lint_are_clean() -> None:
    assert objections() == []


@pytest.mark.skipif(not shutil.which("node"), reason="there is no Node here")
def test_rules_of_the_scripts(tmp_path: Path) -> None:
    shutil.copytree(STATIC / "page", tmp_path / "page")
    shutil.copytree(STATIC / "vendor" / "page", tmp_path / "vendor" / "page")
    shutil.copytree(SCRIPTS, tmp_path / "tests")
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    tests = sorted(str(path) for path in (tmp_path / "tests").glob("*.test.js"))
    done = subprocess.run(
        ["node", "--test", *tests], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout
