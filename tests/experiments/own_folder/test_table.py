from experiments.own_folder.table import headlines, held, own_folder


def result(**changes):
    split = {
        "estimate": 0.9,
        "low": 0.85,
        "high": 0.95,
        "held_out": 0.88,
        "before": 0.5,
        "after": 0.02,
        "precision": 0.97,
        "sure": 0.8,
        "seconds": 2.0,
    }
    return {
        "data": "folder:pets",
        "classes": 3,
        "train": 20,
        "splits": 3,
        "precision": 0.95,
        "rival_splits": 1,
        "net": "efficientnet_lite0",
        "measured": [split, split | {"held_out": 0.84, "precision": None}, split],
        "rival": [{"held_out": 0.87, "seconds": 9.0}],
        "made_by": {
            "versions": {"jax": "0", "flax": "0"},
            "device": "1 x cpu",
            "git_revision": "0",
        },
    } | changes


def test_an_accuracy_outside_its_interval_is_counted():
    assert held(result()) == 2


def test_a_row_by_hand():
    said = own_folder([result()])
    assert (
        "| pets, 3 classes | 20 | 0.867 | 0.900 | 2 of 3 | 0.500 → 0.020 | 0.970 (asked 0.95) "
        "| 0.80 | 2.0 | 0.870 (here 0.880) | 9.0 |"
    ) in said
    assert own_folder([]) == ""


def test_the_front_page_says_how_often_it_holds():
    (line,) = headlines([result()])
    assert "2 of 3" in str(line)
    assert "pets" in str(line)
