"""The kinds of windows, one file each; a new file here is found by itself.

The current session's values are kept with the session, over all of it: ``session`` is ``all``.
"""

from operators.features.found import classes_in
from operators.features.window import Window

WINDOWS: dict[str, type[Window]] = classes_in(__name__, __path__, Window)  # type: ignore[type-abstract]
WINDOWS["session"] = WINDOWS["all"]
