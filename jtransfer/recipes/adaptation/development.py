"""The pairs of domains on which defaults are decided."""

DEVELOPMENT: tuple[tuple[str, str], ...] = (
    ("mnist", "mnist_m"),
    ("mnist", "usps"),
    ("usps", "mnist"),
    ("numbers", "digits"),
    ("photo", "art_painting"),
    ("art_painting", "photo"),
)
"""Source and target, drawn numbers to `sklearn:digits` and two domains of PACS among them.

Every default of the methods on features, and the rule by which one of them is chosen, is decided
here alone, with a look at these targets' labels, and then frozen. All other pairs are run with what
was decided, and their targets' labels are looked at once, to report.
"""

TRAINED_BY = "shot"
"""The method by which `jtransfer adapt --train` trains a net where none is named.

The best of those that `experiments.adapt_trunk` tried on photo to art_painting, one seed; decided
before it was run on another pair.
"""
