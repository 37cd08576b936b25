import numpy as np
from PIL import Image

from jtransfer.data.intake.duplicates import find_duplicates
from jtransfer.data.intake.look import Looked, look
from tests.data.intake.folders import encoded, fill, picture


def groups(root, files):
    fill(root, files)
    looked = look([root / name for name in files])
    names = [*files]
    return [([names[row] for row in each.rows], each.exact) for each in find_duplicates(looked)]


def test_equal_files_and_what_looks_the_same(tmp_path):
    image = picture(1, size=(200, 150))
    smaller = image.resize((90, 66), Image.Resampling.LANCZOS)
    assert groups(
        tmp_path,
        {
            "a.png": image,
            "b.png": picture(2),
            "c.jpg": encoded(smaller, "JPEG", quality=50),
            "d.png": picture(3),
            "e.png": picture(2),
            "f.webp": encoded(image, "WEBP", quality=60),
            "g.png": image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        },
    ) == [(["a.png", "c.jpg", "f.webp"], False), (["b.png", "e.png"], True)]


def test_one_hash_and_other_colours_are_no_duplicates(tmp_path):
    image = picture(1, mode="L")
    tinted = Image.merge("RGB", (image, image, Image.new("L", image.size, 0)))
    assert groups(tmp_path, {"a.png": image, "b.png": tinted}) == []


def test_unreadable_files_are_no_duplicates(tmp_path):
    assert groups(tmp_path, {"a.png": b"", "b.png": b""}) == []


def made(hashes: np.ndarray) -> Looked:
    """Images of these hashes that differ in nothing else."""
    n = len(hashes)
    sha256 = np.random.default_rng(0).integers(0, 256, (n, 32), dtype=np.uint8)
    sizes, tiles = np.ones((n, 2), np.int32), np.zeros((n, 16, 16, 3), np.uint8)
    return Looked(sizes, sha256, hashes.astype(np.uint64), tiles, {}, (), ())


def test_pairs_are_those_of_the_definition_whatever_block_they_lie_in(monkeypatch):
    """Against every pair one by one; hashes some bits away from each other."""
    random = np.random.default_rng(1)
    hashes = random.integers(0, 2**63, 60, dtype=np.uint64)
    for row in range(40):
        for bit in random.choice(64, int(random.integers(8, 14)), replace=False):
            if bit % 3 == 0:
                hashes[row + 20] = hashes[row] ^ np.uint64(1 << int(bit))
    monkeypatch.setattr("jtransfer.data.intake.duplicates._BLOCK", 7)
    found = find_duplicates(made(hashes))
    linked = {row: {row} for row in range(60)}
    for a in range(60):
        for b in range(a):
            if (int(hashes[a]) ^ int(hashes[b])).bit_count() <= 10:
                joined = linked[a] | linked[b]
                for row in joined:
                    linked[row] = joined
    expected = {tuple(sorted(group)) for group in linked.values() if len(group) > 1}
    assert expected
    assert {each.rows for each in found} == expected
    assert not any(each.exact for each in found)
