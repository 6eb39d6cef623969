from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from environments import facts, load

from envman.render.compose import render
from envman.render.gpu import gpu_requests

LABELS = {
    "dev.envman.project": "churn",
    "dev.envman.environment": "dev",
    "dev.envman.checkout": "0123456789ab",
}


def test_names_and_labels_say_whose_it_is(tmp_path: Path) -> None:
    environment = load(tmp_path, dev="services: {api: {image: busybox, labels: {a: b}}}\nvolumes: {data: null}\n")
    data = render(environment, facts(tmp_path)).data
    assert data["name"] == "churn-dev"
    labels = data["services"]["api"]["labels"]
    assert {key: value for key, value in labels.items() if key != "dev.envman.digest"} == {"a": "b", **LABELS}
    assert data["volumes"] == {"data": {"labels": LABELS}}, "no label here may ever change"
    assert data["networks"] == {"default": {"labels": LABELS}}


@pytest.mark.parametrize(
    ("service", "made"),
    [
        ("{image: a}", True),
        ("{image: a, networks: [default]}", True),
        ("{image: a, networks: {default: {aliases: [x]}, hub: null}}", True),
        ("{image: a, networks: [hub]}", False),
        ("{image: a, network_mode: none}", False),
        ("{provider: {type: p}}", False),
    ],
)
def test_the_default_network_is_labelled_whenever_compose_makes_it(tmp_path: Path, service: str, made: bool) -> None:
    environment = load(tmp_path, dev=f"services: {{api: {service}}}\nnetworks: {{hub: {{}}}}\n")
    found = render(environment, facts(tmp_path)).data["networks"]
    assert found == {"hub": {"labels": LABELS}} | ({"default": {"labels": LABELS}} if made else {})


def test_an_instance_is_a_stack_of_its_own(tmp_path: Path) -> None:
    environment = load(tmp_path, instance="two", dev="services: {api: {image: busybox}}\n")
    document = render(environment, facts(tmp_path))
    assert document.project == "churn-dev-two"
    assert document.services["api"]["labels"]["dev.envman.instance"] == "two"


def test_external_resources_get_no_labels(tmp_path: Path) -> None:
    environment = load(
        tmp_path, dev="services: {api: {image: busybox, networks: [hub]}}\nnetworks: {hub: {external: true}}\n"
    )
    assert render(environment, facts(tmp_path)).data["networks"] == {"hub": {"external": True}}


def test_the_order_is_the_authors(tmp_path: Path) -> None:
    environment = load(
        tmp_path, dev="services: {zeta: {image: busybox, command: [b, a]}, alpha: {user: '1', image: busybox}}\n"
    )
    services = render(environment, facts(tmp_path)).services
    assert list(services) == ["zeta", "alpha"]
    assert list(services["alpha"])[:2] == ["user", "image"]


def test_two_renders_are_the_same_bytes(tmp_path: Path) -> None:
    text = "services: {api: {image: busybox, environment: {A: x, B: '1e3'}}}\n"
    first = render(load(tmp_path, dev=text), facts(tmp_path)).text()
    assert first == render(load(tmp_path, dev=text), facts(tmp_path)).text()


def test_the_header_says_what_made_it_and_how_to_use_it(tmp_path: Path) -> None:
    environment = load(tmp_path, base="abstract: true\nservices: {api: {image: busybox}}\n", dev="extends: base\n")
    header = render(environment, facts(tmp_path, ports={("api", "http"): 23456})).text().splitlines()[:7]
    file = tmp_path / ".envman/dev/docker-compose.yml"
    assert header == [
        "# Rendered by envman from blueprints/base.yaml, blueprints/dev.yaml. Do not edit: change a blueprint and render again.",
        "# Environment dev of project churn, checkout 0123456789ab.",
        "# Facts: secrets as files; GPU runtime: no; allocated ports: api http on 23456.",
        "#",
        "#   envman compose dev -- up --detach",
        f"#   docker compose --project-directory {tmp_path} --project-name churn-dev --env-file /dev/null --file {file} up --detach",
        "#",
    ]


