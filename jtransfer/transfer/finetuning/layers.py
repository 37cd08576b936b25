"""Which layers are carried over: the first n, the last n, or all but some.

A net's layers are the stages of its trunk and its head, by their paths in the tree of variables:
`trunk/conv1`, ..., `head`. Carrying layers over copies the leaves below these paths, parameters and
batch-norm statistics alike, from one tree into another. So all experiments of Yosinski et al. 2014
are a choice of names:

    AnB    copy_layers(fresh, of_a, first_layers(net, n)), these frozen
    AnB+   the same, everything fine-tuned
    BnB    copy_layers(fresh, of_b, first_layers(net, n)), these frozen

and speech recognition's "copy the last layers" is `last_layers(net, n)`.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from flax.traverse_util import flatten_dict, unflatten_dict

from jtransfer.nets.classifier import Classifier

HEAD, TRUNK = "head", "trunk"

Variables = Mapping[str, Any]


class LayerError(ValueError):
    """Layers that cannot be carried over."""


def layer_names(net: Classifier) -> tuple[str, ...]:
    """Paths of a net's layers, first to last: the stages of its trunk and its head."""
    return (*(f"{TRUNK}/{stage}" for stage in net.trunk.stage_names), HEAD)


def first_layers(net: Classifier, count: int) -> tuple[str, ...]:
    """Paths of the first `count` layers.

    Raises:
      LayerError: if the net has fewer.
    """
    return _counted(net, count)[:count]


def last_layers(net: Classifier, count: int) -> tuple[str, ...]:
    """Paths of the last `count` layers, of which the last one is the head.

    Raises:
      LayerError: if the net has fewer.
    """
    names = _counted(net, count)
    return names[len(names) - count :]


def copy_layers(fresh: Variables, donor: Variables, layers: Sequence[str]) -> dict[str, Any]:
    """Variables with the named layers of `donor`, and all others of `fresh`.

    Args:
      fresh: {collection: tree} of the net that is to be trained, newly initialised.
      donor: the variables that layers are taken from; what else they hold does not matter.
      layers: paths such as `trunk/conv1`, `head` or `head/out`; a path names all below it.

    Raises:
      LayerError: if a path names nothing, or the layers differ in their leaves or shapes, listing
        every difference.
    """
    _require_layers(fresh, layers)
    return _merged(fresh, donor, lambda path: _below(path, layers))


def adopt(
    fresh: Variables, donor: Variables, *, reinitialise: Sequence[str] = ()
) -> dict[str, Any]:
    """The variables of `donor`, but for the layers that are re-initialised by name.

    Args:
      fresh: {collection: tree} of the net that is to be trained, newly initialised.
      donor: a checkpoint's variables, of the same architecture apart from these layers.
      reinitialise: paths of the layers that are taken from `fresh`, such as `head`.

    Raises:
      LayerError: if a path names nothing, or the two differ elsewhere: as `copy_layers`, and naming
        the layers to re-initialise.
    """
    _require_layers(fresh, reinitialise)
    return _merged(fresh, donor, lambda path: not _below(path, reinitialise))


def _merged(fresh: Variables, donor: Variables, taken: Callable[[str], bool]) -> dict[str, Any]:
    """`fresh` with those leaves of `donor` whose path below the collection is taken."""
    here: dict[tuple[str, ...], Any] = flatten_dict(fresh)
    there: dict[tuple[str, ...], Any] = flatten_dict(donor)
    wanted = {path for path in here if taken(_said(path))}
    given = {path for path in there if taken(_said(path)) and path[0] in fresh}
    differing = {
        path
        for path in wanted | given
        if path not in here or path not in there or jnp.shape(here[path]) != jnp.shape(there[path])
    }
    if differing:
        lines = [
            f"{_said(path)}: {_shape(there, path)} there, {_shape(here, path)} here"
            for path in sorted(differing)
        ]
        layers = sorted({_layer(path) for path in differing})
        listed = "\n  ".join(lines)
        classes = (
            f" The head there has {_classes(there)} classes, the one here {_classes(here)}."
            if layers == [HEAD] and _classes(there) != _classes(here)
            else ""
        )
        raise LayerError(
            "the checkpoint does not fit the net; expected the same leaves and shapes in the "
            f"layers that are carried over.{classes} Take a checkpoint of this architecture, or "
            f"leave these layers new: adopt(fresh, donor, reinitialise={tuple(layers)}). "
            f"Differences ({len(lines)}):\n  {listed}"
        )
    return unflatten_dict(
        {path: there[path] if path in wanted else leaf for path, leaf in here.items()}
    )


def _counted(net: Classifier, count: int) -> tuple[str, ...]:
    names = layer_names(net)
    if not 0 <= count <= len(names):
        raise LayerError(
            f"{count} layers; expected 0 to {len(names)}, since the net has {', '.join(names)}"
        )
    return names


def _require_layers(variables: Variables, layers: Sequence[str]) -> None:
    paths = [_said(path) for path in flatten_dict(variables)]
    for layer in layers:
        if not any(_below(path, [layer]) for path in paths):
            known = sorted({"/".join(path.split("/")[:2]) for path in paths} | {HEAD})
            close = ", ".join(difflib.get_close_matches(layer, known, n=3, cutoff=0.0))
            raise LayerError(f"no layer {layer!r} in the net; the closest are {close}")


def _below(path: str, layers: Sequence[str]) -> bool:
    return any(f"{path}/".startswith(f"{layer}/") for layer in layers)


def _said(path: tuple[str, ...]) -> str:
    """The path below the collection."""
    return "/".join(path[1:])


def _layer(path: tuple[str, ...]) -> str:
    return "/".join(path[1:3]) if path[1] == TRUNK else path[1]


def _shape(leaves: Mapping[tuple[str, ...], Any], path: tuple[str, ...]) -> Any:
    return list(jnp.shape(leaves[path])) if path in leaves else "nothing"


def _classes(leaves: Mapping[tuple[str, ...], Any]) -> int | None:
    bias = leaves.get(("params", HEAD, "out", "bias"))
    return None if bias is None else jnp.shape(bias)[0]
