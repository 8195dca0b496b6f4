"""The catalog of formats: strict, complete, every reference checked."""

import shutil
from pathlib import Path

import pytest

from llm_calc.adapters.catalog.files import catalog_root
from llm_calc.adapters.formats import format_catalog, format_names, number_format
from llm_calc.core.errors import CatalogError
from llm_calc.core.hardware import NUMBER_TYPES
from tools.doc_examples import DOCS, Reader, blocks

REQUIRED = [
    "fp32",
    "fp16",
    "bf16",
    "fp8",
    "int8",
    "int4-awq",
    "int4-gptq",
    "mxfp4",
    "nvfp4",
    "nf4",
    "q8_0",
    "q6_k",
    "q5_k_m",
    "q5_k_s",
    "q5_0",
    "q5_1",
    "q4_k_m",
    "q4_k_s",
    "q4_0",
    "q4_1",
    "q3_k_l",
    "q3_k_m",
    "q3_k_s",
    "q2_k",
    "iq4_xs",
    "iq4_nl",
    "iq3_m",
    "iq2_xs",
    "iq1_s",
    "tq1_0",
    "tq2_0",
    "f16",
    "mxfp4_moe",
]


def copied(tmp_path: Path, file: str, old: str, new: str) -> Path:
    """A catalog whose format files differ in one place."""
    root = tmp_path / "catalogs"
    (root / "gpus").mkdir(parents=True)
    shutil.copytree(catalog_root() / "formats", root / "formats")
    path = root / "formats" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return root


def test_the_usual_formats_are_there() -> None:
    names = format_catalog().names
    assert [name for name in REQUIRED if name not in names] == []
    assert set(REQUIRED) <= set(format_names())


def test_native_arithmetic_is_a_number_type_of_gpus() -> None:
    computed = {number.compute for number in format_catalog().numbers.values() if number.compute is not None}
    assert computed <= set(NUMBER_TYPES)


def test_published_bits_of_groups() -> None:
    assert number_format("mxfp4").bits_per_element == 4 + 8 / 32
    assert number_format("nvfp4").bits_per_element == 4 + 8 / 16
    assert number_format("int4-gptq").bits_per_element == 4 + (16 + 4) / 128
    assert number_format("nf4").bits_per_element == 4.5
    assert number_format("nf4-double").bits_per_element == pytest.approx(4.127, abs=5e-4)


def test_the_documented_example_makes_a_format(tmp_path: Path) -> None:
    shutil.copytree(catalog_root(), tmp_path / "my-catalogs")
    reader = Reader(folder=tmp_path, address="")
    for block in blocks((DOCS / "extending.md").read_text(encoding="utf-8")):
        if block.file.startswith("my-catalogs/formats/"):
            reader.write(block)
    catalog = format_catalog(tmp_path / "my-catalogs")
    assert catalog.numbers[catalog.names["int4-g32"].row.default].bits_per_element == 4.5


@pytest.mark.parametrize(
    ("file", "old", "new", "reason"),
    [
        ("numbers.toml", 'fallback = "q8_0"', 'fallback = "q9_0"', "q9_0"),
        ("numbers.toml", 'fallback = "q8_0"', 'fallback = "q6_k"', "leads back to itself"),
        ("numbers.toml", 'source = "ieee"', 'source = "hearsay"', "hearsay"),
        ("numbers.toml", "element_bits = 32", "element_bitz = 32", "element_bitz"),
        ("gguf.toml", 'default = "fp16"', 'default = "fp15"', "fp15"),
        ("gguf.toml", '{ set = "kept_32_bit" }', '{ set = "sometimes" }', "sometimes"),
        (
            "checkpoints.toml",
            "[recipes.fp32]",
            '[numbers.fp8]\nelement_bits = 8\nsource = "vllm-quantization"\n\n[recipes.fp32]',
            "numbers: fp8 stands in another file as well",
        ),
        ("checkpoints.toml", 'gguf = "f16"', 'gguf = "f17"', "f17"),
        ("checkpoints.toml", 'aliases = ["awq", ', 'aliases = ["gptq", ', "gptq"),
    ],
)
def test_what_cannot_be_right_is_refused(tmp_path: Path, file: str, old: str, new: str, reason: str) -> None:
    with pytest.raises(CatalogError, match=reason):
        format_catalog(copied(tmp_path, file, old, new))
