"""Counts on the real classes of multimodal models, and what tests of towers and wrappers share."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from llm_calc.adapters.config_file import read_config
from llm_calc.core.architectures.reading import Reading
from llm_calc.core.model import Model

GOLDEN = Path(__file__).parents[2] / "golden"
ROWS: list[dict[str, Any]] = json.loads((GOLDEN / "towers.json").read_text(encoding="utf-8"))["rows"]
PUBLISHED: list[dict[str, Any]] = json.loads(
    (GOLDEN / "published_multimodal.json").read_text(encoding="utf-8")
)["rows"]
COUNTED: list[dict[str, Any]] = json.loads((GOLDEN / "counted.json").read_text(encoding="utf-8"))["rows"]
BY_NAME = {row["name"]: row for row in ROWS}


def vision_parameters(model: Model) -> int:
    """Parameters of towers and projectors."""
    return sum(p.stored * p.weight.params for p in model.placed if p.weight.component == "vision")


def read(config: dict[str, Any], **changes: object) -> Reading:
    """A configuration with some keys at its top changed."""
    return read_config({**deepcopy(config), **changes})