def test_dollars_are_doubled_in_values_and_not_in_keys(tmp_path: Path) -> None:
    environment = load(
        tmp_path, dev="services: {api: {image: busybox, command: [echo, $$HOME], labels: {a$$b: c$$d}}}\n"
    )
    text = render(environment, facts(tmp_path)).text()
    data = yaml.safe_load(text)
    assert data["services"]["api"]["command"] == ["echo", "$$HOME"]
    assert data["services"]["api"]["labels"]["a$$b"] == "c$$d"


def test_automatic_ports_come_from_the_facts(tmp_path: Path) -> None:
    environment = load(
        tmp_path,
        dev="""
        variables: {port: {type: port, default: auto}}
        services:
          api: {image: busybox, ports: [{name: http, target: 80, published: "${port}"}, "9000:90"]}
        """,
    )
    ports = render(environment, facts(tmp_path, ports={("api", "http"): 23456})).services["api"]["ports"]
    assert [port["published"] for port in ports] == ["23456", "9000"]


def test_secrets_are_files_of_the_store_on_a_local_engine(tmp_path: Path) -> None:
    text = "services: {api: {image: busybox, secrets: [token]}}\nsecrets: {token: {source: generate}}\n"
    document = render(load(tmp_path, dev=text), facts(tmp_path))
    assert document.data["secrets"] == {"token": {"file": str(tmp_path / "state/secrets/dev/token")}}
    assert document.secrets == ("token",)
    assert document.variables == {}


def test_secrets_go_through_composes_environment_to_a_remote_engine(tmp_path: Path) -> None:
    text = "services: {api: {image: busybox, secrets: [api-token]}}\nsecrets: {api-token: {source: generate}}\n"
    document = render(load(tmp_path, dev=text), facts(tmp_path, secrets="environment"))
    assert document.data["secrets"] == {"api-token": {"environment": "ENVMAN_SECRET_API_TOKEN"}}
    assert document.variables == {"ENVMAN_SECRET_API_TOKEN": "api-token"}


def test_a_secret_as_variable_is_a_reference_that_cannot_be_blank(tmp_path: Path) -> None:
    text = """
    services: {api: {image: busybox, environment: {PGPASSWORD: {secret: db}, OTHER: a$$b}}}
    secrets: {db: {source: generate}}
    """
    document = render(load(tmp_path, dev=text), facts(tmp_path))
    value = yaml.safe_load(document.text())["services"]["api"]["environment"]
    assert value["PGPASSWORD"].startswith("${ENVMAN_SECRET_DB:?")
    assert value["OTHER"] == "a$$b"
    assert document.variables == {"ENVMAN_SECRET_DB": "db"}


def test_an_absent_optional_secret_leaves_no_trace(tmp_path: Path) -> None:
    text = """
    services: {api: {image: busybox, secrets: [ca], build: {context: ., secrets: [ca]}}}
    secrets: {ca: {source: file, path: "", optional: true}}
    """
    document = render(load(tmp_path, dev=text), facts(tmp_path, absent_secrets=frozenset({"ca"})))
    assert "secrets" not in document.data
    assert "secrets" not in document.services["api"]


def test_envmans_own_attributes_do_not_reach_compose(tmp_path: Path) -> None:
    text = """
    profiles: [tools]
    services: {api: {image: busybox, gpu: optional, snapshot: {command: [dump], restore: [load], user: root}}}
    volumes: {data: {retain: protected, shared: true}}
    """
    data = render(load(tmp_path, dev=text), facts(tmp_path)).data
    assert "profiles" not in data
    assert not {"gpu", "snapshot"} & set(data["services"]["api"])
    assert "deploy" not in data["services"]["api"]
    assert set(data["volumes"]["data"]) == {"labels"}


