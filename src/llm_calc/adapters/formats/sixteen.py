"""The type in which a checkpoint holds what it does not quantize."""

from llm_calc.adapters.formats.catalog import format_catalog
from llm_calc.core.formats import NumberFormat
from llm_calc.core.model import Model

OWN_TYPES = ("bf16", "fp16", "fp32")


def own_number(model: Model) -> NumberFormat:
    """The model's own type; 16 bits where it says something else."""
    return format_catalog().number(model.dtype if model.dtype in OWN_TYPES else "bf16")
