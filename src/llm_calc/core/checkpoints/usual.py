"""Numbers that files of integers in groups are known to hold."""

from llm_calc.core.checkpoints.ledger import Said

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
