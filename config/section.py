"""What every mapping of the config is made of."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A mapping of known keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
