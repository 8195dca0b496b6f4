"""Who does what of a step at which rates: the GPUs of a deployment, of one kind or unlike, and their host."""

from dataclasses import replace

from llm_calc.core.calibration import Calibration
from llm_calc.core.engines import Engine, Setup
from llm_calc.core.engines.dealt_check import contexts_of
from llm_calc.core.engines.llama_cpp import LlamaCpp
from llm_calc.core.engines.llama_cpp_placement import stage_shares
from llm_calc.core.engines.mlx import Mlx
from llm_calc.core.hardware import Cluster
from llm_calc.core.operators import StepWork, step_work, summed
from llm_calc.core.operators.context import state_bytes
from llm_calc.core.operators.dealt import with_dealt_contexts
from llm_calc.core.serving.calibrated import rates_of
from llm_calc.core.serving.machine import machine_of
from llm_calc.core.serving.offload import Offload, offload_of
from llm_calc.core.serving.placement import HostReach
from llm_calc.core.serving.rates import Machine, Rates
from llm_calc.core.serving.unlike import in_turn, slowest_stage_loss, unbalanced

STATE_WIDTHS = {"float32": 4.0, "float16": 2.0, "bfloat16": 2.0}
"""Bytes of an element of a recurrent state, by its number type."""


def timed(
    setup: Setup, engine: Engine, cluster: Cluster, calibration: Calibration, reach: HostReach, *, many: bool
) -> tuple[Machine, Offload, StepWork]:
    """The peaks, who does what of a step at which rates, and the step with the host's share apart [bytes, FLOP, s].

    Definition: ``step_work`` at the rates of ``rates_of``, by the ways of the engine.
    """
    whole = step_work(setup.model, setup.numbers.recipe, setup.layout, setup.numbers.cache_format)
    whole = with_dealt_contexts(whole, setup.model, setup.layout, contexts_of(engine))
    whole = _with_states(whole, setup, engine)
    summed_work = summed(whole)
    machine = machine_of(cluster, summed_work, setup.layout, half_sums=engine.traits.half_sums)
    rates = rates_of(calibration, machine, summed_work, engine.name, setup.gpu, many=many)
    if isinstance(engine, LlamaCpp):
        if _uneven(setup, engine):
            whole, rates = _of_stages(setup, engine, cluster, calibration, whole)
        rates = _in_micro_batches(rates, engine.micro_batch(engine.loading(setup).n_ctx))
    elif isinstance(engine, Mlx):
        rates = _in_micro_batches(rates, engine.prefill_step_size)
        rates = replace(rates, kernels=replace(rates.kernels, quicker=True))
    elif setup.layout.stage_layers:
        rates = _of_slowest(setup, rates)
    offload = offload_of(engine, setup, rates, reach)
    return machine, offload, offload.work(whole)


def _with_states(whole: StepWork, setup: Setup, engine: Engine) -> StepWork:
    """Recurrent states of the number type that an option of the engine says."""
    options = engine.traits.options
    said = STATE_WIDTHS.get(getattr(engine, options.states) or "") if options.states else None
    width = options.open_state_bytes if said is None else said
    if width is None:
        return whole
    of_open = options.states_open or said is None
    held = state_bytes(setup.model, setup.numbers.cache_format, setup.layout, width, of_open=of_open)
    return replace(whole, state_bytes=held)


def _of_slowest(setup: Setup, rates: Rates) -> Rates:
    """Stages at once wait for the one with most layers; one after another nothing waits."""
    layers = setup.layout.stage_layers
    loss = slowest_stage_loss(layers, rates.stage_loss_fraction)
    return replace(rates, stage_loss_fraction=loss)


def _in_micro_batches(rates: Rates, tokens: int) -> Rates:
    """Prompts in steps of the server's own (``n_ubatch``, ``prefill_step_size``), not of its default."""
    if rates.kernels.prompt_tokens == tokens:
        return rates
    return replace(rates, kernels=replace(rates.kernels, prompt_tokens=tokens))


def _uneven(setup: Setup, engine: LlamaCpp) -> bool:
    """Whether stages differ: unlike GPUs, or layers dealt otherwise than the server would by itself."""
    if setup.unlike or setup.layout.pipeline == 1:
        return bool(setup.unlike)
    usual = replace(engine, tensor_split=None, split_mode="layer")
    return engine.loading(setup).layers != usual.loading(setup).layers


def _of_stages(
    setup: Setup, engine: LlamaCpp, cluster: Cluster, calibration: Calibration, whole: StepWork
) -> tuple[StepWork, Rates]:
    """Each stage at its own GPU's rates, one after the other."""
    gpus, work = setup.unlike or (setup.gpu,) * setup.layout.pipeline, summed(whole)
    own = {}
    for gpu in dict.fromkeys(gpus):
        machine = machine_of(replace(cluster, gpu=gpu), work, setup.layout, half_sums=engine.traits.half_sums)
        own[gpu] = rates_of(calibration, machine, work, engine.name, gpu)
    shares, rates = stage_shares(setup, engine.loading(setup)), [own[gpu] for gpu in gpus]
    return unbalanced(whole, in_turn(rates, shares), rates, shares)
