"""Folders as people have them, each with a right result or a sentence."""

import os
import unicodedata
import zlib

import numpy as np
import pytest
from PIL import Image

from jtransfer.data import DataError
from jtransfer.data.intake.image_folder import image_folder
from jtransfer.data.intake.look import look
from jtransfer.data.intake.walk import AGAIN, NOWHERE, SPECIAL, SYSTEM
from tests.data.intake.folders import classes, encoded, fill, label_names, picture

CAT_AND_DOG = classes("cat", "dog")


def seen(path):
    """What is listed: files with their classes, by split."""
    folder = image_folder(path)
    listed = zip(folder.splits.tolist(), label_names(folder), folder.names, strict=True)
    return sorted(listed), folder


def test_one_folder_a_class(tmp_path):
    listed, folder = seen(fill(tmp_path, CAT_AND_DOG))
    assert folder.classes == ("cat", "dog")
    assert [label for _, label, _ in listed] == ["cat"] * 3 + ["dog"] * 3
    files = folder.labelled()
    assert [path.parent.name for path in files.paths] == ["cat"] * 3 + ["dog"] * 3
    assert files.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert (folder.passed_over, folder.notes) == ({}, ())


@pytest.mark.parametrize(
    ("named", "split"), [("valid", "val"), ("Validation", "val"), ("testing", "test")]
)
def test_splits_share_one_numbering_of_classes(tmp_path, named, split):
    fill(tmp_path, {**classes("train/dog", "train/cat"), **classes(f"{named}/dog", images=1)})
    folder = image_folder(tmp_path)
    assert folder.classes == ("cat", "dog")
    assert folder.labelled("train").labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert folder.labelled(split).labels.tolist() == [1]
    with pytest.raises(DataError, match=r"no labelled image in the split 'none' \(there are"):
        folder.labelled("none")


def test_a_flat_split_has_no_labels(tmp_path):
    fill(tmp_path, {**classes("train/cat", "train/dog"), "test/1.png": None})
    listed, folder = seen(tmp_path)
    assert listed[0] == ("test", "", "test/1.png")
    assert folder.labels.tolist().count(-1) == 1


def test_train_beside_other_classes_is_a_class(tmp_path):
    assert image_folder(fill(tmp_path, classes("train", "plane"))).classes == ("plane", "train")


def test_splits_beside_other_folders_are_refused(tmp_path):
    fill(tmp_path, {**classes("train/cat", "train/dog"), **classes("extra")})
    with pytest.raises(DataError, match="holds the splits train beside extra; expected splits al"):
        image_folder(tmp_path)


def test_a_flat_folder_is_unlabelled(tmp_path):
    folder = image_folder(fill(tmp_path, {"b.png": None, "a.png": None}))
    assert (folder.names, folder.classes) == (("a.png", "b.png"), ())
    assert folder.labels.tolist() == [-1, -1]
    with pytest.raises(DataError, match="has no labelled image; expected a folder of images for"):
        folder.labelled()


def test_a_folder_around_the_folder_is_passed_through(tmp_path):
    folder = image_folder(fill(tmp_path, classes("photos/2024/cat", "photos/2024/dog", images=1)))
    assert folder.classes == ("cat", "dog")
    assert folder.notes == ("its images lie in photos/2024, which is taken for the folder itself",)


def test_domains_are_refused(tmp_path):
    fill(tmp_path, classes("photo/cat", "photo/dog", "art/cat", "art/dog"))
    with pytest.raises(DataError, match="holds art, photo, each with the folders cat, dog; expec"):
        image_folder(tmp_path)
    assert image_folder(tmp_path / "art", classes=("dog", "fox", "cat")).labels.tolist() == [
        *[2, 2, 2],
        *[0, 0, 0],
    ]


def test_deeper_images_are_of_the_class_that_they_lie_below(tmp_path):
    fill(tmp_path, {**CAT_AND_DOG, "cat/outdoor/night/1.png": None})
    assert label_names(image_folder(tmp_path)) == ["cat"] * 4 + ["dog"] * 3


def test_images_beside_the_classes_are_passed_over_and_named(tmp_path):
    folder = image_folder(fill(tmp_path, {**CAT_AND_DOG, "title.png": None}))
    assert folder.passed_over == {"an image beside the folders of classes": ("title.png",)}


def test_hidden_files_and_what_systems_leave_are_passed_over_and_named(tmp_path):
    left = ("__MACOSX/cat/._0.png", ".git/a.png", "cat/.DS_Store", "dog/Thumbs.db", "desktop.ini")
    _, folder = seen(fill(tmp_path, {**CAT_AND_DOG, **dict.fromkeys(left)}))
    assert len(folder) == 6
    assert folder.passed_over == {
        SYSTEM: (".git", "__MACOSX", "cat/.DS_Store", "desktop.ini", "dog/Thumbs.db")
    }


