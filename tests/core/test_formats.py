"""Number formats and recipes: bits from parts, rules in order, fallbacks of short rows."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.core.formats import ABSENT, NumberFormat, RecipeRule, WeightRecipe
from llm_calc.core.memory import weights_bytes
from llm_calc.core.weights import Weight, vector
from tests.builders import BF16, INT4, llama

FP16 = NumberFormat(name="fp16", element_bits=16)
BLOCK32 = NumberFormat(name="block32", element_bits=8, group_size=32, scale_bits=16, fallback=FP16)
BLOCK256 = NumberFormat(name="block256", element_bits=4, group_size=256, scale_bits=128, fallback=BLOCK32)
MATRIX = Weight(name="q_proj", component="attention", rows=4096, cols=4096)


@pytest.mark.parametrize(
    ("element", "group", "scale", "zero", "bits"),
    [(4, 128, 16, 4, 4 + 20 / 128), (4, 32, 8, 0, 4.25), (4, 16, 8, 0, 4.5), (8, 0, 32, 0, 8)],
)
def test_bits_follow_from_the_parts(
    element: float, group: int, scale: float, zero: float, bits: float
) -> None:
    number = NumberFormat(name="x", element_bits=element, group_size=group, scale_bits=scale, zero_bits=zero)
    assert number.bits_per_element == bits
    assert number.bytes_per_element == bits / 8


@pytest.mark.parametrize(("elements", "name"), [(512, "block256"), (288, "block32"), (40, "fp16")])
def test_short_rows_fall_back(elements: int, name: str) -> None:
    assert BLOCK256.for_rows(elements).name == name


def test_rows_of_a_table_are_its_columns() -> None:
    recipe = WeightRecipe(name="r", default=BLOCK256, vectors=FP16)
    table = Weight(name="embedding", component="embedding", rows=32000, cols=40, kind="table")
    assert recipe.format_of(table).name == "fp16"
    assert recipe.format_of(replace(table, cols=512)).name == "block256"


def test_the_first_rule_that_applies_decides() -> None:
    recipe = WeightRecipe(
        name="r",
        default=INT4,
        vectors=BF16,
        rules=(
            RecipeRule(format=FP16, components=frozenset(("attention",)), layers=frozenset((3,))),
            RecipeRule(format=BLOCK32, names=frozenset(("q_proj",))),
        ),
    )
    assert recipe.format_of(MATRIX, 3) == FP16
    assert recipe.format_of(MATRIX, 4) == BLOCK32
    assert recipe.format_of(replace(MATRIX, name="k_proj"), 4) == INT4


def test_vectors_keep_their_format_unless_a_rule_names_them() -> None:
    norm = vector("norm", "vision", 4096)
    plain = RecipeRule(format=ABSENT, components=frozenset(("vision",)))
    recipe = WeightRecipe(name="r", default=INT4, vectors=BF16, rules=(plain,))
    assert recipe.format_of(norm) == BF16
    assert replace(recipe, rules=(replace(plain, vectors=True),)).format_of(norm) == ABSENT


def test_what_is_absent_has_no_bytes_nor_have_its_biases() -> None:
    model = replace(llama(), outside=(Weight(name="tower", component="vision", rows=64, cols=64, bias=64),))
    without = replace(model, outside=())
    rule = RecipeRule(format=ABSENT, components=frozenset(("vision",)))
    recipe = WeightRecipe(name="r", default=BF16, vectors=BF16, rules=(rule,))
    assert weights_bytes(model, recipe) == weights_bytes(without, recipe)


@given(bits=st.floats(1, 32), more=st.floats(0, 32), group=st.integers(0, 512))
def test_bytes_never_fall_with_bits(bits: float, more: float, group: int) -> None:
    few = NumberFormat(name="few", element_bits=bits, group_size=group, scale_bits=16)
    many = replace(few, name="many", element_bits=bits + more)
    model = llama(layers=2)
    size = {
        each.name: weights_bytes(model, WeightRecipe(name="r", default=each, vectors=BF16))
        for each in (few, many)
    }
    assert size["many"] >= size["few"]
    assert few.bits_per_element >= bits


def test_formats_over_layers_are_counted_whether_rules_tell_layers_apart_or_not() -> None:
    third = RecipeRule(format=FP16, components=frozenset(("attention",)), layers=frozenset((3,)))
    query = RecipeRule(format=BLOCK32, names=frozenset(("q_proj",)))
    alike = WeightRecipe(name="r", default=BLOCK256, vectors=FP16, rules=(query,))
    apart = WeightRecipe(name="r", default=BLOCK256, vectors=FP16, rules=(third, query))
    assert alike.formats_over(MATRIX, range(8)) == {BLOCK32: 8}
    assert apart.formats_over(MATRIX, range(8)) == {BLOCK32: 7, FP16: 1}
    assert apart.formats_over(MATRIX, (3,)) == {FP16: 1}


@pytest.mark.parametrize(
    ("more", "beside_bits"),
    [
        # 100 outputs in blocks of 32 are 4, 1000 inputs in blocks of 128 are 8: 32 scales of 16 bits.
        ({"block": (32, 128), "scale_bits": 16}, 4 * 8 * 16),
        ({"block": (1, 128), "scale_bits": 8}, 100 * 8 * 8),
        # Groups of 128 along the inputs: 8 for each output, of a scale and a zero.
        ({"group_size": 128, "scale_bits": 16, "zero_bits": 4}, 8 * 100 * 20),
        # Beside a matrix: so many bits an output, an input, and once.
        ({"row_bits": 32}, 32 * 100),
        ({"column_bits": 16}, 16 * 1000),
        ({"tensor_bits": 64}, 64),
    ],
)
def test_what_is_stored_beside_a_matrix_of_100_outputs_and_1000_inputs(
    more: dict[str, object], beside_bits: int
) -> None:
    number = replace(NumberFormat(name="made up", element_bits=4), **more)  # type: ignore[arg-type]
    assert number.fitted(1000, 100).bits_per_element * 100_000 == pytest.approx(4 * 100_000 + beside_bits)
