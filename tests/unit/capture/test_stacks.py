"""Several containers to a stack: services, replicas, and what they have in common."""

from __future__ import annotations

from typing import Any

from described import ENGINE, captured, codes, container, of_compose

from envman.capture.stack import Captured


def endpoint(**more: Any) -> dict[str, Any]:
    return {"IPAMConfig": None, "Aliases": [], "NetworkID": "n1", **more}


def network(name: str, **more: Any) -> dict[str, Any]:
    found = {"Id": f"{name}id", "Name": name, "Driver": "bridge", "EnableIPv4": True, "Containers": {}, "Labels": {}}
    return {**found, "IPAM": {"Driver": "default", "Config": [{"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.1"}]},
            **more}  # fmt: skip


def on(*networks: dict[str, Any]) -> dict[str, Any]:
    return {one["Name"]: one for one in networks}


def of_shop(service: str, number: int = 1, **more: Any) -> dict[str, Any]:
    labels = of_compose("shop", service, number, **more.pop("labels", {}))
    name = more.pop("name", f"shop-{service}-{number}")
    host = {"NetworkMode": "shop_default", **more.pop("host", {})}
    networks = more.pop("networks", {"shop_default": endpoint(Aliases=[name, service])})
    return container(name, labels=labels, host=host, networks=networks, **more)


OURS = {"com.docker.compose.project": "shop", "com.docker.compose.network": "default"}


def shop(*containers: dict[str, Any], **running: Any) -> Captured:
    running.setdefault("networks", on(network("shop_default", Labels=OURS)))
    return captured(*containers, name="shop", **running)


def test_containers_of_one_service_are_replicas() -> None:
    found = shop(of_shop("api"), of_shop("api", 2), of_shop("db"))

    assert list(found.data["services"]) == ["api", "db"]
    assert found.data["services"]["api"]["deploy"] == {"replicas": 2}
    assert "networks" not in found.data
    assert codes(found) == []


def test_replicas_that_differ_are_said() -> None:
    found = shop(of_shop("api"), of_shop("api", 2, config={"User": "7"}))

    assert [one.message for one in found.report] == ["shop-api-2 differs from shop-api-1 in user"]
    assert codes(found) == ["EV825"]


def test_dependencies_are_read_from_composes_label() -> None:
    labels = {"depends_on": "db:service_healthy:true,gone:service_started:false"}

    found = shop(of_shop("api", labels=labels), of_shop("db"))

    assert found.data["services"]["api"]["depends_on"] == {"db": {"condition": "service_healthy", "restart": True}}
    assert [one.message for one in found.report if one.code == "EV828"] == [
        "api: depends on gone, which is not captured"
    ]


def test_a_container_that_shares_a_network_names_the_service() -> None:
    db = of_shop("db")

    found = shop(db, of_shop("side", host={"NetworkMode": f"container:{db['Id']}", "PidMode": f"container:{db['Id']}"}))

    side = found.data["services"]["side"]
    assert (side["network_mode"], side["pid"]) == ("service:db", "service:db")


def test_a_container_that_shares_with_one_that_is_not_captured() -> None:
    found = captured(container(host={"NetworkMode": "container:" + "f" * 64, "VolumesFrom": ["a" * 64 + ":ro"]}))

    assert codes(found) == ["EV828", "EV828"]
    assert found.data["services"]["web"]["volumes_from"] == [f"container:{'a' * 64}:ro"]


def test_a_name_that_somebody_chose_is_an_alias() -> None:
    found = shop(of_shop("api", name="the-api"))

    assert found.data["services"]["api"]["networks"] == {"default": {"aliases": ["the-api"]}}


def test_the_first_network_stays_the_first() -> None:
    networks = {"shop_back": endpoint(NetworkID="b"), "shop_front": endpoint(NetworkID="f")}
    labels = [{**OURS, "com.docker.compose.network": one} for one in ("back", "front")]

    found = shop(
        of_shop("api", host={"NetworkMode": "shop_front"}, networks=networks),
        networks=on(network("shop_back", Labels=labels[0]), network("shop_front", Labels=labels[1])),
    )

    assert found.data["services"]["api"]["networks"] == {"back": None, "front": {"priority": 1000}}


def test_a_network_of_others_is_external() -> None:
    found = shop(of_shop("api", networks={"proxy": endpoint()}, host={"NetworkMode": "proxy"}),
                 networks=on(network("proxy")))  # fmt: skip

    assert found.data["networks"] == {"proxy": {"external": True, "name": "proxy"}}


