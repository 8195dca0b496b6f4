"""Pipeline stages of a server: each works on a batch of its own, so that none of them waits for the others."""

from llm_calc.core.arrays import Quantity, larger, smaller
from llm_calc.core.operators.work import StepWork
from llm_calc.core.serving.rates import Rates


def stages_at_once(work: StepWork, rates: Rates) -> Quantity:
    """Stages that work at once, each on a batch of its own [1].

    ``stages`` where ``kernels.stage_batches``, else 1: one batch passes all stages in turn.
    Source: vLLM ``vllm/v1/engine/core.py`` (a queue of as many batches as stages), SGLang
    ``managers/scheduler.py`` (``pp_max_micro_batch_size``) and TensorRT-LLM ``_torch/pyexecutor`` (sequences of
    ``max_batch_size x pp_size``); checked: 2026-11-30, read in stored versions.
    Leaves out: batches of unequal size.
    """
    return work.stages if rates.kernels.stage_batches else 1.0


def share_of(sequences: Quantity, stages: Quantity) -> Quantity:
    """Sequences in the batch of one stage [1].

    ``max(n / stages, min(n, 1))``.
    Definition: dealt evenly; of fewer than there are stages each is a batch of its own.
    """
    return larger(sequences / stages, smaller(sequences, 1.0))


def bubbles(rates: Rates, sequences: Quantity, stages: Quantity) -> Quantity:
    """How much longer steps take because stages wait for each other [1].

    ``1 + loss x (busy - 1) / stages``, ``busy = min(n, stages)``.
    Choice: as fitted of full batches (``stage_loss_fraction``); a sequence that is alone meets none of it.
    Leaves out: which stage waits for which.
    """
    busy = larger(smaller(sequences, stages), 1.0)
    return 1.0 + rates.stage_loss_fraction * (busy - 1.0) / stages


def passes(chunks: Quantity, stages: Quantity) -> Quantity:
    """Steps that a prompt of so many chunks takes, of which each stage works on another at once [1].

    ``(chunks + stages - 1) / stages``.
    Source: Huang et al. 2019, GPipe (arXiv:1811.06965), the bubble of ``g - 1`` in ``chunks + g - 1`` turns; checked:
    2026-11-30, read as R. Raushan works it out (blog.rakeshraushan.org, "Pipeline parallelism").
    Leaves out: chunks of unequal length.
    """
    return (chunks + stages - 1.0) / stages
