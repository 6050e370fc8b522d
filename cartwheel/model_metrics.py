"""What each model is worth, as metrics: a gauge a figure, by model and window."""

from collections.abc import Callable, Iterator

from cartwheel.observed import View

WINDOWS = {"all": "all_time", "rolling": "rolling"}
"""The values of the label, and what a report calls them."""

FIGURES = {
    "pairs": ("n", "Pairs of a score and what became of it."),
    "rate": ("rate", "How often it came true."),
    "auc": ("auc", "Area under the ROC curve."),
    "log_loss": ("log_loss", "Log loss of the scores."),
    "baseline_log_loss": ("baseline_log_loss", "Log loss of the rate so far."),
    "calibration_error": ("calibration_error", "How far scores are from rates."),
    "precision": ("precision", "Of what was predicted, the share that came."),
    "recall": ("recall", "Of what came, the share that was predicted."),
    "f1": ("f1", "The harmonic mean of precision and recall."),
    "absolute_error": ("mae", "Mean absolute error, of a sum."),
    "baseline_absolute_error": ("baseline_mae", "The same of the mean so far."),
    "squared_error_root": ("rmse", "Root of the mean squared error, of a sum."),
    "baseline_squared_error_root": ("baseline_rmse", "The same of the mean so far."),
    "mean_error": ("mean_error", "By how much scores are too high, of a sum."),
}
"""By the end of the metric's name: what a report calls it, and what it tells."""

Sample = tuple[tuple[str, ...], float]


def figure(key: str) -> Callable[[View], Iterator[Sample]]:
    """Give a figure of all models; what is not defined, such as an AUC of nothing, is left out."""

    def samples(view: View) -> Iterator[Sample]:
        for name, report in sorted(view.models.items()):
            for window, attribute in WINDOWS.items():
                value = getattr(report, attribute).get(key)
                if value is not None:
                    yield (name, window), value

    return samples


def sizes(view: View) -> Iterator[Sample]:
    """Give the size of each model."""
    for name, report in sorted(view.models.items()):
        yield (name,), report.bytes
