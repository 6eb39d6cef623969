"""Scalars as the Compose specification has them: kept as written, refused where Compose refuses them."""

from __future__ import annotations

from pathlib import Path

import pytest
from environments import attempt
from trees import marked

from envman.model.types import is_address, seconds, size_in_bytes, truth


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("30s", 30),
        ("1m30s", 90),
        ("1.5h", 5400),
        (".5s", 0.5),
        ("1.s", 1),
        ("250ms", 0.25),
        ("10us", 1e-5),
        ("10µs", 1e-5),
        ("2d", 172800),
        ("1w", 604800),
        ("-5s", -5),
        ("+5s", 5),
    ],
)
def test_durations(text: str, expected: float) -> None:
    assert seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "30", "s", "1 s", "1m 30s", "1x", "1e3s", "٣s", "--1s", "1S"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message is the text
        seconds(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1024, 1024),
        ("0", 0),
        ("1024", 1024),
        ("1b", 1),
        ("1k", 1024),
        ("1K", 1024),
        ("1kb", 1024),
        ("1KiB", 1024),
        ("64m", 64 * 1024**2),
        ("1.5g", 3 * 1024**3 // 2),
        ("2 gb", 2 * 1024**3),
        (" 1m ", 1024**2),
        ("1t", 1024**4),
        ("1p", 1024**5),
        ("1e3", 1000),
    ],
)
def test_sizes(value: int | str, expected: int) -> None:
    assert size_in_bytes(value) == expected


@pytest.mark.parametrize("text", ["", "m", "1x", "1 000", "-1m", "1mm", "٣m", "1\N{KELVIN SIGN}", "0x10", "1,5g"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        size_in_bytes(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True),
        (False, False),
        ("true", True),
        ("Yes", True),
        ("ON", True),
        ("y", True),
        ("no", False),
        ("n", False),
    ],
)
def test_booleans(value: bool | str, expected: bool) -> None:
    assert truth(value) is expected


@pytest.mark.parametrize("text", ["", "1", "0", "t", "wahr", "true "])
def test_what_is_no_boolean(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        truth(text)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("", True),
        ("127.0.0.1", True),
        ("0.0.0.0", True),
        ("::1", True),
        ("fe80::1", True),
        ("fe80::1%eth0", False),
        ("localhost", False),
        ("1.2.3", False),
        ("1.2.3.256", False),
    ],
)
def test_addresses(text: str, good: bool) -> None:
    assert is_address(text) is good


@pytest.mark.parametrize(
    ("text", "code", "expected"),
    [
        ("stop_grace_period: soon", "EV102", 'a duration such as "30s" or "1m30s"'),
        ("stop_grace_period: 30", "EV102", 'a duration such as "30s" or "1m30s"'),
        ("shm_size: big", "EV112", 'bytes, or a size such as "512m" or "2g"'),
        ("deploy: {resources: {limits: {memory: 512}}}", "EV112", 'a size such as "512m" or "2g", as a string'),
        ("init: perhaps", "EV106", "true or false"),
        ("scale: some", "EV106", "an integer"),
        ("scale: 1.5", "EV106", "an integer"),
        ("cpus: half", "EV106", "a number"),
        ("ports: [{target: 80, published: x}]", "EV103", 'a port, a range such as "8080-8090", or "auto"'),
        ("ports: [{target: 80, host_ip: here}]", "EV103", 'an IP address such as "127.0.0.1"'),
        ("configs: [{source: a, mode: 0o9}]", "EV106", 'an octal number such as 0o440 or "0440"'),
        ("gpus: [{count: few}]", "EV106", 'an integer or "all"'),
        ("gpus: some", "EV108", '"all" or a list'),
        ("cgroup: none", "EV108", '"host" or "private"'),
    ],
)
def test_a_wrong_scalar_says_what_was_expected(tmp_path: Path, text: str, code: str, expected: str) -> None:
    environment, found = attempt(tmp_path, dev=f"services: {{api: {{image: b, {text}}}}}\n")
    assert environment is None
    assert [one.code for one in found] == [code], [one.message for one in found]
    assert found[0].expected == expected


@pytest.mark.parametrize(
    "text",
    [
        "stop_grace_period: 1m30s",
        "shm_size: 64m",
        "shm_size: 67108864",
        "init: 'yes'",
        "scale: '2'",
        "cpus: '0.5'",
        "cpus: 0.5",
        "configs: [{source: a, mode: '0440'}]",
        "configs: [{source: a, mode: 0o440}]",
        "gpus: all",
        "gpus: [{count: all}]",
    ],
)
def test_a_right_scalar_is_kept_as_it_was_written(tmp_path: Path, text: str) -> None:
    environment, found = attempt(tmp_path, dev=f"services: {{api: {{image: b, {text}}}}}\n")
    assert found == []
    assert environment is not None


def test_an_unquoted_number_where_text_is_wanted_says_how_to_quote_it(tmp_path: Path) -> None:
    environment, found = attempt(tmp_path, dev="services: {api: {image: b, user: 1_000}}\n")
    assert environment is None
    assert [(one.code, one.help) for one in found] == [("EV106", 'write "1_000" in quotes')]
    assert found[0].span is not None
    assert marked(found[0].span) == "1_000"
