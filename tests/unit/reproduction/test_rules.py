"""What each rule puts in the place of what, and what it leaves as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from environments import load

from envman.reproduction.copying import Copy, blueprint_text, is_own, make_copy
from envman.reproduction.draft import RULES, Images, Machine
from envman.reproduction.endpoints import hosts_in

SMALL = Machine(cpus=2, memory=4 * 1024**3, gpu=False)


def copied(root: Path, text: str, machine: Machine = SMALL, *, fit: bool = False, images: Images | None = None) -> Copy:
    return make_copy(load(root, dev=text), images or Images(), machine, fit=fit)


def substituted(made: Copy) -> dict[tuple[str, str], tuple[str, str, str]]:
    return {(one.subject, one.attribute): (one.rule, one.was, one.now) for one in made.substitutions}


def service(made: Copy, name: str = "api") -> dict[str, Any]:
    found: dict[str, Any] = made.data["services"][name]
    return found


def test_a_service_that_shares_nothing_is_copied_as_it_is_but_for_the_way_outside(tmp_path: Path) -> None:
    text = """
    services:
      api:
        image: api:1
        command: [serve, --workers, "2"]
        user: "1000:1000"
        read_only: true
        cap_drop: [ALL]
        environment: {A: "1", B: null, C: "a$$b"}
        healthcheck: {test: "true", interval: 5s}
        mem_limit: 64m
    """
    made = copied(tmp_path, text)
    assert substituted(made) == {("network default", "internal"): ("outgoing", "false", "true")}
    original = load(tmp_path, dev=text).data["services"]["api"]
    assert service(made) == original
    # Written and read again it is the same: nothing is interpolated twice.
    again = load(tmp_path, "copy", copy=blueprint_text(made))
    assert again.data["services"]["api"] == original
    assert not again.scope.keys() & {"log_level"}


def test_ports_are_on_loopback_at_a_free_port(tmp_path: Path) -> None:
    made = copied(tmp_path, "services: {api: {image: a, ports: ['80:8080', '0.0.0.0:443:443/udp', '9000']}}")
    ports = [(one["host_ip"], one.get("published"), one["target"]) for one in service(made)["ports"]]
    assert ports == [("127.0.0.1", "auto", 8080), ("127.0.0.1", "auto", 443), ("127.0.0.1", None, 9000)]
    # An internal network publishes no port: this service has one more.
    assert service(made)["networks"] == {"default": None, "entry": {}}
    assert made.data["networks"]["entry"]["driver_opts"]


def test_ports_may_stay_the_same_on_loopback(tmp_path: Path) -> None:
    made = copied(tmp_path, "services: {api: {image: a, ports: ['80:8080']}}\nreproduce: {ports: same}")
    assert [(one["host_ip"], one["published"]) for one in service(made)["ports"]] == [("127.0.0.1", "80")]


@pytest.mark.parametrize(
    ("network", "rule", "attribute", "left"),
    [
        ("{external: true}", "networks", "external", {"internal": True}),
        ("{external: true, name: corp}", "networks", "external", {"internal": True}),
        ("{name: corp}", "names", "name", {"internal": True}),
        ("{name: corp, shared: true}", "names", "name", {"internal": True}),
        ("{driver: overlay, driver_opts: {encrypted: ''}}", "networks", "driver", {"internal": True}),
        ("{driver: macvlan, driver_opts: {parent: eth0}}", "networks", "driver", {"internal": True}),
        ("{internal: true, name: corp}", "names", "name", {"internal": True}),
    ],
)
def test_productions_networks_become_local_ones(
    tmp_path: Path, network: str, rule: str, attribute: str, left: dict[str, Any]
) -> None:
    made = copied(tmp_path, f"services: {{api: {{image: a, networks: [net]}}}}\nnetworks: {{net: {network}}}")
    assert made.data["networks"]["net"] == left
    assert substituted(made)["network net", attribute][0] == rule


@pytest.mark.parametrize(
    ("volume", "rule", "attribute"),
    [
        ("{external: true}", "volumes", "external"),
        ("{external: true, name: real}", "volumes", "external"),
        ("{name: real, retain: keep}", "names", "name"),
        ("{driver: rexray}", "volumes", "driver"),
        ("{driver_opts: {type: nfs, o: 'addr=10.0.0.1', device: ':/x'}}", "volumes", "driver_opts"),
        ("{driver_opts: {type: none, o: bind, device: /srv/data}}", "volumes", "driver_opts"),
    ],
)
def test_productions_volumes_become_local_ones(tmp_path: Path, volume: str, rule: str, attribute: str) -> None:
    made = copied(tmp_path, f"services: {{api: {{image: a, volumes: ['data:/d']}}}}\nvolumes: {{data: {volume}}}")
    assert made.data["volumes"]["data"].keys() <= {"retain"}
    assert substituted(made)["volume data", attribute][0] == rule


def test_files_of_the_host_are_left_alone_and_those_of_the_project_are_read_only(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    mounts = ["/srv/data:/data", "/etc/localtime:/etc/localtime:ro", "./conf:/conf", "./conf:/also:ro",
              "/var/run/docker.sock:/var/run/docker.sock", "/kept:/kept"]  # fmt: skip
    text = f"services: {{api: {{image: a, volumes: {mounts}}}}}\nreproduce: {{binds: {{/kept: keep}}}}"
    made = copied(tmp_path, text)
    found = {one["target"]: (one["type"], one.get("source"), bool(one.get("read_only"))) for one in
             service(made)["volumes"]}  # fmt: skip
    assert found == {
        "/data": ("volume", "srv_data", False),
        "/etc/localtime": ("bind", "/etc/localtime", True),
        "/conf": ("bind", "./conf", True),
        "/also": ("bind", "./conf", True),
        "/var/run/docker.sock": ("volume", "var_run_docker_sock", False),
        "/kept": ("bind", "/kept", False),
    }
    assert {"srv_data", "var_run_docker_sock"} <= made.data["volumes"].keys()


def test_a_fixed_container_name_stays_as_an_alias(tmp_path: Path) -> None:
    made = copied(tmp_path, "services: {db: {image: d, container_name: shop-db}, api: {image: a, pid: 'container:x'}}")
    assert "container_name" not in service(made, "db")
    assert service(made, "db")["networks"] == {"default": {"aliases": ["shop-db"]}}
    assert "pid" not in service(made)


@pytest.mark.parametrize("mode", ["host", "container:abc"])
def test_networks_of_the_host_and_of_strangers_are_left(tmp_path: Path, mode: str) -> None:
    made = copied(tmp_path, f"services: {{api: {{image: a, network_mode: '{mode}'}}}}")
    assert "network_mode" not in service(made)
    assert substituted(made)["service api", "network_mode"][1] == mode
    kept = copied(tmp_path, "services: {api: {image: a, network_mode: host}}\nreproduce: {keep: [host]}")
    assert service(kept)["network_mode"] == "host"


def test_secrets_have_values_of_their_own_wherever_production_has_them_from(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("x")
    text = """
    services: {api: {image: a, secrets: [one, two, three, four, five], build: {context: ., secrets: [for_builds]}}}
    secrets:
      one: {source: generate, length: 64}
      two: {source: env, variable: TOKEN}
      three: {source: file, path: /etc/x}
      four: {file: ./plain}
      five: {source: env, variable: STRIPE_KEY}
      for_builds: {source: file, path: ca, optional: true}
    reproduce: {secrets: {five: {source: env, variable: STRIPE_TEST_KEY}}}
    """
    made = copied(tmp_path, text)
    assert made.data["secrets"] == {
        "one": {"length": 64, "source": "generate"},
        "two": {"source": "generate"},
        "three": {"source": "generate"},
        "four": {"source": "generate"},
        "five": {"source": "env", "variable": "STRIPE_TEST_KEY"},
    }
    assert {one for one in substituted(made) if one[0].startswith("secret ")} == {
        (f"secret {name}", "content") for name in ("one", "two", "three", "four", "five")
    }
    assert ("service api", "volumes./run/secrets/four") in substituted(made)


def test_certificates_come_in_pairs_with_the_names_of_who_has_them(tmp_path: Path) -> None:
    text = """
    services:
      gateway: {image: g, secrets: [site_cert, site_key, api_key, chosen, other], networks: {default: {aliases: [www.test]}}}
    secrets:
      site_cert: {source: file, path: c}
      site_key: {source: file, path: k}
      api_key: {source: file, path: a}
      chosen: {source: file, path: x}
      other: {source: file, path: y}
    reproduce: {certificates: {chosen: {key: other, names: [shop.test]}}}
    """
    made = copied(tmp_path, text)
    assert made.certificates == {
        "chosen": ("other", ("shop.test",)),
        "site_cert": ("site_key", ("gateway", "www.test", "localhost", "127.0.0.1")),
    }
    rules = {who: rule for (who, _), (rule, _, _) in substituted(made).items()}
    assert (rules["secret site_key"], rules["secret api_key"]) == ("certificates", "secrets")


def test_secrets_in_plain_values_are_replaced_alike_wherever_they_stand(tmp_path: Path) -> None:
    (tmp_path / "prod.env").write_text("")
    text = """
    variables: {admin_password: {type: string, default: from-a-variable}}
    services:
      db: {image: d, environment: {DB_PASSWORD: hunter2-real, DB_NAME: shop, ALLOW_EMPTY_PASSWORD: "yes"}}
      api:
        image: a
        env_file: [prod.env]
        environment:
          URL: postgres://app:hunter2-real@db/shop
          PASSWORD_FILE: /run/secrets/x
          GREETING: "hello ${admin_password}"
          HOOK: "xoxb-0123456789-abcdef"
          SENTRY_DSN: "https://0123456789abcdef@errors.example.com/1"
    """
    machine = Machine(2, 2**32, gpu=False, env_files={"prod.env": {"API_TOKEN": "from-a-file", "MODE": "fast"}})
    made = copied(tmp_path, text, machine)
    written = blueprint_text(made)
    for value in ("hunter2-real", "from-a-variable", "xoxb-", "0123456789abcdef", "from-a-file"):
        assert value not in written
    environment = service(made)["environment"]
    assert environment["PASSWORD_FILE"] == "/run/secrets/x"
    assert set(environment) == {"URL", "PASSWORD_FILE", "GREETING", "HOOK", "SENTRY_DSN", "API_TOKEN"}
    assert service(made, "db")["environment"]["ALLOW_EMPTY_PASSWORD"] == "yes"
    [token] = made.recipes[service(made, "db")["environment"]["DB_PASSWORD"]["secret"]]
    assert made.recipes[environment["URL"]["secret"]] == ("postgres://app:", token, "@db/shop")
    assert "hunter2" not in repr(made)


def test_a_secret_on_a_command_line_is_a_fixed_text_there_and_in_variables(tmp_path: Path) -> None:
    text = """
    services:
      cache:
        image: c
        command: [serve, --requirepass, hunter2-real]
        healthcheck: {test: "cli -a hunter2-real ping"}
        environment: {CACHE_PASSWORD: hunter2-real}
    """
    made = copied(tmp_path, text)
    cache = service(made, "cache")
    assert cache["command"] == ["serve", "--requirepass", "substitute-1"]
    assert cache["healthcheck"]["test"] == "cli -a substitute-1 ping"
    assert cache["environment"] == {"CACHE_PASSWORD": "substitute-1"}
    assert substituted(made)["service cache", "command"][0] == "secrets"


@pytest.mark.parametrize(
    ("name", "value", "hosts"),
    [
        ("URL", "https://pay.example.com/v1?x=a.b", ["pay.example.com"]),
        ("URL", "postgres://u:p@One.example.com:1,two.example.com:2/db", ["one.example.com", "two.example.com"]),
        ("BROKERS", "k1.corp:9092, k2.corp:9092", ["k1.corp", "k2.corp"]),
        ("SMTP_HOST", "smtp.example.com", ["smtp.example.com"]),
        ("SMTP_HOST", "10.0.0.7", ["10.0.0.7"]),
        ("APP", "app.main:app", []),
        ("TIME", "12:30", []),
        ("VERSION", "1.2.3", []),
        ("FILE", "settings.prod.yaml", []),
        ("MODEL_NAME", "shop.v1", []),
    ],
)
def test_hosts_are_found_in_values(name: str, value: str, hosts: list[str]) -> None:
    assert list(hosts_in(name, value)) == hosts


def test_endpoints_of_others_have_stand_ins_or_are_cut_off_or_allowed(tmp_path: Path) -> None:
    text = """
    services:
      api:
        image: a
        networks: [back]
        extra_hosts: ["bank.example.com:10.0.0.9"]
        environment: {A: "https://pay.example.com", B: "smtp://mail.example.com:25", C: "http://db:1", D: "http://localhost"}
      crawler: {image: c, environment: {SEED: "https://www.example.com"}, networks: [back]}
      db: {image: d, networks: [back]}
      payments: {image: p, profiles: [reproduce]}
    networks: {back: {}}
    reproduce: {endpoints: {PAY.example.com: payments, bank.example.com: payments, www.example.com: allow}}
    """
    made = copied(tmp_path, text)
    found = {attribute: now for (_, attribute), (_, _, now) in substituted(made).items() if "endpoints." in attribute}
    assert found == {
        "endpoints.pay.example.com": "service payments answers",
        "endpoints.bank.example.com": "service payments answers",
        "endpoints.mail.example.com": "cut off",
    }
    assert service(made, "payments")["networks"] == {"back": {"aliases": ["pay.example.com", "bank.example.com"]}}
    assert "profiles" not in service(made, "payments")
    assert service(made)["extra_hosts"] == {}
    assert service(made, "crawler")["networks"] == {"back": None, "outside": {}}
    assert made.data["networks"] == {"back": {"internal": True}, "outside": {}}


def test_services_that_are_allowed_reach_the_outside_and_others_do_not(tmp_path: Path) -> None:
    text = "services: {api: {image: a, ports: ['1:1'], dns: 10.0.0.1}, db: {image: d, dns: 10.0.0.1}}\nreproduce: {allow: [api]}"
    made = copied(tmp_path, text)
    assert service(made)["networks"] == {"default": None, "outside": {}}
    assert (service(made)["dns"], "dns" in service(made, "db")) == (["10.0.0.1"], False)
    assert made.data["networks"]["default"] == {"internal": True}
    assert "entry" not in made.data["networks"]


def test_networks_of_production_are_not_taken_for_the_copys_own(tmp_path: Path) -> None:
    text = """
    services: {api: {image: a, ports: ['1:1'], networks: [entry]}, db: {image: d, networks: [outside]}}
    networks: {entry: {}, outside: {external: true}}
    reproduce: {allow: [db]}
    """
    made = copied(tmp_path, text)
    assert made.data["networks"]["outside"] == made.data["networks"]["entry"] == {"internal": True}
    assert service(made)["networks"] == {"entry": None, "entry_2": {}}
    assert service(made, "db")["networks"] == {"outside": None, "outside_2": {}}


def test_what_a_copy_says_stays_here(tmp_path: Path) -> None:
    made = copied(
        tmp_path,
        "services: {api: {image: a, logging: {driver: gelf, options: {gelf-address: 'udp://logs:1'}}}, "
        "db: {image: d, logging: {driver: local, options: {max-size: 1m}}}}",
    )
    assert service(made)["logging"] == {"driver": "local"}
    assert service(made, "db")["logging"] == {"driver": "local", "options": {"max-size": "1m"}}


def test_no_proxy_of_production_finds_the_copy(tmp_path: Path) -> None:
    text = "services: {api: {image: a, labels: {traefik.enable: 'true', traefik.http.routers.x.rule: r, team: shop}}}\n"
    made = copied(tmp_path, text)
    assert service(made)["labels"] == {"team": "shop"}
    assert substituted(made)["service api", "labels.traefik.enable"][0] == "labels"
    assert len(service(copied(tmp_path, text + "reproduce: {keep: [labels]}"))["labels"]) == 3


def test_a_range_of_ports_for_replicas_is_left_to_the_engine(tmp_path: Path) -> None:
    text = "services: {api: {image: a, deploy: {replicas: 2}, ports: [{target: 80, published: '8000-8001'}]}}"
    made = copied(tmp_path, text)
    [port] = service(made)["ports"]
    assert (port["host_ip"], "published" in port) == ("127.0.0.1", False)
    load(tmp_path, "copy", copy=blueprint_text(made))


def test_devices_and_gpus_are_those_of_the_host(tmp_path: Path) -> None:
    text = """
    services:
      api: {image: a, gpu: required, devices: ["/dev/null:/dev/a", "/dev/nowhere:/dev/b"]}
      old: {image: o, deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 1, capabilities: [gpu]}]}}}}
    """
    made = copied(tmp_path, text, Machine(2, 2**32, gpu=False, missing_devices=frozenset({"/dev/nowhere"})))
    assert service(made)["gpu"] == "optional"
    assert [one["source"] for one in service(made)["devices"]] == ["/dev/null"]
    assert "deploy" not in service(made, "old")
    with_gpu = copied(tmp_path, text, Machine(2, 2**32, gpu=True))
    assert service(with_gpu)["gpu"] == "required"
    assert not [one for one in with_gpu.substitutions if one.rule == "gpus"]


def test_subnets_move_only_where_they_are_taken(tmp_path: Path) -> None:
    text = """
    services: {api: {image: a, networks: {back: {ipv4_address: 10.1.0.5}}}}
    networks: {back: {internal: true, ipam: {config: [{subnet: 10.1.0.0/24}]}}}
    """
    free = copied(tmp_path, text, Machine(2, 2**32, gpu=False, subnets=("10.2.0.0/16", "fd00::/8")))
    assert service(free)["networks"]["back"] == {"ipv4_address": "10.1.0.5"}
    assert not free.substitutions
    taken = copied(tmp_path, text, Machine(2, 2**32, gpu=False, subnets=("10.1.0.0/16",)))
    assert taken.data["networks"]["back"] == {"internal": True}
    assert service(taken)["networks"]["back"] == {}
    assert {one.rule for one in taken.substitutions} == {"addresses"}


def test_processors_that_are_not_there_are_never_asked_for(tmp_path: Path) -> None:
    text = """
    services:
      api: {image: a, cpus: 8, cpuset: "0-7"}
      db: {image: d, deploy: {resources: {limits: {cpus: "16"}}}, cpuset: "0,1"}
    """
    made = copied(tmp_path, text)
    assert (service(made)["cpus"], "cpuset" in service(made)) == (2, False)
    assert service(made, "db")["deploy"]["resources"]["limits"]["cpus"] == "2"
    assert service(made, "db")["cpuset"] == "0,1"


LARGE = """
services:
  api: {image: a, deploy: {replicas: 6, resources: {limits: {memory: 1G}}}}
  db: {image: d, mem_limit: 4g, memswap_limit: -1}
  job: {image: j, mem_limit: 64g, profiles: [jobs]}
