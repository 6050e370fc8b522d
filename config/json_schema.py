"""The JSON Schema (draft 2020-12) of the config file, for editors.

Made from the models: what `load` takes fits it. It knows nothing of names in expressions, nor of
rules over several sections; `check` says these.
"""

from typing import Any

from config.models import Config

_OF_THE_MODELS = ("title", "default")
"""What pydantic adds and no editor should show: class names, and defaults in milliseconds."""


def config_schema() -> dict[str, Any]:
    """Describe every key of the config file, and the form of its value."""
    schema = _told(Config.model_json_schema())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:cartwheel:config",
        **schema,
        "title": "cartwheel's config file",
        "description": "Where events come from, what is kept of customers, and what is sent.",
    }


def _told(schema: Any, *, names: bool = False) -> Any:
    """Take out what is not for editors.

    Args:
        schema: a schema or a part of one.
        names: whether its keys are names of the config, and not those of JSON Schema.
    """
    if isinstance(schema, list):
        return [_told(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    told = {
        key: _told(value, names=not names and key in ("properties", "$defs"))
        for key, value in schema.items()
        if names or key not in _OF_THE_MODELS
    }
    if names:
        return told
    if "patternProperties" in told:
        [(pattern, each)] = told.pop("patternProperties").items()
        told |= {"propertyNames": {"pattern": pattern}, "additionalProperties": each}
    if "description" in told:
        told["description"] = told["description"].partition("; None:")[0].replace("``", "`")
    return told
