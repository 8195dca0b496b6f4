"""Parameters and cache elements counted on the real model classes, by catalog name."""

import json
from pathlib import Path
from typing import Any

COUNTED: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "golden" / "models.json").read_text(encoding="utf-8")
)["models"]
