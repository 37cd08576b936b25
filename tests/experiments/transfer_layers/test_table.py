from experiments.transfer_layers.table import headlines, layer_transfer

MADE_BY = {"device": "1 x toy", "versions": {"jax": "1", "flax": "2"}}


def rows_of(text):
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def transferred(kind, layers, accuracies):
    return {
        "task": "signs",
        "kind": kind,
        "layers": layers,
        "seeds": [0, 1],
        "steps": 1500,
        "batch": 32,
        "rate": 0.02,
        "momentum": 0.9,
        "accuracies": accuracies,
        "base_accuracies": [0.8, 0.9],
        "made_by": MADE_BY,
    }


def test_kinds_by_numbers_of_layers():
    text = layer_transfer(
        [
            transferred("AnB", 1, [0.8, 0.8]),
            transferred("AnB", 2, [0.7, 0.7]),
            transferred("BnB", 2, [0.8, 0.9]),
            {"task": "signs", "kind": "baseA", "accuracy": 0.9},
        ]
    )
    header, _, *rows = rows_of(text)
    assert header == ["n", "1", "2"]
    assert rows == [
        ["BnB", "–", "0.850 ± 0.071"],
        ["AnB", "0.800 ± 0.000", "0.700 ± 0.000"],
    ]
    assert "from scratch, has 0.850 ± 0.071" in text
    assert "B's own net 0.625: BnB 0.627" in text


def test_nets_with_all_layers_copied_stand_on_the_front_page_beside_their_own():
    results = [
        transferred("AnB", 1, [0.95, 0.95]),
        transferred("AnB", 2, [0.7, 0.7]),
        transferred("AnB+", 2, [0.9, 0.9]),
        transferred("BnB+", 2, [0.99, 0.99]),
        {"task": "signs", "kind": "baseA", "accuracy": 0.9},
    ]
    asked = "npz:gtsrb32, half of its classes: "
    of_other = asked + "all 2 layers of the other half's net, "
    assert headlines(results) == [
        (asked + "its own net", "0.850 ± 0.071", "0.625 (on ImageNet, NIPS 2014)"),
        (of_other + "frozen", "0.700 ± 0.000", "0.542 (on ImageNet, NIPS 2014)"),
        (of_other + "fine-tuned", "0.900 ± 0.000", "0.646 (on ImageNet, NIPS 2014)"),
    ]


def test_without_results_there_is_nothing():
    assert layer_transfer([]) == ""
    assert headlines([]) == []
