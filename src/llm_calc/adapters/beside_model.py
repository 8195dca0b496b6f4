"""What memory holds beside a model, and what its steps pass through besides: a draft, adapters."""

from dataclasses import dataclass

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.drafts import method_of
from llm_calc.adapters.lora import Served, served_lora
from llm_calc.adapters.setup import Subject
from llm_calc.adapters.speculation import NOTHING_DRAFTED, Drafted, drafted
from llm_calc.adapters.wire.lora import LoraPart
from llm_calc.adapters.wire.speculative import Method, SpeculativePart
from llm_calc.core.engines import Setup
from llm_calc.core.engines.lora_refusals import check_beside_draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What memory holds beside the model: a draft, adapters."""

    draft: Drafted
    lora: Served | None

    def held(self, setup: Setup) -> Setup:
        """A deployment with both."""
        drafted = self.draft.beside(setup)
        return drafted if self.lora is None else self.lora.beside(drafted)

    def worked(self, setup: Setup) -> Setup:
        """A deployment whose steps pass through adapters."""
        return setup if self.lora is None else self.lora.worked(setup)


NOTHING_BESIDE = Beside(draft=NOTHING_DRAFTED, lora=None)


def check_parts_beside(
    speculative: SpeculativePart | None, lora: LoraPart | None, engine: str, measured: Method | None = None
) -> None:
    """Refuses a draft and adapters that an engine does not start with together.

    Raises:
        UnsupportedError: SGLang with a smaller model.
    """
    if speculative is None or lora is None:
        return
    named = speculative.method or (method_of(speculative.draft) if speculative.draft else measured)
    check_beside_draft(engine, named or "draft_model")


def beside_of(
    speculative: SpeculativePart | None,
    lora: LoraPart | None,
    subject: Subject,
    catalogs: Catalogs,
    engine: str,
    version: str | None = None,
) -> Beside:
    """What a request says of both.

    Raises:
        CalcError: a draft or an adapter that cannot be read, or that the engine does not take.
    """
    draft = drafted(speculative, subject, catalogs, engine, version)
    check_parts_beside(speculative, lora, engine, draft.method)
    return Beside(draft=draft, lora=served_lora(lora, subject, engine))
