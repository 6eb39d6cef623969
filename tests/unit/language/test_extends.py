from __future__ import annotations

from pathlib import Path

import pytest
from environments import attempt, load
from trees import tell, told, tree

from envman.diagnostics import Report
from envman.language.compose_rules import merge_as_compose
from envman.language.normalise import normalise
from envman.project import load_environment, open_project
from envman.source.tree import node_at, plain

COMMON = """
services:
  base:
    image: "x:${TAG}"
    build: .
    env_file: web.env
    ports: ["80:80"]
    cap_drop: [NET_RAW]
    environment: {A: "1", B: "2"}
"""


def project(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path = path.with_name(path.name + ".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_values_keep_their_place_and_what_they_override(tmp_path: Path) -> None:
    project(tmp_path, sub__common=COMMON)

    environment = load(
        tmp_path,
        dev="""
            variables: {TAG: {type: string, default: "1"}}
            services:
              web:
                extends: {service: base, file: sub/common.yaml}
                environment: {A: "3"}
        """,
    )

    assert environment.origin(("services", "web", "image")) == "sub/common.yaml:4:12"
    assert environment.origin(("services", "web", "environment", "B")) == "sub/common.yaml:9:30"
    changed = node_at(environment.tree, ("services", "web", "environment", "A"))
    assert changed is not None
    assert str(changed.span) == "blueprints/dev.yaml:6:22"
    assert changed.overrides is not None
    assert str(changed.overrides.span) == "sub/common.yaml:9:22"
    assert environment.data["services"]["web"]["env_file"] == [{"path": "./sub/web.env"}]
    assert environment.reached == (("sub/common.yaml",),)
    assert "extends" not in environment.data["services"]["web"]


def test_reset_and_override_mean_the_base_and_the_parents(tmp_path: Path) -> None:
    environment = load(
        tmp_path,
        base="""
            abstract: true
            services:
              web: {image: x, ports: ["90:90"], cap_add: [P], labels: {p: "1"}}
        """,
        dev="""
            extends: base
            services:
              template: {image: y, ports: ["80:80"], cap_add: [T], labels: {t: "1"}, environment: {T: t}}
              web: {extends: template, ports: !reset null, cap_add: !override [W], labels: {w: "1"}}
        """,
    )

    web = environment.data["services"]["web"]
    assert "ports" not in web
    assert web["cap_add"] == ["W"]
    assert web["labels"] == {"p": "1", "t": "1", "w": "1"}
    assert web["environment"] == {"T": "t"}
    assert environment.data["services"]["template"]["ports"][0]["published"] == "80"


def test_what_a_base_removed_stays_removed_in_it_alone(tmp_path: Path) -> None:
    environment = load(
        tmp_path,
        base="""
            abstract: true
            services:
              web: {image: x, cap_add: [P]}
              template: {image: x, cap_add: [P]}
        """,
        dev="""
            extends: base
            services:
              template: {image: y, cap_add: !reset null}
              web: {extends: template, user: me}
        """,
    )

    assert "cap_add" not in environment.data["services"]["template"]
    assert environment.data["services"]["web"]["cap_add"] == ["P"]


def test_a_service_of_a_blueprint_is_extended_by_its_file_and_its_paths_mean_the_root(tmp_path: Path) -> None:
    environment = load(
        tmp_path,
        base="""
            abstract: true
            services:
              api: {image: x, env_file: api.env, environment: {A: {secret: s}}}
            secrets: {s: {source: generate}}
        """,
        dev="""
            extends: base
            services:
              second:
                extends: {service: api, file: ./blueprints/../blueprints/base.yaml}
                environment: {A: plain}
        """,
    )

    second = environment.data["services"]["second"]
    assert second["env_file"] == [{"path": "api.env"}]
    assert second["environment"] == {"A": "plain"}


def test_an_absolute_path_within_the_project_is_fine(tmp_path: Path) -> None:
    project(tmp_path, sub__common="services: {base: {image: x}}\n")

    environment = load(
        tmp_path, dev=f"services: {{web: {{extends: {{service: base, file: {tmp_path}/sub/common.yaml}}}}}}\n"
    )

    assert environment.data["services"]["web"] == {"image": "x"}


def test_an_undeclared_variable_that_is_overridden_or_unused_is_no_error(tmp_path: Path) -> None:
    project(tmp_path, common='services: {base: {image: "x:${NONE}"}, other: {image: "${NONE}"}}\n')

    environment = load(tmp_path, dev="services: {web: {image: mine, extends: {service: base, file: common.yaml}}}\n")

    assert environment.data["services"]["web"]["image"] == "mine"


def test_a_null_service_extends_nothing_and_a_null_base_gives_nothing(tmp_path: Path) -> None:
    project(tmp_path, common="services: {c: null}\n")

    environment = load(
        tmp_path,
        dev="""
            services:
              a: {image: x, extends: null}
              b: {image: y, extends: {service: c, file: common.yaml}}
        """,
    )

    assert environment.data["services"] == {"a": {"image": "x"}, "b": {"image": "y"}}


def test_a_long_chain_is_walked(tmp_path: Path) -> None:
    services = "".join(f"  s{number}: {{extends: s{number + 1}}}\n" for number in range(3000))

    environment = load(tmp_path, dev=f"services:\n{services}  s3000: {{image: x}}\n")

    assert environment.data["services"]["s0"] == {"image": "x"}


def test_a_large_base_that_many_extend_is_refused(tmp_path: Path) -> None:
    base = ", ".join(f"A{number}: x" for number in range(2000))
    services = "".join(f"  s{number}: {{extends: base}}\n" for number in range(500))

    environment, problems = attempt(
        tmp_path, dev=f"services:\n  base: {{image: x, environment: {{{base}}}}}\n{services}"
    )

    assert environment is None
    assert [one.message for one in problems] == ["include and extends bring in more than 150,000 values"]


@pytest.mark.parametrize(
    ("extends", "told"),
    [
        ("'${NAME}'", "EV203"),
        ("{service: '${NAME}'}", "EV203"),
        ("{service: a, file: '${NAME}'}", "EV203"),
        ("{service: a, file: ''}", "EV224"),
        ("{service: a, file: ~/common.yaml}", "EV007"),
        ("{service: a, file: .}", "EV002"),
        ("{service: a, file: envman.yaml}", "EV222"),
    ],
)
def test_a_file_or_name_that_will_not_do(extends: str, told: str, tmp_path: Path) -> None:
    environment, problems = attempt(tmp_path, dev=f"services: {{web: {{image: x, extends: {extends}}}}}\n")

    assert environment is None
    assert [one.code for one in problems] == [told]
    assert problems[0].span is not None
    assert problems[0].span.source.name == "blueprints/dev.yaml"


def test_the_same_file_with_other_variables_in_two_environments(tmp_path: Path) -> None:
    project(tmp_path, common='services: {base: {image: "x:${TAG}"}}\n')
    blueprint = "variables: {{TAG: {{type: string, default: {tag}}}}}\nservices: {{web: {{extends: {{service: base, file: common.yaml}}}}}}\n"
    first = load(tmp_path, dev=blueprint.format(tag="one"), prod=blueprint.format(tag="two"))
    report = Report()

    second = load_environment(open_project(tmp_path), "prod", report, settings={}, process={})

    assert second is not None
    assert first.data["services"]["web"]["image"] == "x:one"
    assert second.data["services"]["web"]["image"] == "x:two"


# --- Compose's rules, without Compose (tests/attributes/test_compose_rules.py asks the real one)


def test_tags_do_their_work_and_are_gone() -> None:
    report = Report()
    files = [
        'services: {a: {image: x, ports: ["1:1"], cap_add: [A], labels: {a: "1"}, environment: [A=1]}}',
        'services: {a: {ports: !override ["2:2"], cap_add: !reset null, labels: {a: !reset null}}}',
        "services: {a: {environment: !override {B: 2}}, b: !reset null}",
    ]

    merged = merge_as_compose([normalise(tree(text), report) for text in files], report)

    assert told(report) == []
    assert plain(merged) == {
        "services": {
            "a": {
                "image": "x",
                "ports": [{"target": 2, "published": "2", "protocol": "tcp"}],
                "labels": {},
                "environment": {"B": 2},
            }
        }
    }


def test_values_of_two_kinds_are_refused_but_where_compose_takes_them() -> None:
    report = Report()
    files = [
        "services: {a: {command: x, gpus: all, ulimits: {nofile: 1}, extra_hosts: {h: 1.1.1.1}}}",
        "services: {a: {command: [y], gpus: [{count: 1}], ulimits: {nofile: {soft: 1}}, extra_hosts: {h: [2.2.2.2]}}}",
    ]

    merged = merge_as_compose([normalise(tree(text), report) for text in files], report)

    assert [tell(one) for one in report] == [
        "EV221 1:36-48 services.a.gpus is a list here and a string in what it is laid over"
    ]
    assert plain(merged)["services"]["a"]["extra_hosts"] == {"h": ["1.1.1.1", "2.2.2.2"]}
    assert plain(merged)["services"]["a"]["ulimits"] == {"nofile": {"soft": 1}}
