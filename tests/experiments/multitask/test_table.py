from experiments.multitask.table import headlines, multitask


def cell(row, each, **scores):
    return {
        "row": row,
        "each": each,
        "scores": scores,
        "parameters": 3000 if row == "equal" else 2500,
        "processor_milliseconds_a_step": 3.0 if each else 2.0,
        **{"images": 4000, "test_images": 2000, "steps": 300, "batch": 64, "rate": 0.003},
        **{"temperature": 5.0, "seeds": [0, 1]},
        "made_by": {"device": "1 x toy", "versions": {"jax": "1", "flax": "2"}},
    }


def test_rows_and_the_cost_of_one_net_against_four():
    helpers = {"parity": [0.8, 0.8], "font": [0.3, 0.3], "rotation": [0.1, 0.2]}
    results = [
        cell("equal", 10, digit=[0.2, 0.4], **helpers),
        cell("equal", 0, digit=[0.6, 0.6], **helpers),
        cell("digit", 0, digit=[0.7, 0.7]),
        *(cell(task, 0, **{task: values}) for task, values in helpers.items()),
    ]
    text = multitask(results)
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    header, _, digit, *_, equal = [[each.strip() for each in line] for line in lines]
    assert header[:3] == ["row", "digit, 10 a class", "digit, all"]
    assert digit == ["digit alone", "–", "0.700 ± 0.000", "–", "–", "–", "2,500", "2 ms"]
    assert equal[1:3] == ["0.300 ± 0.141", "0.600 ± 0.000"]
    assert equal[5:] == ["0.150 ± 0.071", "3,000", "2 ms"]
    # 4 * 2,500 parameters and 4 * 2 ms against 3,000 and 2 ms
    assert "Four nets have 10,000 parameters and take 8 ms" in text
    assert "3,000 (30%) and takes 2 ms (25%)" in text
    assert [(each.task.split(": ")[1], each.measured) for each in headlines(results)] == [
        ("all four, equal", "0.300 ± 0.141"),
        ("digit alone", "0.700 ± 0.000"),
        ("all four, equal", "0.600 ± 0.000"),
    ]


def test_without_results_there_is_nothing():
    assert multitask([]) == ""
    assert headlines([]) == []
