"""Classes of images that nobody showed an example of: by their names, or by their attributes."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.intake.class_names import class_name
from jtransfer.data.intake.image_folder import ImageFolder, image_folder
from jtransfer.files.reading import is_there
from jtransfer.files.writing import writing
from jtransfer.measure.metrics import mean_per_class_accuracy
from jtransfer.nets.weights.download import cache_folder as default_cache_folder
from jtransfer.nets.weights.pretrained_clip import PretrainedClip
from jtransfer.recipes.own_folder.frozen_trunk import FrozenTrunk
from jtransfer.recipes.own_folder.pooled_features import OnUnreadable, pooled_features
from jtransfer.train.evaluation import map_batches
from jtransfer.transfer.zero_shot.image_text import PROMPTS, fill_prompts, fit_names

_TEXTS = 32  # at a time
_EMBEDDING = "projection"


@dataclass(frozen=True, eq=False)
class Named:
    """What images are said to show.

    Attributes:
      paths: of the images that could be read.
      classes: names that were chosen from.
      scores: [n, classes]; probabilities by names, compatibilities by attributes.
      measure: what a score is.
      accuracy: mean accuracy per class on the images whose folder says one of the classes; None
        where no folder does.
      how: in a sentence.
    """

    paths: tuple[Path, ...]
    classes: tuple[str, ...]
    scores: np.ndarray
    measure: Literal["probability", "score"]
    accuracy: float | None
    how: str

    @property
    def names(self) -> list[str]:
        """Name of the likeliest class of each image."""
        return [self.classes[place] for place in self.scores.argmax(axis=1).tolist()]


def name_images(
    folder: ImageFolder | Path | str,
    clip: PretrainedClip,
    *,
    classes: Sequence[str] | None = None,
    prompts: Sequence[str] = PROMPTS,
    on_unreadable: OnUnreadable = "stop",
    workers: int = 2,
    cache_folder: Path | str | None = None,
) -> Named:
    """Name images by CLIP's towers: the class whose name in the prompts is most like the image.

    The images' embeddings are taken once and kept in the cache; what was interrupted goes on.

    Args:
      folder: of images, labelled or not, as `image_folder` takes it.
      clip: the towers, such as `pretrained_clip("clip_vit_b32")`.
      classes: names to choose from, as a caption would have them; an underscore is read as a space.
        By default the folder's own.
      prompts: texts with one {} each (Radford et al. 2021, section 3.1.4).
      on_unreadable: "stop" at an image that cannot be read, or "skip" it.
      workers: processes that decode images; 0 decodes in this one.
      cache_folder: for embeddings, as in `fit`.

    Raises:
      DataError: if there is no image, one cannot be read, or there are not two classes.
      ValueError: if a prompt has not one place for a name.
    """
    listed, names = _asked(folder, classes)
    texts = fill_prompts([name.replace("_", " ") for name in names], prompts)
    tokens = clip.tokenizer([text for each in texts for text in each])
    encode = jax.jit(partial(clip.net.apply, method="encode_text"))
    variables = {"params": clip.variables["params"]}
    embedded = map_batches(partial(encode, variables), tokens, batch=min(_TEXTS, len(tokens)))
    scale = jnp.exp(clip.variables["params"]["logit_scale"])
    known = fit_names(embedded.reshape(len(names), len(prompts), -1), scale=scale)
    image = {"params": clip.variables["params"]["image"]}
    tower = FrozenTrunk(clip.name, clip.net.image, image, clip.preprocessing, clip.sha256)
    rows, embeddings = _features(tower, listed, _EMBEDDING, on_unreadable, workers, cache_folder)
    return _named(
        listed,
        rows,
        names,
        np.asarray(jax.nn.softmax(known.decision(embeddings))),
        "probability",
        f"{clip.name}, {len(prompts)} prompts a class",
    )


def name_by(
    decide: Callable[[np.ndarray], np.ndarray],
    trunk: FrozenTrunk,
    folder: ImageFolder | Path | str,
    classes: Sequence[str],
    *,
    how: str,
    on_unreadable: OnUnreadable = "stop",
    workers: int = 2,
    cache_folder: Path | str | None = None,
) -> Named:
    """Name images by scores of a trunk's last layer.

    Args:
      decide: from features [n, dims] to scores [n, classes].
      trunk: whose last layer is read.
      folder: as for `name_images`, and the rest likewise.
      classes: names of the scores.
      how: scores came about, in a sentence.
      on_unreadable: as for `name_images`.
      workers: likewise.
      cache_folder: likewise.

    Raises:
      DataError: as `name_images`.
    """
    listed, names = _asked(folder, classes)
    last = trunk.net.stage_names[-1]
    rows, features = _features(trunk, listed, last, on_unreadable, workers, cache_folder)
    return _named(listed, rows, names, decide(features), "score", how)


def write_names(named: Named, out: Path | str) -> None:
    """Write a csv: file, class, its probability or score, second class.

    Raises:
      DataError: if it is there.
    """
    if is_there(out):
        raise DataError(
            f"{out} is there already; expected a new file. Choose another, or remove it"
        )
    with writing(out) as raw:
        stream = TextIOWrapper(raw, encoding="utf-8", errors="surrogateescape", newline="")
        table = csv.writer(stream, lineterminator="\n")
        table.writerows(lines(named))
        stream.flush()
        stream.detach()


def lines(named: Named) -> list[tuple[str, str, str, str]]:
    """Columns' names, then a row for each image."""
    order = np.argsort(-named.scores, axis=1, kind="stable")
    names = named.classes
    return [
        ("file", "class", named.measure, "second class"),
        *(
            (str(path), names[first], f"{scores[first]:.4f}", names[second])
            for path, scores, (first, second) in zip(
                named.paths, named.scores, order[:, :2].tolist(), strict=True
            )
        ),
    ]


