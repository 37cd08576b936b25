"""Frozen features of a pretrained net: taken once, then probed, searched, learned from by shots.

Of a folder of images, one folder a class:

    files = jt.load_files("folder:pets", data_root=Path("data"))
    features = deep_features("efficientnet_lite0", files, layers=["block7", "top"])
    for layer, values in features.layers.items():
        probe_layer(values, files.labels, classes=files.classes, kind="svm")
    found = search(features.layers["top"], files.labels, classes=files.classes)
    solve_episodes(features.layers["top"], files.labels, shots=(1, 5))

All but the first take any arrays: features [n, dims] and labels [n].
"""
