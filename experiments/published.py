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
