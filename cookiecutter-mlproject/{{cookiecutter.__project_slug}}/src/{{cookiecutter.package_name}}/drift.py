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
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .data import load_dataset, split
from .features import FEATURES, check_features
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
    """Take the values of a column in two sets of rows; give how far the second is from the first.

    The bins hold equal shares of the first.
    """
    first, second = np.asarray(then, dtype="float64"), np.asarray(now, dtype="float64")
    edges = np.unique(np.quantile(first, np.linspace(0, 1, _BINS + 1)[1:-1]))
    bins = len(edges) + 1
    shares = [
        np.bincount(np.searchsorted(edges, values, side="right"), minlength=bins) / len(values)
        for values in (first, second)
    ]
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
    """Take the settings; write `drift/report.html` and `drift/drift.json` to the batch folder.

    The rows are those of all files in `in/`. Raises JobError where there are none, where there is
    no model, and where `maximum_drift` is set and the probabilities have moved further.
    """
    files = sorted((settings.batch_folder / "in").glob("*.csv"))
    if not files:
        raise JobError(f"there is no input in {settings.batch_folder / 'in'}; run the batch job")
    model = champion(settings)
    parts = split(load_dataset(), test_fraction=settings.test_fraction, seed=settings.seed)
    then = parts.training.features
    now = check_features(pd.concat([pd.read_csv(file) for file in files], ignore_index=True))
    probabilities = [
        [one.probability for one in predict(model.pipeline, rows)] for rows in (then, now)
    ]
    found = {
        PROBABILITY: measure(*probabilities),
        **{name: measure(then[name], now[name]) for name in FEATURES},
    }

    folder = settings.batch_folder / "drift"
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


def _write(file: Path, text: str) -> None:
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)


def main() -> None:
    """Run the job and leave with its exit status."""
    sys.exit(run_job(measure_drift))
