"""Names and places of the blocks of transformers, which every publisher counts from 0."""

from collections.abc import Mapping

from jtransfer.nets.weights.torch_layout import Path, Place


def block_modules(
    prefix: str, names: Mapping[str, str], depth: int, *, under: Path = ()
) -> dict[str, Path]:
    """The paths of the modules of all blocks, by the publisher's names of them.

    Args:
      prefix: before the number of the block.
      names: for our paths in a block, with slashes, what the publisher calls it there.
      depth: number of blocks.
      under: the path of the blocks themselves, which are called block1, block2, ...
    """
    return {
        f"{prefix}.{number}.{theirs}": (*under, f"block{number + 1}", *ours.split("/"))
        for number in range(depth)
        for ours, theirs in names.items()
    }


def fused_attentions(pattern: str, depth: int, *, under: Path = ()) -> dict[str, Place]:
    """The places of layers that are query, key and value in one, of all blocks.

    Args:
      pattern: of the entries, with {number} of the block and {kind}, weight or bias.
      depth: number of blocks.
      under: the path of the blocks.
    """
    return {
        pattern.format(number=number, kind=kind): Place(
            tuple(
                ("params", *under, f"block{number + 1}", "attention", name, leaf)
                for name in ("query", "key", "value")
            )
        )
        for number in range(depth)
        for kind, leaf in (("weight", "kernel"), ("bias", "bias"))
    }


def layer_scales(pattern: str, depth: int) -> dict[str, Place]:
    """The places of the gains of layer scale, of all blocks.

    Args:
      pattern: of the entries, with {number} of the block and {branch}, 1 for the attention and 2
        for the net behind it.
      depth: number of blocks.
    """
    return {
        pattern.format(number=number, branch=branch): Place(
            (("params", f"block{number + 1}", f"{name}_scale"),)
        )
        for number in range(depth)
        for branch, name in enumerate(("attention", "mlp"), start=1)
    }
