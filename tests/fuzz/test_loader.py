"""Whatever stands in a project's files, the command line ends with a diagnostic or a document that can be read again.

Three ways to make a mess: anything at all, what looks like a blueprint, and the shipped blueprints with damage.
`make fuzz` runs the same with thousands of examples.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envman.cli.invocation import Invocation
from envman.cli.main import run
from envman.diagnostics import Report, Source
from envman.shipped import shipped
from envman.source.reader import read_tree

# In the suite few examples, always the same; the profile of scripts/fuzz.py decides where it is loaded.
LONG = settings.get_current_profile_name() == "fuzz"
FUZZED = settings(
    max_examples=settings().max_examples if LONG else 25,
    deadline=None,
    derandomize=not LONG,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
SHIPPED = {path.name: path.read_bytes() for path in sorted(shipped("blueprints").glob("*.yaml"))}
PROJECT = b"name: churn\nlanguage: 1\n"


def ends_well(files: dict[str, bytes], environment: str = "dev") -> None:
    """Run `check` and `render` on ``files`` and hold them to what every command promises."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "blueprints").mkdir()
        for name, content in {"envman.yaml": PROJECT, **files}.items():
            (root / name).write_bytes(content)
        environ = {"XDG_STATE_HOME": str(root / "state"), "PATH": os.environ["PATH"], "NO_COLOR": "1"}
        status, _, told = _run(root, environ, "check")
        assert status in {0, 1}, told
        assert bool(told.strip()) or status == 0
        status, document, told = _run(root, environ, "render", environment, "--output", "-")
        assert status in {0, 1}, told
        if status:
            assert "error[EV" in told
        else:
            report = Report()
            assert read_tree(Source("docker-compose.yml", document), report) is not None, list(report)


