import itertools
import json

import pytest

from experiments.adapt_digits.pairs import PAIRS
from experiments.adapt_digits.table import domain_adaptation, headlines
from experiments.report.__main__ import Config, collect, main, read
from jtransfer.recipes.adaptation.judging import CRITERIA
from jtransfer.train.run_folder import RunFolderError


def result(method, seed, accuracy):
    return {
        "experiment": "adapt_digits",
        "pair": "mnist-mnist_m",
        "net": "paper",
        "preset": "small",
        "batch": 64,
        "rate": 0.01,
        "momentum": 0.9,
        "gamma": 10.0,
        "steps": 6000,
        "method": method,
        "seed": seed,
        "target_accuracy": accuracy,
        "proxy_a_distance": 1.5,
        "chosen_by": "last step",
        # the second run of each method was interrupted, so its time is not the whole
        "started_at_step": 1000 * seed,
        **({"alignment": 0.5} if method == "teacher" else {}),
        "seconds": 10.0 - seed,
        "made_by": {"device": "1 x toy", "versions": {"jax": "1", "flax": "2"}},
    }


@pytest.fixture
def runs(tmp_path):
    accuracies = {"source": (0.5, 0.6), "dann": (0.7, 0.8), "target": (0.9, 1.0)}
    for method, values in accuracies.items():
        for seed, accuracy in enumerate(values):
            folder = tmp_path / "checkpoints" / f"{method}-seed{seed}"
            folder.mkdir(parents=True)
            (folder / "result.json").write_text(json.dumps(result(method, seed, accuracy)))
    return tmp_path


