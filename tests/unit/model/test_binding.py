"""Trees to models: every mistake once, at its place, with what would have been right."""

from __future__ import annotations

from pathlib import Path

import pytest
from environments import attempt, load
from trees import marked, tree

from envman.diagnostics import Diagnostic, Report
from envman.model.binding import bind, shape_of
from envman.model.stack import Stack
from envman.source.tree import plain


def problems(root: Path, text: str) -> list[Diagnostic]:
    environment, found = attempt(root, dev=text)
    assert environment is None
    return found


# --- unknown attributes


@pytest.mark.parametrize(
    ("text", "message", "expected", "at"),
    [
        (
            "servces: {}\nservices: {api: {image: b}}\n",
            'unknown attribute "servces" at the top of a blueprint',
            'did you mean "services"?',
            "servces",
        ),
        (
            "extend: base\nservices: {api: {image: b}}\n",
            'unknown attribute "extend" at the top of a blueprint',
            'did you mean "extends"?',
            "extend",
        ),
        (
            "services: {api: {image: b, enviroment: {}}}\n",
            'unknown attribute "enviroment" in services.api',
            'did you mean "environment"?',
            "enviroment",
        ),
        (
            "services: {api: {image: b, healthcheck: {intervall: 1s}}}\n",
            'unknown attribute "intervall" in services.api.healthcheck',
            'did you mean "interval"?',
            "intervall",
        ),
        (
            "services: {api: {image: b, ports: [{target: 80}, {target: 81, zzz: 1}]}}\n",
            'unknown attribute "zzz" in services.api.ports[1]',
            "one of app_protocol, host_ip, mode, name, protocol, published, target",
            "zzz",
        ),
        ("services: {api: {image: b, zzzzzzz: 1}}\n", 'unknown attribute "zzzzzzz" in services.api', "a known attribute", "zzzzzzz"),
        (
            "services: {api: {image: b}}\nvolumes: {data: {retian: keep}}\n",
            'unknown attribute "retian" in volumes.data',
            'did you mean "retain"?',
            "retian",
        ),
    ],
)  # fmt: skip
def test_an_unknown_attribute_is_an_error_at_its_key(
    tmp_path: Path, text: str, message: str, expected: str, at: str
) -> None:
    found = problems(tmp_path, text)
    assert [(one.code, one.message, one.expected) for one in found] == [("EV105", message, expected)]
    assert found[0].span is not None
    assert marked(found[0].span) == at


@pytest.mark.parametrize(
    "text",
    [
        "x-a: {anything: [1]}\nservices: {api: {image: b}}\n",
        "services: {api: {image: b, x-a: 1}}\n",
        "services: {api: {image: b, deploy: {x-a: {b: c}}}}\n",
        "services: {api: {image: b, ports: [{target: 80, x-a: 1}]}}\n",
        "services: {api: {image: b}}\nvolumes: {data: {x-a: 1}}\n",
    ],
)
def test_an_extension_may_stand_anywhere_and_is_kept(tmp_path: Path, text: str) -> None:
    assert "x-a" in repr(load(tmp_path, dev=text).data)


@pytest.mark.parametrize(
    "text",
    [
        "environment: {imge: x}",
        "labels: {imge: x}",
        "build: {context: ., args: {imge: x}}",
        "sysctls: {imge: x}",
        "logging: {driver: local, options: {imge: x}}",
        "ulimits: {imge: 1}",
    ],
)
def test_keys_of_the_authors_own_are_no_attributes(tmp_path: Path, text: str) -> None:
    environment, found = attempt(tmp_path, dev=f"services: {{api: {{image: b, {text}}}}}\n")
    assert environment is not None
    assert [one.code for one in found if one.code == "EV105"] == []


# --- kinds