def _run(root: Path, environ: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run(Invocation(environ=environ), ["--directory", str(root), *arguments])
    told = err.getvalue()
    assert told.isprintable() or not set(told) & set(map(chr, range(32))) - {"\n", "\t"}
    if status == 4:
        told += _log_of_bug(told)
    return status, out.getvalue(), told


def _log_of_bug(told: str) -> str:
    for word in told.split():
        if "envman-bug-" in word:
            log = Path(word)
            text = log.read_text()
            log.unlink()
            return f"\n{text}"
    return ""


# --- anything at all

PLACES = st.sampled_from(["blueprints/dev.yaml", ".env", "envman.yaml"])


@FUZZED
@given(PLACES, st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_anything(place: str, content: bytes) -> None:
    files = {"blueprints/dev.yaml": b"services: {a: {image: 'busybox:1'}}\n", place: content}
    ends_well(files)


# --- what looks like a blueprint

NAMES = st.sampled_from(
    [
        "services",
        "networks",
        "volumes",
        "configs",
        "secrets",
        "variables",
        "extends",
        "abstract",
        "description",
        "protected",
        "profiles",
        "x-a",
        "image",
        "build",
        "context",
        "dockerfile",
        "ports",
        "target",
        "published",
        "protocol",
        "environment",
        "env_file",
        "depends_on",
        "condition",
        "restart",
        "healthcheck",
        "test",
        "interval",
        "retries",
        "disable",
        "deploy",
        "replicas",
        "resources",
        "limits",
        "cpus",
        "memory",
        "command",
        "entrypoint",
        "labels",
        "user",
        "read_only",
        "secrets",
        "source",
        "type",
        "default",
        "env",
        "min",
        "max",
        "pattern",
        "values",
        "path",
        "variable",
        "optional",
        "name",
        "external",
        "shared",
        "retain",
        "gpu",
        "a",
        "b",
        "dev",
        "base",
        "default",
        "<<",
    ]
)
WORDS = st.sampled_from(
    [
        "a",
        "b",
        "dev",
        "base",
        "busybox:1",
        "string",
        "int",
        "port",
        "size",
        "duration",
        "bool",
        "enum",
        "number",
        "auto",
        "80",
        "8080:80",
        "127.0.0.1:80:80/udp",
        "1-3:1-3",
        "9-1",
        "512m",
        "30s",
        "1e400",
        "-1",
        "0",
        "1",
        "0x10",
        "0o7",
        ".inf",
        ".nan",
        "1_0",
        "22:22",
        "2001-01-01",
        "true",
        "false",
        "null",
        "~",
        "./a:/b",
        "a:/b:ro",
        "/a",
        "${a}",
        "$a",
        "$",
        "$$",
        "${a:-${b}}",
        "${a:?no}",
        "${a:+x}",
        "${ENVMAN_PROJECT}",
        "${",
        "service_healthy",
        "service_completed_successfully",
        "generate",
        "file",
        "always",
        "no",
        "KEY=value",
        "KEY",
        "[0-9]+",
        "(a+)+$",
        "../x",
        "~nobody/x",
        "99999999999999999999999999",
        "required",
        "!reset",
        "on",
        "1.5",
        "x=y=z",
    ]
)
KEYS = NAMES | st.text(max_size=4)
SCALARS = (
    WORDS
    | NAMES
    | st.text(max_size=8)
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.none()
    | st.binary(max_size=3)
    | st.dates()
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(KEYS, below, max_size=4),
    max_leaves=12,
)
SERVICES = st.fixed_dictionaries({"image": WORDS}, optional={}) | st.dictionaries(KEYS, VALUES, max_size=6)
SECTION = st.dictionaries(KEYS, VALUES, max_size=3)
BLUEPRINTS = st.fixed_dictionaries(
    {"services": st.dictionaries(KEYS, SERVICES, max_size=3) | VALUES},
    optional={
        "variables": SECTION,
        "volumes": SECTION,
        "networks": SECTION,
        "secrets": SECTION,
        "configs": SECTION,
        "extends": st.sampled_from(["base", "dev", ["base", "nothing"], 1]),
        "x-a": VALUES,
        "abstract": VALUES,
    },
)


class _Dumper(yaml.SafeDumper):
    """Writes tags and anchors as they come."""


def written(data: Any, style: bool) -> bytes:
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=style).encode(
        "utf-8", "surrogatepass"
    )


@FUZZED
@given(BLUEPRINTS, BLUEPRINTS, st.booleans())
def test_what_looks_like_a_blueprint(dev: dict[str, Any], base: dict[str, Any], style: bool) -> None:
    ends_well({"blueprints/dev.yaml": written(dev, style), "blueprints/base.yaml": written(base, style)})


ATTRIBUTES = st.sampled_from(
    [
        "annotations",
        "attach",
        "blkio_config",
        "build",
        "cap_add",
        "cap_drop",
        "cgroup",
        "command",
        "configs",
        "container_name",
        "cpu_count",
        "cpus",
        "cpuset",
        "credential_spec",
        "depends_on",
        "deploy",
        "develop",
        "device_cgroup_rules",
        "devices",
        "dns",
        "dns_opt",
        "dns_search",
        "domainname",
        "entrypoint",
        "env_file",
        "environment",
        "expose",
        "extends",
        "external_links",
        "extra_hosts",
        "gpus",
        "group_add",
        "healthcheck",
        "hostname",
        "image",
        "init",
        "ipc",
        "isolation",
        "label_file",
        "labels",
        "links",
        "logging",
        "mac_address",
        "mem_limit",
        "mem_swappiness",
        "memswap_limit",
        "models",
        "network_mode",
        "networks",
        "oom_kill_disable",
        "pid",
        "pids_limit",
        "platform",
        "ports",
        "post_start",
        "pre_stop",
        "privileged",
        "profiles",
        "provider",
        "pull_policy",
        "read_only",
        "restart",
        "runtime",
        "scale",
        "secrets",
        "security_opt",
        "shm_size",
        "stop_grace_period",
        "stop_signal",
        "storage_opt",
        "sysctls",
        "tmpfs",
        "tty",
        "ulimits",
        "user",
        "userns_mode",
        "uts",
        "volumes",
        "volumes_from",
        "working_dir",
        "gpu",
    ]
)


@FUZZED
@given(st.dictionaries(ATTRIBUTES, VALUES, max_size=5), st.dictionaries(ATTRIBUTES, VALUES, max_size=3))
def test_any_value_of_any_attribute(dev: dict[str, Any], base: dict[str, Any]) -> None:
    ends_well(
        {
            "blueprints/dev.yaml": written({"extends": "base", "services": {"a": {"image": "x:1", **dev}}}, False),
            "blueprints/base.yaml": written({"services": {"a": base, "b": {"image": "x:1"}}}, False),
        }
    )


# --- the shipped blueprints, damaged


@st.composite
def damaged(draw: st.DrawFn) -> tuple[dict[str, bytes], str]:
    """Return the shipped blueprints, one of them with a few changes, and an environment to render."""
    files = dict(SHIPPED)
    name = draw(st.sampled_from(sorted(files)))
    content = files[name]
    for _ in range(draw(st.integers(1, 4))):
        content = draw(st.sampled_from([_flip, _cut, _repeat, _shift, _swap, _graft]))(draw, content)
    files[name] = content
    return {f"blueprints/{each}": text for each, text in files.items()}, draw(
        st.sampled_from(["local", "dev", "staging", "prod"])
    )


def _flip(draw: st.DrawFn, content: bytes) -> bytes:
    position = draw(st.integers(0, max(0, len(content) - 1)))
    return content[:position] + bytes([draw(st.integers(0, 255))]) + content[position + 1 :]


def _lines(draw: st.DrawFn, content: bytes) -> tuple[list[bytes], int]:
    lines = content.split(b"\n")
    return lines, draw(st.integers(0, len(lines) - 1))


def _cut(draw: st.DrawFn, content: bytes) -> bytes:
    lines, first = _lines(draw, content)
    return b"\n".join(lines[:first] + lines[first + draw(st.integers(1, 4)) :])


def _repeat(draw: st.DrawFn, content: bytes) -> bytes:
    lines, first = _lines(draw, content)
    return b"\n".join(lines[: first + 1] + lines[first:])


def _shift(draw: st.DrawFn, content: bytes) -> bytes:
    lines, first = _lines(draw, content)
    by = draw(st.sampled_from([-2, -1, 1, 2, 4]))
    for number in range(first, min(len(lines), first + draw(st.integers(1, 5)))):
        lines[number] = b" " * by + lines[number] if by > 0 else lines[number][-by:]
    return b"\n".join(lines)


def _swap(draw: st.DrawFn, content: bytes) -> bytes:
    lines, first = _lines(draw, content)
    second = draw(st.integers(0, len(lines) - 1))
    lines[first], lines[second] = lines[second], lines[first]
    return b"\n".join(lines)


def _graft(draw: st.DrawFn, content: bytes) -> bytes:
    lines, first = _lines(draw, content)
    key, colon, _ = lines[first].partition(b":")
    graft = draw(st.sampled_from(["!reset", "!override", "&a", "*a", "", "[]", "{}", "null", "|", "- ", "'"]) | WORDS)
    lines[first] = key + colon + b" " + graft.encode()
    return b"\n".join(lines)


@FUZZED
@given(damaged())
def test_the_shipped_blueprints_damaged(made: tuple[dict[str, bytes], str]) -> None:
    files, environment = made
    ends_well(files, environment)
