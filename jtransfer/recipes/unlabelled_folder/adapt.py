"""From a labelled folder and one without labels to a model of the second, or the advice to stay."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.image_files import ImageFiles
from jtransfer.measure.calibration import probabilities_of
from jtransfer.measure.page import render_page
from jtransfer.nets.weights.download import cache_folder as default_cache_folder
from jtransfer.recipes.adaptation.feature_methods import FEATURE_METHODS
from jtransfer.recipes.own_folder.frozen_trunk import (
    FrozenTrunk,
    at_hand,
    load_trunk,
    require_some,
)
from jtransfer.recipes.own_folder.intake import called, listed
from jtransfer.recipes.own_folder.model import Model
from jtransfer.recipes.own_folder.model_folder import made_before, save_model
from jtransfer.recipes.own_folder.pooled_features import OnUnreadable, pooled_features
from jtransfer.recipes.unlabelled_folder.decide import Decision, decide, parts_of
from jtransfer.recipes.unlabelled_folder.description import Domains, described
from jtransfer.recipes.unlabelled_folder.report import report_of
from jtransfer.recipes.unlabelled_folder.target_probe import target_probe
from jtransfer.recipes.unlabelled_folder.target_table import Guessed, drawn_sample, tables
from jtransfer.recipes.unlabelled_folder.trained import TRAINED, train_nets
from jtransfer.recipes.unlabelled_folder.unlabelled import Unlabelled, unlabelled

_FEWEST = 10  # target images: of fewer there is neither a mean nor a cluster to speak of


def adapt(
    source: ImageFiles | Path | str,
    target: Path | str,
    *,
    out: Path | str | None = None,
    trunk: str | None = None,
    methods: Sequence[str] = tuple(FEATURE_METHODS),
    train: str | None = None,
    steps: int | None = None,
    precision: float = 0.95,
    sample: int = 100,
    on_unreadable: OnUnreadable = "stop",
    workers: int = 2,
    seed: int = 0,
    cache_folder: Path | str | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Model:
    """Make a model for images without labels, of the classes of others that have some.

    Methods of adaptation are fitted to the features of a pretrained net (`FrozenTrunk.last_maps`,
    which on the development pairs was better than the last layer), which are taken once and kept
    as those of `fit` are, and one is chosen without a label of the target; the source-only
    model is always among them, and to keep it is an answer (`model.about["choice"]`). Whatever is
    done to the target's features is part of the model's classifier (see `target_probe`).

    What was interrupted goes on when it is called again; where `out` holds the model of the same
    images and settings, that is returned.

    Args:
      source: with one folder of images a class, or the images as listed.
      target: images in any folders, whose names are not looked at; or a csv that names them.
      out: folder for the model, its page and the tables of guesses, which must not be there; None
        to keep the model in memory.
      trunk: name of the net, a key of `PRETRAINED`; by default the quickest that is `at_hand`.
      methods: keys of `FEATURE_METHODS` to try beside the source-only model.
      train: a method of `TRAINED` by which the whole net is trained, as one more candidate, and a
        net that is trained on the source alone as another one; None to train none. On a CPU that
        takes far longer than all the rest.
      steps: of each of the two trainings; by default five times through the source, but at least
        200 and at most 2,000.
      precision: share of right guesses, on the source, among those that the model is sure of.
      sample: how many target images are drawn for a person to check.
      on_unreadable: "stop" at an image that cannot be read, or "skip" it.
      workers: processes that decode images; 0 decodes in this one.
      seed: of the draws.
      cache_folder: for features; by default `features` in `JTRANSFER_CACHE` or
        `~/.cache/jtransfer`.
      tell: is told how far it is, in lines.

    Raises:
      DataError: if a folder cannot be used, a class has fewer than three images, the target fewer
        than ten, or an image cannot be read.
      WeightsError: if there are no weights, or they cannot be read.
      ModelError: if `out` is there and is no model of the same images and settings.
      ValueError: if a number is out of range, or there is no method or net of a name.
    """
    if not 0 < precision < 1 or sample < 1:
        raise ValueError(
            f"a precision of {precision} and a sample of {sample}; expected a precision between 0 "
            "and 1, such as 0.95, and a sample of at least 1 image"
        )
    unknown = [each for each in methods if each not in FEATURE_METHODS]
    if unknown:
        raise ValueError(f"no method {unknown[0]!r}; expected some of {', '.join(FEATURE_METHODS)}")
    if train is not None and train not in TRAINED:
        raise ValueError(f"no method {train!r} to train a net by; expected {', '.join(TRAINED)}")
    if steps is not None and (train is None or steps < 1):
        raise ValueError(
            f"{steps} steps with train={train!r}; expected at least 1, and a method to train by, "
            f"such as {TRAINED[0]!r}. Name one, or leave the steps out"
        )
    known, other = listed(source), unlabelled(target)
    name = require_some(at_hand() if trunk is None else (trunk,))[0]
    fingerprint = known.fingerprint()
    settings: dict[str, Any] = {
        "source": fingerprint,
        "target": other.fingerprint,
        "trunk": name,
        "methods": list(dict.fromkeys(methods)),
        "precision": precision,
        "sample": sample,
        "on_unreadable": on_unreadable,
        "seed": seed,
        **({} if train is None else {"train": train, "steps": steps}),
    }
    if out is not None:
        made = made_before(Path(out).expanduser(), settings)
        if made is not None:
            tell("made before, of the same images and settings")
            return made
    tell(f"source: {len(known):,} images of {len(known.classes)} classes; target: {len(other):,}")
    loaded = load_trunk(name)
    cache = Path(cache_folder) if cache_folder else default_cache_folder() / "features"
    cache = cache.expanduser()

    def taken(files: ImageFiles, fingerprint: str) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the images that could be read, and their features."""
        features = pooled_features(
            loaded,
            files,
            cache_folder=cache,
            fingerprint=fingerprint,
            workers=workers,
            on_unreadable=on_unreadable,
        )
        rows = np.flatnonzero(features.present)
        return rows, np.asarray(features.layers[loaded.last_maps][rows])

    source_rows, source_features = taken(known, fingerprint)
    target_rows, target_features = taken(other.files, other.fingerprint)
    used, there = known.take(source_rows), _of(other, target_rows)
    working, trained = cache / "adapting" / _short_hash(settings), {}
    if train is not None:
        tell(f"training {loaded.name} on the source alone, then by {train}")
        trained = train_nets(
            loaded,
            train,
            used,
            parts_of(used.labels, used.classes, seed=seed),
            there.files,
            steps=steps,
            seed=seed,
            workers=workers,
            folder=working,
        )
    decision = decide(
        source_features,
        used.labels,
        target_features,
        used.classes,
        methods=settings["methods"],
        trained=trained,
        precision=precision,
        seed=seed,
        tell=tell,
    )
    guessed = _guessed(decision, there, target_features, used.classes, sample, seed)
    model = _model(loaded, decision, target_features, used.classes)
    domains = Domains(
        used,
        there,
        source_features,
        target_features,
        [called(known.paths[row]) for row in _missing(len(known), source_rows)],
        [other.names[row] for row in _missing(len(other), target_rows)],
    )
    model = replace(model, about=described(domains, decision, guessed, settings))
    if out is not None:
        report = report_of(domains, decision, guessed, model, Path(out))
        save_model(model, out, report=render_page(report), tables=tables(guessed))
    shutil.rmtree(working, ignore_errors=True)  # nothing goes on from there any more
    return model


