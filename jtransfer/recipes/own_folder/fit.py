"""From a folder of images to a model that tells its classes, with an honest estimate."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np

from jtransfer.data.examples import DataError
from jtransfer.data.image_files import ImageFiles
from jtransfer.measure.page import render_page
from jtransfer.nets.weights.download import cache_folder as default_cache_folder
from jtransfer.recipes.features.scaling import scaled
from jtransfer.recipes.own_folder.choice import Nested, choose
from jtransfer.recipes.own_folder.description import described
from jtransfer.recipes.own_folder.estimate import calibrate, estimate
from jtransfer.recipes.own_folder.fine_tuning import (
    FineTune,
    fine_tuned,
    forget,
    not_tuned,
    wanted,
)
from jtransfer.recipes.own_folder.frozen_trunk import (
    FrozenTrunk,
    at_hand,
    load_trunk,
    require_some,
)
from jtransfer.recipes.own_folder.held_out_split import judge_test
from jtransfer.recipes.own_folder.intake import called, learned_and_test
from jtransfer.recipes.own_folder.model import KeptFeatures, Model
from jtransfer.recipes.own_folder.model_folder import made_before, save_model
from jtransfer.recipes.own_folder.pooled_features import OnUnreadable, pooled_features
from jtransfer.recipes.own_folder.report import report_of
from jtransfer.transfer.features.example_weights import balanced, even
from jtransfer.transfer.features.held_out_scores import Fitting, fit_probe


def fit(
    folder: ImageFiles | Path | str,
    *,
    out: Path | str | None = None,
    trunks: Sequence[str] | None = None,
    precision: float = 0.95,
    balance: bool | None = None,
    fine_tune: FineTune = "auto",
    steps: int | None = None,
    keep_features: bool = False,
    on_unreadable: OnUnreadable = "stop",
    workers: int = 2,
    seed: int = 0,
    cache_folder: Path | str | None = None,
) -> Model:
    """Make a model of a folder's classes, and say how right it will be on new images.

    The features of the trunks' last layers are taken once and kept in the cache; layer, probe and
    penalty are chosen by cross-validation, and the choosing is judged on images that it did not see
    (see `choose` and `estimate`). What was interrupted goes on when it is called again; where `out`
    holds the model of the same images and settings, that is returned. Where the folder has splits,
    the one called "test" has no part in it and judges the model in the end.

    Args:
      folder: with one folder of images a class, or the images as listed.
      out: folder for the model, which must not be there; None to keep it in memory.
      trunks: names of the nets to try, keys of `PRETRAINED`; by default those whose weights are
        `at_hand`, on a CPU the quickest of them alone.
      precision: share of right guesses among those that the model is sure of.
      balance: whether every class counts the same in fitting, however many images it has; None to
        let cross-validation decide where they differ.
      fine_tune: whether the whole net moves on from the probe (LP-FT): "yes", "no", or "auto",
        which tries it where it is likely to gain (see `wanted`). It is kept where a fold that was
        held out says that it gained, or by "yes" that it did no harm.
      steps: of fine-tuning; None for five times through the images, at least 200.
      keep_features: whether the model keeps the features of its images, to explain what it says.
      on_unreadable: "stop" at an image that cannot be read, or "skip" it.
      workers: processes that decode images; 0 decodes in this one.
      seed: of the folds.
      cache_folder: for features; by default `features` in `JTRANSFER_CACHE` or
        `~/.cache/jtransfer`.

    Raises:
      DataError: if the folder cannot be used, a class has fewer than three images, or an image
        cannot be read.
      WeightsError: if there are no weights, or they cannot be read.
      ModelError: if `out` is there and is no model of the same images and settings.
      ValueError: if the precision is not between 0 and 1, or there is no net of a name.
    """
    if not 0 < precision < 1:
        raise ValueError(f"a precision of {precision}; expected between 0 and 1, such as 0.95")
    files, test = learned_and_test(folder)
    names = _named(trunks)
    fingerprint = files.fingerprint()
    settings = {
        "fingerprint": fingerprint,
        "test": None if test is None else test.fingerprint(),
        "trunks": list(names),
        "precision": precision,
        "balance": balance,
        "fine_tune": fine_tune,
        "steps": steps,
        "keep_features": keep_features,
        "on_unreadable": on_unreadable,
        "seed": seed,
    }
    if out is not None:
        made = made_before(Path(out).expanduser(), settings)
        if made is not None:
            return made
    cache = Path(cache_folder) if cache_folder else default_cache_folder() / "features"
    cache = cache.expanduser()
    loaded = {name: load_trunk(name) for name in names}
    rows, layers = _features(loaded, files, cache, fingerprint, workers, on_unreadable)
    used = files.take(rows)
    nested = choose(layers, used.labels, used.classes, seed=seed, balance=balance)

    def make(without: int | None) -> Model:
        return _model(loaded, layers, used, nested, precision, keep_features, without)

    model, judged = make(None), estimate(nested, used.labels, precision)
    best = nested.whole.candidate
    features = layers[best.trunk, best.layer]
    wants, why = wanted(fine_tune, used.labels, judged)
    tuned = not_tuned(why)
    if wants:
        tuned = fine_tuned(
            fine_tune,
            why,
            make,
            used,
            nested,
            precision=precision,
            steps=steps,
            seed=seed,
            workers=workers,
            keep_features=keep_features,
            cache=cache,
        )
    shown = used
    if tuned.model is not None and tuned.judged is not None:
        model, judged, features = tuned.model, tuned.judged, tuned.features
        shown = used.take(tuned.rows)
    passed_over = [called(files.paths[row]) for row in np.setdiff1d(np.arange(len(files)), rows)]
    on_test = None
    if test is not None:
        on_test = judge_test(model, test, workers=workers, on_unreadable=on_unreadable)
    about = described(used, nested, judged, model, settings, passed_over, tuned.about, on_test)
    model = replace(model, about=about)
    if out is not None:
        report = report_of(used, shown, nested, judged, model, features, Path(out), workers=workers)
        save_model(model, out, report=render_page(report))
        if wants:
            forget(cache, used)
    return model


def _named(trunks: Sequence[str] | None) -> tuple[str, ...]:
    """The nets to try."""
    names = tuple(require_some(at_hand() if trunks is None else tuple(dict.fromkeys(trunks))))
    return names[:1] if trunks is None and jax.default_backend() == "cpu" else names


def _features(
    trunks: dict[str, FrozenTrunk],
    files: ImageFiles,
    cache: Path,
    fingerprint: str,
    workers: int,
    on_unreadable: OnUnreadable,
) -> tuple[np.ndarray, dict[tuple[str, str], np.ndarray]]:
    """Rows of the images that could be read, and their features by trunk and layer, of length 1."""
    taken = {
        name: pooled_features(
            trunk,
            files,
            cache_folder=cache,
            fingerprint=fingerprint,
            workers=workers,
            on_unreadable=on_unreadable,
        )
        for name, trunk in trunks.items()
    }
    rows = np.flatnonzero(np.logical_and.reduce([each.present for each in taken.values()]))
    if not rows.size:
        raise DataError(f"none of the {len(files):,} images of {files.name} can be read")
    return rows, {
        (name, layer): scaled(values[rows])
        for name, features in taken.items()
        for layer, values in features.layers.items()
    }


def _model(
    trunks: dict[str, FrozenTrunk],
    layers: dict[tuple[str, str], np.ndarray],
    files: ImageFiles,
    nested: Nested,
    precision: float,
    keep_features: bool,
    without: int | None,
) -> Model:
    """The chosen probe, fitted to all the images; or what was chosen without a fold, without it."""
    chosen = nested.whole if without is None else nested.without[without]
    rows = nested.folds != (-1 if without is None else without)
    best = chosen.candidate
    features, labels = layers[best.trunk, best.layer][rows], files.labels[rows]
    weights = (balanced if best.balanced else even)(labels)
    probe = fit_probe(
        Fitting(features, labels, len(files.classes), weights), best.probe, best.penalty
    )
    found = calibrate(chosen, nested.folds, files.labels, precision, without)
    kept = None
    if keep_features:
        names = tuple(called(path) for path, there in zip(files.paths, rows, strict=True) if there)
        kept = KeptFeatures(names, features.astype(np.float16))
    return Model(
        classes=files.classes,
        trunk=trunks[best.trunk].until(best.layer),
        layer=best.layer,
        unit_length=True,
        probe=probe,
        temperature=found.temperature,
        threshold=found.threshold,
        kept=kept,
    )
