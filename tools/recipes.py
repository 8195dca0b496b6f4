"""Holds vLLM's own recipes against memory plans: whatever pair of model and hardware they mark as verified must start.

usage: python -m tools.recipes CHECKOUT [--show N]
CHECKOUT is a clone of the public repository vllm-project/recipes. Of each recipe in ``models/`` every hardware
profile whose ``meta.hardware`` says ``verified`` is asked, for the variants that it lists, with all GPUs of the profile
and fewer, as tensor parallel groups and as data parallel attention. A pair counts as known where the catalogs hold its
model and its GPU. Exits with 1 where a known pair does not start.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

import llm_calc
from llm_calc.core.errors import CalcError, UnknownNameError

GPUS = {
    "h100": "h100-80gb-sxm",
    "h200": "h200-141gb-sxm",
    "b200": "b200-180gb-sxm",
    "gb200": "gb200-186gb",
    "b300": "b300-288gb-sxm",
    "gb300": "gb300-288gb",
    "dgx_spark_gb10": "dgx-spark-gb10",
    "rtx_pro_6000": "rtx-pro-6000-blackwell-workstation",
    "rtx_pro_6000_2x": "rtx-pro-6000-blackwell-workstation",
    "mi300x": "mi300x",
    "mi325x": "mi325x",
    "mi350x": "mi350x",
    "mi355x": "mi355x",
}
"""Hardware profiles of the recipes and the GPUs that they stand for; profiles of several count by their own number."""
WEIGHTS = {
    "fp8": "fp8",
    "nvfp4": "nvfp4",
    "mxfp4": "mxfp4",
    "bf16": "bf16",
    "int4": "int4-awq",
    "int8": "int8",
}


def pairs(folder: Path) -> Iterator[tuple[dict[str, Any], str, int]]:
    """Every recipe with each verified profile: the recipe, the GPU, how many at most."""
    profiles = yaml.safe_load((folder / "taxonomy.yaml").read_text(encoding="utf-8"))["hardware_profiles"]
    for file in sorted((folder / "models").glob("*/*.yaml")):
        recipe = yaml.safe_load(file.read_text(encoding="utf-8"))
        for profile, state in (recipe["meta"].get("hardware") or {}).items():
            gpu = GPUS.get(profile)
            if state == "verified" and gpu is not None and profile in profiles:
                yield recipe, gpu, profiles[profile]["gpu_count"]


def questions(recipe: dict[str, Any], gpu: str, count: int) -> Iterator[dict[str, Any]]:
    """The memory plans that would make a pair true: each variant on all GPUs and on fewer, split in both ways."""
    for variant in (recipe.get("variants") or {"default": {}}).values():
        own, name = variant.get("model_id"), recipe["model"]["model_id"]
        weights = {"weights": WEIGHTS[variant["precision"]]} if variant.get("precision") in WEIGHTS else {}
        for model, precision in ((own or name, {}), (name, weights)):
            size = count
            while size:
                for layout in ({"tensor": size}, {"data": size, "expert": size}):
                    yield {
                        "model": model,
                        "precision": precision,
                        "hardware": {"gpu": gpu, "count": size},
                        "parallelism": layout,
                        "engine": "vllm",
                    }
                size //= 2


def outcome(recipe: dict[str, Any], gpu: str, count: int) -> str | None:
    """``""`` where the pair starts, None where it is not known, else why the last question did not start."""
    known, why = False, ""
    for question in questions(recipe, gpu, count):
        try:
            plan = llm_calc.memory_plan(**question)
        except UnknownNameError:
            continue
        except CalcError as error:
            known, why = True, str(error)
            continue
        known, why = True, plan.reason
        if plan.starts:
            return ""
    return why if known else None


def main() -> int:
    """Print how many known pairs start, and those that do not."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--show", type=int, default=20)
    options = parser.parse_args()
    found = [(recipe, gpu, outcome(recipe, gpu, count)) for recipe, gpu, count in pairs(options.checkout)]
    known = [each for each in found if each[2] is not None]
    failed = [each for each in known if each[2]]
    for recipe, gpu, why in failed[: options.show]:
        print(f"  {recipe['model']['model_id']} on {gpu}: {why[:160] if why else ''}")
    print(
        f"{len(known) - len(failed)} of {len(known)} known pairs start; {len(found) - len(known)} are not known"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
