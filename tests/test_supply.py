"""The pins are sound, the bill of materials names them all, and the manifests of the cluster are what they say."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from tools.pins import REQUIREMENTS, faults
from tools.sbom import ROOT, bill, pins

MANIFESTS = ROOT / "deploy/kubernetes"


def manifest(name: str) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load((MANIFESTS / name).read_text(encoding="utf-8"))
    return found


def test_pins_are_sound() -> None:
    assert faults() == []


def test_faults_of_pins_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.in").write_text("one\n-r b.in  # and more\n")
    (tmp_path / "b.in").write_text("two>=1\n")
    (tmp_path / "a.txt").write_text("one==1.0\n")
    (tmp_path / "b.txt").write_text(
        f"one==2.0 \\\n    --hash=sha256:{'0' * 64}\ntwo==1 --hash=sha256:{'1' * 64}\n"
    )
    assert faults(tmp_path) == [
        "a.txt: two is asked for and not pinned",
        "a.txt: one has no hash",
        "b.txt: one is 2.0, and 1.0 in a.txt",
    ]


def test_the_bill_names_every_pin_and_browser_file() -> None:
    names = {each["name"] for each in bill()["components"]}
    pinned = {name for name, _, _ in pins((REQUIREMENTS / "runtime.txt").read_text(encoding="utf-8"))}
    assert pinned <= names
    assert {"swagger-ui-dist", "preact"} <= names


@pytest.mark.parametrize("file", sorted(path.name for path in MANIFESTS.glob("*.yaml")))
def test_manifests_are_objects_of_a_kind(file: str) -> None:
    assert {"apiVersion", "kind"} <= set(manifest(file))


def test_all_manifests_are_applied_and_nothing_goes_out() -> None:
    listed = manifest("kustomization.yaml")["resources"]
    assert isinstance(listed, list)
    assert {path.name for path in MANIFESTS.glob("*.yaml")} == {*listed, "kustomization.yaml"}
    policy = manifest("network.yaml")["spec"]
    assert isinstance(policy, dict)
    assert (policy["egress"], policy["policyTypes"]) == ([], ["Ingress", "Egress"])


def test_the_newest_release_of_the_changelog_is_the_packages() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    first, *released = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert first == "Unreleased"
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d", each) for each in released)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert released[0].partition(" ")[0] == project["version"]
