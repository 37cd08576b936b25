from experiments.fine_tune.table import fine_tuning, headlines

MADE_BY = {"device": "1 x toy", "versions": {"jax": "1", "flax": "2"}}


def tuned(row, each, accuracies, **changes):
    return {
        "row": row,
        "pair": "mnist-usps",
        "each": each,
        "seeds": [0, 1],
        "steps": 300 if each else 1500,
        "batch": 32,
        "momentum": 0.9,
        "rates": [0.01, 0.1],
        "target_accuracies": accuracies,
        "chosen_rates": [0.1, 0.01],
        "milliseconds_a_step": 5.04,
        "seconds": 10.4,
        "made_by": MADE_BY,
        **changes,
    }


def rows_of(text):
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_rows_by_numbers_of_labelled_images():
    source = {"pair": "mnist-usps", "row": "source"}
    source |= {"source_accuracy": 0.99, "target_accuracy": 0.8}
    text = fine_tuning(
        [
            tuned("full", 0, [0.9, 1.0]),
            tuned("full", 5, [0.5, 0.7], milliseconds_a_step=4.96, chosen_rates=[0.1, 0.1]),
            tuned("scratch", 5, [0.25, 0.25]),
            source,
        ]
    )
    header, _, *rows = rows_of(text)
    assert header == ["labelled images a class", "5", "all", "rates", "a step", "in all"]
    assert rows == [
        ["from scratch", "0.250 ± 0.000", "–", "0.01, 0.1", "5 ms", "10 s"],
        ["everything", "0.600 ± 0.141", "0.950 ± 0.071", "0.01, 0.1", "5 ms", "21 s"],
    ]
    assert "has 0.800 of the target right" in text
    assert "300, 1,500 steps" in text
    assert "1 x toy; jax 1, flax 2." in text


def test_from_scratch_and_the_best_regime_stand_on_the_front_page():
    results = [
        tuned("scratch", 10, [0.25, 0.25]),
        tuned("full", 10, [0.5, 0.7]),
        tuned("gradual", 10, [0.5, 0.8]),
        tuned("frozen", 50, [0.9, 0.9]),
        {"pair": "mnist-usps", "row": "source", "target_accuracy": 0.8},
    ]
    asked = "idx:mnist → npz:usps, 10 labelled images a class: "
    assert headlines(results) == [
        (asked + "from scratch", "0.250 ± 0.000", "–"),
        (asked + "gradual unfreezing", "0.650 ± 0.212", "–"),
    ]
    assert headlines([tuned("frozen", 50, [0.9, 0.9])]) == []


def test_without_results_there_is_nothing():
    assert fine_tuning([]) == ""
    assert headlines([]) == []
