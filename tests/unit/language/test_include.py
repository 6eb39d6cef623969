from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from environments import attempt, facts, load

from envman.checks import check_environment
from envman.diagnostics import Report, Source
from envman.language import composition
from envman.output.diagnostics import human
from envman.output.style import Style
from envman.project import load_environment, open_project
from envman.render.compose import render
from envman.source.files import read_source


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_resources_join_with_their_own_places_and_paths(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "team/compose.yaml": "services:\n  api: {image: x, env_file: api.env}\nvolumes: {data: }\n",
            "team/api.env": "",
        },
    )

    environment = load(tmp_path, dev="include: [team/compose.yaml]\nservices: {own: {image: y}}\n")

    assert list(environment.data["services"]) == ["own", "api"]
    assert environment.data["services"]["api"]["env_file"] == [{"path": "./team/api.env"}]
    assert environment.origin(("services", "api", "image")) == "team/compose.yaml:2:16"
    assert str(environment.key_span("volumes", "data")) == "team/compose.yaml:3:11"
    assert environment.reached == (("team/compose.yaml",),)
    document = render(environment, facts(tmp_path))
    assert "include" not in document.data
    assert document.header[0].startswith("Rendered by envman from blueprints/dev.yaml, team/compose.yaml.")


def test_a_child_changes_what_its_parent_includes(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": 'services: {api: {image: x, ports: ["80:80"], cap_add: [A]}}\n'})

    environment = load(
        tmp_path,
        base="abstract: true\ninclude: [a.yaml]\n",
        dev='extends: base\nservices: {api: {ports: ["81:80"]}}\n',
    )

    api = environment.data["services"]["api"]
    assert [port["published"] for port in api["ports"]] == ["81"]
    assert api["cap_add"] == ["A"]
    changed = environment.tree.entries["services"]
    assert changed.overrides is not None
    assert environment.reached == (("a.yaml",), ())


def test_variables_of_the_blueprint_win_over_an_includes_own_env_file(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "sub/compose.yaml": 'services: {a: {image: "${DECLARED}-${VALUELESS}-${OWN}", environment: [OWN, DECLARED]}}\n',
            "sub/.env": "DECLARED=file\nVALUELESS=file\nOWN=file\n",
        },
    )

    environment = load(
        tmp_path,
        dev="""
            variables: {DECLARED: {type: string, default: blueprint}, VALUELESS: {type: string}}
            include: [sub/compose.yaml]
        """,
    )

    assert environment.data["services"]["a"] == {
        "image": "blueprint-file-file",
        "environment": {"OWN": "file", "DECLARED": "blueprint"},
    }
    assert environment.reached == (("sub/.env", "sub/compose.yaml"),)


def test_an_includes_env_file_means_that_include_alone(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "sub/compose.yaml": "services: {a: {image: x}}\n",
            "sub/.env": "OWN=file\n",
            "other.yaml": 'services: {b: {image: "${OWN}"}}\n',
        },
    )

    environment, problems = attempt(tmp_path, dev="include: [sub/compose.yaml, other.yaml]\n")

    assert environment is None
    assert [(one.code, str(one.span)) for one in problems] == [("EV203", "other.yaml:1:24")]


def test_dev_null_turns_the_env_file_off(tmp_path: Path) -> None:
    write(tmp_path, {"sub/compose.yaml": 'services: {b: {image: "${OWN}"}}\n', "sub/.env": "OWN=file\n"})

    environment, problems = attempt(tmp_path, dev="include: [{path: sub/compose.yaml, env_file: /dev/null}]\n")

    assert environment is None
    assert [one.code for one in problems] == ["EV203"]


def test_a_value_of_an_env_file_is_in_no_message(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"sub/compose.yaml": "services: {b: {image: x}}\n", "sub/.env": "this line is wrong hunter2\nA=hunter2\n"},
    )

    environment, problems = attempt(tmp_path, dev="include: [sub/compose.yaml]\n")

    assert environment is None
    assert [one.code for one in problems] == ["EV113"]
    assert problems[0].span is not None
    assert problems[0].span.source.confidential
    assert "hunter2" not in problems[0].message


def test_an_env_file_that_is_taken_for_a_compose_file_is_not_quoted(tmp_path: Path) -> None:
    write(tmp_path, {"prod.env": "PASSWORD: {hunter2\n"})

    environment, problems = attempt(tmp_path, dev="include: [prod.env]\n")

    assert environment is None
    assert [one.code for one in problems] == ["EV100"]
    assert "hunter2" not in human(problems, Style(colour=False))


def test_a_fixed_name_of_an_own_include_is_no_inherited_one(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": "services: {a: {image: x, networks: [n]}}\nnetworks: {n: {name: fixed}}\n"})

    own = load(tmp_path, base="abstract: true\n", dev="extends: base\ninclude: [a.yaml]\n")
    inherited = load(tmp_path, "prod", base="abstract: true\ninclude: [a.yaml]\n", prod="extends: base\n")

    found = (Report(), Report())
    check_environment(own, tmp_path, found[0])
    check_environment(inherited, tmp_path, found[1])
    assert "EV210" not in [one.code for one in found[0]]
    assert "EV210" in [one.code for one in found[1]]


def test_a_diamond_is_one_and_the_same(tmp_path: Path) -> None:
    files = {
        f"{side}{level}.yaml": f"include: [a{level + 1}.yaml, b{level + 1}.yaml]\nservices: {{{side}{level}: {{image: x}}}}\n"
        for level in range(30)
        for side in "ab"
    }
    files |= {f"{side}30.yaml": f"services: {{{side}30: {{image: x}}}}\n" for side in "ab"}
    write(tmp_path, files)
    began = time.monotonic()

    environment = load(tmp_path, dev="include: [a0.yaml, b0.yaml]\n")

    assert len(environment.data["services"]) == 62
    assert time.monotonic() - began < 5


def test_a_circle_through_the_second_file_of_a_list_is_one(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"a.yaml": "services: {a: {image: x}}\n", "b.yaml": "include: [{path: [a.yaml, b.yaml]}]\nservices: {}\n"},
    )

    environment, problems = attempt(tmp_path, dev="include: [{path: [a.yaml, b.yaml]}]\n")

    assert environment is None
    assert [one.message for one in problems] == ["the files include each other: a.yaml -> a.yaml"]


