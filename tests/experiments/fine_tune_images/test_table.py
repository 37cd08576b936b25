from experiments.fine_tune_images.table import fine_tuned_images, headlines


def of(accuracy, **differs):
    shared = {"data": "folder:toys", "net": "alexnet_2014", "size": 16, "epochs": 6}
    shared |= {"batch": 6, "train": 6, "test_at_most": 50, "row": "probe", "seed": 0}
    made_by = {"device": "1 x toy", "versions": {"jax": "1", "flax": "2"}}
    return {**shared, "accuracy": accuracy, "seconds": 1.0, "made_by": made_by, **differs}


def test_runs_on_other_images_weights_or_numbers_of_images_are_not_averaged():
    text = fine_tuned_images(
        [
            of(0.1),  # of the time before fingerprints
            of(0.2, seed=1),
            of(0.3, fingerprint="a", weights="w"),
            of(0.4, fingerprint="b", weights="w"),
            of(0.5, fingerprint="b", weights="v"),
            of(0.6, fingerprint="b", weights="v", train=5),
        ]
    )
    rows = [line.split("|")[2].strip() for line in text.splitlines() if "| linear probe" in line]
    assert rows == ["0.150 ± 0.071", "0.300", "0.400", "0.500", "0.600"]


def test_the_probe_and_the_best_regime_that_moves_the_trunk_stand_on_the_front_page():
    results = [
        of(0.8),
        of(0.6, seed=1),
        of(0.9, row="frozen"),
        of(0.5, row="full"),
        of(0.75, row="lp_ft"),
    ]
    asked = "folder:toys by alexnet_2014, 16 pixels: "
    assert headlines(results) == [
        (asked + "linear probe", "0.700 ± 0.141", "–"),
        (asked + "probe first (LP-FT)", "0.750", "–"),
    ]
    assert [each.task for each in headlines([of(0.9, row="frozen")])] == []
    assert fine_tuned_images([]) == ""
