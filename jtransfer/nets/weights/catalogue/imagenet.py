"""Names of the 1,000 classes of ImageNet that published nets tell apart.

`imagenet_classes.txt` has, in the order of the nets' outputs (that of the WordNet ids), the WordNet
id of each class, as timm lists them (Apache-2.0), and its name, as torchvision's weights have it
(BSD-3-Clause): no two of these are the same.
"""

from functools import cache
from importlib.resources import files


@cache
def imagenet_classes() -> tuple[str, ...]:
    """The names, in the order of the outputs: "tench", "goldfish", ..., "toilet tissue"."""
    return tuple(line.split(" ", 1)[1] for line in _lines())


@cache
def imagenet_wordnet_ids() -> tuple[str, ...]:
    """The WordNet ids, in the order of the outputs: "n01440764", ..., "n15075141"."""
    return tuple(line.split(" ", 1)[0] for line in _lines())


def _lines() -> list[str]:
    text = files("jtransfer.nets.weights.catalogue").joinpath("imagenet_classes.txt")
    return text.read_text("utf-8").splitlines()