def test_finished_runs_become_a_table_beside_the_papers(runs):
    config = Config(
        collect=runs / "checkpoints",
        results=runs / "results",
        out=runs / "BENCHMARKS.md",
        pages=runs / "docs" / "benchmarks",
    )
    front = main(config)
    assert (runs / "BENCHMARKS.md").read_text() == front
    # The front page has one row a method; the best without target labels is DANN itself here.
    headlines = [line.split(" | ")[:3] for line in front.splitlines() if "mnist_m: " in line]
    pair = "| idx:mnist → synthetic:mnist_m: "
    assert headlines == [
        [
            pair + "source only, the paper's net",
            "0.550 ± 0.071",
            "0.5749 (ICML 2015), 0.5225 (JMLR 2016)",
        ],
        [pair + "DANN, the paper's net", "0.750 ± 0.071", "0.8149 (ICML 2015), 0.7666 (JMLR 2016)"],
        [
            pair + "train on target, the paper's net",
            "0.950 ± 0.071",
            "0.9891 (ICML 2015), 0.9596 (JMLR 2016)",
        ],
    ]
    text = (runs / "docs" / "benchmarks" / "adaptation.md").read_text()
    row = next(line for line in text.splitlines() if line.startswith("| DANN"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    # mean .75, deviation .0707; (.75 - .55) / (.95 - .55) = 50% of the gap
    measured = ["0.750 ± 0.071", "50.0%", "1.50 ± 0.00", "6,000", "0, 1", "10 s"]
    assert cells == ["DANN", *measured, "0.8149", "0.7666"]
    # What was decided after looking stands at the end, a line each.
    assert text.index("### Decided after looking") > text.index("| DANN")
    assert "\n- that train on target has as many steps" in text
    assert main(config) == front


def test_a_result_that_changed_is_not_replaced(runs):
    collect(runs / "checkpoints", runs / "results")
    changed = result("dann", 0, 0.99)
    (runs / "checkpoints" / "dann-seed0" / "result.json").write_text(json.dumps(changed))
    with pytest.raises(FileExistsError, match="remove the one that should not count"):
        collect(runs / "checkpoints", runs / "results")


@pytest.mark.parametrize("content", ["", '{"experiment": "adapt', "[]"])
def test_a_result_that_cannot_be_read_is_named(runs, content):
    collect(runs / "checkpoints", runs / "results")
    copy = runs / "results" / "adapt_digits" / "dann-seed0.json"
    copy.write_text(content)
    with pytest.raises(RunFolderError, match=r"dann-seed0\.json .*expected a JSON object"):
        read(runs / "results", "adapt_digits")
    with pytest.raises(RunFolderError, match=r"dann-seed0\.json .*collect it anew"):
        collect(runs / "checkpoints", runs / "results")


def test_without_results_there_is_only_the_head_of_the_front_page(tmp_path):
    out = {"out": tmp_path / "BENCHMARKS.md", "pages": tmp_path / "pages"}
    text = main(Config(results=tmp_path / "none", **out))
    assert text.startswith("# Benchmarks")
    assert not [*(tmp_path / "pages").iterdir()]
    assert "##" not in text


def rows_of(text, header):
    """The rows of the first table whose header holds a word: {first cell: the others}."""
    lines = text.splitlines()
    start = next(
        n for n, line in enumerate(lines) if line.startswith("| method") and header in line
    )
    table = itertools.takewhile(lambda line: line.startswith("|"), lines[start + 2 :])
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in table)
    return {first: others for first, *others in cells}


def test_a_reduced_protocol_is_said_above_its_table_beside_the_papers():
    reduced = [result("dann", 0, 0.75) | {"pair": "svhn10k-mnist"}]
    text = domain_adaptation(reduced)
    heading = "### `tiles:svhn10k` → `idx:mnist`, tested on `idx:mnist`\n\nA reduced protocol: "
    assert heading in text
    assert "7,016 to train stand for 73,257" in text
    row = rows_of(text, "ICML 2015")["DANN"]
    assert row[-4:] == ["0.7107", "0.7385", "0.7390", "–"]
    (line,) = headlines(reduced)
    assert line.task == "tiles:svhn10k → idx:mnist, reduced protocol: DANN, the paper's net"
    assert "A reduced protocol" not in domain_adaptation([result("dann", 0, 0.75)])


@pytest.mark.parametrize("pair", PAIRS)
def test_the_page_says_what_a_net_drops(pair):
    text = domain_adaptation([result("dann", 0, 0.75) | {"pair": pair, "net": "normed"}])
    maps = PAIRS[pair].net in ("mnist", "lenet")  # the others drop in the domain head alone
    assert ("dropout .5 of whole maps before the second pool**" in text) == maps
    assert ("dropout .5 of the domain head's hidden units**" in text) == (not maps)


def test_a_net_of_other_layers_has_a_row_and_ends_of_its_own():
    options = {"net": "jtransfer.nets.ganin.mnist_net", "net_options": {}}
    usual = {"pair": "svhn10k-mnist", "net": "normed"}
    results = [
        result("source", 0, 0.6) | usual,
        result("target", 0, 0.9) | usual,
        result("source", 0, 0.5) | usual | {"options": options},
        result("dann", 0, 0.7) | usual | {"options": options},
        result("target", 0, 0.7) | usual | {"options": options},
    ]
    text = domain_adaptation(results)
    assert "last step. Dropout of the mnist net is of whole maps before the second pool. " in text
    # (.7 - .5) / (.7 - .5): the gap between the ends of the same net.
    assert rows_of(text, "ICML 2015")["DANN, the mnist net"][:2] == ["0.700", "100.0%"]
    assert headlines(results)[1].task.endswith("reduced protocol: DANN, the mnist net")


def test_one_lucky_seed_does_not_stand_on_the_front_page():
    three = [result("dann", seed, 0.7) for seed in range(3)]
    (line,) = headlines([*three, result("dann", 0, 0.8) | {"steps": 9000}])
    assert line.measured == "0.700 ± 0.000"
    (line,) = headlines([*three[:1], result("dann", 0, 0.8) | {"steps": 9000}])
    assert line.measured == "0.800"


def test_the_time_of_all_runs_counts_cores():
    on_two = result("dann", 0, 0.8) | {"seconds": 5400.0}
    on_two["made_by"] = on_two["made_by"] | {"device": "1 x cpu (x86_64, 2 cores)"}
    long = result("dann", 1, 0.8) | {"seconds": 7200.0, "steps": 30_000}
    text = domain_adaptation([on_two, result("dann", 1, 0.8) | {"seconds": 3600.0}, long])
    assert "All 3 runs took 4.5 hours one after the other, 6.0 hours of a core" in text
    assert "; 2.0 of these, runs of as many steps as `--preset paper` has." in text
    assert "--preset paper" not in domain_adaptation([on_two])


def test_averaged_weights_stand_beside_the_checkpoints():
    names = (*CRITERIA, "oracle")
    looked = {"checkpoints": {name: {"step": 6000, "target_accuracy": 0.8} for name in names}}
    results = [
        result("dann", 0, 0.8) | looked | {"averaged": {"target_accuracy": 0.9}},
        result("dann", 1, 0.8) | looked | {"averaged": {"target_accuracy": 0.7}},
        result("adda", 0, 0.6) | looked,
        result("adda", 0, 0.7) | looked | {"judged": "logits", "steps": 2000},
    ]
    rows = rows_of(domain_adaptation(results), "weights averaged")
    assert rows["DANN"][:3] == ["6,000", "0.800 ± 0.141", "0.800 ± 0.000"]
    assert rows["ADDA, on features"][:3] == ["6,000", "–", "0.600"]
    assert rows["ADDA"][:3] == ["2,000", "–", "0.700"]


def test_a_gap_is_between_ends_of_as_many_steps():
    def of(method, accuracy, steps):
        return result(method, 0, accuracy) | {"pair": "signs-gtsrb", "steps": steps}

    ends = [of("source", 0.6, 600), of("source", 0.8, 2400), of("target", 1.0, 600)]
    text = domain_adaptation([*ends, of("dann", 0.7, 600), of("teacher", 0.9, 2400)])
    rows = rows_of(text, "gap closed")
    # (.7 - .6) / (1 - .6); of the longer one (.9 - .8) / (1 - .8), for there is no longer target.
    assert rows["DANN"][:2] == ["0.700", "25.0%"]
    assert rows["mean teacher"][:2] == ["0.900", "50.0%"]


def test_a_gap_is_between_ends_of_the_same_net():
    def of(method, accuracy, width):
        options = {"net": "jtransfer.nets.ganin.svhn_net", "net_options": {"width": width}}
        return result(method, 0, accuracy) | {"pair": "numbers-svhn10k", "options": options}

    usual = [of("source", 0.6, 0.25), of("dann", 0.7, 0.25), of("target", 1.0, 0.25)]
    wider = [of("source", 0.8, 0.5), of("dann", 0.9, 0.5), of("teacher", 0.9, 1.0)]
    rows = rows_of(domain_adaptation([*usual, *wider, of("target", 1.0, 0.5)]), "gap closed")
    assert rows["DANN"][:2] == ["0.700", "25.0%"]
    assert rows["DANN, 0.5 of the channels"][:2] == ["0.900", "50.0%"]
    assert rows["mean teacher, 1 of the channels"][:2] == ["0.900", "–"]


def test_a_mean_teacher_of_the_time_when_frequencies_were_taken_to_be_alike_is_told_apart():
    half = result("teacher", 0, 0.9) | {"pair": "numbers-svhn10k"}
    wholly = {key: value for key, value in half.items() if key != "alignment"}
    beside = wholly | {"target_accuracy": 0.8}
    digits = wholly | {"pair": "mnist-mnist_m", "target_accuracy": 0.7}
    text = domain_adaptation([half, beside, digits])
    assert "| mean teacher, beside an adversary | 0.800" in text
    assert "| mean teacher | 0.900" in text
    assert "| mean teacher | 0.700" in text  # of MNIST, whose classes are as frequent


def test_runs_on_a_source_that_has_changed_close_no_gap_of_the_new_one():
    def of(method, accuracy, source):
        return result(method, 0, accuracy) | {"pair": "signs-gtsrb", "data": {"source": source}}

    names = (*CRITERIA, "oracle")
    looked = {"checkpoints": {name: {"step": 6000, "target_accuracy": 0.7} for name in names}}
    results = [
        of("source", 0.6, "new"),
        of("dann", 0.7, "old") | looked,
        of("weighted", 0.8, "new"),
        of("target", 1.0, "old"),  # which no source has touched
    ]
    text = domain_adaptation(results)
    rows = rows_of(text, "gap closed")
    assert rows["DANN"][:2] == ["0.700", "–"]
    assert rows_of(text, "source error").keys() == {"DANN"}
    assert "weights averaged" not in text  # none was kept
    assert rows["DANN, weighted classes"][:2] == ["0.800", "50.0%"]
    assert {"source only", "train on target"} <= rows.keys()


def test_subspace_alignment_says_by_which_rule_its_dimension_was_chosen():
    def of(seed, accuracy, chosen_by):
        oracle = {"oracle": {"dimension": 8, "target_accuracy": 0.9}}
        return result("sa", seed, accuracy) | oracle | {"chosen_by": chosen_by}

    rows = rows_of(
        domain_adaptation(
            [
                of(0, 0.4, "source cross-validation up to the stable dimension 9"),
                of(1, 0.6, "source cross-validation up to the stable dimension 11"),
                of(0, 0.7, "agreement on the target"),
            ]
        ),
        "gap closed",
    )
    assert rows["SA"][0] == "0.700"
    assert rows["SA, dimension by the paper's bound"][0] == "0.500 ± 0.141"


def test_runs_that_differ_by_more_than_their_seed_are_not_averaged():
    def of(method, seed, accuracy, **differs):
        return result(method, seed, accuracy) | {"pair": "signs-gtsrb", **differs}

    results = [
        of("adda", 0, 0.4),  # of the time when features were all that could be read
        of("adda", 1, 0.6, judged="features"),
        of("adda", 1, 0.6, judged="logits"),
        of("adda", 2, 0.8, judged="logits"),
        of("translation", 0, 0.6, judged="logits"),
        of("translation", 0, 0.7, judged="features"),
        of("teacher", 0, 0.9, data={"source": "old"}),
        of("teacher", 1, 0.7, data={"source": "new"}),
        of("target", 0, 0.8, data={"source": "old"}),  # which saw neither
        of("target", 1, 1.0, data={"source": "new"}),
    ]
    text = domain_adaptation(results)
    table = text[text.index("| :--") :].splitlines()[1:8]
    assert [tuple(cell.strip() for cell in row.split("|")[1:3]) for row in table] == [
        ("ADDA", "0.700 ± 0.141"),
        ("ADDA, on features", "0.500 ± 0.141"),
        ("image translation", "0.600"),
        ("image translation, on codes", "0.700"),
        ("mean teacher", "0.700"),
        ("mean teacher", "0.900"),
        ("train on target", "0.900 ± 0.141"),
    ]
