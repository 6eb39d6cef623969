"""The drift report: how far the rows that were scored are from those that the model learned from.

It compares the distribution of each feature, and of the predicted probabilities, by the population
stability index: below 0.1 they are alike, above 0.25 they are not (Siddiqi, "Credit Risk
Scorecards", 2006).
"""

import html
import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .data import DataError, load_dataset, split
from .features import CSV_TYPES, FEATURES, TABLE, InvalidFeaturesError, check_features
from .jobs import JobError, champion, run_job
from .predict import predict
from .settings import Settings

_LOGGER = logging.getLogger(__name__)
_BINS: Final = 10
# So that an empty bin has a logarithm.
_LEAST_SHARE: Final = 1e-4
_VERDICTS: Final = ((0.25, "moved"), (0.1, "moving"), (0.0, "alike"))
PROBABILITY: Final = "probability"


@dataclass(frozen=True, slots=True)
class Drift:
    """How one column has moved: its index, and the shares of rows in the same bins then and now."""

    index: float
    then: NDArray[np.float64]
    now: NDArray[np.float64]


def measure(then: ArrayLike, now: ArrayLike) -> Drift:
    """Take a column of numbers in two sets of rows; give how far the second is from the first.

    The bins hold equal shares of the first; one more holds what is missing.
    """
    first, second = np.asarray(then, dtype="float64"), np.asarray(now, dtype="float64")
    known = first[~np.isnan(first)]
    inner = np.linspace(0, 1, _BINS + 1)[1:-1]
    edges = np.unique(np.quantile(known, inner)) if len(known) else known
    last = len(edges) + 1
    return _compare(
        *(
            np.where(np.isnan(values), last, np.searchsorted(edges, values, side="right"))
            for values in (first, second)
        )
    )


def measure_names(then: Sequence[str], now: Sequence[str], known: Sequence[str]) -> Drift:
    """Take a column of names in two sets of rows; give how far the second is from the first.

    Each name that is known is a bin, all others are one.
    """
    codes = {name: code for code, name in enumerate(known)}
    return _compare(
        *(np.array([codes.get(name, len(codes)) for name in names]) for names in (then, now))
    )


def _compare(then: NDArray[np.int64], now: NDArray[np.int64]) -> Drift:
    bins = int(max(then.max(), now.max())) + 1
    shares = [np.bincount(codes, minlength=bins) / len(codes) for codes in (then, now)]
    expected, actual = (np.maximum(one, _LEAST_SHARE) for one in shares)
    index = float(np.sum((actual - expected) * np.log(actual / expected)))
    return Drift(index, shares[0], shares[1])


def _picture(drift: Drift) -> str:
    """Give two rows of bars, then and now, as SVG."""
    bins = len(drift.then)
    width, height, gap = 24, 60, 4
    top = max(float(drift.then.max()), float(drift.now.max()))
    bars = []
    for number in range(bins):
        for offset, share, kind in (
            (0, drift.then[number], "then"),
            (width // 2, drift.now[number], "now"),
        ):
            size = round(height * float(share) / top, 1)
            bars.append(
                f'<rect class="{kind}" x="{number * (width + gap) + offset}" '
                f'y="{height - size}" width="{width // 2 - 1}" height="{size}"/>'
            )
    total = bins * (width + gap)
    frame = f'viewBox="0 0 {total} {height}" width="{total}" height="{height}"'
    return f"<svg {frame}>{''.join(bars)}</svg>"


def report(found: Mapping[str, Drift], *, title: str) -> str:
    """Take what was measured by column; give a page that needs nothing else, the worst first."""
    rows = []
    for name, drift in sorted(found.items(), key=lambda item: -item[1].index):
        verdict = next(word for limit, word in _VERDICTS if drift.index >= limit)
        rows.append(
            f'<tr class="{verdict}"><td>{html.escape(name)}<td>{drift.index:.3f}<td>{verdict}'
            f"<td>{_picture(drift)}"
        )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        "<style>body{font:15px system-ui;margin:2rem}td{padding:.3rem 1rem}"
        ".then{fill:#9aa5b1}.now{fill:#2563eb}.moved{background:#fee2e2}.moving{background:#fef9c3}"
        f"</style><h1>{html.escape(title)}</h1>"
        "<p>Grey: what the model learned from. Blue: what it was asked.</p>"
        "<table><tr><th>Column<th>Index<th>Verdict<th>Distribution" + "".join(rows) + "</table>\n"
    )


def measure_drift(settings: Settings) -> None:
    """Take the settings; write `report.html` and `drift.json` to `processed/drift`.

    The rows are those of all files in `in/`. Raises JobError where there are none, where there is
    no model, and where `maximum_drift` is set and the probabilities have moved further.
    """
    files = sorted((settings.batch_folder / "in").glob("*.csv"))
    if not files:
        raise JobError(f"there is no input in {settings.batch_folder / 'in'}; run the batch job")
    model = champion(settings)
    try:
        rows = load_dataset(settings.batch_folder)
        read = [pd.read_csv(file, dtype=CSV_TYPES) for file in files]
        now = check_features(pd.concat(read, ignore_index=True))
    except (DataError, InvalidFeaturesError) as error:
        raise JobError(str(error)) from error
    parts = split(rows, test_fraction=settings.test_fraction, seed=settings.seed)
    then = parts.training.features
    probabilities = [
        [one.probability for one in predict(model.pipeline, rows)] for rows in (then, now)
    ]
    found = {
        PROBABILITY: measure(*probabilities),
        **{name: _measure_column(name, then, now) for name in FEATURES},
    }

    folder = settings.batch_folder / "processed" / "drift"
    folder.mkdir(parents=True, exist_ok=True)
    title = f"Drift of {model.name}, version {model.version}: {len(now)} rows"
    indices = {name: round(drift.index, 4) for name, drift in found.items()}
    _write(folder / "drift.json", json.dumps({"model_version": model.version, "index": indices}))
    _write(folder / "report.html", report(found, title=title))
    worst = max(indices, key=lambda name: indices[name])
    _LOGGER.info(
        "wrote %s",
        folder / "report.html",
        extra={"rows": len(now), "worst": worst, "index": indices[worst]},
    )
    if settings.maximum_drift and indices[PROBABILITY] > settings.maximum_drift:
        raise JobError(
            f"the probabilities have moved by {indices[PROBABILITY]:.3f}, more than the maximum of "
            f"{settings.maximum_drift:.3f}"
        )


def _measure_column(name: str, then: pd.DataFrame, now: pd.DataFrame) -> Drift:
    if (column := TABLE.categories.get(name)) is not None:
        return measure_names(list(then[name]), list(now[name]), column.values)
    return measure(then[name], now[name])


def _write(file: Path, text: str) -> None:
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)


def main() -> None:
    """Run the job and leave with its exit status."""
    sys.exit(run_job(measure_drift))
