"""How pages are read before they are carried out."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import Step, change, shows, steps_of

PAGE = """\
Words.

```yaml
not: to be done
```

```console
$ first one   # a comment
what it writes

and more
$ second
```

```console status=5
$ third
```

```yaml blueprints/dev.yaml
services: {}
```

```diff
-old
+new
```
"""


def test_what_a_page_has_its_reader_do() -> None:
    assert steps_of(PAGE) == [
        Step("first one", "what it writes\n\nand more"),
        Step("second"),
        Step("third", status=5),
        Step("blueprints/dev.yaml", text="services: {}\n"),
        Step("git apply", text="-old\n+new\n"),
    ]


def test_output_without_a_command_is_a_mistake_of_the_page() -> None:
    with pytest.raises(AssertionError, match="what wrote this"):
        steps_of("```console\nup\n$ up\n```\n")


@pytest.mark.parametrize(
    ("expected", "written", "shown"),
    [
        ("", "anything", True),
        ("a\nb", "a\nb\n", True),
        ("a", "a\nb", False),
        ("b", "a\nb", False),
        ("…\nb", "a\na\nb", True),
        ("…\nb", "b", True),
        ("a\n…", "a\nb\nc", True),
        ("a\n…\nc", "a\nb", False),
        ("a … c", "a b c", True),
        ("a … c", "a b\nc", False),
        ("up (2.1 s)", "up (0.9 s)", True),
        ("at 127.0.0.1:1", "at 127.0.0.1:29000", True),
        ("at 127.0.0.1:1", "at 10.0.0.1:1", False),
        ("sha256:06a2de41aa22", "sha256:d94d87214cf2", True),
        ("0.8333…", "0.8333333333333334", True),
        ("0.8334…", "0.8333333333333334", False),
        ("a  b", "a      b", True),
        ("base.yaml:1:2", "base.yaml:30:4", True),
        ("base.yaml:1:2", "prod.yaml:1:2", False),
        ("mem_limit 64m -> 128m", "mem_limit 64m -> 129m", False),
    ],
)
def test_what_counts_as_shown(expected: str, written: str, shown: bool) -> None:
    assert shows(expected, written) is shown


def test_definitions_take_the_place_of_those_of_the_same_name(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("import os\n\n# Kept.\nA = {\n    1: 2,\n}\n\n\ndef f():\n    return 1\n\n\nB: int = 3\n")
    change(file, "B: int = 4\nA = {}\n")
    assert file.read_text() == "import os\n\n# Kept.\nA = {}\n\n\ndef f():\n    return 1\n\n\nB: int = 4\n"


def test_a_definition_that_is_not_there_is_a_mistake_of_the_page(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("A = 1\n")
    with pytest.raises(KeyError, match="B"):
        change(file, "B = 2\n")


def test_other_files_are_written_whole(tmp_path: Path) -> None:
    change(tmp_path / "app" / "model.json", "{}\n")
    change(tmp_path / "app" / "model.json", "[]\n")
    assert (tmp_path / "app" / "model.json").read_text() == "[]\n"
