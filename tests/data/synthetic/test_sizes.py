import pytest

from jtransfer.data import DataError, load


@pytest.mark.parametrize("name", ["numbers", "cropped_numbers", "attributes", "signs"])
def test_what_would_fill_memory_is_not_drawn(name, tmp_path):
    for size, says in ((0, "asked for 0 drawn"), (10**10, r"10,000,000,000 drawn .* would take")):
        with pytest.raises(DataError, match=says):
            load(f"synthetic:{name}", "train", size=size, data_root=tmp_path)


def test_seeds_count_from_0(tmp_path):
    with pytest.raises(DataError, match="seed -1 of sklearn:digits; expected 0 or more"):
        load("sklearn:digits", "train", size=5, seed=-1)
