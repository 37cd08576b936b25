import numpy as np
import pytest

from jtransfer.data.examples import DataError
from jtransfer.data.sources.decoding import read_rgb
from jtransfer.recipes.own_folder.search import search_folder, write_contact_sheet


def test_the_nearest_are_of_the_querys_colour_and_not_itself(toy_trunk, squares, tmp_path):
    asked = [squares / "red" / "0.png", squares / "blue" / "3.png"]
    found = search_folder(
        toy_trunk, squares, asked, count=3, workers=0, cache_folder=tmp_path / "cache"
    )
    assert found.cosines.shape == (2, 3)
    assert (np.diff(found.cosines) <= 0).all()
    for query, paths in zip(asked, found.paths, strict=True):
        assert query not in paths
        assert {path.parent.name for path in paths} == {query.parent.name}
    sheet = tmp_path / "sheet.png"
    write_contact_sheet(found, sheet)
    drawn = np.asarray(read_rgb(sheet))
    assert drawn.shape == (2 * 172 + 12, 4 * 172 + 24, 3)
    assert drawn[92, 92, 0] > 120 > drawn[92, 92, 2]  # the first query is red
    with pytest.raises(DataError, match="is there already"):
        write_contact_sheet(found, sheet)


def test_what_is_not_there_is_said(toy_trunk, squares):
    with pytest.raises(DataError, match="is not there"):
        search_folder(toy_trunk, squares, [squares / "none.png"])
    with pytest.raises(ValueError, match="a count of 0"):
        search_folder(toy_trunk, squares, [squares / "red" / "0.png"], count=0)
