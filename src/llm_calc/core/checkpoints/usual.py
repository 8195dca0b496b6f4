"""Numbers that files of integers in groups are known to hold."""

from llm_calc.core.checkpoints.ledger import Said
from llm_calc.core.checkpoints.module_names import TOWER_WORDS
from llm_calc.core.checkpoints.paths import OTHER_STACKS, STACKS

GPTQ_BITS = (2, 3, 4, 8)
AWQ_BITS = (4, 8)
"""Widths that readers of such files take: ``GPTQConfig`` of transformers 5.24, ``AWQMarlinConfig`` of vLLM 0.33."""
LEAST_GROUP = 8
"""Groups that quantizers write are powers of two from here on, or a whole row."""


def name_unusual(said: Said, bits: int, size: int, widths: tuple[int, ...]) -> None:
    """Names numbers that files of this kind are not known to hold."""
    if bits not in widths:
        said.assume(
            f"{said.path}: files of this kind hold {', '.join(map(str, widths))} bits; {bits} were taken"
        )
    if size != -1 and (size < LEAST_GROUP or size & (size - 1)):
        said.assume(f"{said.path}: files of this kind have no groups of {size}; they were taken as stated")


BLOCK_KEYS = ("block_name_to_quantize", "to_quant_block_names")


def name_blocks(said: Said) -> None:
    """Names blocks other than the layers of the text model, which are what was quantized in every published file."""
    for key in BLOCK_KEYS:
        value = said.raw(key)
        names = value if isinstance(value, list) else str(value).split(",") if value else []
        flat = [str(item).strip() for each in names for item in (each if isinstance(each, list) else [each])]
        towers = [name for name in flat if TOWER_WORDS.intersection(name.split("."))]
        strange = [name for name in flat if name not in (*STACKS, *OTHER_STACKS) and name not in towers]
        said.notes.add_all(
            towers,
            f"quantization_config.{key}: {{}} are layers of a tower; towers were taken as not quantized",
        )
        said.notes.add_all(
            strange, f"quantization_config.{key}: {{}} is not understood; all layers were taken"
        )