def _short_hash(settings: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def _of(target: Unlabelled, rows: np.ndarray) -> Unlabelled:
    """The images that could be read."""
    if len(rows) < _FEWEST:
        raise DataError(
            f"{target.files.name} has {len(rows)} images that can be read; expected at least "
            f"{_FEWEST} to adapt to. Add more, or use a model of `jtransfer fit` as it is"
        )
    return Unlabelled(
        target.files.take(rows), tuple(target.names[row] for row in rows), target.fingerprint
    )


def _missing(count: int, rows: np.ndarray) -> list[int]:
    return np.setdiff1d(np.arange(count), rows).tolist()


def _guessed(
    decision: Decision,
    target: Unlabelled,
    features: np.ndarray,
    classes: tuple[str, ...],
    sample: int,
    seed: int,
) -> Guessed:
    chosen = decision.chosen
    _, own = decision.given(features, features)
    scores = chosen.target_scores(own)
    return Guessed(
        target.names,
        classes,
        probabilities_of(scores, decision.temperature),
        decision.source.predict(features),
        decision.threshold,
        drawn_sample(len(target), sample, seed=seed),
    )


def _model(
    trunk: FrozenTrunk, decision: Decision, target: np.ndarray, classes: tuple[str, ...]
) -> Model:
    layer = trunk.last_maps
    if decision.net is not None:
        trunk, target = decision.net.trunk, decision.net.target
        layer = trunk.layers[-1]
    return Model(
        classes=classes,
        trunk=trunk.until(layer),
        layer=layer,
        unit_length=False,
        probe=target_probe(decision.chosen, target),
        temperature=decision.temperature,
        threshold=decision.threshold,
    )