def test_other_files_are_passed_over_by_what_they_are(tmp_path):
    others = {"cat/notes.txt": b"hello", "cat/a.pdf": b"%PDF-1.7", "dog/a.heic": b"\0\0\0 ftypheic"}
    folder = image_folder(fill(tmp_path, {**CAT_AND_DOG, **others}))
    assert folder.passed_over == {
        "a HEIC image": ("dog/a.heic",),
        "a PDF": ("cat/a.pdf",),
        "another file (.txt)": ("cat/notes.txt",),
    }


def test_content_decides_and_not_the_suffix(tmp_path):
    jpeg = encoded(picture(1), "JPEG")
    fill(tmp_path, {"cat/a.png": jpeg, "cat/b.dat": jpeg, "cat/c": jpeg, "cat/d.JPEG": jpeg})
    folder = image_folder(tmp_path)
    assert len(folder) == 4
    assert look(folder.paths).unreadable == {}


def test_an_empty_class_is_told(tmp_path):
    (tmp_path / "yoyo").mkdir()
    folder = image_folder(fill(tmp_path, CAT_AND_DOG))
    assert folder.classes == ("cat", "dog")
    assert folder.notes == ("the folder yoyo holds no image: it is no class",)


def test_one_class_and_one_image_a_class(tmp_path):
    assert image_folder(fill(tmp_path / "a", classes("cat"))).classes == ("cat",)
    assert len(image_folder(fill(tmp_path / "b", classes("cat", "dog", images=1)))) == 2


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, r"holds no image \(it is empty\); expected JPEG"),
        ({"a.txt": b"x", "b/c.csv": b"x"}, r"\(1 x another file \(\.csv\); 1 x another file"),
    ],
)
def test_nothing_at_all_is_a_sentence(tmp_path, files, says):
    with pytest.raises(DataError, match=says):
        image_folder(fill(tmp_path, files))


def test_what_is_no_folder_is_a_sentence(tmp_path):
    with pytest.raises(DataError, match=r"found no folder .*none; expected a folder of images"):
        image_folder(tmp_path / "none")
    fill(tmp_path, {"a.png": None})
    with pytest.raises(DataError, match=r"a\.png is a file; expected a folder"):
        image_folder(tmp_path / "a.png")


def test_two_unicode_forms_of_a_class_are_one(tmp_path):
    forms = [unicodedata.normalize(form, "café") for form in ("NFC", "NFD")]
    assert forms[0] != forms[1]
    fill(tmp_path, {**classes(f"train/{forms[0]}", "train/bar"), **classes(f"test/{forms[1]}")})
    folder = image_folder(tmp_path)
    assert folder.classes == ("bar", forms[0])
    assert folder.labelled("test").labels.tolist() == [1, 1, 1]
    assert "the class 'café' is written in 2 ways that differ in blanks or" in folder.notes[0]


def test_two_spellings_of_a_class_in_two_splits_are_told(tmp_path):
    fill(tmp_path, classes("train/red fox", "train/wolf", "test/Red_Fox", "test/wolf"))
    folder = image_folder(tmp_path)
    assert folder.classes == ("Red_Fox", "red fox", "wolf")
    assert folder.notes == (
        "the classes 'Red_Fox', 'red fox' differ in capitals, blanks or hyphens alone: if they "
        "mean the same, give their folders one name",
    )


def test_names_with_blanks_and_of_any_bytes(tmp_path):
    odd = os.fsdecode(b"caf\xe9")
    fill(tmp_path, {"a b/c d .png": None, f"{odd}/\xa0\n.png": None})
    folder = image_folder(tmp_path)
    assert folder.classes == ("a b", odd)
    assert look(folder.paths).unreadable == {}


def test_links_are_followed_and_loops_end(tmp_path):
    fill(tmp_path / "elsewhere", {"0.png": None})
    root = fill(tmp_path / "root", CAT_AND_DOG)
    (root / "fox").symlink_to(tmp_path / "elsewhere")
    (root / "cat/up").symlink_to(root)
    (root / "cat/self").symlink_to("self")
    (root / "dog/3.png").symlink_to(root / "cat/0.png")
    (root / "dog/gone.png").symlink_to("nothing.png")
    folder = image_folder(root)
    assert label_names(folder) == ["cat"] * 3 + ["dog"] * 4 + ["fox"]
    assert folder.passed_over == {AGAIN: ("cat/up",), NOWHERE: ("cat/self", "dog/gone.png")}


