"""The accuracy on the target by what a person has checked of it."""

from dataclasses import dataclass
from pathlib import Path

from jtransfer.data.examples import DataError
from jtransfer.data.intake.class_names import class_name
from jtransfer.data.intake.labels_file import delimiter_of
from jtransfer.data.sources.csv_table import read_csv_table
from jtransfer.measure.intervals import Interval, wilson
from jtransfer.recipes.own_folder.model_folder import load_model
from jtransfer.recipes.unlabelled_folder.target_table import TRUE, Line, read_guesses

NONE = "none"  # what a person writes of an image that shows none of the classes


@dataclass(frozen=True)
class Mistake:
    """An image whose guess is wrong: its file, the guess and the true class."""

    file: str
    guess: str
    true: str


@dataclass(frozen=True)
class Checked:
    """What a person's answers say of a model.

    Attributes:
      accuracy: share of the target's images that are told right, with its 95% interval.
      source_accuracy: the same of the source-only model, on the same images.
      sampled: images of the random sample that this is from.
      images: of the target in all.
      better: of those sampled, how many the model alone tells right.
      worse: how many the source-only model alone tells right.
      others: images that were checked besides, such as the least sure ones; they say nothing of
        the accuracy, for nobody drew them at random.
      others_right: of these, how many are told right.
      mistakes: among all that were checked.
    """

    accuracy: Interval
    source_accuracy: Interval
    sampled: int
    images: int
    better: int
    worse: int
    others: int
    others_right: int
    mistakes: tuple[Mistake, ...]


def check(folder: Path | str, labels: Path | str) -> Checked:
    """Compare a model's guesses on its target with a person's answers.

    The accuracy is that of the random sample alone, as far as it was answered without a gap: its
    numbers are in random order, so that the first k are a random sample of k images, and the share
    of right guesses among them is an unbiased estimate of the share among all (Cochran 1977,
    "Sampling techniques", chapter 3). The interval is Wilson's. Answers beyond a gap count among
    the others: what is passed over is likely to be what is hard.

    Args:
      folder: of a model that `adapt` made.
      labels: `check.csv` or `target.csv` with the column "true class" filled in: a class of the
        model, or "none" for an image that shows none of them.

    Raises:
      DataError: if a table cannot be used, a class is unknown, or the first image of the sample has
        no answer.
      ModelError: if the folder is no model's.
    """
    folder = Path(folder).expanduser()
    classes = load_model(folder).classes
    guessed = read_guesses(folder)
    answers = _answers(Path(labels).expanduser(), guessed, classes)
    sample = sorted((line.check, file) for file, line in guessed.items() if line.check)
    taken = []
    for _, file in sample:
        if file not in answers:
            break
        taken.append(file)
    if not taken:
        first = sample[0][1] if sample else "none"
        raise DataError(
            f"{labels} has no true class for {first}, the first image of the random sample; "
            "expected answers in the order of the column check, from number 1. Fill in check.csv "
            "from its first line, as far as you like"
        )
    right = {file: guessed[file].guess == true for file, true in answers.items()}
    source = {file: guessed[file].source == true for file, true in answers.items()}
    others = [file for file in answers if file not in set(taken)]
    count = len(taken)
    return Checked(
        wilson(sum(right[file] for file in taken) / count, count),
        wilson(sum(source[file] for file in taken) / count, count),
        count,
        len(guessed),
        sum(right[file] > source[file] for file in taken),
        sum(right[file] < source[file] for file in taken),
        len(others),
        sum(right[file] for file in others),
        tuple(
            Mistake(file, guessed[file].guess, true)
            for file, true in answers.items()
            if not right[file]
        ),
    )


def _answers(labels: Path, guessed: dict[str, Line], classes: tuple[str, ...]) -> dict[str, str]:
    """True classes by file, of the lines that have one."""
    expected = f"a table with the columns file and {TRUE}, such as check.csv filled in"
    table = read_csv_table(labels, expected, delimiter=delimiter_of(labels))
    spelling = {class_name(each).casefold(): each for each in classes}
    answers = {}
    for line, row in table.of("file", TRUE):
        file, written = row["file"], row[TRUE]
        if not written:
            continue
        if file not in guessed:
            raise DataError(
                f"{labels}, line {line} names {file}, which is no image of the target; expected "
                "files as the model's check.csv has them. Remove the line, or mend the name"
            )
        name = class_name(written).casefold()
        if name not in spelling and name != NONE:
            raise DataError(
                f"{labels}, line {line} has the true class {written!r}; expected one of "
                f"{', '.join(classes)}, or {NONE} for an image that shows none of them. Mend it"
            )
        answers[file] = spelling.get(name, NONE)
    return answers