def test_a_gpu_is_reserved_only_where_there_is_one(tmp_path: Path) -> None:
    text = "services: {api: {image: busybox, gpu: optional, deploy: {resources: {limits: {cpus: 1}}}}}\n"
    resources = render(load(tmp_path, dev=text), facts(tmp_path, gpu=True)).services["api"]["deploy"]["resources"]
    assert resources == {
        "limits": {"cpus": 1},
        "reservations": {"devices": [{"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}]},
    }


# One for each form that Compose has.
GPU_REQUESTS = [
    "deploy: {resources: {limits: {cpus: 1}, reservations: {devices: [{driver: nvidia, count: 1, capabilities: [gpu]}]}}}",
    "deploy: {resources: {limits: {cpus: 1}, reservations: {devices: [{capabilities: [gpu, compute]}]}}}",
    "deploy: {resources: {limits: {cpus: 1}, reservations: {devices: [{driver: cdi, device_ids: [nvidia.com/gpu=all], capabilities: [x]}]}}}",
    "gpus: all",
    "gpus: [{driver: amd, count: 1}]",
    "runtime: nvidia",
    "devices: ['nvidia.com/gpu=all']",
    "pre_start: [{image: busybox, command: x, gpus: all}]",
]


@pytest.mark.parametrize("request_", GPU_REQUESTS)
def test_gpu_none_and_optional_take_away_every_request_for_a_gpu(request_: str, tmp_path: Path) -> None:
    base = f"abstract: true\nservices: {{api: {{image: busybox, {request_}}}}}\n"
    kept = load(tmp_path, base=base, dev="extends: base\n")
    assert any(gpu_requests(kept.data["services"]["api"]))
    assert any(gpu_requests(render(kept, facts(tmp_path)).services["api"]))
    for word, gpu in (("none", True), ("none", False), ("optional", False)):
        environment = load(tmp_path, base=base, dev=f"extends: base\nservices: {{api: {{gpu: {word}}}}}\n")
        made = render(environment, facts(tmp_path, gpu=gpu)).services["api"]
        assert not list(gpu_requests(made))
        assert "reservations" not in str(made)
        if "cpus" in request_:
            assert made["deploy"] == {"resources": {"limits": {"cpus": 1}}}
    optional = load(tmp_path, base=base, dev="extends: base\nservices: {api: {gpu: optional}}\n")
    made = render(optional, facts(tmp_path, gpu=True)).services["api"]
    assert sum(path != ("runtime",) for path in gpu_requests(made)) == 1


def test_other_devices_stay_and_only_none_takes_the_nodes_of_a_gpu(tmp_path: Path) -> None:
    text = (
        "services: {api: {image: busybox, gpu: %s, runtime: runsc, devices: ['/dev/nvidia0:/dev/nvidia0', /dev/dri, /dev/fuse],"
        " deploy: {resources: {reservations: {cpus: 1, devices: [{capabilities: [tpu]}],"
        " generic_resources: [{discrete_resource_spec: {kind: NVIDIA-GPU, value: 1}}]}}}}}\n"
    )
    found = {
        word: render(load(tmp_path, dev=text % word), facts(tmp_path)).services["api"] for word in ("none", "optional")
    }
    assert [one["source"] for one in found["none"]["devices"]] == ["/dev/fuse"]
    assert len(found["optional"]["devices"]) == 3
    for one in found.values():
        reserved = {"cpus": 1, "devices": [{"capabilities": ["tpu"]}]}
        assert (one["runtime"], one["deploy"]) == ("runsc", {"resources": {"reservations": reserved}})


def digest(root: Path, text: str, **known: object) -> str:
    return render(load(root, dev=text), facts(root, **known)).digests["api"]


def test_the_digest_follows_the_content(tmp_path: Path) -> None:
    same = digest(tmp_path, "services: {api: {image: busybox, environment: {A: '1'}}}\n")
    assert digest(tmp_path, "services: {api: {environment: [A=1], image: busybox}}\n") == same
    assert digest(tmp_path, "services: {api: {image: busybox, environment: {A: '2'}}}\n") != same
    assert digest(tmp_path, "services: {api: {image: busybox, environment: {A: '1'}, scale: 3}}\n") == same


def test_the_digest_follows_secrets_and_env_files(tmp_path: Path) -> None:
    text = """
    services: {api: {image: busybox, secrets: [token], env_file: [.env.api]}}
    secrets: {token: {source: generate}}
    """
    first = digest(tmp_path, text, fingerprints={"token": "aa"}, files={".env.api": "11"})
    assert digest(tmp_path, text, fingerprints={"token": "bb"}, files={".env.api": "11"}) != first
    assert digest(tmp_path, text, fingerprints={"token": "aa"}, files={".env.api": "22"}) != first


def test_the_header_of_an_instance_names_it_and_quotes_for_the_shell(tmp_path: Path) -> None:
    environment = load(tmp_path, instance="two", dev="services: {api: {image: busybox}}\n")
    known = replace(facts(tmp_path), project_directory=Path("/my project"))
    header = render(environment, known).text().splitlines()[:7]
    assert "#   envman compose --instance two dev -- up --detach" in header
    assert "--project-directory '/my project' --project-name churn-dev-two" in header[5]
    assert "--file '/my project/.envman/dev-two/docker-compose.yml' up" in header[5]


def test_nothing_breaks_out_of_the_header(tmp_path: Path) -> None:
    text = 'services: {api: {image: busybox, ports: [{name: "a\\nservices: {evil: null}\\u2028b", target: 80, published: auto}]}}\n'
    environment = load(tmp_path, dev=text)
    known = replace(
        facts(tmp_path, ports={("api", "a\nservices: {evil: null}\u2028b"): 1}), project_directory=Path("/a\nb: c")
    )
    document = yaml.safe_load(render(environment, known).text())
    assert list(document["services"]) == ["api"]
    assert "b" not in document


def test_a_snapshot_hook_makes_no_new_container(tmp_path: Path) -> None:
    plain = "services: {api: {image: busybox}}"
    hooked = "services: {api: {image: busybox, snapshot: {command: [dump]}}}"
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    digests = [
        render(load(tmp_path / name, dev=text), facts(tmp_path)).digests for name, text in (("1", plain), ("2", hooked))
    ]
    assert digests[0] == digests[1]


IMAGES = """
services:
  api:
    build: {context: ., additional_contexts: {tools: "docker-image://busybox:1", src: ./src}}
    pre_start: [{image: busybox:1, command: [a]}, {command: [b]}]
    volumes: [{type: image, source: busybox:1, target: /tools}, {type: volume, source: data, target: /data}]
  db: {image: "postgres:17", pull_policy: always}
jobs:
  nightly: {image: "busybox:1", triggers: {manual: true}}
volumes: {data: null}
"""


def test_other_images_than_the_blueprint_names_change_no_digest(tmp_path: Path) -> None:
    environment = load(tmp_path, dev=IMAGES)
    written = render(environment, facts(tmp_path))
    used = render(
        environment,
        facts(
            tmp_path,
            images={"busybox:1": "hub/busybox:1", "postgres:17": "sha256:0", "churn-dev-api": "hub/api@sha256:1"},
            never_pulled=frozenset({"postgres:17"}),
            contexts={"api": {"python:3.13": "hub/python:3.13@sha256:2", "tools": "not this"}},
        ),
    )
    assert used.digests == written.digests
    api, db = used.services["api"], used.services["db"]
    assert api["build"]["additional_contexts"] == {
        "tools": "docker-image://hub/busybox:1",
        "src": "./src",
        "python:3.13": "docker-image://hub/python:3.13@sha256:2",
    }
    assert used.pins == {"api": ("python:3.13",)}
    assert [one.get("image") for one in api["pre_start"]] == ["hub/busybox:1", None]
    assert [one["source"] for one in api["volumes"]] == ["hub/busybox:1", "data"]
    assert (db["image"], db["pull_policy"]) == ("sha256:0", "never")
    assert used.data["jobs"]["nightly"]["image"] == "hub/busybox:1"
    assert (used.image("api"), written.image("api")) == ("hub/api@sha256:1", "churn-dev-api")
