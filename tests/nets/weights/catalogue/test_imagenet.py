import csv

import pytest

from jtransfer.nets.weights.catalogue.imagenet import imagenet_classes, imagenet_wordnet_ids


def test_a_thousand_different_classes_in_the_order_of_their_ids():
    names, ids = imagenet_classes(), imagenet_wordnet_ids()
    assert len(set(names)) == len(names) == 1000
    assert list(ids) == sorted(set(ids))
    assert len(ids) == 1000
    assert (names[0], names[1], names[-1]) == ("tench", "goldfish", "toilet tissue")
    assert (names[134], names[517]) == ("crane bird", "crane")


@pytest.mark.slow
def test_they_are_those_of_labelled_photographs(data_root):
    with (data_root / "imagenet_samples" / "labels.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    ids = imagenet_wordnet_ids()
    assert [row["wnid"] for row in rows] == [ids[int(row["class_index"])] for row in rows]
