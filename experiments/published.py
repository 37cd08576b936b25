"""Numbers from the papers, to be printed beside the measured ones."""

# Accuracy on the target's test set: {pair: {method: {table: value}}}.
# ICML: Ganin & Lempitsky 2015, Table 1. JMLR: Ganin et al. 2016, Table 2.
DOMAIN_ADAPTATION: dict[str, dict[str, dict[str, float]]] = {
    "mnist-mnist_m": {
        "source": {"ICML 2015": 0.5749, "JMLR 2016": 0.5225},
        "dann": {"ICML 2015": 0.8149, "JMLR 2016": 0.7666},
        "target": {"ICML 2015": 0.9891, "JMLR 2016": 0.9596},
    },
}

# Mean accuracy per class of a linear classifier on a layer: {data set: {(head, layer): value}}.
# Zeiler & Fergus, ECCV 2014, Table 7; their net is a ZFNet.
LAYER_PROBES: dict[str, dict[tuple[str, str], str]] = {
    "Caltech-101": {
        ("svm", "conv1"): ".448 ± .007",
        ("svm", "conv2"): ".662 ± .005",
        ("svm", "conv3"): ".723 ± .004",
        ("svm", "conv4"): ".766 ± .004",
        ("svm", "conv5"): ".862 ± .008",
        ("svm", "fc7"): ".855 ± .004",
        ("softmax", "conv5"): ".829 ± .004",
        ("softmax", "fc7"): ".854 ± .004",
    },
    "Caltech-256": {
        ("svm", "conv1"): ".246 ± .004",
        ("svm", "conv2"): ".396 ± .003",
        ("svm", "conv3"): ".460 ± .003",
        ("svm", "conv4"): ".513 ± .001",
        ("svm", "conv5"): ".656 ± .003",
        ("svm", "fc7"): ".717 ± .002",
        ("softmax", "conv5"): ".657 ± .005",
        ("softmax", "fc7"): ".726 ± .001",
    },
}

# Mean average precision of retrieval on landmarks: {representation: {data set: value}}.
# Sharif Razavian et al. 2014; the second with augmentation and spatial search.
RETRIEVAL: dict[str, dict[str, float]] = {
    "cosine": {"Oxford5k": 0.322, "Paris6k": 0.495, "Holidays": 0.642},
    "and signed power": {"Oxford5k": 0.680, "Paris6k": 0.795, "Holidays": 0.843},
}

# Top-1 accuracy on half B of ImageNet's classes: of B's own net, and with the first 1 to 7 layers
# transferred. Yosinski et al., NIPS 2014, Figure 2.
YOSINSKI_BASE = 0.6251
YOSINSKI: dict[str, tuple[float, ...]] = {
    "BnB": (0.6267, 0.6235, 0.6211, 0.6048, 0.5935, 0.6188, 0.6232),
    "AnB": (0.6282, 0.6239, 0.6189, 0.5998, 0.5780, 0.5806, 0.5425),
    "AnB+": (0.6373, 0.6358, 0.6426, 0.6398, 0.6446, 0.6460, 0.6465),
}

# Mean accuracy per unseen class: {data set: {method: value}}. Lampert et al. 2009 on AwA1's own
# split of 40 seen and 10 unseen classes, with all six hand-made features and binary attributes.
ZERO_SHOT: dict[str, dict[str, str]] = {"AwA1": {"dap": ".405", "iap": ".278"}}