def test_a_file_is_read_once_a_run_and_its_problems_told_for_each_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        tmp_path,
        {
            "envman.yaml": "name: churn\nlanguage: 1\n",
            "blueprints/dev.yaml": "include: [a.yaml]\n",
            "blueprints/prod.yaml": "include: [a.yaml, b.yaml]\n",
            "a.yaml": "services: {a: {image: x}}\n",
            "b.yaml": "services: {b: {image: x}\n",
        },
    )
    read: list[str] = []

    def counted(path: Path, *, root: Path, confidential: bool) -> Source:
        read.append(path.name)
        return read_source(path, root=root, confidential=confidential)

    monkeypatch.setattr("envman.language.compose_file.read_source", counted)
    project = open_project(tmp_path)
    codes = []
    for name in ("dev", "prod", "prod"):
        report = Report()
        load_environment(project, name, report, settings={}, process={})
        codes.append([one.code for one in report])

    assert codes == [[], ["EV100"], ["EV100"]]
    assert read == ["a.yaml", "b.yaml", "b.yaml"]


def fifo(root: Path) -> None:
    os.mkfifo(root / "odd.yaml")


def link_out(root: Path) -> None:
    outside = root.with_name(root.name + "-outside.yaml")
    outside.write_text("services: {a: {image: x}}\n")
    (root / "odd.yaml").symlink_to(outside)


def link_to_itself(root: Path) -> None:
    (root / "odd.yaml").symlink_to(root / "odd.yaml")


def folder(root: Path) -> None:
    (root / "odd.yaml").mkdir()


def not_text(root: Path) -> None:
    (root / "odd.yaml").write_bytes(b"services: {a: \xff}\n")


def a_list(root: Path) -> None:
    (root / "odd.yaml").write_text("- a\n")


def too_deep(root: Path) -> None:
    write(root, {f"{number}.yaml": f"include: [{number + 1}.yaml]\n" for number in range(100)})
    (root / "odd.yaml").write_text("include: [0.yaml]\n")


def too_many(root: Path) -> None:
    write(root, {f"{number}.yaml": f"services: {{s{number}: {{image: x}}}}\n" for number in range(600)})
    (root / "odd.yaml").write_text("include: [" + ", ".join(f"{number}.yaml" for number in range(600)) + "]\n")


def with_other_variables_each_time(root: Path) -> None:
    for level in range(20):
        for side in "ab":
            include = f"include: [../a{level + 1}/c.yaml, ../b{level + 1}/c.yaml]\n"
            write(root, {f"{side}{level}/c.yaml": include, f"{side}{level}/.env": f"{side.upper()}{level}=1\n"})
    write(root, {"a20/c.yaml": "services: {}\n", "b20/c.yaml": "services: {}\n"})
    (root / "odd.yaml").write_text("include: [a0/c.yaml]\n")


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (fifo, "EV002"),
        (link_out, "EV007"),
        (link_to_itself, "EV002"),
        (folder, "EV002"),
        (not_text, "EV002"),
        (a_list, "EV106"),
        (too_deep, "EV110"),
        (too_many, "EV110"),
        (with_other_variables_each_time, "EV110"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_hostile_files_end_soon_with_one_diagnostic(make: object, code: str, tmp_path: Path) -> None:
    assert callable(make)
    make(tmp_path)
    began = time.monotonic()

    environment, problems = attempt(tmp_path, dev="include: [odd.yaml]\nservices: {own: {image: x}}\n")

    assert environment is None
    assert [one.code for one in problems] == [code]
    assert problems[0].span is not None
    assert time.monotonic() - began < 5


def test_a_hostile_env_file_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": "services: {a: {image: x}}\n"})
    os.mkfifo(tmp_path / "odd.env")

    environment, problems = attempt(tmp_path, dev="include: [{path: a.yaml, env_file: odd.env}]\n")

    assert environment is None
    assert [one.code for one in problems] == ["EV002"]


@pytest.mark.parametrize("name", ["a" * 5000, "a\0b"])
def test_a_name_that_no_file_can_have(name: str, tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": "services: {a: {image: x}}\n"})
    quoted = name.replace("\0", "\\0")

    for entry in (f'"{quoted}"', f'{{path: a.yaml, env_file: "{quoted}"}}', f'{{path: "{quoted}/b.yaml"}}'):
        environment, problems = attempt(tmp_path, dev=f"include: [{entry}]\nservices: {{b: {{image: x}}}}\n")

        assert environment is None
        assert {one.code for one in problems} <= {"EV220", "EV224"}


def test_a_blueprint_without_either_never_comes_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unexpected(*_: object, **__: object) -> None:
        raise AssertionError("nothing is to be put together")

    monkeypatch.setattr("envman.project.compose_layers", unexpected)

    environment = load(tmp_path, base="abstract: true\nservices: {a: {image: x}}\n", dev="extends: base\n")

    assert environment.reached == ()
    assert not composition.has_other_files(environment.tree)
