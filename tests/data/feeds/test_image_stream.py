import multiprocessing
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from PIL import Image

from jtransfer.data import DataError
from jtransfer.data.feeds.crops import Crop
from jtransfer.data.feeds.image_stream import ImageStream
from jtransfer.data.feeds.order import shuffled_positions
from jtransfer.data.image_files import ImageFiles
from jtransfer.data.sources.decoding import read_rgb
from jtransfer.train.compilation import compile_step
from jtransfer.train.loop import fit
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step

CROP = Crop(resize=8, size=6)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Twelve images of noise, each labelled by its own number."""
    folder = tmp_path_factory.mktemp("noise")
    random = np.random.default_rng(0)
    paths = tuple(folder / f"{number}.png" for number in range(12))
    for path in paths:
        Image.fromarray(random.integers(256, size=(9, 12, 3), dtype=np.uint8)).save(path)
    return ImageFiles(paths, np.arange(12), tuple("abcdefghijkl"), "noise")


stream = partial(ImageStream, crop=CROP, batch=4)


def assert_equal_batches(some, others):
    jax.tree.map(np.testing.assert_array_equal, some, others)


def test_an_epoch_is_a_permutation_and_the_next_one_another(files):
    with stream(files) as feed:
        labels = [np.asarray(feed.inputs(step)["source"]["label"]) for step in range(6)]
    first, second = np.concatenate(labels[:3]), np.concatenate(labels[3:])
    assert sorted(first) == sorted(second) == list(range(12))
    assert first.tolist() != second.tolist()


def test_a_batch_holds_the_decoded_files_of_its_step(files):
    with stream(files, domain="target", seed=3) as feed:
        batch = feed.inputs(1)["target"]
    positions = shuffled_positions(12, 4, step=1, seed=(3,))
    np.testing.assert_array_equal(batch["label"], positions)
    expected = np.stack([CROP(read_rgb(files.paths[row])) for row in positions])
    np.testing.assert_array_equal(batch["image"], expected)
    assert batch["image"].dtype == np.uint8
    assert isinstance(batch["image"], jax.Array)


def test_a_step_asked_for_out_of_order_is_the_same(files):
    """As a run does that is resumed in the middle of an epoch."""
    with stream(files) as feed:
        whole = [feed.inputs(step) for step in range(6)]
        assert_equal_batches([feed.inputs(step) for step in (4, 5, 1)], [*whole[4:], whole[1]])
    with stream(files, ahead=1) as resumed:
        assert_equal_batches([resumed.inputs(4), resumed.inputs(5)], whole[4:])


def test_worker_processes_change_nothing_and_none_stays_behind(files):
    with stream(files) as feed:
        here = [feed.inputs(step) for step in range(2, 7)]
    with stream(files, workers=2) as feed:
        assert_equal_batches([feed.inputs(step) for step in range(2, 7)], here)
        assert len(multiprocessing.active_children()) == 2
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("workers", [0, 1])
def test_an_unreadable_file_is_named_at_its_batch(files, tmp_path, workers):
    cut = tmp_path / "cut.png"
    cut.write_bytes(files.paths[0].read_bytes()[:60])
    order = shuffled_positions(12, 12, step=0, seed=(0,))
    paths = list(files.paths)
    paths[order[5]] = cut
    damaged = ImageFiles(tuple(paths), files.labels, files.classes, "noise")
    with stream(damaged, workers=workers) as feed:
        feed.inputs(0)
        with pytest.raises(DataError, match=r"cut\.png cannot be read.*='skip' leaves"):
            feed.inputs(1)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("workers", [0, 1])
def test_unreadable_files_are_replaced_by_the_next_and_told_at_the_end(
    files, tmp_path, workers, capsys
):
    paths = list(files.paths)
    for row in (3, 4, 11):
        paths[row] = tmp_path / f"cut{row}.png"
        paths[row].write_bytes(files.paths[row].read_bytes()[:60])
    damaged = ImageFiles(tuple(paths), files.labels, files.classes, "noise")
    instead = {3: 5, 4: 5, 11: 0}
    with stream(damaged, workers=workers, on_unreadable="skip") as feed:
        for step in (0, 1, 2):
            batch = feed.inputs(step)["source"]
            order = shuffled_positions(12, 4, step=step, seed=(0,))
            taken = [instead.get(row, row) for row in order.tolist()]
            assert batch["label"].tolist() == taken
            expected = np.stack([CROP(read_rgb(files.paths[row])) for row in taken])
            np.testing.assert_array_equal(batch["image"], expected)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "noise: left out 3 of 12 images that cannot be read: " in said
    assert all(f"cut{row}.png" in said for row in (3, 4, 11))


def test_files_none_of_which_can_be_read_are_refused(files, tmp_path):
    (tmp_path / "cut.png").write_bytes(files.paths[0].read_bytes()[:60])
    damaged = ImageFiles((tmp_path / "cut.png",) * 12, files.labels, files.classes, "noise")
    with (
        stream(damaged, on_unreadable="skip") as feed,
        pytest.raises(
            DataError, match=r"cut\.png cannot .* None of 12 files that were tried can be"
        ),
    ):
        feed.inputs(0)
    with pytest.raises(DataError, match="on_unreadable 'no'; expected 'stop' or 'skip'"):
        stream(files, on_unreadable="no")


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"batch": 13}, "a batch of 13 cannot be drawn from the 12 files of noise"),
        ({"batch": 0}, "a batch of 0"),
        ({"workers": -1}, "workers -1 and ahead 2"),
        ({"ahead": 0}, "workers 0 and ahead 0"),
    ],
)
def test_numbers_out_of_range_are_refused_at_once(files, numbers, message):
    with pytest.raises(DataError, match=message):
        stream(files, **numbers)


def test_fit_goes_on_in_the_middle_of_an_epoch(files):
    """Five steps at once equal two and then three by another stream, bit for bit."""

    def loss(params, stats, batch, rng, progress):
        images, labels = batch["source"]["image"], batch["source"]["label"]
        value = jnp.square(images.mean((1, 2, 3)) @ labels - params["scale"]) * 1e-6
        return value, (stats, {})

    optimizer = optax.sgd(0.1)
    step = make_step(loss, optimizer, total_steps=5)

    def first():
        variables = {"params": {"scale": jnp.ones(())}}
        return TrainState.create(variables, optimizer, rng=jax.random.key(0))

    def train(state, steps):
        with stream(files, transform=lambda images: images / 255.0) as feed:
            return fit(compile_step(step, feed.gather), state, feed, steps=steps, log_every=1)

    whole, parts = train(first(), 5), train(train(first(), 2), 5)
    assert int(parts.step) == 5
    np.testing.assert_array_equal(whole.params["scale"], parts.params["scale"])
