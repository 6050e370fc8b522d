"""What rules ask of scores that no score can answer. A part of ``warnings``."""

from collections.abc import Collection, Iterator, Mapping

from config.model_specs import Model, PredictingModel
from expressions import Tree, normalized
from expressions.compile import constant_value
from expressions.tree import MIRRORED, Compare, Name, is_constant, walk

_SCORE = "score."


def chances(models: Mapping[str, Model]) -> set[str]:
    """Give the scores, by their names in rules, that lie between 0 and 1."""
    return {
        f"{_SCORE}{name}"
        for name, model in models.items()
        if not (isinstance(model, PredictingModel) and model.path)
    }


def asked_in_vain(tree: Tree, scores: Collection[str]) -> Iterator[str]:
    """Say which comparisons of scores with constants have one answer whatever the score.

    ``score.x >= 0`` and ``score.x <= 1`` are let be: they ask whether there is a score.

    Args:
        tree: a condition.
        scores: that lie between 0 and 1.
    """
    for node in walk(tree):
        if not isinstance(node, Compare):
            continue
        operator, score, other = node.operator, node.left, node.right
        if isinstance(other, Name):
            operator, score, other = MIRRORED[operator], other, score
        if not isinstance(score, Name) or score.name not in scores or not is_constant(other):
            continue
        answer = _answer(operator, constant_value(other))
        if answer is not None:
            is_so = "true of everybody who has a score" if answer else "never true"
            name = score.name.removeprefix(_SCORE)
            yield f"{normalized(node)} is {is_so}: the scores of {name} lie between 0 and 1"


def _answer(operator: str, limit: object) -> bool | None:
    """Return the answer to ``score OPERATOR limit`` where it is the same for all, else None."""
    if isinstance(limit, bool) or not isinstance(limit, int | float):
        return None
    if (operator, limit) in {(">", 1), ("<", 0)}:
        return False
    if 0 <= limit <= 1:
        return None
    return operator in {"!=", ">" if limit < 0 else "<", ">=" if limit < 0 else "<="}
