"""Files made to harm: each ends with a diagnostic, within 2 seconds of processor time and 256 MB.

Processor time, because a wall clock measures whoever else is at work on the machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SECONDS = 2
MEGABYTES = 256
# What a test may take before it is taken to hang, however busy the machine is.
PATIENCE = 120

API = "services:\n  api:\n    image: busybox:1.37\n"
LONG = "1" * 100_000


def mapping(count: int, line: str) -> str:
    return "".join(line.replace("#", str(number)) for number in range(count))


BLUEPRINTS: dict[str, tuple[str | bytes, str]] = {
    # --- YAML
    "alias bomb": (
        "x-0: &a0 [1, 2]\n" + mapping(9, "x-1#: &b# [1]\n") + "x-a: &c0 [*a0]\n"
        + "".join(f"x-c{n}: &c{n} [{', '.join([f'*c{n - 1}'] * 9)}]\n" for n in range(1, 9)),
        "EV110",
    ),
    "merge bomb": ("x-0: &a0 {k: 1}\n" + "".join(f"x-{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 9)), "EV110"),
    "merges of many keys": (f"x-a: &a {{{mapping(20_000, 'k#: 1, ')}}}\nx-b:\n{mapping(3_000, '  q#: {<<: *a}' + chr(10))}", "EV110"),
    "nesting, flow lists": ("x-a: " + "[" * 100_000 + "]" * 100_000, "EV110"),
    "nesting, flow mappings": ("x-a: " + "{a: " * 100_000 + "}" * 100_000, "EV110"),
    "nesting, block lists": ("x-a:\n  " + "- " * 100_000 + "1\n", "EV110"),
    "nesting, keys": ("? " * 100_000 + "1\n", "EV106"),
    "a scalar of 50 MB": ("x-a: " + "a" * 50_000_000, "EV110"),
    "a line of 10 MB": ("x-a: [" + "1, " * 3_400_000 + "]\n", "EV110"),
    "a line of 3 MB": (f"services:\n  api: {{labels: {{{mapping(200_000, 'k#: v, ')}}}, imag: x}}\n", "EV110"),
    "not UTF-8": (b"services:\n  api: {image: b\xff\xfe}\n", "EV002"),
    "UTF-16": ("services: {}\n".encode("utf-16"), "EV002"),
    "a NUL byte": (b"services:\n  api: {image: b\x00}\n", "EV002"),
    "an escape sequence": (b"services:\n  api: {image: b\x1b[31m}\n", "EV100"),
    "half a surrogate pair": ('services:\n  "a\\uD800": {image: "x:1"}\n', "EV100"),
    "many keys": ("x-a:\n" + mapping(400_000, " k#:\n"), "EV110"),
    "many anchors": (mapping(60_000, "x-#: &a# 1\n") + "x-z: *a60000\n", "EV100"),
    "many documents": ("---\n{}\n" * 100_000, "EV100"),
    # --- values
    "a long integer": (f"services: {{api: {{image: 'x:1', mem_limit: {LONG}, cpus: 0x{LONG}}}}}", "EV106"),
    "a long duration": (f"services: {{api: {{image: 'x:1', stop_grace_period: '{LONG}x'}}}}", "EV102"),
    "a long size": (f"services: {{api: {{image: 'x:1', mem_limit: '{LONG}x'}}}}", "EV112"),
    "a long number": (f"services: {{api: {{image: 'x:1', cpus: '{LONG}x', scale: '{LONG}'}}}}", "EV106"),
    "long ports": (f"services: {{api: {{image: 'x:1', ports: ['{LONG}:80', {{target: '{LONG}', published: '{LONG}'}}]}}}}", "EV103"),
    "all ports, often": (API + "    ports:\n" + mapping(250, "      - 10.0.0.#:1-65535:1-65535\n"), "EV110"),
    "all ports of two services": (API + "    ports: ['1-15000:1-15000']\n  web: {image: 'x:1', ports: ['1-15000:1-15000']}\n", "EV114"),
    "one port on many addresses": (API + "    ports:\n" + "".join(f"      - 127.{n // 250}.{n % 250}.1:80:{n + 1}\n" for n in range(20_000)) + "      - 80:1\n", "EV302"),
    "many services": ("services:\n" + mapping(100_000, "  s#: {}\n"), "EV110"),
    "many unknown attributes": ("services:\n  api:\n" + mapping(50_000, "    k#: v\n"), "EV114"),
    "a long chain of dependencies": ("services:\n" + "".join(f"  s{n}: {{image: 'x:1', depends_on: [s{n + 1}]}}\n" for n in range(3_000)), "EV301"),
    "many cycles": ("services:\n" + mapping(150, f"  s#: {{image: 'x:1', depends_on: [{mapping(150, 's#, ')}]}}\n"), "EV305"),
    "many undefined networks": (API + f"    networks: [{mapping(5_000, 'n#, ')}]\nnetworks:\n" + mapping(5_000, "  m#: {}\n"), "EV301"),
    # --- variables
    "nested operators": (API + '    environment: {A: "' + "${a:-" * 100_000 + "}" * 100_000 + '"}\n', "EV203"),
    "nested operators of a declared variable": ("variables: {a: {type: string}}\n" + API + '    environment: {A: "' + "${a:-" * 100_000 + "}" * 100_000 + '"}\n', "EV206"),
    "open braces": ("variables: {a: {type: string}}\n" + API + "    environment:\n" + mapping(300, f"      A#: '{'${a:-' * 1000}'\n"), "EV206"),
    "a value that grows": (f"variables: {{a: {{type: string, default: {'x' * 100_000}}}}}\n" + API + f"    environment: {{A: '{'${a}' * 100_000}'}}\n", "EV110"),
    "many undeclared variables": ("variables:\n" + mapping(1_000, "  w#: {type: string, default: x}\n") + API + "    environment:\n" + mapping(5_000, "      A#: ${v#}\n"), "EV114"),
    "a pattern that backtracks": ("variables: {a: {type: string, pattern: '(a+)+$', default: " + "a" * 40 + "b}}\n" + API, "EV115"),
    "a pattern of many optional parts": ("variables: {a: {type: string, pattern: '" + "a?" * 50 + "a" * 50 + "', default: " + "a" * 50 + "}}\n" + API, "EV115"),
    "a nested pattern": ("variables: {a: {type: string, pattern: '" + "(" * 400 + "a" + ")" * 400 + "', default: b}}\n" + API, "EV205"),
    "a long pattern": ("variables: {a: {type: string, pattern: '" + "[a-z]|" * 200_000 + "', default: b}}\n" + API, "EV108"),
    # --- paths
    "an env file that is a device": (API + "    env_file: /dev/zero\n", "EV002"),
    "an env file out of the project": (API + "    env_file: /etc/passwd\n", "EV007"),
    "paths that cannot be": (API + '    env_file: "a\\0b"\n    volumes: ["./a\\0b:/c"]\nconfigs: {a: {file: "x\\0"}}\n', "EV307"),
    "nobody's home": (API + "    env_file: ~nobody-at-all/x\n    build: ~nobody-at-all/x\nconfigs: {a: {file: ~nobody-at-all/x}}\n", "EV307"),
    "a long path": (API + f"    env_file: {'x' * 5000}\n    volumes: ['./{'x' * 5000}:/y']\n", "EV307"),
    "parents out of the project": ('extends: [../../etc/passwd, "a\\nb\\e[31m"]\n' + API, "EV201"),
}  # fmt: skip


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_a_blueprint_made_to_harm(name: str, tmp_path: Path) -> None:
    content, code = BLUEPRINTS[name]
    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    assert code in told(project(tmp_path, data))


DOTENVS: dict[str, tuple[str | bytes, str]] = {
    "50 MB": ("A=" + "x" * 50_000_000, "EV110"),
    "quotes that never close": ("A='x\n" * 100_000, "EV113"),
    "quotes that nearly close": ('A="' + '\\"\nB="' * 600_000, "EV113"),
    "a long quoted value": ('A="' + '\\"' * 1_500_000, "EV113"),
    "no names": ("!\n" * 200_000, "EV114"),
    "a NUL byte": (b"A=\0", "EV002"),
    "long values": (f"number={LONG}\nsize={LONG}\nduration={LONG}\nport={LONG}\n", "EV205"),
    "spaces before a comment": ("A=x" + " " * 1_000_000 + "y\n!", "EV113"),
    "a text that the pattern fears": ("tag=" + "a" * 1_000_000, "EV115"),
}
TYPED = """variables:
  number: {type: number, default: 1}
  size: {type: size, default: 1m}
  duration: {type: duration, default: 1s}
  port: {type: port, default: 80}
  tag: {type: string, pattern: "(a|a)*b", default: b}
