"""The tool that holds vLLM's recipes against plans, on a checkout of three recipes."""

from pathlib import Path

import yaml  # type: ignore[import-untyped]

from llm_calc.adapters.catalog import load_catalogs
from tools.recipes import Planner, claims, report

PROFILES = {
    "h100": {"brand": "NVIDIA", "generation": "hopper", "gpu_count": 8, "vram_gb": 640},
    "rtx_5090": {"brand": "NVIDIA", "generation": "blackwell", "gpu_count": 1, "vram_gb": 32},
    "unheard_of": {"brand": "Other", "generation": "new", "gpu_count": 1, "vram_gb": 1},
}


def recipe(model: str, hardware: list[str], variants: dict[str, dict[str, object]]) -> dict[str, object]:
    return {
        "meta": {"hardware": dict.fromkeys(hardware, "verified") | {"h200": "unsupported"}},
        "model": {"model_id": model, "base_args": ["--max-model-len=8192"]},
        "variants": variants,
    }


def checkout(folder: Path, *recipes: dict[str, object]) -> Path:
    (folder / "models/maker").mkdir(parents=True)
    (folder / "taxonomy.yaml").write_text(yaml.safe_dump({"hardware_profiles": PROFILES}))
    for number, each in enumerate(recipes):
        (folder / f"models/maker/{number}.yaml").write_text(yaml.safe_dump(each))
    return folder


def test_variants_are_asked_where_their_recipe_lets_them_run(tmp_path: Path) -> None:
    folder = checkout(
        tmp_path,
        recipe(
            "Qwen/Qwen3-14B",
            ["h100", "rtx_5090", "unheard_of"],
            {
                "default": {"precision": "bf16", "vram_minimum_gb": 77},
                "fp8": {"model_id": "Qwen/Qwen3-14B-FP8", "precision": "fp8", "vram_minimum_gb": 39},
                "nvfp4": {"precision": "nvfp4", "vram_minimum_gb": 20},
                "awq": {"model_id": "x/unknown-AWQ", "precision": "int4", "supported_hardware": ["h100"]},
            },
        ),
        recipe("nobody/never-heard-of", ["h100"], {"default": {"precision": "bf16"}}),
    )
    found = list(claims(folder, Planner(load_catalogs())))
    known = {(each.profile, each.variant) for each in found if each.known}
    assert known == {("h100", "default"), ("h100", "fp8"), ("h100", "awq"), ("rtx_5090", "nvfp4")}
    assert [each.model for each in found if not each.known] == ["nobody/never-heard-of"]
    assert all(each.starts for each in found if each.known)
    assert report(found, everything=True)


def test_what_does_not_start_is_reported(tmp_path: Path) -> None:
    folder = checkout(
        tmp_path,
        recipe("meta-llama/Llama-3.3-70B-Instruct", ["rtx_5090"], {"default": {"precision": "bf16"}}),
    )
    found = list(claims(folder, Planner(load_catalogs())))
    assert [(each.known, each.starts) for each in found] == [(True, False)]
    assert not report(found, everything=False)
