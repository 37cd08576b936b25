import numpy as np

from jtransfer.measure.page import (
    Candidate,
    ConfusedPair,
    Duplicates,
    Estimate,
    Gallery,
    ImageMap,
    Report,
    Sample,
    Share,
    Table,
    Unreadable,
    render_page,
)
from jtransfer.measure.page.limits import trimmed

PICTURE = b"\xff\xd8\xff" + bytes(3997)  # 4,000 bytes


def samples(count: int) -> list[Sample]:
    return [Sample(f"{number}.jpg", PICTURE, "a", "b", 0.5) for number in range(count)]


def test_a_small_report_stays_as_it_is():
    report = Report("r", classes=["a", "b"], mistakes=samples(3), doubtful=samples(2))
    kept, left_out = trimmed(report)
    assert left_out == []
    assert (list(kept.mistakes), list(kept.doubtful)) == (report.mistakes, report.doubtful)


def test_pictures_go_from_the_map_first():
    points = np.arange(2000.0).reshape(1000, 2)
    report = Report(
        "r", classes=["a"], mistakes=samples(40), maps=[ImageMap(points, samples(1000))]
    )
    kept, left_out = trimmed(report)
    pictured = [sample.thumbnail is not None for sample in kept.maps[0].samples]
    # 1,500,000 bytes are 375 pictures, of which the mistakes have 40.
    assert sum(pictured) == 335
    assert all(sample.thumbnail for sample in kept.mistakes)
    assert 100 < sum(pictured[:500]) < 235  # of all parts of the map
    assert [sample.file for sample in kept.maps[0].samples] == [f"{n}.jpg" for n in range(1000)]
    assert left_out == ["665 pictures, of which the names are there"]


def test_points_of_a_large_map_are_taken_evenly():
    points = np.arange(8000.0).reshape(4000, 2)
    given = ImageMap(points, [Sample(str(number)) for number in range(4000)])
    kept, left_out = trimmed(Report("r", maps=[given]))
    numbers = [int(sample.file) for sample in kept.maps[0].samples]
    assert len(numbers) == 1000
    assert (numbers[0], numbers[-1], max(np.diff(numbers))) == (0, 3999, 5)
    np.testing.assert_array_equal(kept.maps[0].points[:, 0], 2.0 * np.array(numbers))
    assert left_out == ["3,000 of 4,000 points of the map"]


def test_the_chosen_candidate_stays():
    candidates = [Candidate("net", str(n), "svm", Share(n / 1000)) for n in range(500)]
    candidates[3] = Candidate("net", "3", "svm", Share(0.003), chosen=True)
    kept, left_out = trimmed(Report("r", candidates=candidates))
    assert [each.layer for each in kept.candidates] == ["3", *map(str, range(381, 500))]
    assert left_out == ["380 of 500 candidates, the least accurate"]


def test_a_large_group_says_how_many_more():
    kept, _ = trimmed(Report("r", duplicates=[Duplicates(samples(30))]))
    files = [sample.file for sample in kept.duplicates[0].samples]
    assert files == [*(f"{number}.jpg" for number in range(7)), "and 23 more"]


def test_long_names_keep_both_ends():
    kept, _ = trimmed(
        Report("r" * 1000, summary="s" * 1000, mistakes=[Sample("ab" * 300 + ".jpg")])
    )
    assert len(kept.title) == 120
    assert kept.summary == "s" * 1000
    reason = trimmed(Report("r", unreadable=[Unreadable("a", "w" * 300)]))[0].unreadable[0].why
    assert reason == "w" * 300
    file = kept.mistakes[0].file
    assert (len(file), file[:2], file[-6:], file[60]) == (120, "ab", "ab.jpg", "…")


def test_a_page_of_anything_is_small():
    long = "Ä" * 5000
    many = [Sample(long, PICTURE, f"{n % 500}{long}", long, 0.5, long) for n in range(3000)]
    classes = [f"{n}{long}" for n in range(500)]
    share = Share(0.5, 0.4, 0.6)
    report = Report(
        long,
        long,
        classes=classes,
        estimate=Estimate(share, by_class=[share] * 500),
        candidates=[Candidate(long, f"{n}{long}", long, share) for n in range(1000)],
        confusion=np.ones((500, 500), int),
        confused=[ConfusedPair(long, long, 3, many)] * 100,
        mistakes=many,
        doubtful=many,
        duplicates=[Duplicates(many[:50], False, long)] * 500,
        maps=[ImageMap(np.random.default_rng(0).normal(size=(3000, 2)), many, long)] * 2,
        galleries=[Gallery(long, many, long)] * 2,
        comparisons=[Table(long, [long] * 5, [[long] * 5] * 3000)],
        tables=[Table(long, [long] * 5, [[long] * 5] * 3000)],
        unreadable=[Unreadable(long, long)] * 5000,
    )
    html = render_page(report)
    assert len(html.encode()) < 6_000_000
    for what in ("points of the map", "mistakes", "unreadable files", "pictures", "candidates"):
        assert what in html[html.index("Left out") :]
