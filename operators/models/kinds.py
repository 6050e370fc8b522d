"""From a model's plan to what learns, and to what looks for changes.

River takes a second to import; so its parts are imported where a model is made, and a command
without models does not wait for them.
"""

# ruff: noqa: PLC0415 (see above)

from operators.models.baseline import Baseline
from operators.models.learner import Learner
from operators.models.plan import ModelPlan
from operators.models.rfm import Rfm
from operators.models.step import Drift


def make_learner(plan: ModelPlan) -> Learner:
    """Make a model of the plan's kind that has learned nothing yet.

    Raises:
        ValueError: it cannot be made with these parameters; the config's check says so before.
    """
    learner = _of_kind(plan)
    if not plan.calibrate:
        return learner
    from operators.models.calibration import Calibrated

    return Calibrated(learner)


def make_drift(name: str, plan: ModelPlan) -> Drift:
    """Make what looks for changes in what a model learns from.

    Args:
        name: of the config.
        plan: the model.
    """
    from operators.models import drift

    return drift.Drift(name, plan)


def _of_kind(plan: ModelPlan) -> Learner:
    match plan.kind:
        case "baseline":
            return Baseline(is_sum=bool(plan.target.value))
        case "rfm":
            return Rfm()
        case "logistic_regression":
            from operators.models.logistic import LogisticRegression

            return LogisticRegression(plan.inputs, plan.parameters)
        case _:
            from operators.models.river_kinds import RiverModel

            return RiverModel(plan.kind, plan.inputs, plan.parameters)
