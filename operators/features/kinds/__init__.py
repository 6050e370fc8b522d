"""The kinds of features, one file each; a new file here is found by itself."""

from operators.features.found import classes_in
from operators.features.kind import Kind

KINDS: dict[str, type[Kind]] = classes_in(__name__, __path__, Kind)  # type: ignore[type-abstract]
