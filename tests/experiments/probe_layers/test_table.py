from experiments.probe_layers.table import headlines


def cell(layer, *values, **differs):
    shared = {"data": "folder:caltech256", "net": "alexnet_2014", "head": "svm", "scaling": "l2"}
    measured = [{"accuracy": value} for value in values]
    return {**shared, "train": 60, "layer": layer, "measured": measured, **differs}


def test_the_best_layer_of_each_net_and_classifier_is_on_the_front_page():
    rows = headlines(
        [
            cell("conv4", 0.5, 0.7),
            cell("conv5", 0.6, 0.8),
            cell("conv5", 0.8, 0.8, scaling="mean"),  # not how the paper's features are scaled
            cell("conv4", 0.6, 0.7, net="alexnet_2014_unpooled"),
            cell("top", 0.9, 0.9, net="efficientnet_lite0"),
            cell("conv5", 0.2, 0.2, train=30),
        ]
    )
    data, paper = "folder:caltech256", ".656 ± .003 (ZFNet, ECCV 2014)"
    assert rows == [
        (f"{data}, 60 images a class: SVM (conv5) of alexnet_2014", "0.700 ± 0.141", paper),
        (f"{data}, 30 images a class: SVM (conv5) of alexnet_2014", "0.200 ± 0.000", paper),
        (f"{data}, 60 images a class: SVM (top) of efficientnet_lite0", "0.900 ± 0.000", "–"),
    ]
