"""Projects with `include` and `extends`: Compose makes the same of the file and of envman's render of it.

The file stands in the project's root as Compose wants it, and as the blueprint of an environment, word for word.
"""

from __future__ import annotations

import subprocess
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml
from environments import facts, load

from envman.render.compose import render

pytestmark = pytest.mark.engine

VARIABLES = "variables: {TAG: {type: string, default: '1'}}"
# The name of a case, then its files; `main` is what Compose and envman are given.
CASES: dict[str, dict[str, str]] = {
    "extends of the same file, in a chain, in any order": {
        "main": """
            services:
              c: {extends: b, ports: ["82:80"], environment: [C=3]}
              b: {extends: {service: a}, ports: ["81:80"], command: null, environment: {A: "2"}}
              a:
                image: x
                command: [a, b]
                entrypoint: e
                ports: ["80:80"]
                environment: {A: "1", B: "1"}
                healthcheck: {test: [CMD, a], interval: 1s}
        """,
    },
    "everything is inherited, dependencies too": {
        "main": """
            services:
              a: {extends: b}
              b:
                image: x
                depends_on: {c: {condition: service_healthy}}
                links: ["c:alias"]
                volumes_from: ["c:ro"]
                network_mode: "service:c"
                profiles: [p]
              c: {image: y}
        """,
    },
    "extends of another file": {
        "main": """
            services:
              web:
                extends: {service: base, file: common/services.yaml}
                volumes: ["./own:/own", "./here:/data"]
                environment: {A: null}
              base: {image: mine}
            volumes: {data: }
        """,
        "common/services.yaml": """
            name: not-this
            x-unused: 1
            services:
              base:
                extends: {service: deeper, file: deep/deeper.yaml}
                build: {context: ., dockerfile: Dockerfile.web, additional_contexts: {up: .., image: "docker-image://x"}}
                volumes: ["./data:/data", "data:/named", "/abs:/abs", {type: bind, source: rel, target: /rel}]
                env_file: web.env
                labels: {a: "1"}
                develop: {watch: [{path: ./src, action: rebuild}]}
              other: {image: never, ports: ["1:1"]}
            networks: {unused: {}}
        """,
        "common/deep/deeper.yaml": """
            services:
              deeper: {image: "x:${TAG}", env_file: [{path: ../web.env, required: false}], volumes: ["../c:/c"]}
        """,
        "common/web.env": "W=1\n",
    },
    "reset and override while extending": {
        "main": """
            services:
              web:
                extends: {service: base, file: base.yaml}
                ports: !override ["81:81"]
                labels: !reset null
                environment: {A: !reset null, C: "3"}
                cap_add: [B]
        """,
        "base.yaml": """
            services:
              base: {image: x, ports: ["80:80"], labels: {a: "1"}, environment: {A: "1", B: "2"}, cap_add: [A]}
        """,
    },
    "include, nested, with projects of their own": {
        "main": """
            include: [team/compose.yaml]
            services:
              main: {image: m, depends_on: [api], networks: [inner]}
        """,
        "team/compose.yaml": """
            name: another
            x-own: 1
            include: [lower/compose.yaml]
            services:
              api:
                image: "api:${PLACE}"
                build: {context: ., additional_contexts: {q: ./q}, ssh: ["k=./key"]}
                env_file: api.env
                environment: [HERE, NOT_HERE]
                volumes: ["./d:/d", "vol:/vol", "host:/host", "left:/left"]
                networks: [inner]
                configs: [settings]
                secrets: [token]
                models: [llm]
                credential_spec: {file: ./spec.json}
              extended: {extends: {service: x, file: parts/x.yaml}}
            networks: {inner: {labels: [a=b]}}
            volumes:
              vol: {}
              host: {driver: local, driver_opts: {type: none, o: bind, device: ./host}}
              left: {driver_opts: {type: none, o: bind, device: ./host}}
            configs: {settings: {file: ./settings}}
            secrets: {token: {file: ../token}}
            models: {llm: {model: m}}
        """,
        "team/parts/x.yaml": """
            include: [../never-read.yaml]
            services: {x: {image: "x:${PLACE}", label_file: x.labels, volumes: ["./x:/x"], env_file: x.env}}
        """,
        "team/lower/compose.yaml": """
            services: {low: {image: "low:${PLACE}-${LOWER}-$${KEPT}", volumes: ["../up:/up"], profiles: [p]}}
        """,
        "team/.env": "PLACE=team\nHERE=x\n",
        "team/api.env": "A=1\n",
        "team/parts/x.env": "A=1\n",
        "team/parts/x.labels": "label=1\n",
        "team/lower/.env": "PLACE=lower\nLOWER=lower\nTAG=other\n",
    },
    "include of a list, with a project directory and env files": {
        "main": """
            include:
              - path: [parts/a.yaml, parts/b.yaml]
                project_directory: elsewhere
                env_file: [one.env, two.env]
              - path: parts/c.yaml
        """,
        "parts/a.yaml": """
            services: {a: {image: "a:${X}", volumes: ["./v:/v", "./w:/w"], ports: ["1:1"], command: [x]}}
        """,
        "parts/b.yaml": """
            services: {a: {image: "b:${X}-${Y}", volumes: ["./v2:/v"], ports: ["2:1"], command: !reset null}}
        """,
        "parts/c.yaml": """
            services: {c: {image: c}}
        """,
        "one.env": "X=one\nY=y\n",
        "two.env": "X=two\n",
        "elsewhere/.env": "X=not-read\n",
    },
    "what stands in an included file means its project directory": {
        "main": """
            include:
              - {path: parts/deep/a.yaml, project_directory: elsewhere}
              - path: [parts/deep/b.yaml, parts/b.yaml]
        """,
        "parts/deep/a.yaml": """
            include: [{path: nested/n.yaml, env_file: nested.env}]
            services: {a: {extends: {service: x, file: x.yaml}, label_file: a.labels}}
        """,
        "elsewhere/x.yaml": "services: {x: {image: x, env_file: x.env}}\n",
        "elsewhere/x.env": "X=1\n",
        "elsewhere/a.labels": "l=1\n",
        "elsewhere/nested.env": "N=n\n",
        "elsewhere/nested/n.yaml": """
            services: {n: {image: "n:${N}", volumes: ["./n:/n"]}}
        """,
        "parts/deep/b.yaml": """
            services: {b: {image: b, volumes: ["./b:/b"]}}
        """,
        "parts/b.yaml": """
            include: [more.yaml]
            services: {b: {extends: {service: y, file: y.yaml}}}
        """,
        "parts/deep/y.yaml": "services: {y: {image: y, volumes: ['./y:/y']}}\n",
        "parts/deep/more.yaml": "services: {more: {image: y, volumes: ['./y:/y']}}\n",
    },
    "the same file twice, and the same network in two": {
        "main": """
            include: [a.yaml, b.yaml, a.yaml]
            networks: {n: {driver: bridge}}
        """,
        "a.yaml": """
            services: {a: {image: a, networks: [n]}}
            networks: {n: {driver: bridge}}
        """,
        "b.yaml": """
            services: {b: {image: b, networks: [n]}}
            networks: {n: {driver: bridge}}
        """,
    },
    "extends inside of an included file means that file": {
        "main": """
            include: [sub/a.yaml]
            services: {base: {image: outer}}
        """,
        "sub/a.yaml": """
            services:
              a: {extends: inner, cap_drop: [ALL]}
              inner: {image: inner, cap_drop: [NET_RAW]}
        """,
    },
}