def test_of_plain_containers_a_network_is_their_own_unless_others_are_on_it() -> None:
    alone = network("net", Containers={"webid".ljust(64, "0"): {}}, Internal=True)
    shared = network("net", Containers={"webid".ljust(64, "0"): {}, "other": {}})
    web = container(host={"NetworkMode": "net"}, networks={"net": endpoint()})

    assert captured(web, networks=on(alone)).data["networks"] == {"net": {"internal": True}}
    assert captured(web, networks=on(shared)).data["networks"] == {"net": {"external": True, "name": "net"}}


def subnet(found: Captured) -> Any:
    return (found.data["networks"]["net"] or {}).get("ipam")


def test_a_subnet_that_the_engine_could_have_chosen_is_left_to_it() -> None:
    web = container(host={"NetworkMode": "net"}, networks={"net": endpoint()})
    fixed = container(host={"NetworkMode": "net"}, networks={"net": endpoint(IPAMConfig={"IPv4Address": "172.18.0.9"})})
    chosen = {"Driver": "default", "Config": [{"Subnet": "10.9.0.0/24"}]}

    assert subnet(captured(web, networks=on(network("net")))) is None
    assert subnet(captured(fixed, networks=on(network("net")))) == {
        "config": [{"subnet": "172.18.0.0/16", "gateway": "172.18.0.1"}]
    }
    assert subnet(captured(web, networks=on(network("net", IPAM=chosen)))) == {"config": [{"subnet": "10.9.0.0/24"}]}


def test_a_network_that_takes_its_configuration_elsewhere_is_said() -> None:
    web = container(host={"NetworkMode": "net"}, networks={"net": endpoint()})

    found = captured(web, networks=on(network("net", ConfigFrom={"Network": "other"})))

    assert codes(found) == ["EV822"]


def test_a_second_network_beside_the_default_one_is_said() -> None:
    found = captured(container(networks={"bridge": endpoint(), "more": endpoint()}))

    assert [one.message for one in found.report] == ["web: is on the network more beside the engine's default one"]


def test_links_lose_the_names_that_compose_adds() -> None:
    linked = {"shop_default": endpoint(Links=["shop-db-1:database", "shop-db-1:db-1", "shop-db-1:shop-db-1"])}

    found = shop(of_shop("api", networks=linked), of_shop("db"))

    assert found.data["services"]["api"]["links"] == ["db:database"]


def test_links_of_the_default_network() -> None:
    found = captured(container("db"), container("web", host={"Links": ["/db:/web/database", "/gone:/web/gone"]}))

    assert found.data["services"]["web"]["links"] == ["db:database"]
    assert found.data["services"]["web"]["external_links"] == ["gone:gone"]
    assert codes(found) == ["EV828"]


def test_ports_are_those_that_were_asked_for() -> None:
    bindings = {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}], "53/udp": [{"HostIp": "", "HostPort": ""}]}

    found = captured(container(host={"PortBindings": bindings, "PublishAllPorts": True},
                               config={"ExposedPorts": {"80/tcp": {}, "90/tcp": {}}}))  # fmt: skip

    assert found.data["services"]["web"]["ports"] == [
        {"target": 80, "published": "8080", "host_ip": "127.0.0.1", "protocol": "tcp"},
        {"target": 90, "protocol": "tcp"},
        {"target": 53, "protocol": "udp"},
    ]


def test_mounts_of_every_kind() -> None:
    host = {
        "Binds": ["/srv:/srv:ro,z,rslave", "shop_data:/data:rw,nocopy", "c" * 64 + ":/cache:rw"],
        "Mounts": [
            {"Type": "bind", "Source": "/etc/x", "Target": "/x", "BindOptions": {"NonRecursive": True}},
            {"Type": "tmpfs", "Target": "/t", "TmpfsOptions": {"SizeBytes": 1 << 20, "Mode": 0o1777}},
            {"Type": "volume", "Source": "shop_data", "Target": "/s", "VolumeOptions": {"Subpath": "in"}},
            {"Type": "npipe", "Source": "//./pipe/x", "Target": "//./pipe/x"},
        ],
        "Tmpfs": {"/run": "size=1m", "/plain": ""},
    }  # fmt: skip
    volume = {"Name": "shop_data", "Driver": "nfs", "Options": {"o": "addr=x"}, "Labels": {
        "com.docker.compose.project": "shop", "com.docker.compose.volume": "data", "a": "b"}}  # fmt: skip

    found = shop(of_shop("api", host=host, config={"Volumes": {"/made": {}}}), volumes={"shop_data": volume})

    api = found.data["services"]["api"]
    assert api["volumes"] == [
        {"type": "volume", "target": "/cache"},
        {"type": "volume", "source": "data", "target": "/data", "volume": {"nocopy": True}},
        {"type": "bind", "source": "/srv", "target": "/srv", "read_only": True,
         "bind": {"create_host_path": True, "selinux": "z", "propagation": "rslave"}},
        {"type": "npipe", "source": "//./pipe/x", "target": "//./pipe/x"},
        {"type": "volume", "source": "data", "target": "/s", "volume": {"subpath": "in"}},
        {"type": "tmpfs", "target": "/t", "tmpfs": {"size": "1m", "mode": 0o1777}},
        {"type": "bind", "source": "/etc/x", "target": "/x",
         "bind": {"recursive": "disabled", "create_host_path": False}},
        {"type": "volume", "target": "/made"},
    ]  # fmt: skip
    assert api["tmpfs"] == ["/run:size=1m", "/plain"]
    assert found.data["volumes"] == {"data": {"driver": "nfs", "driver_opts": {"o": "addr=x"}, "labels": {"a": "b"}}}
    assert [(one.code, one.message) for one in found.report] == [
        ("EV826", "mounted from the machine that was captured, without what is there: /srv (api), /etc/x (api)")
    ]


