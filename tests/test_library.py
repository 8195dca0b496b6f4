"""The library's short forms, its errors and what importing it costs."""

import os
import re
import subprocess
import sys
from inspect import getdoc, signature
from pathlib import Path

import pytest

import llm_calc
from llm_calc.adapters.wire.parts import HardwarePart, ModelPart
from tests.adapters.gguf_files import llama_parameters, write_llama

CONFIG = '{"model_type": "llama", "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2, %s}'
REST = '"num_attention_heads": 4, "vocab_size": 1000'


def test_parts_and_short_forms_ask_the_same() -> None:
    short = llm_calc.memory_plan(model="llama2-7b", hardware="2x l4", precision="int8", engine="vllm")
    parts = llm_calc.memory_plan(
        model=ModelPart(name="llama2-7b"),
        hardware=HardwarePart(gpu="l4", count=2),
        precision={"weights": "int8"},
        engine={"name": "vllm"},
    )
    assert short == parts


def test_a_folder_is_read_with_its_index(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(CONFIG % REST, encoding="utf-8")
    assert llm_calc.inspect_model(model=tmp_path).confidence == "exact"
    index = '{"metadata": {"total_size": 1000}, "weight_map": {"a": "b"}}'
    (tmp_path / "model.safetensors.index.json").write_text(index, encoding="utf-8")
    assert (
        "files hold 1000 bytes (safetensors_index)" in llm_calc.inspect_model(model=tmp_path).assumptions[-1]
    )


def test_a_configuration_may_hold_infinities(tmp_path: Path) -> None:
    file = tmp_path / "any.json"
    file.write_text(CONFIG % f'"time_step_limit": [0.0, Infinity], {REST}', encoding="utf-8")
    assert llm_calc.inspect_model(model=file).model.hidden_size == 256


def test_a_gguf_file_is_read(tmp_path: Path) -> None:
    file = write_llama(tmp_path / "tiny.gguf")
    assert llm_calc.inspect_model(model=file).parameters.total == llama_parameters()
    assert llm_calc.inspect_model(model=tmp_path) == llm_calc.inspect_model(model=file)


def test_files_that_hold_no_model_are_named(tmp_path: Path) -> None:
    with pytest.raises(llm_calc.InvalidInputError, match=r"neither config\.json nor a GGUF file"):
        llm_calc.inspect_model(model=tmp_path)
    for name in ("a.gguf", "b.gguf"):
        write_llama(tmp_path / name)
    with pytest.raises(llm_calc.InvalidInputError, match="holds 2 GGUF files"):
        llm_calc.inspect_model(model=tmp_path)
    broken = tmp_path / "broken.json"
    for text, said in (("[1]", "must hold a JSON object"), ("{", "it is no JSON")):
        broken.write_text(text, encoding="utf-8")
        with pytest.raises(llm_calc.InvalidInputError, match=said):
            llm_calc.inspect_model(model=broken)
    with pytest.raises(llm_calc.InvalidInputError, match="No such file"):
        llm_calc.inspect_model(model=tmp_path / "absent.json")


def test_a_whole_number_may_be_written_as_a_float() -> None:
    answer = llm_calc.calculate(model_name="llama2-7b", seq_length=2048.0)  # type: ignore[arg-type]
    assert answer.vram == llm_calc.calculate(model_name="llama2-7b", seq_length=2048).vram


def test_scenarios_and_measurements_may_be_short() -> None:
    scenario = {"model": "llama-3.1-8b", "hardware": "h100-80gb-sxm", "workload": {"batch": 4}}
    found = llm_calc.compare(scenarios=[scenario, {**scenario, "precision": "fp8"}])
    assert [each.field for each in found.differences] == ["precision.weights"]


def test_catalogs_that_cannot_be_read_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_CALC_CATALOGS_PATH", "/nowhere")
    with pytest.raises(llm_calc.InvalidInputError, match=r"LLM_CALC_CATALOGS_PATH: .*/nowhere"):
        llm_calc.gpus()


def test_names_are_exported_and_no_others() -> None:
    assert set(llm_calc.__all__) < set(dir(llm_calc))
    with pytest.raises(AttributeError, match="no attribute 'estimat'"):
        _ = llm_calc.estimat


def test_importing_the_package_loads_nothing_else() -> None:
    code = "import sys, llm_calc; print([name for name in ('pydantic', 'numpy', 'httpx') if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


FUNCTIONS = [name for name in llm_calc.__all__ if name[0].islower()]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_say_what_they_take_and_answer(name: str) -> None:
    function = getattr(llm_calc, name)
    told = getdoc(function) or ""
    assert ">>> " in told
    for parameter in signature(function).parameters:
        assert re.search(rf"\b{parameter}\b", told) or name == "calculate", parameter
    if signature(function).parameters:
        for part in ("Args:", "Returns:", "Raises:"):
            assert part in told, part


USER = """
from pathlib import Path

import llm_calc

answer = llm_calc.estimate(model="llama-3.1-8b", hardware="2x l4", workload={"concurrency": 2})
first_s: float = answer.ttft_s
ranges = answer.interval.ttft_s
low_s: float | None = ranges.low if ranges else None
command: str = llm_calc.plan(model=Path("config.json"), limits={"ttft_s": 1.0}).plans[0].launch_command
for row in llm_calc.sweep(target="memory_plan", base={}, grid={"workload.concurrency": [1, 2]}):
    print(row["fits"])


async def main() -> bool:
    async with llm_calc.Client("http://127.0.0.1:8000", time_limit_s=5.0) as client:
        plan = await client.memory_plan(model="llama-3.1-8b", hardware="l4")
        async for row in client.sweep(target="calculate", base={}, grid={}):
            print(row)
        return plan.fits
"""


@pytest.mark.slow
def test_a_users_script_is_checked_by_the_package_types(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull, "script.py"]

    def checked(text: str) -> str:
        script.write_text(text, encoding="utf-8")
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout

    assert "Success: no issues found" in checked(USER)
    assert 'did you mean "hardware"' in checked(USER.replace('hardware="2x l4"', 'hardwear="2x l4"'))


def test_a_byte_order_mark_and_a_capital_ending_are_read(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(CONFIG % REST, encoding="utf-8-sig")
    assert llm_calc.inspect_model(model=tmp_path).model.hidden_size == 256
    (tmp_path / "config.json").unlink()
    write_llama(tmp_path / "TINY.GGUF")
    assert llm_calc.inspect_model(model=tmp_path).parameters.total == llama_parameters()


def test_a_gguf_file_that_is_cut_is_named(tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(write_llama(tmp_path / "tiny.gguf").read_bytes()[:200])
    with pytest.raises(llm_calc.InvalidInputError, match=r"^model: .*cut\.gguf: ends before the vocabulary"):
        llm_calc.memory_plan(model=cut, hardware="l4")
