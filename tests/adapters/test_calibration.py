"""The calibration catalog: named, bounded, few, and nothing of one model or one GPU."""

from functools import cache
from itertools import product
from pathlib import Path

import pytest

from llm_calc.adapters.calibration import Family, family_of, load_calibration, load_calibration_file
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.config_file import read_config
from llm_calc.core.architectures.shape import shape_of
from llm_calc.core.calibration import chip_class, format_class
from llm_calc.core.model import Model
from llm_calc.core.serving.calibrated import HOST_TIMES, keys_of, unseen
from llm_calc.core.serving.rates import TIMES
from tests.builders import llama
from tools.calibrate import writing
from tools.calibrate.cases import Case
from tools.calibrate.families import cases_by_family
from tools.calibrate.measurements import ROOT, read_config_of
from tools.calibrate.writing import seen_by

FAMILIES: tuple[Family, ...] = ("served", "batch", "llama.cpp")
KINDS = {"engine", "generation", "format", "vendor", "maker", "pair", "kernel", "chip_format"}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_efficiency_is_bounded_and_depends_on_shared_things_only(family: Family) -> None:
    catalogs = load_catalogs()
    engines = {"vllm", "sglang", "trtllm", "llama.cpp", "mlx", "generic"}
    chips = {chip_class(gpu) for gpu in catalogs.gpus}
    vendors = {gpu.vendor.lower() for gpu in catalogs.gpus}
    known = {"engine": engines, "generation": chips, "vendor": vendors, "maker": {"nvidia", "other"}}
    for name, row in load_calibration_file(family).efficiencies.items():
        assert row.low <= row.base <= row.high, name
        if name.endswith("_fraction"):
            assert row.high <= 1.0, name
        for key in row.deviations:
            kind, _, label = key.partition(":")
            assert kind in KINDS, f"{name}: {key}"
            assert label in known.get(kind, {label}), f"{name}: {key}"


@pytest.mark.parametrize("family", FAMILIES)
def test_everything_that_a_step_asks_for_is_there(family: Family) -> None:
    names = set(load_calibration_file(family).efficiencies)
    assert names >= set(TIMES)
    assert (names >= set(HOST_TIMES)) == (family == "served")


@pytest.mark.parametrize("family", FAMILIES)
def test_errors_are_those_of_groups_that_a_fit_had_not_seen(family: Family) -> None:
    errors = load_calibration(family).errors
    assert {error.held_out for error in errors} == {"row", "model", "gpu", "generation", "vendor"}
    for error in errors:
        assert error.low_log <= 0 <= error.high_log, "the range holds the estimate itself"
        assert error.low_log < error.high_log
        assert error.median_fraction > 0


def test_an_unknown_key_takes_the_base() -> None:
    efficiency = load_calibration("served").by_name["kv_bandwidth_fraction"]
    assert efficiency.value(("engine:unheard-of", "generation:none")) == efficiency.base
    assert efficiency.value(("engine:vllm",)) <= efficiency.high


@pytest.mark.parametrize(
    ("gpu", "expected"),
    [
        ("h200-141gb-sxm", "hopper"),
        ("b200-180gb-sxm", "blackwell"),
        ("b300-288gb-sxm", "blackwell"),
        ("rtx-5090", "blackwell-workstation"),
        ("dgx-spark-gb10", "blackwell-unified"),
        ("a100-80gb-sxm", "ampere"),
        ("rtx-a6000", "ampere-workstation"),
        ("mi300x", "cdna3"),
    ],
)
def test_chips_of_one_generation_with_other_memory_stand_apart(gpu: str, expected: str) -> None:
    assert chip_class(load_catalogs().gpu(gpu)) == expected
    assert f"generation:{expected}" in keys_of("vllm", load_catalogs().gpu(gpu))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bf16", "16-bit"),
        ("fp32", "16-bit"),
        ("fp8-block", "fp8"),
        ("int8-channel", "int8"),
        ("int4-gptq", "int4"),
        ("q4_k", "q4_k"),
        ("q5_1", "q4_0"),
        ("iq3_xxs", "q4_k"),
        ("", ""),
    ],
)
def test_formats_whose_kernels_work_alike_share_a_class(name: str, expected: str) -> None:
    assert format_class(name) == expected


