import time
from pathlib import Path

import numpy as np
import pytest

from jtransfer.data import DataError, Examples, require_same_classes, require_same_pixels
from jtransfer.data.image_files import ImageFiles

CLASSES = ("cat", "dog")


def examples(labels=(0, 1, 1), *, classes=CLASSES, name="pets", shape=(4, 5, 3), count=None):
    count = len(labels) if count is None else count
    images = np.arange(count * np.prod(shape)).reshape(count, *shape).astype(np.uint8)
    return Examples(images, np.array(labels, np.int64), classes, name)


def test_labels_become_int32_and_examples_are_counted():
    made = examples()
    assert made.labels.dtype == np.int32
    assert len(made) == 3


def test_take_keeps_order_and_pairs():
    taken = examples().take(np.array([2, 0]))
    np.testing.assert_array_equal(taken.labels, [1, 0])
    np.testing.assert_array_equal(taken.images, examples().images[[2, 0]])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: examples((0, 2, 1)), "label 2 of image 1 is out of range; expected 0 to 1"),
        (lambda: examples((0, -1)), "label -1 of image 1 is out of range"),
        (lambda: examples((0, 1), count=3), "3 images but 2 labels; expected as many of each"),
        (lambda: examples(()), "the split is empty; expected at least one image"),
        (lambda: examples(shape=(4, 5, 2)), r"uint8 of shape \(3, 4, 5, 2\); expected uint8"),
        (
            lambda: Examples(np.zeros((1, 2, 2, 1)), np.zeros(1, int), CLASSES, "pets"),
            "images are float64",
        ),
        (
            lambda: Examples(np.zeros((1, 2, 2, 1), np.uint8), np.zeros(1), CLASSES, "pets"),
            "labels are float64",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(make, message):
    with pytest.raises(DataError, match=f"pets: .*{message}"):
        make()


def test_the_fingerprint_changes_with_every_part():
    made = examples()
    pixel = made.images.copy()
    pixel[1, 2, 3, 0] += 1
    others = [
        examples((0, 1, 0)),
        examples(classes=("cat", "fox")),
        Examples(pixel, made.labels, CLASSES, "pets"),
        Examples(made.images.reshape(3, 5, 4, 3), made.labels, CLASSES, "pets"),
    ]
    prints = {made.fingerprint(), *(other.fingerprint() for other in others)}
    assert len(prints) == 5
    assert made.fingerprint() == examples(name="another").fingerprint()
    assert len(made.fingerprint()) == 16


def test_domains_must_share_their_classes():
    require_same_classes(examples(), examples(name="photos"))
    with pytest.raises(DataError, match=r"only pets has \['dog'\], only zoo has \['emu'\]"):
        require_same_classes(examples(), examples(classes=("cat", "emu"), name="zoo"))
    with pytest.raises(DataError, match="their order is"):
        require_same_classes(examples(), examples(classes=("dog", "cat"), name="zoo"))


def constant(value, side=4):
    images = np.full((2, side, side, 3), value, np.uint8)
    return Examples(images, np.zeros(2, int), ("a",), str(value))


def test_domains_of_one_shape_and_range_pass():
    require_same_pixels(constant(255), constant(64))


def test_domains_of_different_shapes_are_refused():
    with pytest.raises(
        DataError, match=r"of 9 are \(4, 4, 3\), those of 8 \(5, 5, 3\).*images\.fit"
    ):
        require_same_pixels(constant(9), constant(8, side=5))


@pytest.mark.parametrize("values", [(255, 1), (16, 255), (255, 0)])
def test_domains_of_different_ranges_are_refused(values):
    with pytest.raises(DataError, match=rf"reach {values[0]}, those of .* {values[1]};.*to_bytes"):
        require_same_pixels(*(constant(value) for value in values))


@pytest.mark.parametrize(
    ("classes", "how"),
    [
        (("cat", "cat"), "'cat' and 'cat' are called the same;"),
        (("cat", "cat "), "'cat' and 'cat ' are called the same but for blanks"),
        (("caf\xe9", "cafe\u0301"), r"'caf\\xe9' and 'cafe\\u0301' are .* normal form"),
    ],
)
def test_every_class_has_a_name_of_its_own(classes, how):
    with pytest.raises(DataError, match=f"pets: the classes {how}"):
        examples(classes=classes)
    with pytest.raises(DataError, match=f"pets: the classes {how}"):
        ImageFiles((Path("a.jpg"),), np.array([0]), classes, "pets")


def test_capitals_and_kinds_of_an_accent_are_told_where_classes_are_matched():
    source = examples(classes=("caf\xe9", "Dog"))
    near = r"'cafe\\u0301' for 'caf\\xe9', 'dog' for 'Dog' differ in capitals, blanks or Unicode"
    with pytest.raises(DataError, match=near):
        examples(classes=("cafe\u0301", "dog")).with_classes(source.classes)
    far = r"'caf\\xe9' for 'cafe\\u0301', 'Dog' for 'dog' differ in"
    with pytest.raises(DataError, match=far):
        require_same_classes(source, examples(classes=("cafe\u0301", "dog"), name="others"))


def test_many_classes_are_matched_in_seconds():
    names = [str(number) for number in range(100_000)]
    began = time.perf_counter()
    with pytest.raises(DataError, match="with 7 twice"):
        examples().with_classes([*names, "7"])
    with pytest.raises(DataError, match="differ in their classes"):
        require_same_classes(examples(classes=names), examples(classes=[*names[1:], "x"]))
    assert time.perf_counter() - began < 10
