"""Experts that a flag of an engine spreads over GPUs."""

from llm_calc.core.errors import InvalidInputError


def check_spread(flag: str, expert: int, stage: int) -> None:
    """Refuses more ways than a stage has GPUs, or ways that do not divide them.

    Raises:
        InvalidInputError: names the flag and what to set.
    """
    if stage % expert == 0:
        return
    msg = (
        f"engine.{flag}: {expert} must divide the GPUs of a stage, which are {stage}: it spreads experts over the GPUs "
        f"of tp_size and adds none; set tp_size to {expert} or a multiple of it"
    )
    raise InvalidInputError(msg, field=f"engine.{flag}")
