"""Names that stay in their folder, and those that do not."""

from pathlib import Path

import pytest

from jtransfer.files.names import path_within, plain_name


def test_names_within_a_folder_are_taken_as_they_are():
    assert plain_name("a b.jpg") == "a b.jpg"
    assert path_within(Path("x"), "./a/..b/c.wav") == Path("x/a/..b/c.wav")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "/etc/passwd", "a/../../b", "a/..", "a//b", "a\\b", "a\0", "C:/b", "a/"]
)
def test_names_that_lead_elsewhere_are_refused(name: str):
    with pytest.raises(ValueError, match="no name of a file within x"):
        path_within(Path("x"), name)
    with pytest.raises(ValueError, match="no plain name"):
        plain_name(name)
