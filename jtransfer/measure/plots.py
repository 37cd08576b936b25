"""The figures of a run, each in its own file."""

from jtransfer.measure.confusion import confusion_figure
from jtransfer.measure.curves import curves_figure
from jtransfer.measure.samples import samples_figure
from jtransfer.measure.scatter import embedding_figure

__all__ = ["confusion_figure", "curves_figure", "embedding_figure", "samples_figure"]
