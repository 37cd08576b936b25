from experiments.throughput.step_tables import cost_against_size, epoch, timed_steps

MADE_BY = {"device": "1 x toy", "versions": {"jax": "1", "torch": "2"}}


def cells(text, start):
    """Of the rows that start so."""
    lines = [line for line in text.splitlines() if line.startswith(f"| {start}")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def times(median, **more):
    return {"median_ms": median, "quartiles_ms": [median - 1, median + 1], "rounds": 9, **more}


def test_steps_with_and_without_a_rival():
    ours = times(20.0, compile_seconds=1.5, gigaflop_by_hand=2.0, gigaflop_by_xla=2.1)
    ours["peak_megabytes"] = 345.6
    step = {
        "title": "DANN",
        "size": "4 + 4 of 8x8x3",
        "examples": 8,
        "steps_a_second": 50.0,
        "examples_a_second": 400.0,
        "gigaflop_a_second": 100.0,
        "share_of_peak": 0.5,
        "ratio": {"PyTorch": 0.5, "PyTorch, keeping freed memory": 0.8},
        "times": {
            "jtransfer": ours,
            "PyTorch": times(40.0),
            "PyTorch, keeping freed memory": times(25.0),
        },
    }
    alone = {
        **step,
        "title": "speech",
        "ratio": {},
        "times": {"jtransfer": {**ours, "gigaflop_by_hand": None}},
    }
    result = {
        "date": "2026-11-23",
        "peak": {"side": 2048, "gigaflop_a_second": 200.0},
        "steps": {"dann": step, "speech": alone},
        "loop": {"steps": 300, "fit_seconds": 6.3, "bare_seconds": 6.0, "ratio": 1.05},
        "made_by": MADE_BY,
    }
    text = timed_steps([result])
    mine, beside = cells(text, "DANN")
    assert mine[1:] == ["1.5", "20.0", "50.00", "400", "2.00", "100.0", "50%", "346"]
    theirs = ["40.0 (39.0–41.0)", "0.50", "25.0 (24.0–26.0)", "0.80"]
    assert beside[1:] == ["20.0 (19.0–21.0)", *theirs]
    (row,) = cells(text, "speech")
    assert row[5] == "(2.10)"
    assert "1.050 times" in text
    assert timed_steps([]) == ""


def test_an_epoch():
    result = {
        "date": "2026-11-23",
        "images": 6400,
        "batch": 64,
        "workers": 2,
        "epoch": {"jtransfer": times(5000.0), "PyTorch": times(10000.0)},
        "times_faster": 2.0,
        "made_by": MADE_BY,
    }
    text = epoch([result])
    assert cells(text, "jtransfer") == [["jtransfer", "5.0", "5.0–5.0", "20.0"]]
    assert "2.00 times as fast" in text
    assert epoch([]) == ""
    assert "times as fast" not in epoch([{**result, "times_faster": None}])


def test_time_against_size():
    result = {
        "date": "2026-11-23",
        "sizes": {"batch": [8, 16], "dims": [1000, 2000]},
        "seconds": {"batch": [0.01, 0.02], "dims": [1.5, 3.0]},
        "exponents": {"batch": 1.0, "dims": 1.0},
        "probe": {"examples": 1600, "dims": 1000, "classes": 20, "penalties": 4},
        "repeats": 3,
        "picture": "docs/cost.png",
        "made_by": MADE_BY,
    }
    text = cost_against_size([result])
    assert cells(text, "probe")[0] == ["probe: dimensions", "1,000, 2,000", "1,500, 3,000", "1.00"]
    assert "![Time against size](../cost.png)" in text
    assert cost_against_size([]) == ""
