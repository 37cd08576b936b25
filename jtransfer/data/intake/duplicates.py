"""Images that are there twice: the same bytes, or alike to the eye."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from jtransfer.data.intake.look import Looked

# Bits of 64 in which perceptual hashes of one image may differ after scaling and encoding anew.
_BITS = 10
# Mean difference of the tiles' values, 0 to 255, of one image so treated, and what sharpness of
# other scalings brings: two views of one place differ by more.
_TILES = 6.0
_BLOCK = 2048  # hashes that are compared with as many at a time


@dataclass(frozen=True)
class Duplicates:
    """A group of images that are the same.

    Attributes:
      rows: their positions, two or more, ascending.
      exact: whether all files are the same bytes; otherwise they look alike.
    """

    rows: tuple[int, ...]
    exact: bool


def find_duplicates(looked: Looked) -> list[Duplicates]:
    """Groups of images that are the same, by their bytes or to the eye.

    Images look the same if their perceptual hashes differ in at most 10 bits of 64 and their tiles
    by 6 of 255 on average; what looks the same as one of a group is of the group. Every two
    different hashes are compared, by blocks: 50,000 images take a few seconds.

    Returns:
      The groups, by their first image; an exact one has nothing but equal files, one that is not
      may have some too.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows = looked.readable()
    if not len(rows):
        return []
    # Of equal files one stands for all.
    _, first, file = np.unique(looked.sha256[rows], axis=0, return_index=True, return_inverse=True)
    kinds = rows[first]
    pairs = [*_alike(looked, kinds)]
    one, other = np.concatenate(pairs, axis=1) if pairs else np.empty((2, 0), np.int64)
    links = coo_array((np.ones(len(one), bool), (one, other)), shape=(len(kinds), len(kinds)))
    _, group = connected_components(links, directed=False)
    groups: dict[int, list[int]] = {}
    for row, each in zip(rows.tolist(), file.ravel().tolist(), strict=True):
        groups.setdefault(int(group[each]), []).append(row)
    kind_of = dict(zip(rows.tolist(), file.ravel().tolist(), strict=True))
    return [
        Duplicates(tuple(members), len({kind_of[row] for row in members}) == 1)
        for members in groups.values()
        if len(members) > 1
    ]


def _alike(looked: Looked, kinds: np.ndarray) -> Iterator[np.ndarray]:
    """Pairs [2, p] of positions in `kinds` whose hashes and tiles are alike."""
    bits = np.unpackbits(looked.perceptual[kinds].view(np.uint8).reshape(len(kinds), 8), axis=1)
    signs = 2 * bits.astype(np.float32) - 1  # whose products are 64 - 2 * the bits that differ
    for top in range(0, len(kinds), _BLOCK):
        for left in range(top, len(kinds), _BLOCK):
            near = signs[top : top + _BLOCK] @ signs[left : left + _BLOCK].T >= 64 - 2 * _BITS
            one, other = np.nonzero(near)
            one, other = one + top, other + left
            once = one < other
            yield from _same_tiles(looked, kinds, one[once], other[once])


def _same_tiles(
    looked: Looked, kinds: np.ndarray, one: np.ndarray, other: np.ndarray
) -> Iterator[np.ndarray]:
    for start in range(0, len(one), _BLOCK):
        pair = np.stack([one[start : start + _BLOCK], other[start : start + _BLOCK]])
        first, second = looked.tiles[kinds[pair]].astype(np.int16)
        yield pair[:, np.abs(first - second).mean(axis=(1, 2, 3)) <= _TILES]