@pytest.mark.parametrize(
    ("text", "message", "expected"),
    [
        ("services: []\n", "services is a list", "a mapping"),
        ("services: text\n", "services is a string", "a mapping"),
        ("services: {api: null}\n", "services.api is null", "a mapping"),
        ("services: {api: text}\n", "services.api is a string", "a mapping"),
        ("services: {api: {image: 5}}\n", "services.api.image is an integer", "a string"),
        ("services: {api: {image: true}}\n", "services.api.image is a boolean", "a string"),
        ("services: {api: {image: null}}\n", "services.api.image is null", "a string"),
        ("services: {api: {image: [b]}}\n", "services.api.image is a list", "a string"),
        ("services: {api: {image: b, cap_add: ALL}}\n", "services.api.cap_add is a string", "a list"),
        ("services: {api: {image: b, cap_add: [[x]]}}\n", "services.api.cap_add[0] is a list", "a string"),
        ("services: {api: {image: b, command: {a: b}}}\n", "services.api.command is a mapping", "a string or a list"),
        ("services: {api: {image: b, environment: text}}\n", "services.api.environment is a string", "a mapping"),
        ("services: {api: {image: b, stop_grace_period: [1s]}}\n", "services.api.stop_grace_period is a list", 'a duration such as "30s" or "1m30s"'),
        (
            "services: {api: {image: b, environment: {A: [x]}}}\n",
            "services.api.environment.A is a list",
            "a mapping or a string, number, boolean or null",
        ),
    ],
)  # fmt: skip
def test_a_wrong_kind_says_what_is_there_and_what_was_expected(
    tmp_path: Path, text: str, message: str, expected: str
) -> None:
    found = problems(tmp_path, text)
    assert [(one.code, one.message, one.expected) for one in found] == [("EV106", message, expected)]


def test_a_missing_attribute_is_told_of_the_mapping_that_lacks_it(tmp_path: Path) -> None:
    found = problems(tmp_path, "services: {api: {image: b, ports: [{published: '80'}]}}\n")
    assert [(one.code, one.message) for one in found] == [("EV107", '"target" is missing in services.api.ports[0]')]


@pytest.mark.parametrize("name", ["a b", "a/b", "ä", ""])
def test_a_service_has_a_name_that_compose_takes(tmp_path: Path, name: str) -> None:
    found = problems(tmp_path, f"services: {{'{name}': {{image: b}}}}\n")
    assert [(one.code, one.message) for one in found] == [("EV004", f'"{name}" is not a name')]


def test_all_mistakes_of_a_file_are_told_at_once_in_its_order(tmp_path: Path) -> None:
    text = "services:\n  api:\n    imge: b\n    user: 5\n    init: perhaps\n  db:\n    ports: ['x:y']\n    tty: []\n"
    found = problems(tmp_path, text)
    assert [(one.code, one.span and one.span.line) for one in found] == [
        ("EV105", 3),
        ("EV106", 4),
        ("EV106", 5),
        ("EV103", 7),
        ("EV106", 8),
    ]


def test_what_replaced_a_parents_value_says_so(tmp_path: Path) -> None:
    base = "abstract: true\nservices: {api: {image: b}}\n"
    environment, found = attempt(tmp_path, base=base, dev="extends: base\nservices: {api: {image: 5}}\n")
    assert environment is None
    assert [(note.text, str(note.span)) for note in found[0].notes] == [("overrides", "blueprints/base.yaml:2:25")]


def test_null_in_place_of_a_value_says_how_to_remove_it(tmp_path: Path) -> None:
    assert "!reset" in problems(tmp_path, "services: {api: {image: null}}\n")[0].help


def test_no_message_of_a_wrong_value_repeats_what_a_variable_held(tmp_path: Path) -> None:
    text = "variables: {x: {type: string, env: X_VAR}}\nservices: {api: {image: b, stop_grace_period: '${x}'}}\n"
    environment, found = attempt(tmp_path, process={"X_VAR": "hunter2"}, dev=text)
    assert environment is None
    assert [one.code for one in found] == ["EV102"]
    assert "hunter2" not in repr([(one.message, one.expected, one.help, one.notes, one.detail) for one in found])


# --- data


def test_the_data_are_what_the_author_wrote_in_the_authors_order() -> None:
    text = "services: {z: {user: '1', image: b, x-a: {c: 1, b: 2}}, a: {image: c, command: null}}\nx-b: [3, 1.50]\n"
    report = Report()
    bound, data = bind(tree(text), Stack, report, what="a blueprint")
    assert list(report) == []
    assert bound is not None
    assert data == plain(tree(text))
    assert repr(data) == repr(plain(tree(text))), "the order too"


def test_there_is_no_model_where_there_is_a_mistake() -> None:
    report = Report()
    bound, data = bind(tree("services: {a: {imag: b}}\n"), Stack, report, what="a blueprint")
    assert bound is None
    assert data == {"services": {"a": {"imag": "b"}}}
    assert [one.code for one in report] == ["EV105"]


def test_every_attribute_of_a_service_is_known_by_its_name() -> None:
    services = (shape_of(Stack).fields or {})["services"].values
    assert services is not None
    assert services.fields is not None
    assert {"image", "build", "deploy", "gpus", "develop", "post_start", "gpu"} <= set(services.fields)
