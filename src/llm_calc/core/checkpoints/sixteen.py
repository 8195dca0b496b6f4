"""The type in which a checkpoint holds what it does not quantize."""

from llm_calc.core.checkpoints.tables import FormatTables
from llm_calc.core.formats import NumberFormat
from llm_calc.core.model import Model

OWN_TYPES = ("bf16", "fp16", "fp32")


def own_number(model: Model, tables: FormatTables) -> NumberFormat:
    """The model's own type; 16 bits where it says something else."""
    return tables.numbers[model.dtype if model.dtype in OWN_TYPES else "bf16"]