"""


def test_fit_takes_replicas_first_then_memory(tmp_path: Path) -> None:
    as_it_is = copied(tmp_path, LARGE)
    assert service(as_it_is)["deploy"]["replicas"] == 6
    made = copied(tmp_path, LARGE, fit=True)
    assert service(made)["deploy"] == {"replicas": 1, "resources": {"limits": {"memory": "614M"}}}
    assert service(made, "db")["mem_limit"] == "2457M"
    assert service(made, "db")["memswap_limit"] == -1
    large = Machine(cpus=64, memory=2**40, gpu=False)
    assert not [one for one in copied(tmp_path, LARGE, large, fit=True).substitutions if one.rule == "fit"]


def test_locked_images_take_the_place_of_names_and_builds(tmp_path: Path) -> None:
    text = """
    services:
      api: {build: ., image: "api:1", volumes: [{type: image, source: "files:1", target: /f}]}
      db: {image: "db:1"}
    """
    images = Images({"api": "sha256:" + "a" * 64}, {"db:1": "db:1@sha256:" + "b" * 64, "files:1": "files:1@sha256:c"})
    made = copied(tmp_path, text, images=images)
    assert "build" not in service(made)
    assert (service(made)["image"], service(made)["pull_policy"]) == ("sha256:" + "a" * 64, "never")
    assert service(made)["volumes"][0]["source"] == "files:1@sha256:c"
    assert service(made, "db")["image"] == "db:1@sha256:" + "b" * 64


def test_what_no_copy_can_have_is_left_out_or_refused(tmp_path: Path) -> None:
    made = copied(tmp_path, "x-common: {a: hunter2}\nservices: {api: {image: a}}\nreproduce: {allow: [api]}")
    assert not {"x-common", "reproduce"} & made.data.keys()
    from envman.diagnostics import EnvmanError

    with pytest.raises(EnvmanError) as caught:
        copied(tmp_path, "services: {db: {provider: {type: cloud}}}")
    assert caught.value.diagnostics[0].code == "EV662"


def test_a_copy_knows_its_own_blueprint_and_no_other(tmp_path: Path) -> None:
    text = blueprint_text(copied(tmp_path, "services: {api: {image: a, ports: ['80:80']}}"))
    assert is_own(text)
    assert not is_own(text.replace("image", "imagE"))
    assert not is_own("services: {api: {image: a}}\n")
    assert "#   service api: ports" in text


def test_every_rule_has_a_reason_and_none_is_without_a_use() -> None:
    import envman.reproduction

    folder = Path(envman.reproduction.__file__).parent
    used = "".join(path.read_text() for path in folder.glob("*.py") if path.name != "draft.py")
    assert [name for name in RULES if f'"{name}"' not in used] == []
    assert all(RULES.values())
