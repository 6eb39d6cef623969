"""`describe FILE TARGET`: a first `table.toml` for a table, to be looked over and kept."""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pandas as pd

# A column of text with more different values than this says something else of each row.
_MOST_VALUES: Final = 50


def describe(file: Path, target: str, *, positive: str | None = None) -> str:
    """Take a CSV file, the column to predict and its value for the code 1; give a `table.toml`.

    Without `positive` it is the rarer value. Raises ValueError where the column is not there or
    does not have two values.
    """
    rows = pd.read_csv(file)
    if target not in rows.columns:
        raise ValueError(f"{file.name} has no column {target}; it has {', '.join(rows.columns)}")
    found = pd.read_csv(file, usecols=[target], dtype="str")[target].value_counts()
    if len(found) != 2:
        raise ValueError(f"{target} has {len(found)} different values; two are wanted")
    one = str(found.index[-1]) if positive is None else positive
    if one not in found.index:
        raise ValueError(f"{target} is never {one}")
    [zero] = [str(value) for value in found.index if value != one]
    return "\n".join(_lines(rows.drop(columns=target), file.name, target, (zero, one))) + "\n"


def _lines(rows: pd.DataFrame, file: str, target: str, labels: tuple[str, str]) -> Iterator[str]:
    names = ", ".join(f"{_key(value)} = {_text(value)}" for value in labels)
    yield f"file = {_text(file)}"
    yield f"question = {_text(f'Is {target} {labels[1]}?')}"
    yield f"target = {_text(target)}"
    yield "# What the target says in the table, and what answers call it: the code 0, then 1."
    yield "labels = {" + names + "}"
    whole = rows[rows.notna().all(axis="columns")]
    example = (whole if len(whole) else rows).iloc[0]
    for name in rows.columns:
        values = rows[name].dropna()
        is_number = pd.api.types.is_numeric_dtype(values) and values.dtype != "bool"
        yield ""
        if values.empty or (not is_number and values.nunique() > _MOST_VALUES):
            yield f"# Left out: {name}, with {values.nunique()} different values."
            continue
        yield f"[columns.{_key(name)}]"
        yield f'kind = "{"number" if is_number else "category"}"'
        if not is_number:
            yield f"values = [{', '.join(_text(str(one)) for one in sorted(values.unique()))}]"
        if len(values) < len(rows):
            yield "missing = true"
        if pd.notna(example[name]):
            value = f"{example[name]:.12g}" if is_number else _text(str(example[name]))
            yield f"example = {value}"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


def _text(value: str) -> str:
    # A string of JSON is one of TOML, too.
    return json.dumps(value)


def main() -> None:
    """Write the description of a table in `data/raw` to standard output."""
    parser = argparse.ArgumentParser(prog="describe", description="Describe a table, for training.")
    parser.add_argument("file", help="a CSV file in data/raw")
    parser.add_argument("target", help="the column to predict; it has two values")
    parser.add_argument("--positive", help="which value is the code 1; default: the rarer one")
    given = parser.parse_args()
    for folder in (Path("/data/raw"), Path("data/raw")):
        if (folder / given.file).is_file():
            break
    else:
        sys.exit(f"there is no {given.file} in data/raw")
    try:
        sys.stdout.write(describe(folder / given.file, given.target, positive=given.positive))
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
