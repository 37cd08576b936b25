import os
import time

import pytest

from jtransfer.data import DataError
from jtransfer.data.sources.csv_table import read_csv_table

WHOLE = 'path,label\na.wav,"yes, ""so"""\n\nb.wav, no \n'


@pytest.fixture
def file(tmp_path):
    return tmp_path / "list.csv"


def read(file):
    return read_csv_table(file, "a list")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_marks_of_all_systems_are_read(file, end, mark):
    file.write_bytes((mark + WHOLE.replace("\n", end)).encode())
    table = read(file)
    assert table.columns == ("path", "label")
    assert table.rows == (("a.wav", 'yes, "so"'), ("b.wav", "no"))
    assert list(table.of("label")) == [(2, {"label": 'yes, "so"'}), (4, {"label": "no"})]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty, 0 bytes; expected a list"),
        (b"\n\n", "has no line; expected a list"),
        (b"a,b,a\n1,2,3\n", "has the column 'a' more than once"),
        (b"a,b\n1,2\n1\n", "line 3 has 1 cells, expected 2"),
        (b"a,b\n1,2,3\n", "line 2 has 3 cells, expected 2"),
        (b'a,b\n1,2\n1,"2\n3,4\n', "line 3 cannot be read .*every quote closed"),
        (b'a,b\n1,"2"3\n', "line 2 cannot be read"),
        (b"a,b\n1," + b"2" * 140_000 + b"\n", "line 2 .*at most 131,072 characters"),
        (b"a,b\n1,\xe9\n", r"is no UTF-8 text \(byte 6\)"),
        ("a,b\n1,2\n".encode("utf-16"), "is no UTF-8 text"),
        (b"a,b\n1,2\n3,\0\n", r"cannot be read \(no text parted by line ends\)"),
        (b"PK\x03\x04\x00 a table of a spreadsheet", "is a zip archive; expected a list"),
        (b"<!doctype html><html>", "is an HTML page; expected a list"),
    ],
)
def test_what_is_doubtful_is_an_error_with_its_line(file, content, says):
    file.write_bytes(content)
    with pytest.raises(DataError, match=rf"list\.csv,? {says}"):
        read(file)


def test_columns_that_are_not_there_are_named(file):
    file.write_text(WHOLE)
    with pytest.raises(DataError, match=r"has the columns \['path', 'label'\]; expected speaker"):
        list(read(file).of("speaker"))


def test_what_is_no_file_is_named(file):
    with pytest.raises(DataError, match="is not there; expected a list"):
        read(file)
    file.mkdir()
    with pytest.raises(DataError, match="is a folder; expected a list"):
        read(file)
    file.rmdir()
    os.mkfifo(file)
    with pytest.raises(DataError, match="is a pipe, a socket or a device"):
        read(file)


def test_a_line_of_many_cells_takes_no_square_of_them(file):
    file.write_text(",".join(map(str, range(100_000))))
    began = time.perf_counter()
    assert len(read(file).columns) == 100_000
    assert time.perf_counter() - began < 5


def test_a_table_that_would_fill_memory_is_refused_before_it_does(file, monkeypatch):
    monkeypatch.setenv("JTRANSFER_MEMORY", "0.0005")  # GiB
    file.write_bytes(b"a,b\n" + b",x\n" * 5_000)
    with pytest.raises(
        DataError, match=r"list\.csv would take 879\.1 KiB of memory.*JTRANSFER_MEMORY"
    ):
        read(file)
