import pytest

from jtransfer.commands.main import main
from tests.data.intake.folders import classes, fill


def test_the_audit_is_printed_and_its_page_written(tmp_path, capsys):
    root = fill(tmp_path / "photos", {**classes("cat", "dog"), "cat/bad.png": b""})
    page = tmp_path / "page.html"
    main(["audit", str(root), "--no-judge-labels", "--out", str(page)])
    said = capsys.readouterr().out
    assert "7 images, 2 classes" in said
    assert "bad.png is empty, 0 bytes" in said
    assert said.endswith(f"written: {page}\n")
    assert "Audit of photos" in page.read_text()


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ((), "found no folder {root}/none; expected a folder of images"),
        (("--on-unreadable", "stop"), "bad.png is empty, 0 bytes; "),
        (("--out", "{root}/cat/0.png"), "{root}/cat/0.png cannot be used (it is there already)"),
    ],
)
def test_what_is_wrong_is_a_sentence_and_status_2(tmp_path, capsys, flags, says):
    root = fill(tmp_path, {**classes("cat", "dog"), "cat/bad.png": b""})
    given = [flag.format(root=root) for flag in flags]
    folder = root if flags else root / "none"
    with pytest.raises(SystemExit) as end:
        main(["audit", str(folder), "--no-judge-labels", *given])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert says.format(root=root) in said
    assert "Traceback" not in said