def test_a_link_takes_nothing_from_the_folder_it_leads_to(tmp_path):
    root = fill(tmp_path, CAT_AND_DOG)
    (root / "ant").symlink_to(root / "dog")
    folder = image_folder(root)
    assert folder.classes == ("cat", "dog")
    assert folder.passed_over == {AGAIN: ("ant",)}


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(fill(tmp_path, CAT_AND_DOG) / "cat/pipe.png")
    assert image_folder(tmp_path).passed_over == {SPECIAL: ("cat/pipe.png",)}


def test_a_folder_that_cannot_be_written_to(tmp_path):
    fill(tmp_path, CAT_AND_DOG)
    for folder in (tmp_path / "cat", tmp_path / "dog", tmp_path):
        folder.chmod(0o555)
    try:
        assert len(look(image_folder(tmp_path).paths).readable()) == 6
    finally:
        for folder in (tmp_path, tmp_path / "cat", tmp_path / "dog"):
            folder.chmod(0o755)


def panorama() -> bytes:
    """10,000 x 400 pixels."""
    return encoded(picture(3, size=(10_000, 400)), "JPEG", quality=60)


def rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(picture(4), "JPEG", exif=exif)


def sixteen_bits() -> bytes:
    return encoded(Image.fromarray(np.arange(48 * 36, dtype=np.uint16).reshape(36, 48) * 37))


def moving(kind: str) -> bytes:
    return encoded(picture(5), kind, save_all=True, append_images=[picture(6)])


@pytest.mark.parametrize(
    ("content", "size"),
    [
        *((lambda kind=kind: encoded(picture(1), kind), (48, 36)) for kind in ("JPEG", "WEBP")),
        *((lambda kind=kind: encoded(picture(1), kind), (48, 36)) for kind in ("BMP", "TIFF")),
        *((lambda kind=kind: encoded(picture(1), kind), (48, 36)) for kind in ("GIF", "AVIF")),
        (lambda: encoded(picture(1, mode="CMYK"), "JPEG"), (48, 36)),
        (lambda: encoded(picture(1, mode="L")), (48, 36)),
        (lambda: encoded(picture(1, mode="1")), (48, 36)),
        (sixteen_bits, (48, 36)),
        (rotated, (36, 48)),
        (panorama, (10_000, 400)),
        (lambda: encoded(picture(1, size=(1, 1))), (1, 1)),
    ],
)
def test_every_kind_of_picture_is_looked_at(tmp_path, content, size):
    (tmp_path / "a.jpg").write_bytes(content())
    seen = look([tmp_path / "a.jpg"])
    assert seen.unreadable == {}
    assert tuple(seen.sizes[0]) == size
    assert (seen.flattened, seen.moving) == ((), ())


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_several_pictures_the_first_is_looked_at_and_that_is_told(tmp_path, kind):
    (tmp_path / "a").write_bytes(moving(kind))
    (tmp_path / "b.png").write_bytes(encoded(picture(5)))
    seen = look([tmp_path / "a", tmp_path / "b.png"])
    assert seen.moving == (0,)
    assert np.abs(seen.tiles[0].astype(int) - seen.tiles[1]).mean() < 6


def test_what_is_transparent_shows_white_and_that_is_told(tmp_path):
    image = picture(1, mode="RGBA")
    image.putalpha(0)
    image.save(tmp_path / "a.png")
    seen = look([tmp_path / "a.png"])
    assert seen.flattened == (0,)
    assert (seen.tiles == 255).all()


def claiming(width: int, height: int) -> bytes:
    """A PNG of few bytes that says it has so many pixels."""
    content = bytearray(encoded(picture(1, size=(8, 8))))
    content[16:24] = width.to_bytes(4) + height.to_bytes(4)
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "is empty, 0 bytes"),
        (b"hello", "begins as no image does"),
        (encoded(picture(1), "JPEG")[:600], "cannot be read"),
        (encoded(picture(1))[:600], "cannot be read"),
        (claiming(9000, 9000), "claims"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS"),
    ],
)
def test_what_cannot_be_read_is_listed_with_its_cause(tmp_path, content, cause):
    fill(tmp_path, {**CAT_AND_DOG, "cat/bad.jpg": content})
    folder = image_folder(tmp_path)
    seen = look(folder.paths)
    (row,) = seen.unreadable
    assert folder.names[row] == "cat/bad.jpg"
    assert cause in seen.unreadable[row]
    assert row not in seen.readable()
    assert len(seen.readable()) == 6