"""


@pytest.mark.parametrize("name", DOTENVS)
def test_a_dotenv_made_to_harm(name: str, tmp_path: Path) -> None:
    content, code = DOTENVS[name]
    data = content if isinstance(content, bytes) else content.encode()
    (project(tmp_path, (TYPED + API).encode()) / ".env").write_bytes(data)
    assert code in told(tmp_path)


PROJECT_FILES = {
    "a long requirement": (f"name: a\nlanguage: 1\nrequires: '>={'1.' * 100_000}1'\n", "EV005"),
    "a long version": (f"name: a\nlanguage: 1\nrequires: '>={LONG}'\n", "EV005"),
    "a long integer": (f"name: a\nlanguage: {LONG}\n", "EV106"),
    "an escape sequence": ('name: "a\\e[31m"\nlanguage: 1\n', "EV004"),
}


@pytest.mark.parametrize("name", PROJECT_FILES)
def test_a_project_file_made_to_harm(name: str, tmp_path: Path) -> None:
    content, code = PROJECT_FILES[name]
    (project(tmp_path, API.encode()) / "envman.yaml").write_text(content)
    assert code in told(tmp_path)


def fifo(path: Path) -> None:
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.mkdir()


def link_out(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def link_to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def broken_link(path: Path) -> None:
    path.symlink_to("nowhere")


def link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


@pytest.mark.parametrize("put", [fifo, folder, link_out, link_to_device, broken_link, link_to_itself])
@pytest.mark.parametrize("name", ["blueprints/dev.yaml", ".env"])
def test_no_file_in_place_of_a_file(name: str, put: Callable[[Path], None], tmp_path: Path) -> None:
    project(tmp_path, API.encode())
    (tmp_path / name).unlink(missing_ok=True)
    put(tmp_path / name)
    assert "EV00" in told(tmp_path)


@pytest.mark.parametrize("put", [fifo, folder, link_to_device, broken_link, link_to_itself])
def test_no_file_in_place_of_an_env_file(put: Callable[[Path], None], tmp_path: Path) -> None:
    put(project(tmp_path, f"{API}    env_file: x.env\n".encode()) / "x.env")
    assert "EV002" in told(tmp_path) or "EV307" in told(tmp_path)


def test_an_env_file_that_leads_out(tmp_path: Path) -> None:
    link_out(project(tmp_path, f"{API}    env_file: x.env\n".encode()) / "x.env")
    assert "EV007" in told(tmp_path)


def test_an_env_file_of_gigabytes(tmp_path: Path) -> None:
    with (project(tmp_path, f"{API}    env_file: x.env\n".encode()) / "x.env").open("wb") as stream:
        stream.truncate(3 * 2**30)
    assert "EV110" in told(tmp_path)


def test_a_fifo_in_place_of_the_project_file(tmp_path: Path) -> None:
    (project(tmp_path, API.encode()) / "envman.yaml").unlink()
    fifo(tmp_path / "envman.yaml")
    assert "EV001" in told(tmp_path)


def test_thousands_of_broken_blueprints(tmp_path: Path) -> None:
    project(tmp_path, API.encode())
    for number in range(10_000):
        broken_link(tmp_path / "blueprints" / f"e{number}.yaml")
    assert "EV110" in told(tmp_path)


def test_names_of_files_are_shown_without_their_escapes(tmp_path: Path) -> None:
    project(tmp_path, API.encode())
    (tmp_path / "blueprints" / "a\nb\x1b[31m.yaml").write_text(API)
    raw = os.fsencode(tmp_path / "blueprints") + b"/\xff.yaml"
    Path(os.fsdecode(raw)).write_text(API)
    assert r"a\nb\x1b[31m" in told(tmp_path)


def test_a_chain_of_parents(tmp_path: Path) -> None:
    project(tmp_path, f"extends: e0\n{API}".encode())
    for number in range(300):
        (tmp_path / "blueprints" / f"e{number}.yaml").write_text(f"extends: e{number + 1}\nabstract: true\n")
    (tmp_path / "blueprints" / "e300.yaml").write_text("abstract: true\n")
    assert "EV202" in told(tmp_path)


# --- how it is measured


def project(root: Path, blueprint: bytes) -> Path:
    (root / "blueprints").mkdir()
    (root / "envman.yaml").write_text("name: churn\nlanguage: 1\n")
    (root / "blueprints" / "dev.yaml").write_bytes(blueprint)
    return root


def told(root: Path) -> str:
    """Return what `envman check` says of ``root``, having held it to time and memory.

    A busy machine makes processor time longer, too: what was too slow gets a second and a third chance.
    """
    shown, seconds = attempt(root)
    for _ in range(2):
        if seconds >= SECONDS:
            shown, seconds = attempt(root)
    assert seconds < SECONDS
    return shown


def attempt(root: Path) -> tuple[str, float]:
    """Return what `envman check` says of ``root``, and the processor time that it took."""
    environ = {**os.environ, "XDG_STATE_HOME": str(root / "state")}
    with (root / "told").open("w+b") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", _CHILD, "check"],
            cwd=root,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
        try:
            status = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            pytest.fail("it hangs")
        out.seek(0)
        text = out.read().decode()
    shown, _, measured = text.rpartition("\n@")
    seconds, kilobytes = map(float, measured.split())
    assert status in {0, 1}, text[-2000:]
    assert kilobytes < MEGABYTES * 1024
    assert len(shown) < 500_000
    assert "\x1b" not in shown
    return shown, seconds


# The child measures itself: what a parent learns of a child's memory begins with the parent's own.
_CHILD = """
import atexit, resource, sys

def tell():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    sys.stderr.flush()
    peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
    sys.stdout.write(f"\\n@{usage.ru_utime + usage.ru_stime} {peak}")

atexit.register(tell)
from envman.cli.main import main
main()
"""
