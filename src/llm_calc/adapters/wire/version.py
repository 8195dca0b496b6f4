"""Answer of ``/api/version``."""

from pydantic import Field

from llm_calc.adapters.wire.base import Answer


class VersionAnswer(Answer):
    """What answers come from: two services that say the same here answer the same."""

    version: str = Field(description="Version of the program")
    data_version: str = Field(
        description="Newest day in the catalogs, a hyphen, eight hexadecimal digits of their content",
        pattern=r"^\d{4}-\d{2}-\d{2}-[0-9a-f]{8}$",
    )
