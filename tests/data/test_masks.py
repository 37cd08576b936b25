import numpy as np
import pytest
from PIL import Image

from jtransfer.data.examples import DataError
from jtransfer.data.masks import MaskedImages
from jtransfer.data.sources.masks import load_masks


def write(folder, name, *, size=(6, 4), mask_size=None, number=1, mode="L"):
    folder.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (200, 10, 10)).save(folder / f"{name}.jpg")
    mask = Image.new("L", mask_size or size, 0)
    mask.putpixel((2, 1), number)
    mask.convert(mode).save(folder / f"{name}.png")


@pytest.fixture
def pairs(tmp_path):
    for name in ("b", "a"):
        write(tmp_path / "street" / "train", name, number=2 if name == "b" else 1)
    return tmp_path


def test_pairs_come_in_the_order_of_their_names(pairs):
    found = load_masks("street", "train", pairs, ignored=9)
    assert (found.images.shape, found.masks.shape) == ((2, 4, 6, 3), (2, 4, 6))
    assert found.masks[:, 1, 2].tolist() == [1, 2]
    assert found.classes == ("0", "1", "2")
    assert found.name == "masks:street:train"
    assert found.take(np.array([1])).masks[0, 1, 2] == 2
    assert found.fingerprint() != found.take(np.array([1, 0])).fingerprint()


def test_another_size_takes_the_nearest_class(pairs):
    found = load_masks("street", "train", pairs, size=(8, 12))
    assert found.images.shape == (2, 8, 12, 3)
    assert np.unique(found.masks).tolist() == [0, 1, 2]
    assert (found.masks[0, 2:4, 4:6] == 1).all()


def test_voc_has_its_own_layout(tmp_path):
    voc = tmp_path / "VOCdevkit" / "VOC2012"
    write(voc / "all", "2007_1", number=255)
    for folder, suffix in (("JPEGImages", "jpg"), ("SegmentationClass", "png")):
        (voc / folder).mkdir()
        (voc / "all" / f"2007_1.{suffix}").rename(voc / folder / f"2007_1.{suffix}")
    lists = voc / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("2007_1\n")
    found = load_masks("VOC2012", "train", tmp_path)
    assert (len(found.classes), found.ignored) == (21, 255)
    assert found.masks[0, 1, 2] == 255
    with pytest.raises(DataError, match=r"val\.txt"):
        load_masks("VOC2012", "val", tmp_path)


def test_a_mask_of_another_size(pairs):
    write(pairs / "street" / "train", "c", mask_size=(5, 4))
    with pytest.raises(DataError, match=r"c\.png is 5 x 4 pixels and c\.jpg 6 x 4; expected one"):
        load_masks("street", "train", pairs)


def test_images_of_another_size(pairs):
    write(pairs / "street" / "train", "c", size=(7, 4))
    with pytest.raises(DataError, match=r"c\.jpg is 7 x 4 pixels, the images before it 6 x 4"):
        load_masks("street", "train", pairs)
    assert len(load_masks("street", "train", pairs, size=(4, 6))) == 3


def test_a_number_that_is_no_class(pairs):
    with pytest.raises(DataError, match="mask 1 holds 2 at 1 pixels; expected 0 to 1 or 9"):
        load_masks("street", "train", pairs, classes=("road", "car"), ignored=9)


def test_an_image_without_a_mask_and_a_mask_without_an_image(pairs):
    lone = pairs / "street" / "train" / "b.png"
    lone.rename(pairs / "kept.png")
    with pytest.raises(DataError, match=r"1 files of .* have no mask .* such as b\.jpg"):
        load_masks("street", "train", pairs)
    (pairs / "kept.png").rename(lone)
    (pairs / "street" / "train" / "a.jpg").unlink()
    with pytest.raises(DataError, match=r"have no image of their name, such as a\.png"):
        load_masks("street", "train", pairs)


def test_a_mask_in_colours(pairs):
    write(pairs / "street" / "train", "c", mode="RGB")
    with pytest.raises(DataError, match=r"c\.png is in colours \(RGB\); expected class numbers"):
        load_masks("street", "train", pairs)


def test_a_split_that_is_not_there(pairs):
    with pytest.raises(DataError, match="no split 'test'; expected one of train"):
        load_masks("street", "test", pairs)
    with pytest.raises(DataError, match="found no folder"):
        load_masks("road", "test", pairs)


def test_arrays_that_do_not_fit():
    images, masks = np.zeros((2, 4, 6, 3), np.uint8), np.zeros((2, 4, 6), np.uint8)
    with pytest.raises(DataError, match=r"masks are uint8 of shape \(1, 4, 6\)"):
        MaskedImages(images, masks[:1], ("a",), None, "made")
    with pytest.raises(DataError, match="images are float64"):
        MaskedImages(images * 1.0, masks, ("a",), None, "made")


@pytest.mark.slow
def test_camvid_as_it_lies_here(data_root):
    found = load_masks("camvid240", "val", data_root)
    assert found.images.shape == (101, 180, 240, 3)
    assert len(found.classes) == 11
