"""One source of what an engine runs: a search refuses a format on a chip just where a memory plan of it does."""

import pytest

import llm_calc
from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.model_source import source_model
from llm_calc.adapters.planning.choices import choices
from llm_calc.adapters.planning.launch_catalog import load_launch_rules
from llm_calc.adapters.wire.plans import DeploymentPlansRequest
from llm_calc.core.errors import CalcError, InvalidInputError

pytestmark = pytest.mark.repeats  # many answers of the same lines
FORMATS = (None, "bf16", "fp8", "int8", "int4", "int4-awq", "int4-gptq", "mxfp4", "nvfp4", "nf4", "q4_k_m")
CHIPS = (
    *("h100-80gb-sxm", "t4", "b200-180gb-sxm", "mi300x", "mi355x", "arc-pro-b60"),
    *("gaudi3", "tpu-v6e", "apple-m3-max", "trainium2"),
)


@pytest.mark.parametrize("model", ["llama-3.1-8b", "gpt-oss-20b", "kimi-k2"])
@pytest.mark.parametrize("engine", load_launch_rules())
def test_a_search_and_a_memory_plan_run_the_same_formats(model: str, engine: str) -> None:
    catalogs, different = load_catalogs(), []
    for weights in FORMATS:
        formats = None if weights is None else [weights]
        asked = {"model": {"name": model}, "engines": [engine], "formats": formats}
        request = DeploymentPlansRequest.model_validate(asked)
        try:
            choice, *_ = choices(request, source_model(request.model, catalogs))
        except InvalidInputError:
            continue
        different += [
            (weights, chip)
            for chip in CHIPS
            if (choice.refusal(catalogs.gpu(chip)) is None) != runs(model, engine, weights, chip)
        ]
    assert different == []


def runs(model: str, engine: str, weights: str | None, chip: str) -> bool:
    """Whether a memory plan is answered, fits or not."""
    try:
        llm_calc.memory_plan(
            model=model,
            hardware={"gpu": chip},
            engine=engine,
            precision={} if weights is None else {"weights": weights},
            workload={"concurrency": 1, "input_tokens": 100, "output_tokens": 10},
        )
    except CalcError:
        return False
    return True


def test_formats_are_those_of_engines_that_run_on_the_gpus() -> None:
    """MLX runs on Apple's chips alone, so that its formats are none of an NVIDIA GPU's."""
    nvidia = " ".join(llm_calc.plan(model="llama-3.1-8b", gpus=["l40s"]).assumptions)
    assert "mlx" not in nvidia
    assert "formats: q8_0, q4_k_m, bf16, fp8; " in nvidia
    apple = " ".join(llm_calc.plan(model="llama-3.1-8b", gpus=["m4-max-64gb"]).assumptions)
    assert "mlx-8bit: what such checkpoints usually leave" in apple
    assert "fp8" not in apple


@pytest.mark.parametrize(
    ("formats", "engines", "unused"),
    [
        (["fp8", "mlx-8bit"], None, ["mlx-8bit"]),
        (["fp8", "q4_k_m"], ["vllm"], ["q4_k_m"]),
        (["bf16", "f16"], ["vllm", "llama.cpp"], []),
    ],
)
def test_formats_that_are_in_no_plan_are_told(
    formats: list[str], engines: list[str] | None, unused: list[str]
) -> None:
    found = llm_calc.plan(model="llama-3.1-8b", gpus=["l40s"], formats=formats, engines=engines)
    told = [line for line in found.assumptions if line.startswith("formats: ")]
    assert told == [
        f"formats: {name} is in no plan: none of the engines runs it on these GPUs" for name in unused
    ]
