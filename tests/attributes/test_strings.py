"""Whatever somebody writes where Compose looks no further comes out of Compose as it was written.

One example is a handful of strings in every opaque place at once, so that one `docker compose config` tries hundreds.
`make fuzz` does the same for longer.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from attribute_cases import compose_config, meaning
from environments import facts, load
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envman.render.compose import render
from envman.render.document import Document

pytestmark = pytest.mark.usefixtures("compose")
# A tenth of what the profile asks for: each example is a process of its own, with hundreds of values.
slow = settings(
    max_examples=max(5, settings().max_examples // 10),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)

# What YAML 1.1, YAML 1.2, Go, Python or Compose's interpolation have each been known to read as something else.
TRAPS = st.sampled_from(
    [
        "", " ", "~", "null", "true", "off", "y", "1e3", "0o17", "08", "0x1F", "1_000", "22:22", ".inf", ".nan", "=", "<<",
        "2024-01-01", "$", "$$", "${", "${x}", "$x", "${x:-y}", "a$b", "#a", "a #b", "a: b", "- a", "? a", "!a", "&a", "*a",
        "%a", "@a", "`a`", "'", '"', "\\", "\\n", "\n", "a\n", "\na", " a", "a ", "a\n\n", "\t", "\r", "\r\n", "\u0085",
        "\u2028", "\ufeff", "\ufffe", "\x7f", "\x01", "---", "...", "{a}", "[a]", "|", ">", "\U0001f600", "e\u0301",
    ]
)  # fmt: skip
ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
OPAQUE = st.lists(TRAPS | ANY | st.tuples(TRAPS, ANY, TRAPS).map("".join), min_size=1, max_size=30)


def written(value: str) -> str:
    """Return ``value`` as an author has to write it."""
    return value.replace("$", "$$")


def as_yaml(data: Any) -> str:
    """Return JSON that is YAML, too: a pair of surrogates is none there."""

    def one(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0]
        character: str = json.loads(f'"{match[0]}"')
        return f"\\U{ord(character):08x}"

    return re.sub(r"\\\\|(\\ud[89ab]..)\\ud[c-f]..", one, json.dumps(data))


def rendered(root: Path, blueprint: dict[str, Any]) -> str:
    data = render(load(root, dev=as_yaml(blueprint)), facts(root)).data
    return Document("churn-dev", data, (), {}, (), {}).text()


def unescaped(value: Any) -> Any:
    """Return what Compose understood: its output is a Compose file again, so it doubles every dollar."""
    return json.loads(json.dumps(value).replace("$$", "$"))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("strings")


@slow
@given(strings=OPAQUE)
def test_opaque_strings_come_out_unchanged(root: Path, strings: list[str]) -> None:
    texts = [written(one) for one in strings]
    table = {f"K{number}": text for number, text in enumerate(texts)}
    pairs = [f"K{number}={text}" for number, text in enumerate(texts)]
    service = {
        "image": "busybox:1.37",
        "environment": table,
        "labels": pairs,
        "annotations": table,
        "command": ["run", *texts],
        "entrypoint": ["/init", *texts],
        "healthcheck": {"test": ["CMD", "check", *texts]},
        "build": {"context": ".", "args": pairs, "labels": table, "dockerfile_inline": texts[0]},
        "logging": {"driver": "json-file", "options": table},
        "post_start": [{"command": ["run", *texts], "environment": pairs}],
        "x-service": {"deep": [*texts, table]},
    }
    blueprint = {
        "services": {"api": service, "pairs": {"image": "busybox:1.37", "environment": pairs, "labels": table}},
        "x-top": {"deep": [*texts, {"deeper": table}]},
    }
    text = rendered(root, blueprint)
    understood = unescaped(compose_config(root, text, form="json"))
    api, other = understood["services"]["api"], understood["services"]["pairs"]
    expected = {f"K{number}": text for number, text in enumerate(strings)}
    assert api["environment"] == other["environment"] == expected
    for labels in (api["labels"], other["labels"]):
        assert {key: value for key, value in labels.items() if not key.startswith("dev.envman.")} == expected
    assert api["annotations"] == api["logging"]["options"] == expected
    assert api["command"] == ["run", *strings]
    assert api["entrypoint"] == ["/init", *strings]
    assert api["healthcheck"]["test"] == ["CMD", "check", *strings]
    assert api["build"]["args"] == api["build"]["labels"] == expected
    assert api["build"].get("dockerfile_inline", "") == strings[0]
    assert api["post_start"] == [{"command": ["run", *strings], "environment": expected}]
    # Compose writes these in a block that begins with a tab, which neither its own reader of YAML nor ours takes.
    if any("\n" in one and re.match(r"[ \n]*\t", one) for one in strings):
        return
    # Compose leaves a service's extensions out of its JSON.
    understood = unescaped(compose_config(root, text))
    assert understood["services"]["api"]["x-service"] == {"deep": [*strings, expected]}
    assert understood["x-top"] == {"deep": [*strings, {"deeper": expected}]}


# Keys are not interpolated, so nobody doubles a dollar in them.
# Compose wants more of a key than line breaks.
KEYS = st.lists((TRAPS | ANY).filter(lambda key: key.strip("\n")), min_size=1, max_size=30, unique=True)


@slow
@given(keys=KEYS)
def test_keys_come_out_unchanged(root: Path, keys: list[str]) -> None:
    table = dict.fromkeys(keys, "x")
    service = {"image": "busybox:1.37", "labels": table, "annotations": table}
    text = rendered(root, {"services": {"api": service}, "x-top": {"deep": table}})
    understood = unescaped(compose_config(root, text, form="json"))
    api = understood["services"]["api"]
    assert {key: value for key, value in api["labels"].items() if not key.startswith("dev.envman.")} == table
    assert api["annotations"] == understood["x-top"]["deep"] == table


# --- what Compose understands


NUMBERS = st.integers(0, 4000).map(str) | st.decimals(0, 4000, places=2).map(str)
DURATION = st.builds("{}{}".format, NUMBERS, st.sampled_from(["us", "ms", "s", "m", "h"]))
DURATIONS = st.lists(DURATION, min_size=1, max_size=3).map("".join)
SIZES = st.builds(
    "{}{}".format, NUMBERS, st.sampled_from(["b", "k", "kb", "KB", "m", "mb", "M", "MiB", "g", "GB", "gb", " g"])
)
PATH = (
    st.text("abz09._- é", min_size=1, max_size=8).map(lambda name: f"n{name}").filter(lambda name: name == name.strip())
)
SOURCES = st.builds("{}{}".format, st.sampled_from(["./", "../", "/", "~/", "./a/../"]), PATH)
PORT = st.integers(1, 65000)
PORTS = st.one_of(
    PORT.map(str),
    PORT,
    st.builds("{}:{}".format, PORT, PORT),
    st.builds("{}:{}/udp".format, PORT, PORT),
    st.builds("127.0.0.1:{}:{}".format, PORT, PORT),
    st.builds("127.0.0.1::{}".format, PORT),
    st.builds("[::1]:{}:{}".format, PORT, PORT),
    st.builds(
        lambda host, target, count: f"{host}-{host + count}:{target}-{target + count}", PORT, PORT, st.integers(0, 9)
    ),
    st.builds(lambda host, count, target: f"{host}-{host + count}:{target}", PORT, st.integers(0, 9), PORT),
    st.builds(lambda target, count: f"{target}-{target + count}", PORT, st.integers(0, 9)),
)
SERVICE = st.fixed_dictionaries(
    {},
    optional={
        "stop_grace_period": DURATIONS,
        "mem_limit": SIZES,
        "shm_size": SIZES | st.integers(0, 2**40),
        "ports": st.lists(PORTS, max_size=4, unique=True),
        "volumes": st.lists(
            st.builds("{}:/{}{}".format, SOURCES, PATH, st.sampled_from(["", ":ro", ":rw", ":z"])),
            max_size=3,
            unique=True,
        ),
        "tmpfs": st.lists(PATH.map(lambda path: f"/tmpfs/{path}"), max_size=2, unique=True),
        "working_dir": PATH.map(lambda path: f"/{path}"),
        "cpus": NUMBERS,
        "command": st.text("abc '\" -", max_size=12).filter(
            lambda text: text.count('"') % 2 == text.count("'") % 2 == 0
        ),
        "healthcheck": st.fixed_dictionaries({"test": st.just(["CMD", "true"]), "interval": DURATIONS}),
    },
)


@slow
@given(services=st.lists(SERVICE, min_size=1, max_size=20))
def test_what_compose_understands_keeps_its_meaning(root: Path, services: list[dict[str, Any]]) -> None:
    blueprint = {
        "services": {f"s{number}": {"image": "busybox:1.37", **service} for number, service in enumerate(services)}
    }
    text = rendered(root, blueprint)
    assert meaning(compose_config(root, text)) == meaning(compose_config(root, json.dumps(blueprint)))