def test_a_volume_of_another_project_is_external() -> None:
    found = shop(of_shop("api", host={"Binds": ["backup:/b"]}), volumes={"backup": {"Name": "backup"}})

    assert found.data["volumes"] == {"backup": {"external": True, "name": "backup"}}


def test_secrets_and_configs_as_compose_mounts_them() -> None:
    host = {"Mounts": [
        {"Type": "bind", "Source": "/p/pw", "Target": "/run/secrets/pw", "ReadOnly": True, "BindOptions": {}},
        {"Type": "bind", "Source": "/p/pw", "Target": "/run/secrets/again", "ReadOnly": True, "BindOptions": {}},
        {"Type": "bind", "Source": "/p/app.ini", "Target": "/etc/app.ini", "ReadOnly": True},
    ]}  # fmt: skip
    api = of_shop("api", host=host)

    found = shop(api, added={api["Id"]: ("/run/secrets/copied", "/etc", "/etc/app.ini")})

    assert found.data["services"]["api"]["secrets"] == [
        {"source": "again"}, {"source": "again", "target": "pw"}, {"source": "copied"}
    ]  # fmt: skip
    assert found.data["services"]["api"]["configs"] == [{"source": "app.ini", "target": "/etc/app.ini"}]
    assert found.data["secrets"]["copied"] == {"source": "env", "variable": "COPIED"}


def test_what_was_written_into_a_container_is_said() -> None:
    api = of_shop("api", Mounts=[{"Destination": "/data"}])
    added = ("/app", "/app/settings.toml", "/data", "/tmp/x", "/sbin", "/sbin/docker-init")

    found = shop(api, added={api["Id"]: added})

    assert [(one.code, one.message) for one in found.report] == [
        ("EV827", "api: written into the container itself: /app/settings.toml")
    ]


def test_what_had_ended_and_nothing_waits_for_is_a_job() -> None:
    done: dict[str, Any] = {"State": {"Status": "exited", "ExitCode": 0}}
    labels = {"depends_on": "prepare:service_completed_successfully:false"}

    found = shop(of_shop("job", **done), of_shop("prepare", **done), of_shop("api", labels=labels),
                 of_shop("broken", State={"Status": "exited", "ExitCode": 3}))  # fmt: skip

    services = found.data["services"]
    assert [name for name, one in services.items() if "profiles" in one] == ["job"]
    assert [one.message for one in found.report if one.code == "EV832"] == [
        "broken had ended with status 3 when it was captured",
        "job had done its work when it was captured: it is behind the profile jobs",
    ]


def test_containers_of_two_projects_have_names_of_their_own() -> None:
    found = captured(
        container("a-db-1", labels=of_compose("a", "db")), container("b-db-1", labels=of_compose("b", "db")),
        container("plain"),
    )  # fmt: skip

    assert list(found.data["services"]) == ["a_db", "b_db", "plain"]


def test_the_engines_own_pools_count() -> None:
    web = container(host={"NetworkMode": "net"}, networks={"net": endpoint()})
    own = {**ENGINE, "DefaultAddressPools": [{"Base": "10.99.0.0/16", "Size": 24}]}
    given = {"Driver": "default", "Config": [{"Subnet": "10.99.3.0/24", "Gateway": "10.99.3.1"}]}

    from envman.capture.running import Running
    from envman.capture.stack import capture

    found = capture(Running("", own, (web,), networks=on(network("net", IPAM=given))))

    assert found.data["networks"] == {"net": None}


def test_a_crowd_says_once_what_all_have() -> None:
    many = [of_shop(f"s{number}", host={"Binds": [f"/srv/{number}:/srv"], "New": 1}) for number in range(600)]

    found = shop(*many)

    assert codes(found) == ["EV829", "EV826"]
    assert all("and 580 more" in one.message for one in found.report)
