"""Where examples come from: named sources, synthetic domains, batches."""

from jtransfer.data.examples import (
    DataError as DataError,
    Examples as Examples,
    require_same_classes as require_same_classes,
    require_same_pixels as require_same_pixels,
)
from jtransfer.data.loading import load as load