@pytest.mark.parametrize(
    ("engine", "load", "expected"),
    [
        ("vllm", "concurrency", "served"),
        ("vllm", "offline", "batch"),
        ("sglang", "request_rate", "served"),
        ("generic", "concurrency", "batch"),
        ("llama.cpp", "concurrency", "llama.cpp"),
    ],
)
def test_an_answer_rests_on_measurements_of_its_kind(engine: str, load: str, expected: Family) -> None:
    assert family_of(engine, load) == expected


def test_what_was_not_measured_is_told_from_the_most_important_down() -> None:
    served, catalogs = load_calibration("served"), load_catalogs()
    assert unseen(served, "vllm", catalogs.gpu("mi300x"), llama()) == "vendor"
    assert unseen(served, "vllm", catalogs.gpu("rtx-4090"), llama()) == "generation"
    assert unseen(served, "vllm", catalogs.gpu("h100-80gb-pcie"), llama()) == "gpu"
    assert unseen(served, "vllm", catalogs.gpu("h100-80gb-sxm"), llama(layers=33)) == "model"


def catalog_model(name: str) -> Model:
    return read_config(load_catalogs().model(name).config, name=name).model


@pytest.mark.parametrize(
    ("model", "gpu", "expected"),
    [
        ("llama-3.1-70b", "h200-141gb-sxm", "row"),
        ("llama-3.1-70b", "h100-80gb-sxm", "row"),
        ("llama-3.1-8b", "h100-80gb-sxm", "model"),
        ("llama-2-7b", "h200-141gb-sxm", "model"),
    ],
)
def test_a_model_and_a_gpu_count_as_measured_only_together(model: str, gpu: str, expected: str) -> None:
    """vLLM served Llama 3.1 70B on both GPUs; its runs of 8B are left out, whose prompts were in the prefix cache."""
    assert (
        unseen(load_calibration("served"), "vllm", load_catalogs().gpu(gpu), catalog_model(model)) == expected
    )


def test_another_engine_is_not_the_measured_one() -> None:
    served, gpu = load_calibration("served"), load_catalogs().gpu("h100-80gb-sxm")
    found = {name: unseen(served, name, gpu, catalog_model("llama-3.1-8b")) for name in ("trtllm", "sglang")}
    assert found == {"trtllm": "row", "sglang": "model"}


@cache
def fitted_cases(family: Family) -> list[Case]:
    return [case for case in cases_by_family()[family] if case.row.aside is None]


@pytest.mark.repeats
@pytest.mark.parametrize("family", FAMILIES)
def test_exactly_what_the_fit_took_together_is_measured(family: Family) -> None:
    """Every engine, GPU and model of the fit in every combination."""
    gpus = {name: load_catalogs().gpu(name) for name in {case.row.gpu for case in fitted_cases(family)}}
    models = {
        name: read_config(read_config_of(name)).model for name in {c.row.model for c in fitted_cases(family)}
    }
    shapes = {name: shape_of(model) for name, model in models.items()}
    together = {(case.row.engine, case.row.gpu, shapes[case.row.model]) for case in fitted_cases(family)}
    engines = {case.row.engine for case in fitted_cases(family)}
    for engine, gpu, name in product(engines, gpus, models):
        found = unseen(load_calibration(family), engine, gpus[gpu], models[name])
        assert (found == "row") == ((engine, gpu, shapes[name]) in together), (engine, gpu, name)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_fit_has_seen_is_what_its_file_says(family: Family) -> None:
    assert list(load_calibration_file(family).seen) == seen_by(fitted_cases(family)), (
        "run `python -m tools.calibrate seen`"
    )


def test_what_was_seen_is_rewritten_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = (ROOT / "served.json").read_text(encoding="utf-8")
    (tmp_path / "served.json").write_text(
        stored.replace('"seen": [', '"seen": [\n  "gone",'), encoding="utf-8"
    )
    monkeypatch.setattr(writing, "ROOT", tmp_path)
    writing.rewrite_seen("served", fitted_cases("served"))
    assert (tmp_path / "served.json").read_text(encoding="utf-8") == stored
