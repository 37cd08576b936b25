import multiprocessing

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from PIL import Image

from jtransfer.data import DataError
from jtransfer.data.feeds.crops import Crop
from jtransfer.data.feeds.domain_feed import DomainFeed, FileDomain
from jtransfer.data.image_files import ImageFiles
from jtransfer.train.compilation import compile_step
from jtransfer.train.loop import fit
from jtransfer.train.state import TrainState
from jtransfer.train.step import make_step

CROP = Crop(resize=4, size=4)


def noise(folder, count, copies=1):
    """Files that show their own number, listed as often as is asked for."""
    folder.mkdir()
    paths = tuple(folder / f"{number}.png" for number in range(count))
    for number, path in enumerate(paths):
        Image.fromarray(np.full((4, 4, 3), number, np.uint8)).save(path)
    labels = np.arange(count * copies) % count
    return ImageFiles(paths * copies, labels, tuple(map(str, range(count))), folder.name)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return noise(tmp_path_factory.mktemp("domains") / "source", 10)


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    return noise(tmp_path_factory.mktemp("domains") / "target", 14)


def domains(source, target):
    return {
        "source": FileDomain(source, CROP, 4),
        "target": FileDomain(target, CROP, 3, labelled=False),
    }


def batches(feed, steps):
    with feed:
        found = [feed.gather(feed.constants, feed.inputs(step)) for step in steps]
    return [jax.device_get(each) for each in found]


def assert_equal_batches(some, others):
    jax.tree.map(np.testing.assert_array_equal, some, others)


def numbers(batch, domain):
    return batch[domain]["image"][:, 0, 0, 0].tolist()


def test_each_domain_has_epochs_of_its_own_length_and_labels_only_where_it_has_some(source, target):
    found = batches(DomainFeed(domains(source, target), in_memory=0), range(8))
    assert set(found[0]["source"]) == {"image", "label"}
    assert set(found[0]["target"]) == {"image"}
    for batch in found:
        assert numbers(batch, "source") == batch["source"]["label"].tolist()
    # Epochs of two steps of the source, of four of the target.
    for domain, length in (("source", 2), ("target", 4)):
        for first in range(0, 8, length):
            seen = [n for batch in found[first : first + length] for n in numbers(batch, domain)]
            assert len(set(seen)) == len(seen)


def test_workers_change_nothing_and_none_stays_behind(target):
    given = {"target": FileDomain(target, CROP, 3, labelled=False)}
    here = batches(DomainFeed(given, in_memory=0), range(2))
    assert_equal_batches(batches(DomainFeed(given, in_memory=0, workers=1), range(2)), here)
    assert multiprocessing.active_children() == []


def test_memory_changes_nothing_and_neither_does_going_on(source, target):
    given = domains(source, target)
    streamed = batches(DomainFeed(given, seed=5, in_memory=0), range(6))
    kept = batches(DomainFeed(given, seed=5), range(6))
    mixed = batches(DomainFeed(given, seed=5, in_memory=10 * 48), range(6))
    resumed = batches(DomainFeed(given, seed=5, in_memory=0), range(3, 6))  # both amid an epoch
    for others in (kept, mixed):
        assert_equal_batches(others, streamed)
    assert_equal_batches(resumed, streamed[3:])
    assert numbers(batches(DomainFeed(given, seed=6), [0])[0], "source") != numbers(
        streamed[0], "source"
    )


def test_two_domains_of_one_list_come_in_different_orders(source):
    given = {name: FileDomain(source, CROP, 10) for name in ("source", "target")}
    (batch,) = batches(DomainFeed(given, in_memory=0), [0])
    assert numbers(batch, "source") != numbers(batch, "target")


def test_fifty_and_fifty_thousand(tmp_path):
    small, large = noise(tmp_path / "small", 10, 5), noise(tmp_path / "large", 50, 1000)
    given = {
        "source": FileDomain(small, CROP, 8),
        "target": FileDomain(large, CROP, 8, labelled=False),
    }
    feed = DomainFeed(given, in_memory=50 * 48)
    assert feed.examples_per_step == 16
    # A step amid the source's 1,042nd epoch and the target's second.
    (batch,) = batches(feed, [6253])
    assert (len(numbers(batch, "source")), len(numbers(batch, "target"))) == (8, 8)


def test_a_run_that_goes_on_ends_as_one_that_was_not_interrupted(source, target):
    def loss(params, stats, batch, rng, progress):
        means = [batch[name]["image"].astype(jnp.float32).mean() for name in ("source", "target")]
        value = (params["w"] * means[0] - means[1]) ** 2 / 1000
        return value, (stats, {"loss": (value, jnp.ones(()))})

    optimizer = optax.sgd(0.01)

    def start():
        variables = {"params": {"w": jnp.zeros(())}}
        return TrainState.create(variables, optimizer, rng=jax.random.key(0))

    def run(state, steps):
        with DomainFeed(domains(source, target), in_memory=10 * 48) as feed:
            step = compile_step(make_step(loss, optimizer, total_steps=7), feed.gather)
            return fit(step, state, feed, steps=steps, progress=False)

    whole, half = run(start(), 7), run(start(), 3)
    assert float(run(half, 7).params["w"]) == float(whole.params["w"])


def test_unreadable_files_stop_it_or_are_left_out(tmp_path, source):
    broken = noise(tmp_path / "broken", 6)
    broken.paths[2].write_bytes(b"\x89PNG cut")
    given = domains(source, broken)
    for in_memory in (0, 10_000):
        with pytest.raises(DataError, match=r"2\.png"):
            batches(DomainFeed(given, in_memory=in_memory), range(2))
        found = batches(DomainFeed(given, in_memory=in_memory, on_unreadable="skip"), range(2))
        assert 2 not in [n for batch in found for n in numbers(batch, "target")]


def test_what_cannot_be_drawn_is_said(source):
    with pytest.raises(DataError, match="there is no domain"):
        DomainFeed({})
    with pytest.raises(DataError, match="a batch of 11 cannot be drawn from the 10 files of night"):
        DomainFeed({"night": FileDomain(source, CROP, 11)})