def _asked(
    folder: ImageFolder | Path | str, classes: Sequence[str] | None
) -> tuple[ImageFolder, tuple[str, ...]]:
    """The images, and the names to choose from."""
    listed = folder if isinstance(folder, ImageFolder) else image_folder(folder)
    given = listed.classes if classes is None else classes
    names = tuple(dict.fromkeys(class_name(each) for each in given))
    if len(names) < 2:
        said = f"{len(names)} classes ({', '.join(names)})" if names else "no class"
        raise DataError(
            f"{listed.name} is to be told by {said}; expected two or more to choose from. Name "
            "them, such as --classes fox wolf"
        )
    return listed, names


def _features(
    trunk: FrozenTrunk,
    listed: ImageFolder,
    layer: str,
    on_unreadable: OnUnreadable,
    workers: int,
    cache_folder: Path | str | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the images that could be read, and a layer of these."""
    cache = Path(cache_folder) if cache_folder else default_cache_folder() / "features"
    taken = pooled_features(
        trunk,
        listed.every(),
        cache_folder=cache.expanduser(),
        layers=(layer,),
        workers=workers,
        on_unreadable=on_unreadable,
    )
    rows = np.flatnonzero(taken.present)
    if not rows.size:
        raise DataError(f"none of the {len(listed):,} images of {listed.name} can be read")
    return rows, np.asarray(taken.layers[layer][rows], np.float32)


def _named(
    listed: ImageFolder,
    rows: np.ndarray,
    names: tuple[str, ...],
    scores: np.ndarray,
    measure: Literal["probability", "score"],
    how: str,
) -> Named:
    places = {name: place for place, name in enumerate(names)}
    own = np.array([places.get(listed.label_name(row), -1) for row in rows.tolist()])
    known = own >= 0
    accuracy = None
    if known.any():
        guesses = scores.argmax(axis=1)
        accuracy = mean_per_class_accuracy(guesses[known], own[known], len(names))
    paths = tuple(listed.paths[row] for row in rows)
    return Named(paths, names, scores, measure, accuracy, how)