def config(folder: Path, file: Path) -> dict[str, Any]:
    """Return what the real Compose makes of ``file``, less what envman alone writes."""
    command = ["docker", "compose", "--project-name", "p", "--project-directory", str(folder), "--file", str(file)]
    command += ["--profile", "*", "config"]
    # In that folder: Compose looks for the env files of nested includes from where it runs.
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = yaml.safe_load(done.stdout)
    for section in ("services", "networks", "volumes"):
        for entry in found.get(section, {}).values():
            labels = {key: value for key, value in entry.get("labels", {}).items() if not key.startswith("dev.envman.")}
            entry.pop("labels", None)
            if labels:
                entry["labels"] = labels
    return found


@pytest.mark.parametrize("case", CASES)
def test_compose_makes_the_same_of_the_render(case: str, tmp_path: Path) -> None:
    files = {name: textwrap.dedent(text) for name, text in CASES[case].items()}
    main = files.pop("main")
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    source = tmp_path / "compose.yaml"
    source.write_text(main)
    (tmp_path / ".env").write_text("TAG=1\n")

    environment = load(tmp_path, dev=VARIABLES + main)
    document = render(environment, facts(tmp_path))

    assert not {"include", "extends"} & set(document.data)
    assert not any("extends" in service for service in document.data["services"].values())
    rendered = tmp_path / "render.yaml"
    rendered.write_text(document.text())
    assert config(tmp_path, rendered) == config(tmp_path, source)
