"""What each engine calls the longest context of a request."""

from llm_calc.core.engines import ENGINES
from llm_calc.core.engines.ollama import CONTEXT, OLLAMA

CONTEXT_FLAGS = {
    **{name: engine.traits.options.context for name, engine in ENGINES.items()},
    OLLAMA: CONTEXT,
}
EVERY_CONTEXT_FLAG = tuple(dict.fromkeys(CONTEXT_FLAGS.values()))
