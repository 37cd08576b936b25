"""Where examples come from: named sources, synthetic domains, batches."""

from jtransfer.data.examples import DataError as DataError
from jtransfer.data.examples import Examples as Examples
from jtransfer.data.examples import require_same_classes as require_same_classes
from jtransfer.data.examples import require_same_pixels as require_same_pixels
from jtransfer.data.sources import load as load
