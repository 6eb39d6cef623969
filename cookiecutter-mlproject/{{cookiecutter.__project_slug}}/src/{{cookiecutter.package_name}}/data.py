"""The data: where rows come from, and how some are held out."""

from pathlib import Path
from typing import Final, NamedTuple

import pandas as pd
from sklearn.model_selection import train_test_split

from .features import CSV_TYPES, TABLE, check_features

# In the project's folder, and in its images, which have it below /app.
_IN_THE_PROJECT: Final = (Path("data/raw"), Path("/app/data/raw"))


class DataError(Exception):
    """There is no table to learn from, or not one; the message says why."""


class Dataset(NamedTuple):
    """Rows and what is known of them."""

    features: pd.DataFrame
    target: "pd.Series[int]"
    """The codes 0 and 1, in the order of the labels in `table.toml`."""


class Split(NamedTuple):
    """A dataset in two parts that share no row."""

    training: Dataset
    held_out: Dataset


def find_table(folder: Path) -> Path:
    """Take the folder of data; give the table: the one in its `raw`, else the project's own.

    Raises DataError where there is none.
    """
    for place in (folder / "raw", *_IN_THE_PROJECT):
        if (place / TABLE.file).is_file():
            return place / TABLE.file
    raise DataError(
        f"there is no {TABLE.file} in {folder / 'raw'}; "
        f"`envman cp data/raw/{TABLE.file} ENV:data/raw/` brings one to an environment"
    )


def load_dataset(folder: Path = Path("data")) -> Dataset:
    """Take the folder of data; give all rows of the table, checked.

    Raises DataError where there is no table or where its target says something else than the
    labels, and InvalidFeaturesError for a row that `table.toml` does not allow.
    """
    file = find_table(folder)
    rows = pd.read_csv(file, dtype=CSV_TYPES)
    if TABLE.target not in rows.columns:
        raise DataError(f"{file.name} has no column {TABLE.target}, which is to be predicted")
    codes = {value: code for code, value in enumerate(TABLE.labels)}
    # Where it is not known what is to be predicted, there is nothing to learn.
    rows = rows[rows[TABLE.target].notna()].reset_index(drop=True)
    if strange := sorted(set(rows[TABLE.target]) - codes.keys()):
        raise DataError(f"{TABLE.target} is {strange[0]!r}, not one of {', '.join(codes)}")
    return Dataset(check_features(rows), rows[TABLE.target].map(codes).astype("int64"))


def split(dataset: Dataset, *, test_fraction: float, seed: int) -> Split:
    """Take a dataset; give its training and held-out parts, with the same share of each class.

    The same seed gives the same parts.
    """
    training, held_out, training_target, held_out_target = train_test_split(
        dataset.features,
        dataset.target,
        test_size=test_fraction,
        random_state=seed,
        stratify=dataset.target,
    )
    return Split(Dataset(training, training_target), Dataset(held_out, held_out_target))
