"""A net with published weights in one call: trunk, variables and preprocessing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.nets.domain_statistics import statistics_per_domain
from jtransfer.nets.initial import initial
from jtransfer.nets.parts.trunk import Trunk
from jtransfer.nets.weights.catalogue.imagenet import imagenet_classes
from jtransfer.nets.weights.error import WeightsError
from jtransfer.nets.weights.preprocessing import Preprocessing
from jtransfer.nets.weights.pretrained import load_pretrained, published_weights


@dataclass(frozen=True, eq=False)
class PretrainedNet:
    """A trunk, its published weights, and how it wants its images; unpacks to these three.

    Attributes:
      trunk: the stages that were asked for.
      variables: of the trunk, {collection: {stage: ...}} of NumPy arrays.
      preprocessing: how images are scaled, cut and normalised. Normalisation is not in the trunk:
        apply `trunk` to `preprocessing.normalise(pixels)`, in one program.
      name: of the weights.
      sha256: of the file that they are from.
      classes: names of the outputs, where the trunk has the published head; else None.
    """

    trunk: Trunk
    variables: Mapping[str, Any]
    preprocessing: Preprocessing
    name: str
    sha256: str
    classes: tuple[str, ...] | None = None

    def __iter__(self) -> Iterator[Any]:
        """Trunk, variables, preprocessing."""
        return iter((self.trunk, self.variables, self.preprocessing))

    def below(self, name: str = "trunk") -> dict[str, Any]:
        """The variables as a net has them that calls this trunk by a name.

        `adopt(net.init(key, images), pretrained.below(), reinitialise=("head",))` puts them into a
        `Classifier`, with `("label_head", "domain_head")` into an `AdaptationNet`.
        """
        return {collection: {name: tree} for collection, tree in self.variables.items()}


def pretrained(
    name: str,
    *,
    classes: int | None = None,
    until: str | None = None,
    path: Path | str | None = None,
    size: int | None = None,
    num_domains: int | None = None,
    key: jax.Array | None = None,
    cache_folder: Path | str | None = None,
    **options: Any,
) -> PretrainedNet:
    """A net with published weights, ready for a probe, a new head, or an `AdaptationNet`.

    Without `classes` and `until` it ends with its features, before the head that names ImageNet's
    classes. `until="fc"`, or whatever the head is called, gives the published classifier;
    `classes=7` gives a new head of seven classes on published features.

    >>> trunk, variables, preprocessing = pretrained("efficientnet_lite0")
    >>> trunk.stage_names[-1], preprocessing.size
    ('top', 224)
    >>> pretrained("efficientnet_lite0", until="fc").classes[:2]
    ('tench', 'goldfish')

    Args:
      name: of the weights, as `trunks` lists them.
      classes: outputs of the head, which is drawn anew; with `until` naming the head it comes from
        the file too, which then is one of a net of so many classes.
      until: the last stage.
      path: of a file of weights with the publisher's names (see `load_pretrained`); by default the
        publisher's own, from the package that ships it or downloaded once.
      size: side of the images in pixels, if it is not the published one.
      num_domains: how many domains batch norms keep statistics of, each from the published ones, in
        a net that has batch norm. None: all domains have the same.
      key: for the new head; by default `jax.random.key(0)`.
      cache_folder: where downloads are kept; by default `JTRANSFER_CACHE` or `~/.cache/jtransfer`.
      **options: further arguments of the function that builds the net, such as
        `frozen_statistics=False`.

    Raises:
      WeightsError: if the name or the stage is unknown, a head is asked for that was not published,
        or the weights cannot be had or do not fit (see `load_pretrained`).
    """
    published = published_weights(name)
    preprocessing = published.preprocessing.at(size or published.preprocessing.size)
    if classes is not None and published.classes is None:
        raise WeightsError(
            f"classes={classes} of {name}, whose last stage {published.head} names none; expected "
            "no classes. Put a head on it: jt.Classifier(trunk, jt.Head((), classes))"
        )
    if classes is not None:
        options["classes"] = classes
    elif until == published.head and published.classes == 0:
        raise WeightsError(
            f"until={until!r} of {name}, which was published without a head; expected an earlier "
            "stage, or classes= for a new head"
        )
    trunk = _until(published.build(**options), name, until, classes)
    last = trunk.stage_names[-1]
    images = jax.ShapeDtypeStruct((1, preprocessing.size, preprocessing.size, 3), jnp.float32)
    template = jax.eval_shape(trunk.init, jax.random.key(0), images)
    is_new = until is None and last == published.head
    loaded = load_pretrained(
        name, template, path=path, without=(last,) if is_new else (), cache_folder=cache_folder
    )
    variables = loaded.variables
    if is_new:
        drawn = _draw_last(trunk, images, jax.random.key(0) if key is None else key)
        variables = {
            collection: {**variables.get(collection, {}), **drawn.get(collection, {})}
            for collection in template
        }
    if num_domains is not None:
        variables = statistics_per_domain(variables, num_domains)
        whole = published.build(num_domains=num_domains, **options)
        trunk = _until(whole, name, last, classes)
    named = last == published.head and classes is None and published.classes
    names = imagenet_classes() if named else None
    return PretrainedNet(trunk, variables, preprocessing, name, loaded.sha256, names)


def _until(whole: Trunk, name: str, until: str | None, classes: int | None) -> Trunk:
    """The stages that are asked for: by default up to the features, or to a head of `classes`."""
    stages = whole.stage_names
    if until is not None and until not in stages:
        raise WeightsError(f"until={until!r} of {name}; expected one of {', '.join(stages)}")
    last = until or stages[-2 if classes is None else -1]
    return whole.clone(stages=whole.stages[: stages.index(last) + 1])


def _draw_last(
    trunk: Trunk, images: jax.ShapeDtypeStruct, key: jax.Array
) -> dict[str, dict[str, Any]]:
    """New variables of the last stage alone, {collection: {stage: ...}}."""
    name, stage = trunk.stages[-1]
    below = trunk.clone(stages=trunk.stages[:-1])
    features, _ = jax.eval_shape(below.init_with_output, key, images)
    drawn = initial(stage(name=name), key, np.zeros(features.shape, features.dtype))
    return {collection: {name: tree} for collection, tree in drawn.items()}
