"""The batch job: score every CSV file of a folder into another."""

import logging
import os
import sys
from pathlib import Path

import pandas as pd

from .data import DataError, load_dataset, split
from .features import CSV_TYPES, InvalidFeaturesError
from .jobs import JobError, champion, run_job
from .predict import predict
from .registry import LoadedModel
from .settings import Settings

_LOGGER = logging.getLogger(__name__)
_ROWS_AT_A_TIME = 50_000


def score_file(model: LoadedModel, source: Path, target: Path) -> int:
    """Take a model and a CSV file; write its rows with their predictions, and give their number.

    All columns are kept; `prediction`, `probability` and `model_version` are added. The target
    appears whole or not at all. Raises InvalidFeaturesError for rows that cannot be predicted.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    rows = 0
    try:
        with pd.read_csv(source, chunksize=_ROWS_AT_A_TIME, dtype=CSV_TYPES) as chunks:
            for chunk in chunks:
                predictions = predict(model.pipeline, chunk)
                scored = chunk.assign(
                    prediction=[prediction.label for prediction in predictions],
                    probability=[prediction.probability for prediction in predictions],
                    model_version=model.version,
                )
                scored.to_csv(partial, mode="a" if rows else "w", header=not rows, index=False)
                rows += len(scored)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return rows


def write_sample(folder: Path, *, settings: Settings) -> Path:
    """Take a folder; write the rows that training holds out to a CSV file there, and give it."""
    rows = load_dataset(settings.batch_folder)
    dataset = split(rows, test_fraction=settings.test_fraction, seed=settings.seed)
    sample = folder / "sample.csv"
    partial = folder / f".{sample.name}.{os.getpid()}.partial"
    dataset.held_out.features.to_csv(partial, index=False)
    return partial.replace(sample)


def score_folder(settings: Settings) -> None:
    """Take the settings; score all CSV files of the data folder's `in` into `processed`.

    Raises JobError if there is no model, or if some file could not be scored; the others are.
    """
    source, target = settings.batch_folder / "in", settings.batch_folder / "processed"
    source.mkdir(parents=True, exist_ok=True)
    target.mkdir(parents=True, exist_ok=True)
    files = sorted(source.glob("*.csv"))
    if not files and settings.batch_sample:
        try:
            files = [write_sample(source, settings=settings)]
        except (DataError, InvalidFeaturesError) as error:
            raise JobError(str(error)) from error
        _LOGGER.info("there was no input; wrote a sample to %s", files[0])
    if not files:
        _LOGGER.info("there is no input in %s", source)
        return

    model = champion(settings)
    failed = 0
    for file in files:
        try:
            rows = score_file(model, file, target / file.name)
        except (InvalidFeaturesError, ValueError) as error:
            failed += 1
            _LOGGER.error("%s: %s", file, error)
        else:
            _LOGGER.info("scored %s", file, extra={"rows": rows, "output": str(target / file.name)})
    if failed:
        raise JobError(f"{failed} of {len(files)} files could not be scored")


def main() -> None:
    """Run the job and leave with its exit status."""
    sys.exit(run_job(score_folder))
