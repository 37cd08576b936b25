"""Methods on two folders of image files, which are not held in memory."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from PIL import Image

from jtransfer.data import DataError, Examples
from jtransfer.data.feeds.crops import Crop
from jtransfer.data.feeds.domain_feed import DomainFeed
from jtransfer.data.feeds.file_examples import FileExamples
from jtransfer.data.feeds.resident import ResidentFeed
from jtransfer.data.image_files import ImageFiles
from jtransfer.nets.ganin import AdaptationNet
from jtransfer.nets.parts.trunk import ConvStage, Head, Trunk
from jtransfer.recipes.adaptation import training
from jtransfer.recipes.adaptation.options import Conduct, Options
from jtransfer.recipes.adaptation.problem import Problem
from jtransfer.recipes.adaptation.run_methods import run_methods

CLASSES, CROP = ("a", "b", "c"), Crop(8, 8)
SIZES = {"source": 11, "target": 9, "test": 5, "held_out": 4}


def tiny_net(*, classes, norm=True, dropout=0.0):
    stages = (("conv", lambda name: ConvStage(4, 3, pool=(2, 2), norm=norm, name=name)),)
    return AdaptationNet(Trunk(stages), Head((), classes), Head((3,), 1))


OPTIONS = Options(net=tiny_net, batch=4)


@pytest.fixture(scope="module")
def in_memory():
    random = np.random.default_rng(0)
    return Problem(
        *(
            Examples(
                random.integers(0, 256, (count, 8, 8, 3), np.uint8),
                np.arange(count) % 3,
                CLASSES,
                name,
            )
            for name, count in SIZES.items()
        )
    )


@pytest.fixture(scope="module")
def files(in_memory, tmp_path_factory):
    """The same images as files."""
    folder, parts = tmp_path_factory.mktemp("files"), []
    for name in SIZES:
        examples = getattr(in_memory, name)
        paths = tuple(folder / f"{name}-{row}.png" for row in range(len(examples)))
        for path, image in zip(paths, examples.images, strict=True):
            Image.fromarray(image).save(path)
        parts.append(FileExamples(ImageFiles(paths, examples.labels, CLASSES, name), CROP))
    return Problem(*parts)


def streamed(problem, **changes):
    """The same, no image kept."""
    parts = (getattr(problem, name) for name in SIZES)
    return Problem(*(replace(part, in_memory=0, **changes) for part in parts))


def unlabelled(problem):
    """The same, the target's labels unknown."""
    target, test = (
        FileExamples.unlabelled(part.files, CROP, classes=CLASSES)
        for part in (problem.target, problem.test)
    )
    return Problem(problem.source, target, test, problem.held_out)


def run(problem, method, out, steps=3):
    conduct = Conduct(out=out, steps=steps, evaluate_every=0, checkpoint_every=0)
    return run_methods(problem, [method], options=OPTIONS, conduct=conduct)[method, 0]


def interrupted(monkeypatch, *, after):
    """Training that stops once, as if it had been asked to."""
    real, stops = training.fit, [True]

    def stopped(step, state, feed, *, steps, **given):
        if stops and steps > after:
            stops.clear()
            real(step, state, feed, steps=after, **given)
            raise KeyboardInterrupt
        return real(step, state, feed, steps=steps, **given)

    monkeypatch.setattr(training, "fit", stopped)


@pytest.mark.parametrize("method", ["dann", "mcc", "shot"])
def test_files_train_as_images_in_memory_do_interrupted_or_not(
    in_memory, files, method, tmp_path, monkeypatch
):
    expected = run(in_memory, method, tmp_path / "memory")
    interrupted(monkeypatch, after=2)
    with pytest.raises(KeyboardInterrupt):
        run(streamed(files), method, tmp_path / "files")
    found = run(streamed(files), method, tmp_path / "files")
    after, before = (jax.device_get(each.trained[1].params) for each in (found, expected))
    jax.tree.map(np.testing.assert_array_equal, after, before)
    names = ("target_accuracy", "proxy_a_distance", "averaged")
    assert {each: found.result.get(each) for each in names} == {
        each: expected.result.get(each) for each in names
    }


def test_files_that_are_few_are_read_once_and_kept(in_memory, files, monkeypatch):
    feed = files.feed(("source", "target"), ("source",), batch=4, seed=0)
    assert isinstance(feed, ResidentFeed)
    feeds = [streamed(files).feed(("source", "target"), ("source",), batch=4, seed=0)]
    assert isinstance(feeds[0], DomainFeed)
    with feeds[0] as other:
        batches = [each.gather(each.constants, each.inputs(5)) for each in (feed, other)]
    jax.tree.map(np.testing.assert_array_equal, *batches)
    assert set(batches[0]["target"]) == {"image"}
    for path in files.source.files.paths:
        monkeypatch.setattr(type(path), "open", None)
    np.testing.assert_array_equal(files.source.images[3:6], in_memory.source.images[3:6])


def test_means_of_files_are_those_of_their_pixels(in_memory, files):
    expected, found = (
        np.asarray(each.transform("target")(in_memory.target.images[:2]))
        for each in (in_memory, streamed(files))
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_target_without_labels_is_adapted_to_and_judges_nothing(files, tmp_path):
    problem = unlabelled(files)
    found = run(problem, "dann", tmp_path, steps=1)
    assert not {name for name in found.result if "accuracy" in name or name == "averaged"}
    assert "oracle" not in found.result["checkpoints"]
    assert found.guess(problem.test.images).shape == (5,)
    assert run(problem, "dann", tmp_path, steps=1).result == found.result


def test_labels_of_what_is_unlabelled_are_dropped(files):
    """Whatever the files' labels are, what is made of them is the same."""
    given = files.target.files
    poisoned = replace(given, labels=(given.labels + 1) % 3)
    made = [FileExamples.unlabelled(each, CROP, classes=CLASSES) for each in (given, poisoned)]
    assert not made[1].files.labels.any()
    assert made[0].fingerprint() == made[1].fingerprint()


def test_labels_that_nobody_knows_are_not_given(files, tmp_path):
    for problem in (unlabelled(files), unlabelled(streamed(files))):
        with pytest.raises(DataError, match="target has no labels; expected them where a method"):
            run(problem, "target", tmp_path)


def test_parts_are_held_in_one_way(in_memory, files):
    with pytest.raises(DataError, match="source as Examples and target as FileExamples; expected"):
        Problem(in_memory.source, files.target, files.test, in_memory.held_out)
    other = replace(files.target, crop=Crop(9, 8))
    with pytest.raises(DataError, match="expected one crop"):
        Problem(files.source, other, files.test, files.held_out)
    with pytest.raises(DataError, match="10 views of an image; expected one class an image"):
        replace(files.target, crop=Crop(9, 8, views=10))


def test_a_fingerprint_tells_the_cut_and_whether_labels_are_known(files):
    part = files.target
    others = [part, replace(part, crop=Crop(9, 8)), replace(part, labelled=False)]
    assert len({each.fingerprint() for each in others}) == 3
    assert replace(part, in_memory=0).fingerprint() == part.fingerprint()
