"""What a Swarm service says beyond what the engine's test of a stack has."""

from __future__ import annotations

from typing import Any

from described import DIGEST, captured, codes

SHOP = {"com.docker.stack.namespace": "shop"}


def swarm_service(container: dict[str, Any], **spec: Any) -> dict[str, Any]:
    task = spec.pop("task", {})
    template = {"ContainerSpec": {"Image": "app:1", **container}, **task}
    return {"ID": "s1", "Spec": {"Name": "shop_api", "Labels": SHOP, "TaskTemplate": template,
                                 "Mode": {"Replicated": {"Replicas": 3}}, **spec}}  # fmt: skip


def said(container: dict[str, Any], **spec: Any) -> tuple[dict[str, Any], list[str]]:
    found = captured(name="shop", services=(swarm_service(container, **spec),))
    return found.data["services"]["api"], [one.message for one in found.report]


def test_a_bare_service_is_image_and_replicas() -> None:
    assert said({}) == ({"image": f"app:1@{DIGEST}", "deploy": {"replicas": 3}}, [])


def test_what_a_swarm_does_by_itself_is_left_out() -> None:
    update = {"Parallelism": 1, "FailureAction": "pause", "Monitor": 5 * 10**9, "MaxFailureRatio": 0,
              "Order": "stop-first"}  # fmt: skip

    found, _ = said(
        {"Isolation": "default", "StopGracePeriod": 10 * 10**9}, UpdateConfig=update, RollbackConfig=update,
        EndpointSpec={"Mode": "vip"}, task={"RestartPolicy": {"Condition": "any", "Delay": 5 * 10**9}},
    )  # fmt: skip

    assert found == {"image": f"app:1@{DIGEST}", "deploy": {"replicas": 3}}


def test_secrets_and_configs_come_without_their_values() -> None:
    secret = {"SecretName": "shop_pw", "File": {"Name": "pw", "UID": "0", "GID": "0", "Mode": 0o444}}
    config = {"ConfigName": "shop_conf", "File": {"Name": "/etc/c", "UID": "5", "GID": "0", "Mode": 0o400}}

    found = captured(name="shop", services=(swarm_service({"Secrets": [secret], "Configs": [config]}),))

    api = found.data["services"]["api"]
    assert api["secrets"] == [{"source": "pw"}]
    assert api["configs"] == [{"source": "conf", "target": "/etc/c", "uid": "5", "mode": 0o400}]
    assert found.data["secrets"] == {"pw": {"source": "env", "variable": "PW"}}
    assert codes(found) == ["EV826"]


def test_privileges() -> None:
    given = {"NoNewPrivileges": True, "Seccomp": {"Mode": "unconfined"}, "AppArmor": {"Mode": "disabled"},
             "SELinuxContext": {"User": "u", "Level": "l"}, "CredentialSpec": {"Config": "c"}}  # fmt: skip

    found, _ = said({"Privileges": given})

    assert found["security_opt"] == [
        "no-new-privileges:true", "seccomp=unconfined", "apparmor=unconfined", "label=user:u", "label=level:l"
    ]  # fmt: skip
    assert found["credential_spec"] == {"config": "c"}


def test_what_a_compose_file_cannot_say_is_named() -> None:
    reservations = {"GenericResources": [{"DiscreteResourceSpec": {"Kind": "gpu", "Value": 2}},
                                         {"NamedResourceSpec": {"Kind": "gpu", "Value": "a"}}]}  # fmt: skip

    found, messages = said(
        {"Hostname": "{{.Node.Hostname}}", "Env": ["A={{.Task.Slot}}"], "Privileges": {"Seccomp": {"Mode": "custom"}}},
        Mode={"ReplicatedJob": {"TotalCompletions": 4, "MaxConcurrent": 2}},
        task={"Resources": {"Reservations": reservations}},
    )

    assert found["deploy"]["resources"]["reservations"]["generic_resources"] == [
        {"discrete_resource_spec": {"kind": "gpu", "value": 2}}
    ]
    assert (found["deploy"]["mode"], found["deploy"]["replicas"]) == ("replicated-job", 4)
    assert messages == [
        "api: the hostname is a template of Swarm",
        "api: the variable A is a template of Swarm",
        "api: has a seccomp profile of its own, which the Swarm keeps",
        "api: runs 2 of 4 tasks of a job at a time",
        "api: reserves a named generic resource, which a Compose file cannot say",
    ]


def test_a_network_for_services_alone_is_made_attachable() -> None:
    network = {"Id": "n1", "Name": "shop_back", "Driver": "overlay", "Scope": "swarm", "Labels": SHOP,
               "IPAM": {"Config": [{"Subnet": "10.0.1.0/24", "Gateway": "10.0.1.1"}]},
               "Options": {"com.docker.network.driver.overlay.vxlanid_list": "4097"}}  # fmt: skip

    found = captured(
        name="shop", networks={"n1": network, "shop_back": network},
        services=(swarm_service({}, task={"Networks": [{"Target": "n1", "Aliases": ["www", "api"]}]}),),
    )  # fmt: skip

    assert found.data["services"]["api"]["networks"] == {"back": {"aliases": ["www"]}}
    assert found.data["networks"] == {"back": {"driver": "overlay", "attachable": True}}
    assert codes(found) == ["EV822"]
