"""The wheel in an empty environment outside of the checkout, started as the container image starts it.

The steps are those of the Dockerfile: pinned requirements by hash, the wheel, a read-only working directory, a user
without rights (where the test may change users), SIGTERM.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.process import running
from tools.examples import example_body

CHECKOUT = Path(__file__).parents[1]
NOBODY = 65534
pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path = CHECKOUT, environment: dict[str, str] | None = None) -> None:
    """Run a command that must succeed."""
    variables = {**os.environ, **(environment or {})}
    ended = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an empty environment that holds the wheel and the pinned requirements."""
    folder = tmp_path_factory.mktemp("image")
    for parent in (folder, *folder.parents[:3]):
        if parent.stat().st_uid == os.geteuid() and parent != Path("/tmp"):
            parent.chmod(0o755)
    source = folder / "source"
    for name in ("src", "catalogs"):
        shutil.copytree(CHECKOUT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, source / name)
    build = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    run(*build, "--wheel-dir", folder / "dist", source)
    shutil.rmtree(source)
    run(sys.executable, "-m", "venv", folder / "venv")
    install = (folder / "venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*install, "--no-deps", "--require-hashes", "--requirement", CHECKOUT / "requirements/runtime.txt")
    (wheel,) = (folder / "dist").glob("*.whl")
    run(*install, "--no-deps", wheel)
    _, *checks = image_command("RUN ")
    run(
        folder / "venv/bin/python", *checks, cwd=folder, environment={"XDG_CACHE_HOME": str(folder / "cache")}
    )
    kept = (folder / "cache/llm-calc").iterdir()
    assert sorted(file.name.partition("-")[0] for file in kept) == ["catalogs", "sound"]
    return folder / "venv/bin"


def image_command(instruction: str) -> list[str]:
    """Return a command of the Dockerfile: the last one that an instruction gives in exec form."""
    text = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8")
    return list(json.loads(re.findall(rf"^{instruction}(\[.*\])$", text, re.MULTILINE)[-1]))


@pytest.fixture(scope="module")
def url(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the service, started in a working directory that it cannot write to."""
    folder = tmp_path_factory.mktemp("read_only")
    folder.chmod(0o555)
    program, *arguments = image_command("CMD ")
    command = [str(installed / program), *arguments]
    if os.geteuid() == 0:
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]
    environment = {"LLM_CALC_PORT": "0", "LLM_CALC_HOST": "127.0.0.1", "HOME": "/nonexistent"}
    environment["XDG_CACHE_HOME"] = str(installed.parents[1] / "cache")
    with running(command, environment, folder) as service:
        yield service.url
        assert service.stop() == 0
    assert list(folder.iterdir()) == []


def test_every_operation_answers(url: str) -> None:
    description = httpx.get(f"{url}/openapi.json").json()
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            response = httpx.request(
                method, url + path, json=example_body(description, operation), timeout=60
            )
            assert response.status_code == 200, f"{method} {path}: {response.text[:300]}"


@pytest.mark.parametrize("path", ["/docs", "/static/vendor/swagger-ui/swagger-ui-bundle.js", "/favicon.ico"])
def test_files_are_in_the_wheel(url: str, path: str) -> None:
    assert httpx.get(url + path).status_code == 200


def test_the_catalogs_are_those_of_the_package(url: str, installed: Path) -> None:
    (packaged,) = installed.parent.glob("lib/python3*/site-packages/llm_calc/catalogs")
    ready = httpx.get(f"{url}/readyz").json()
    assert ready["gpus"] == len(list((packaged / "gpus").glob("*.toml")))


def test_nothing_but_the_pinned_packages_is_needed(installed: Path) -> None:
    run(installed / "python", "-m", "pip", "check", cwd=installed)


@pytest.mark.parametrize("is_there", [True, False])
def test_the_health_check_tells_whether_the_service_answers(
    url: str, installed: Path, *, is_there: bool
) -> None:
    program, *arguments = image_command("HEALTHCHECK .* CMD ")
    port = url.rpartition(":")[2] if is_there else "1"
    environment = {"PATH": str(installed), "LLM_CALC_PORT": port}
    command = [str(installed / program), *arguments]
    ended = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert (ended.returncode == 0) is is_there
