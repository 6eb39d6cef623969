"""Compose reads the same names and values from a `.env` file as envman does.

Each text is the `env_file` of a service of its own, so that one `docker compose config` reads many. What Compose makes
of the values of names that are empty is left out: no container can have such a variable.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import settings

from envman.diagnostics import Report, Source
from envman.diagnostics.diagnostic import Severity
from envman.language.references import expanded
from envman.source.dotenv import parse_dotenv

pytestmark = pytest.mark.usefixtures("compose")

OUTER = {"OUTER": "out er"}
TEXTS = [
    # --- names
    "A=1", " A =1 ", "\tA\t=\t1\t", "export A=1", "export\t A=1", "exportA=1", "export\nA=1", "A: 1", "A:1", "A:=1", "A=:1",
    "A.B=1\nA-B=2\n1A=3\nÉ=4\nA[0]=5\n[A]=6\n-A=7\n.A=8\n²=9", "A\tB=1", "A\u00a0=1", "A\u0085=1", "export\u00a0A=1",
    "\u2003A=1", "\x0bA=1\x0c", "\rA=1", "A\nB=2", "A \t\nB=2", "A\r\nB=2\r\n", "A\r\n\r\nB=1", "OUTER\nA=1", "A=1\nA\n",
    "set=1", "export A\nB=2\n",
    # --- values without quotes
    "A=", "A=  \nB=2", "A=\r\nB=2\r\n", "A=1 # c", "A=1# c", "A=1\t# c", "A=1 \t#c", "A=#c", "A= # c", "A=x #", "A=a\\nb", "A=x=y",
    "A=a'b'c", 'A=a"b"', "A=`x`", 'A=\\"x\\"', "A=1 \\\nB=2", "A=a\tb", "A=\u00a0x\u00a0", "A=\u2003x\u2003", "A=x\x85y\u2028z\x0cw",
    "A=1\rB=2", "A=1;B=2", 'A={"a": 1}', "A=http://x/#y", "A=http://x #y", "A=1\n\n#c\n  # d\n\n B=2",
    # --- quotes
    "A=''", 'A=""', "A='x' # c", "A='x'#c", 'A= "x"  ', "A='#c'", "A='it\\'s'", "A='a\\nb'", "A='a\\\\'\nB=1", "A='a\n\nb'\nB=1",
    'A="a\nb"\nB=1', "A='a\r\nb'\r\nB=1\r\n", 'A="a\\nb\\tc\\rd\\\\e\\"f\\ag\\bh\\fi\\vj"', 'A="\\x\\c\\1\\0\\01\\012\\0123\\0777"',
    'A="\\u0041"', "A='x'B=2", "A='x' B=2\nC=3", "A='x'export B=1", "A='x'\u2003\nB=1", "A='$OUTER ${B} $$'", "A='\n#x\n'",
    # --- references
    "A=$", "A=$$", "A=$$$$", "A=a$ b", "A=5$\nB=6", "A=$1", "A=$-x", "A=$$B", "A=$$$B", "A=\\$B", "A=\\$$B", "A=pa$word9", "A=$OUTER",
    "A=${OUTER}x", "OUTER=1\nA=$OUTER", "B=1\nA=$B", 'B=1\nA="${B}"', "A=${A:-x}", "A=1\nA=${A:-x}2", "A=${B:-${OUTER}}",
    "A=${B:-${C:-d}}", "C=\nA=${C-x}${C:-y}${C+z}${C:+w}", "A=${B:-a b} c", "A=${B:-'x'}", 'A="${B:-\'x\'}"', 'A="${B:-\\"x\\"}"',
    "A=${B:-{}}", 'A=${B:-{"a":1}}', 'A="\\$B"', 'A="\\${B}"', 'A="\\\\$OUTER"', 'A="$$B"', 'A="\\$$OUTER"', 'A="$\\B"', 'A="a$ b"',
    "A=${B:-$$}", "A=${B:-$$C}", "A=x${B}y$",
]  # fmt: skip
REFUSED = [
    "A B=1",
    "A/B=1",
    "A?=1",
    "A='x",
    'B=1\nA="x\n',
    "A 'B'\n",
    '"A"=1',
    "A=${B",
    "A=${}",
    "A=${B?no}",
    'A="${B-x\ny}"\nC=1',
    "A=$OUTER\nB C\n",
]
PARTS = [
    "A", "B", "=", ":", "\n", "\n", "'", '"', " ", "\t", "#", "$", "${", "}", "\\", "x", "export ", "\r\n", ":-", "1", "$A", "${A}",
    "${B:-", "\\n", "\\\\", "$$", "é", ".", "-", '\\"', "\\'", "=x\n", "A=", "B='", 'C="', "A=$B\n", "?", " #", "C", "$OUTER",
]  # fmt: skip


def ours(text: str) -> dict[str, str] | None:
    """Return what envman reads, or None where it refuses ``text``."""
    report = Report()
    found = parse_dotenv(Source("x.env", text), report, lambda value, before, _: expanded(value, OUTER, before))
    refused = any(one.severity is Severity.ERROR or "refers to" in one.message for one in report)
    return None if refused else {name: value for name, (value, _) in found.items() if name != "OUTER"}


def compose_reads(texts: list[str], folder: Path) -> list[dict[str, str]] | None:
    """Return what Compose reads, or None where it refuses one of ``texts``."""
    services = {}
    for number, text in enumerate(texts):
        (folder / f"{number}.env").write_bytes(text.encode())
        services[f"s{number}"] = {"image": "x", "env_file": [f"{number}.env"]}
    (folder / "compose.yaml").write_text(json.dumps({"services": services}))
    done = subprocess.run(
        ["docker", "compose", "--env-file", "/dev/null", "config", "--format", "json"],
        capture_output=True,
        check=False,
        cwd=folder,
        env={**OUTER, "PATH": os.environ["PATH"], "HOME": str(folder)},
        timeout=60,
    )
    if done.returncode:
        return None
    found = json.loads(done.stdout)["services"]
    return [_values(found[f"s{number}"].get("environment", {})) for number in range(len(texts))]


def _values(environment: dict[str, str | None]) -> dict[str, str]:
    values = {name: value.replace("$$", "$") for name, value in environment.items() if value is not None}
    return {name: value for name, value in values.items() if name not in ("", "OUTER")}


def test_texts_that_both_accept(tmp_path: Path) -> None:
    texts = [*TEXTS, *("\ufeff" + text for text in TEXTS[:1])]
    read = compose_reads(texts, tmp_path)
    assert read is not None
    assert [(text, ours(text.removeprefix("\ufeff"))) for text in texts] == list(zip(texts, read, strict=True))


@pytest.mark.parametrize("text", REFUSED)
def test_texts_that_both_refuse(text: str, tmp_path: Path) -> None:
    assert ours(text) is None
    assert compose_reads([text], tmp_path) is None


@pytest.mark.parametrize("seed", range(max(1, settings().max_examples // 100)))
def test_any_text_that_envman_accepts(seed: int, tmp_path: Path) -> None:
    rnd = random.Random(seed)
    made = ("".join(rnd.choice(PARTS) for _ in range(rnd.randint(1, 14))) + "\n" for _ in range(200))
    texts = [text for text in made if ours(text) is not None and not _lacks_a_name(text)]
    read = compose_reads(texts, tmp_path)
    assert read is not None
    assert [(text, ours(text)) for text in texts] == list(zip(texts, read, strict=True))


def _lacks_a_name(text: str) -> bool:
    """Whether a value has no name: Compose expands it and envman passes it over, so that it may be malformed."""
    report = Report()
    parse_dotenv(Source("x.env", text), report)
    return any("without a name" in one.message for one in report)
