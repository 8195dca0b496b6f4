"""Every formula of the core says its unit, its basis, its equation and what it leaves out."""

import numpy as np
import pytest

from llm_calc.core.arrays import FloatArray, Quantity
from llm_calc.core.errors import CalcError
from llm_calc.core.memory import total_parameters
from llm_calc.core.parallelism import Layout
from llm_calc.core.serving.estimate import Estimate
from tools.formulas import Formula, formulas, holds_numbers

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
        ("Bytes [bytes].\n\n``a x b``.\nSource: there.\nLeaves out: c.", []),
        ("Bytes [bytes].\n\nDefinition: what it says.", []),
        ("Bytes [bytes].\n\n``a x b``.\nChoice: because. Exact.", []),
        ("Bytes.\n\nDefinition: what it says.", ["a unit in brackets"]),
        ("Bytes [bananas].\n\nDefinition: what it says.", ["a unit in brackets"]),
        ("Bytes [bytes].\n\n``a x b``.", ["Source, Definition or Choice"]),
        ("Bytes [bytes].\n\nSource: there.\nLeaves out: c.", ["an equation"]),
        ("Bytes [bytes].\n\n``a``.\nSource: there.\nLeaves out: c.", ["an equation"]),
        ("Bytes [bytes].\n\n``a x b``.\nSource: there.", ["what it leaves out"]),
        ("", ["a unit in brackets", "Source, Definition or Choice"]),
    ],
)
def test_what_is_missing_is_named(docstring: str, lacks: list[str]) -> None:
    assert Formula(name="example", docstring=docstring).lacks == lacks


def test_what_a_class_says_counts_for_its_methods() -> None:
    formula = Formula(
        name="example", docstring="Bytes [bytes].", of_class="A thing.\n\n``a + b``.\nSource: x. Exact."
    )
    assert formula.lacks == []
    assert (formula.summary, formula.unit, formula.basis) == ("Bytes.", "bytes", "Source")


def test_the_counted_example_of_the_page_is_a_formula() -> None:
    assert FORMULAS[f"{total_parameters.__module__}.total_parameters"].basis == "Definition"
