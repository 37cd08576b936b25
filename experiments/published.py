"""Numbers from the papers, to be printed beside the measured ones."""

# Accuracy on the target's test set: {pair: {paper: {method: value}}}.
# ICML: Ganin & Lempitsky 2015, Table 1. JMLR: Ganin et al. 2016, Table 2. ADDA: Tzeng et al. 2017,
# Table 2, whose "dann" is gradient reversal. I2I: Murez et al. 2018, Table 1, with LeNet.
DOMAIN_ADAPTATION: dict[str, dict[str, dict[str, float]]] = {
    "mnist-mnist_m": {
        "ICML 2015": {"source": 0.5749, "sa": 0.6078, "dann": 0.8149, "target": 0.9891},
        "JMLR 2016": {"source": 0.5225, "sa": 0.5690, "dann": 0.7666, "target": 0.9596},
    },
    "numbers-svhn": {
        "ICML 2015": {"source": 0.8665, "sa": 0.8672, "dann": 0.9048, "target": 0.9244},
        "JMLR 2016": {"source": 0.8674, "sa": 0.8644, "dann": 0.9109, "target": 0.9220},
    },
    "svhn-mnist": {
        "ICML 2015": {"source": 0.5919, "sa": 0.6157, "dann": 0.7107, "target": 0.9951},
        "JMLR 2016": {"source": 0.5490, "sa": 0.5932, "dann": 0.7385, "target": 0.9942},
        "ADDA 2017": {"source": 0.601, "dann": 0.739, "adda": 0.760},
        "I2I 2018": {"translation": 0.803},
    },
    "signs-gtsrb": {
        "ICML 2015": {"source": 0.7400, "sa": 0.7635, "dann": 0.8866, "target": 0.9987},
        "JMLR 2016": {"source": 0.7900, "sa": 0.8165, "dann": 0.8865, "target": 0.9980},
    },
    "mnist-usps": {
        "ADDA 2017": {"source": 0.752, "dann": 0.771, "adda": 0.894},
        "I2I 2018": {"translation": 0.921},
    },
    "usps-mnist": {
        "ADDA 2017": {"source": 0.571, "dann": 0.730, "adda": 0.901},
        "I2I 2018": {"translation": 0.872},
    },
}

# The same papers' numbers stand beside what a part of SVHN gives.
DOMAIN_ADAPTATION["numbers-svhn10k"] = DOMAIN_ADAPTATION["numbers-svhn"]
DOMAIN_ADAPTATION["svhn10k-mnist"] = DOMAIN_ADAPTATION["svhn-mnist"]


def papers_of(pair: str) -> list[str]:
    """The papers that print numbers for a pair of domains."""
    return list(DOMAIN_ADAPTATION.get(pair, {}))


def published(pair: str, method: str, paper: str) -> str:
    """A paper's number for a method, or a dash."""
    value = DOMAIN_ADAPTATION[pair][paper].get(method)
    return "–" if value is None else f"{value:.4f}"


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
