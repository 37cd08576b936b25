from experiments.fine_tune_tables import fine_tuning, layer_transfer

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


def test_without_results_there_is_nothing():
    assert fine_tuning([]) == layer_transfer([]) == ""
