"""How a transfer is judged: metrics, domain discrepancy, plots and tables."""

from jtransfer.measure.discrepancy import proxy_a_distance
from jtransfer.measure.embedding import Embedding, project
from jtransfer.measure.metrics import (
    accuracy,
    confusion_matrix,
    gap_closed,
    mean_per_class_accuracy,
)
from jtransfer.measure.plots import (
    confusion_figure,
    curves_figure,
    embedding_figure,
    samples_figure,
)
from jtransfer.measure.tables import console_table, markdown_table, mean_std

__all__ = [
    "Embedding",
    "accuracy",
    "confusion_figure",
    "confusion_matrix",
    "console_table",
    "curves_figure",
    "embedding_figure",
    "gap_closed",
    "markdown_table",
    "mean_per_class_accuracy",
    "mean_std",
    "project",
    "proxy_a_distance",
    "samples_figure",
]
