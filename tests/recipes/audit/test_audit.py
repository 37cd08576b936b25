import numpy as np
import pytest

from jtransfer.data import DataError
from jtransfer.measure.page.rendering import render_page
from jtransfer.recipes.audit.audit import audit
from jtransfer.recipes.audit.page import audit_report
from jtransfer.recipes.audit.printed import printed
from tests.data.intake.folders import classes, fill
from tests.recipes.audit.folder_with_faults import directions, folder_with_faults


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return audit(folder_with_faults(tmp_path_factory.mktemp("faults")), features=directions)


def test_what_was_planted_is_found(found):
    names = found.folder.names
    assert [names[row] for row in found.looked.unreadable] == ["train/down/damaged.png"]
    (leak,) = found.leaks
    assert [names[row] for row in leak.rows] == ["test/down/leaked.jpg", "train/down/3.png"]
    assert not leak.exact
    assert found.duplicates == (leak,)
    assert found.contradictions == ()
    assert [(names[each.row], each.guess) for each in found.doubtful] == [
        ("train/across/wrong.png", "down")
    ]
    assert found.doubtful[0].probability > 0.5 > found.doubtful[0].given
    assert len(found.ranking) == 38
    assert found.ranking[0] == found.doubtful[0].row


def test_images_are_counted_by_class_and_split(found):
    assert found.counts == {
        "across": {"test": 6, "train": 13},
        "down": {"test": 7, "train": 12},
    }
    assert found.small_classes == {}


def test_the_text_says_what_was_found(found):
    text = printed(found, most=1)
    assert "39 images, 2 classes" in text
    assert "1 image in two splits: what is tested on was trained on." in text
    assert "test/down/leaked.jpg, train/down/3.png  (alike)" in text
    assert "train/across/wrong.png: more like down" in text
    assert "damaged.png cannot be read" in text
    assert "... 1 more rows" in text


def test_the_page_shows_it_with_pictures(found):
    report = audit_report(found)
    # The notices say each thing once, the summary only how many there are.
    kinds = sum(notice.kind == "warning" for notice in report.notices)
    assert report.summary == f"{kinds} kinds of things should be mended, the worst first."
    page = render_page(report).replace("<wbr>", "")
    for name in ("train/across/wrong.png", "test/down/leaked.jpg", "train/down/damaged.png"):
        assert name.rpartition("/")[2] in page
    shown = [*report.doubtful, *report.duplicates[0].samples]
    assert [each.thumbnail is not None for each in shown] == [True] * 3
    assert report.duplicates[0].why == "in test and train"
    (unreadable,) = report.unreadable
    assert unreadable.why.startswith("cannot be read (")


def test_one_image_in_two_classes_is_a_contradiction(tmp_path):
    root = fill(tmp_path, classes("cat", "dog"))
    (root / "dog/3.png").write_bytes((root / "cat/0.png").read_bytes())
    found = audit(root, features=directions)
    (group,) = found.contradictions
    assert group.exact
    assert found.small_classes == {"cat": 3, "dog": 4}
    assert found.unjudged == (
        "Labels were not judged: it takes two classes of 5 images each to compare."
    )
    assert "1 image in two classes: one label is wrong." in printed(found)


def test_classes_too_small_to_judge_are_named_and_the_others_judged(tmp_path):
    root = folder_with_faults(tmp_path)
    fill(root, classes("train/newt", images=4))
    found = audit(root, features=directions)
    assert found.unjudged == "Labels of 1 classes of fewer than 5 images were not judged: newt."
    assert "newt" not in {found.folder.label_name(row) for row in found.ranking}


def test_a_flat_folder_is_looked_over_without_labels(tmp_path):
    found = audit(fill(tmp_path, {"a.png": None, "b.png": None, "c.png": b""}))
    assert (found.ranking, found.unjudged) == (None, "There are no labels to judge.")
    assert found.counts == {"": {"": 2}}
    assert "(no label)" in printed(found)
    assert render_page(audit_report(found))


def test_stop_ends_at_a_file_that_cannot_be_read(tmp_path):
    root = fill(tmp_path, {**classes("cat", "dog"), "cat/bad.png": b""})
    with pytest.raises(DataError, match=r"bad\.png is empty.*on_unreadable='skip' leaves"):
        audit(root, judge_labels=False, on_unreadable="stop")


def test_features_are_asked_for_of_readable_images_alone(tmp_path):
    asked = []

    def features(files):
        asked.append(files)
        return np.ones((len(files), 2), np.float32) + directions(files)

    audit(folder_with_faults(tmp_path), features=features)
    (files,) = asked
    assert "damaged.png" not in {path.name for path in files.paths}
    assert files.classes == ("across", "down")
