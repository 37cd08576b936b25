from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from jtransfer.data import DataError, load
from jtransfer.data.loading import load_speech


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "words"
    path.mkdir()
    return path


def write(path, count=100, rate=8000):
    path.parent.mkdir(exist_ok=True)
    wavfile.write(path, rate, np.full(count, 1000, np.int16))


def test_names_say_label_and_speaker(folder, tmp_path):
    for name in ("7_theo_0", "7_theo_1", "0_van_der_berg_12"):
        write(folder / f"{name}.wav")
    write(folder / "._7_theo_0.wav")
    (folder / "README.txt").touch()
    read = load_speech("wav:words", data_root=tmp_path)
    assert (read.name, read.rate, read.notes) == ("wav:words", 8000, ())
    assert read.classes == ("0", "7")
    assert read.speaker_names == ("theo", "van_der_berg")
    assert read.labels.tolist() == [0, 1, 1]
    assert read.speakers.tolist() == [1, 0, 0]


def test_a_list_says_where_what_and_who(folder, tmp_path):
    for name in ("a/x.wav", "b.wav", "unlisted.wav"):
        write(folder / name)
    lines = "speaker,path,label,age\nann,b.wav,yes,3\nbo,a/x.wav,no,4\n"
    (folder / "list.csv").write_text(lines)
    read = load_speech("wav:words", data_root=tmp_path)
    assert (read.classes, read.speaker_names) == (("no", "yes"), ("ann", "bo"))
    assert read.labels.tolist() == [1, 0]
    assert read.speakers.tolist() == [0, 1]


def test_other_rates_are_resampled_with_a_note(folder, tmp_path):
    for index, rate in enumerate((8000, 8000, 16000)):
        write(folder / f"1_ann_{index}.wav", rate=rate)
    read = load_speech("wav:words", data_root=tmp_path)
    assert [len(each) for each in read.samples] == [100, 100, 50]
    assert read.notes == ("1 of 3 utterances resampled from 16000 Hz to 8000 Hz",)
    fast = load_speech("wav:words", data_root=tmp_path, rate=16000)
    assert [len(each) for each in fast.samples] == [200, 200, 100]
    assert fast.notes == ("2 of 3 utterances resampled from 8000 Hz to 16000 Hz",)


def test_a_list_that_cannot_be_used_is_an_error(folder, tmp_path):
    def check(content, sentence):
        (folder / "list.csv").write_text(content)
        with pytest.raises(DataError, match=sentence):
            load_speech("wav:words", data_root=tmp_path)

    check("file,label\n", r"has the columns \['file', 'label'\]; expected path, label, speaker")
    check("path,label,speaker\nx.wav,,ann\n", r"list\.csv, line 2: .*expected a path, a label")
    check("path,label,speaker\nx.wav,yes\n", r"list\.csv, line 2 has 2 cells, expected 3")
    check("path,label,speaker\n", "names no wav file")
    check("path,label,speaker\nx.wav,yes,ann\n", r"x\.wav is not there")
    for path in ("../x.wav", "/etc/passwd", "a/../../x.wav", ".."):
        check(f"path,label,speaker\n{path},yes,ann\n", r"list\.csv, line 2: '.*' is no name of a f")
    check("path,label,speaker,label\n", "has the column 'label' more than once")
    (folder / "other.csv").touch()
    check("path,label,speaker\n", "has 2 lists, list.csv, other.csv; expected one")


def test_a_name_that_says_nothing_is_an_error(folder, tmp_path):
    write(folder / "hello.wav")
    with pytest.raises(DataError, match=r"hello\.wav has a name that says nothing.*7_theo_0"):
        load_speech("wav:words", data_root=tmp_path)


def test_a_missing_or_empty_folder_is_an_error(folder, tmp_path):
    with pytest.raises(DataError, match="names no wav file"):
        load_speech("wav:words", data_root=tmp_path)
    with pytest.raises(DataError, match=r"found no folder .*fsdd; .*free-spoken-digit-dataset"):
        load_speech("wav:fsdd", data_root=tmp_path)


def test_rates_are_bounded_before_a_file_is_read(folder, tmp_path, monkeypatch):
    write(folder / "1_ann_0.wav")
    with pytest.raises(DataError, match="a rate of 2,147,483,647 Hz; expected 100 to 192,000"):
        load_speech("wav:words", data_root=tmp_path, rate=2**31 - 1)

    def forbidden(_):
        raise PermissionError

    monkeypatch.setattr(Path, "iterdir", forbidden)
    with pytest.raises(DataError, match="words may not be listed by this user"):
        load_speech("wav:words", data_root=tmp_path)


def test_speech_and_images_are_told_apart():
    with pytest.raises(DataError, match=r"wav:fsdd is sound.*load_speech"):
        load("wav:fsdd", "train")
    for name in ("idx:mnist", "wav:", "fsdd"):
        with pytest.raises(DataError, match=f"'{name}' names no speech; expected wav:"):
            load_speech(name)


@pytest.mark.slow
def test_real_fsdd(data_root):
    read = load_speech("wav:fsdd", data_root=data_root)
    assert (len(read), read.rate, read.notes) == (3000, 8000, ())
    assert read.classes == tuple("0123456789")
    assert read.speaker_names == ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
    pairs = np.stack([read.labels, read.speakers])
    assert np.unique(pairs, axis=1, return_counts=True)[1].tolist() == [50] * 60


def test_hidden_files_and_capitals_are_those_of_other_systems(folder, tmp_path):
    write(folder / "7_theo_0.WAV")
    (folder / "._list.csv").write_bytes(b"\0\5\x16\7")  # beside every file on a disk from macOS
    assert load_speech("wav:words", data_root=tmp_path).classes == ("7",)


def test_a_sound_that_is_listed_twice_is_refused(folder, tmp_path):
    write(folder / "a.wav")
    (folder / "list.csv").write_text("path,label,speaker\na.wav,yes,bo\n./a.wav,no,bo\n")
    with pytest.raises(DataError, match=r"line 3 lists \./a\.wav again; expected every sound once"):
        load_speech("wav:words", data_root=tmp_path)


@pytest.mark.parametrize(
    ("what", "cause"),
    [
        ("a" * 300, "File name too long"),
        ("a\0b", "embedded null"),
        ("7.txt", "is a file; expected a"),
    ],
)
def test_what_is_no_folder_is_told_by_its_cause(tmp_path, what, cause):
    (tmp_path / "7.txt").touch()
    (tmp_path / "tfds").mkdir()
    (tmp_path / "tfds" / "7.txt").touch()
    for read in (load_speech, load):
        scheme, split = ("wav", ()) if read is load_speech else ("tfds", ("train",))
        with pytest.raises(DataError, match=cause):
            read(f"{scheme}:{what}", *split, data_root=tmp_path)
