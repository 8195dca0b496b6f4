"""Links of the page."""

from functools import cache
from importlib.resources import files


@cache
def link_defaults_text() -> str:
    """What a link means where it is silent, as JSON: shared by the page and by the readers of links."""
    return (files("llm_calc.adapters") / "link_defaults.json").read_text(encoding="utf-8")
