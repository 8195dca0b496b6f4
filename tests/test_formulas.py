"""Every formula of the core says its unit, its basis, its equation and what it leaves out."""

from pathlib import Path

import numpy as np
import pytest

import llm_calc
from llm_calc.core.arrays import FloatArray, Quantity
from llm_calc.core.errors import CalcError
from llm_calc.core.memory import total_parameters
from llm_calc.core.parallelism import Layout
from llm_calc.core.serving.estimate import Estimate
from tools.formulas import Formula, formulas, holds_numbers, unread_sources

FORMULAS = {formula.name: formula for formula in formulas()}


def test_every_formula_says_everything() -> None:
    assert {name: formula.lacks for name, formula in FORMULAS.items() if formula.lacks} == {}


@pytest.mark.parametrize(
    "name",
    [
        "memory.kv_cache_bytes",  # a function
        "memory.weights_bytes",  # one that is cached
        "hardware.Gpu.peak_flops_per_s",  # a method
        "formats.NumberFormat.bits_per_element",  # a property
        "calibration.Calibration.by_name",  # a cached property that returns records
        "serving.estimate.closed_form",  # one that returns a record
        "memory.parameters_by_component",  # a mapping of numbers
    ],
)
def test_formulas_of_every_kind_are_found(name: str) -> None:
    assert f"llm_calc.core.{name}" in FORMULAS


@pytest.mark.parametrize("hint", [int, float, Quantity, FloatArray, float | None, tuple[int, str], Estimate])
def test_numbers_are_known(hint: object) -> None:
    assert holds_numbers(hint)


@pytest.mark.parametrize(
    "hint", [bool, str, None, Layout, CalcError, list[int], np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]
)
def test_anything_else_is_no_formula(hint: object) -> None:
    assert not holds_numbers(hint)


@pytest.mark.parametrize(
    ("docstring", "lacks"),
    [
        ("Bytes [bytes].\n\n``a x b``.\nSource: there; checked: 2026-11-30.\nLeaves out: c.", []),
        ("Bytes [bytes].\n\nDefinition: what it says.", []),
        ("Bytes [bytes].\n\n``a x b``.\nChoice: because. Exact.", []),
        ("Bytes.\n\nDefinition: what it says.", ["a unit in brackets"]),
        ("Bytes [bananas].\n\nDefinition: what it says.", ["a unit in brackets"]),
        ("Bytes [bytes].\n\n``a x b``.", ["Source, Definition or Choice"]),
        (
            "Bytes [bytes].\n\n``a x b``.\nSource: there.\nLeaves out: c.",
            ["the day on which its source was checked"],
        ),
        ("Bytes [bytes].\n\nSource: there (checked: 2026-11-30).\nLeaves out: c.", ["an equation"]),
        ("Bytes [bytes].\n\n``a``.\nSource: there, checked: 2026-11-30.\nLeaves out: c.", ["an equation"]),
        ("Bytes [bytes].\n\n``a x b``.\nSource: there; checked: 2026-11-30.", ["what it leaves out"]),
        ("", ["a unit in brackets", "Source, Definition or Choice"]),
    ],
)
def test_what_is_missing_is_named(docstring: str, lacks: list[str]) -> None:
    assert Formula(name="example", docstring=docstring).lacks == lacks


def test_every_source_in_the_package_was_read_on_a_day() -> None:
    root = Path(llm_calc.__file__).parent
    texts = {str(file.relative_to(root)): file.read_text(encoding="utf-8") for file in root.rglob("*.py")}
    assert {name: unread_sources(text) for name, text in texts.items() if unread_sources(text)} == {}


@pytest.mark.parametrize(
    ("text", "unread"),
    [
        ("Source: a paper.", ["Source: a paper."]),
        ("Source: a paper; checked: 2026-11-30.", []),
        ("Sources: one; another\n(checked:\n2026-11-30).", []),
        ("Source: a paper.\n\nchecked: 2026-11-30", ["Source: a paper."]),
        ("Source: a paper.\nLeaves out: what was checked: 2026-11-30", ["Source: a paper."]),
        ("Source: one.\nSource: two; checked: 2026-11-30", ["Source: one."]),
        ("def source(self) -> Source:\n", []),
        ("Source: a paper; checked: lately", ["Source: a paper; checked: lately"]),
    ],
)
def test_a_source_without_a_day_is_named(text: str, unread: list[str]) -> None:
    assert unread_sources(text) == unread


def test_what_a_class_says_counts_for_its_methods() -> None:
    formula = Formula(
        name="example",
        docstring="Bytes [bytes].",
        of_class="A thing.\n\n``a + b``.\nSource: x; checked: 2026-11-30. Exact.",
    )
    assert formula.lacks == []
    assert (formula.summary, formula.unit, formula.basis) == ("Bytes.", "bytes", "Source")


def test_the_counted_example_of_the_page_is_a_formula() -> None:
    assert FORMULAS[f"{total_parameters.__module__}.total_parameters"].basis == "Definition"
