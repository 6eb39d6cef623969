"""A Swarm service's specification to a service of the blueprint.

Source: the engine's API (ServiceInspect) and how `docker stack deploy` makes a specification of a Compose file
(docker/cli, cli/compose/convert).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from envman.capture.host import grace, logging, ulimits
from envman.capture.mounts import requested
from envman.capture.process import command, differing, environment, health, labels
from envman.capture.surroundings import STACK, Surroundings
from envman.capture.values import duration, only_given, processors, size_text
from envman.plan.form import Plain

_SECOND: Final = 10**9
# What Swarm does where a specification says nothing.
_UPDATE: Final = {
    "Parallelism": 1, "Delay": 0, "FailureAction": "pause", "Monitor": 5 * _SECOND, "MaxFailureRatio": 0,
    "Order": "stop-first",
}  # fmt: skip
_RESTART: Final = {"Condition": "any", "Delay": 5 * _SECOND, "MaxAttempts": 0, "Window": 0}
_MODES: Final = {"Global": "global", "ReplicatedJob": "replicated-job", "GlobalJob": "global-job"}


def key_of(service: Plain) -> str:
    """Return the service's key: its name without its stack's."""
    spec: Plain = service["Spec"]
    stack = (spec.get("Labels") or {}).get(STACK)
    name = str(spec["Name"])
    return name.removeprefix(f"{stack}_") if stack else name


def service_attributes(service: Plain, image: Plain, around: Surroundings) -> dict[str, Any]:
    """Return the attributes of a Swarm service; ``image`` is the engine's ``Config`` of its image."""
    key = key_of(service)
    spec: Plain = service["Spec"]
    task: Plain = spec["TaskTemplate"]
    container: Plain = task.get("ContainerSpec") or {}
    dns: Plain = container.get("DNSConfig") or {}
    log: Plain = task.get("LogDriver") or {}
    for what in _templates(container):
        around.unsaid(key, f"{what} is a template of Swarm", "Compose takes it as it stands; write what it means")
    return only_given(
        {
            **command(container.get("Command"), container.get("Args"), image),
            "user": differing(container.get("User"), image.get("User")),
            "working_dir": differing(container.get("Dir"), image.get("WorkingDir")),
            "hostname": None if "{{" in str(container.get("Hostname") or "") else container.get("Hostname"),
            "environment": environment(container.get("Env") or (), image),
            "labels": labels(container.get("Labels") or {}, image),
            "healthcheck": health(container.get("Healthcheck"), image),
            "stop_signal": differing(container.get("StopSignal"), image.get("StopSignal")),
            "stop_grace_period": grace(container.get("StopGracePeriod")),
            "tty": container.get("TTY") or None,
            "stdin_open": container.get("OpenStdin") or None,
            "read_only": container.get("ReadOnly") or None,
            "init": container.get("Init"),
            "group_add": list(container.get("Groups") or ()),
            "cap_add": list(container.get("CapabilityAdd") or ()),
            "cap_drop": list(container.get("CapabilityDrop") or ()),
            "sysctls": dict(container.get("Sysctls") or {}),
            "ulimits": ulimits(container.get("Ulimits") or ()),
            "oom_score_adj": container.get("OomScoreAdj") or None,
            "extra_hosts": _hosts(container.get("Hosts") or ()),
            "dns": list(dns.get("Nameservers") or ()),
            "dns_search": list(dns.get("Search") or ()),
            "dns_opt": list(dns.get("Options") or ()),
            "isolation": differing(container.get("Isolation") or "default", "default"),
            "volumes": [_mount(one, key, around) for one in container.get("Mounts") or ()],
            "secrets": [_secret(one, around) for one in container.get("Secrets") or ()],
            "configs": [_config(one, key, around) for one in container.get("Configs") or () if one.get("File")],
            "logging": logging({"Type": log.get("Name"), "Config": log.get("Options")}, around.running.engine),
            "networks": _networks(task, spec, key, around),
            "ports": [_port(one) for one in (spec.get("EndpointSpec") or {}).get("Ports") or ()],
            **_privileges(container.get("Privileges") or {}, key, around),
            "deploy": _deploy(spec, key, around),
        }
    )


def _templates(container: Plain) -> Iterator[str]:
    if "{{" in str(container.get("Hostname") or ""):
        yield "the hostname"
    for one in container.get("Env") or ():
        name, _, value = one.partition("=")
        if "{{" in value and "}}" in value:
            yield f"the variable {name}"


def _hosts(entries: Any) -> dict[str, Any]:
    """``ADDRESS NAME``, as a file of hosts has it."""
    found: dict[str, Any] = {}
    for one in entries:
        address, *names = str(one).split()
        for name in names:
            before = found.get(name)
            found[name] = address if before is None else [*(before if isinstance(before, list) else [before]), address]
    return found


def _privileges(given: Plain, key: str, around: Surroundings) -> dict[str, Any]:
    options = ["no-new-privileges:true"] if given.get("NoNewPrivileges") else []
    seccomp: Plain = given.get("Seccomp") or {}
    if seccomp.get("Mode") == "unconfined":
        options.append("seccomp=unconfined")
    elif seccomp.get("Mode") not in {None, "", "default"}:
        around.unsaid(key, "has a seccomp profile of its own, which the Swarm keeps")
    if (given.get("AppArmor") or {}).get("Mode") == "disabled":
        options.append("apparmor=unconfined")
    context: Plain = given.get("SELinuxContext") or {}
    if context.get("Disable"):
        options.append("label=disable")
    options += [
        f"label={name.lower()}:{context[name]}" for name in ("User", "Role", "Type", "Level") if context.get(name)
    ]
    spec: Plain = given.get("CredentialSpec") or {}
    credentials = only_given({name.lower(): spec.get(name) for name in ("Config", "File", "Registry")})
    return {"security_opt": options, "credential_spec": credentials}


def _mount(one: Plain, key: str, around: Surroundings) -> dict[str, Any]:
    if one["Type"] == "bind":
        around.files.setdefault(str(one["Source"]), []).append(key)
    return requested(one, key, around)


def _secret(one: Plain, around: Surroundings) -> dict[str, Any]:
    file: Plain = one.get("File") or {}
    name = str(one["SecretName"])
    key = around.secret(name.removeprefix(f"{around.running.name}_") if around.running.name else name, f"swarm:{name}")
    return {"source": key, **_file(file, key, "0", 0o444)}


def _config(one: Plain, service: str, around: Surroundings) -> dict[str, Any]:
    file: Plain = one["File"]
    name = str(one["ConfigName"])
    key = name.removeprefix(f"{around.running.name}_") if around.running.name else name
    if key not in around.configs:
        path = f"blueprints/captured/{key}"
        around.configs[key] = {"file": f"./{path}"}
        around.report.warning(
            "EV826",
            f"config {key} of {service} stays in the Swarm: what is in it was not read",
            help=f"`docker config inspect --pretty {name}` shows it; it belongs into {path}",
        )
    return {"source": key, **_file(file, f"/{key}", "0", 0o444)}


def _file(file: Plain, usual: str, owner: str, mode: int) -> dict[str, Any]:
    name = file.get("Name")
    return only_given(
        {
            "target": None if name in {usual, None} else name,
            "uid": differing(file.get("UID") or owner, owner),
            "gid": differing(file.get("GID") or owner, owner),
            "mode": differing(file.get("Mode") or mode, mode),
        }
    )


def _networks(task: Plain, spec: Plain, key: str, around: Surroundings) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    for one in task.get("Networks") or spec.get("Networks") or ():
        network = around.running.networks.get(str(one["Target"])) or {}
        if network.get("Ingress"):
            continue
        name = str(network.get("Name") or one["Target"])
        aliases = [alias for alias in one.get("Aliases") or () if alias != key]
        options = dict(one.get("DriverOpts") or {})
        found[around.network(name)] = only_given({"aliases": aliases, "driver_opts": options}) or None
    return None if found == {"default": None} else found


def _port(one: Plain) -> dict[str, Any]:
    return only_given(
        {
            "name": one.get("Name"),
            "target": one["TargetPort"],
            # A number: `docker stack deploy` refuses text there.
            "published": one.get("PublishedPort") or None,
            "protocol": one.get("Protocol") or "tcp",
            "mode": one.get("PublishMode") or "ingress",
        }
    )


def _deploy(spec: Plain, key: str, around: Surroundings) -> dict[str, Any]:
    task: Plain = spec["TaskTemplate"]
    mode: Plain = spec.get("Mode") or {}
    kind = next(iter(mode), "Replicated")
    inside: Plain = mode.get(kind) or {}
    replicas = inside.get("Replicas") if kind == "Replicated" else inside.get("TotalCompletions")
    concurrent = inside.get("MaxConcurrent")
    if concurrent is not None and concurrent != (replicas or 1):
        around.unsaid(key, f"runs {concurrent} of {replicas} tasks of a job at a time")
    placement: Plain = task.get("Placement") or {}
    endpoint: Plain = spec.get("EndpointSpec") or {}
    return only_given(
        {
            "mode": _MODES.get(kind),
            "replicas": None if replicas in (None, 1) else replicas,
            "endpoint_mode": differing(endpoint.get("Mode") or "vip", "vip"),
            "labels": labels(spec.get("Labels") or {}, {}),
            "update_config": _update(spec.get("UpdateConfig") or {}),
            "rollback_config": _update(spec.get("RollbackConfig") or {}),
            "restart_policy": _restart(task.get("RestartPolicy") or {}),
            "resources": _resources(task.get("Resources") or {}, key, around),
            "placement": only_given(
                {
                    "constraints": list(placement.get("Constraints") or ()),
                    "preferences": [
                        {"spread": one["Spread"]["SpreadDescriptor"]} for one in placement.get("Preferences") or ()
                    ],
                    "max_replicas_per_node": placement.get("MaxReplicas") or None,
                }
            ),
        }
    )


def _update(given: Plain) -> dict[str, Any]:
    own = {name: value for name, value in given.items() if value != _UPDATE.get(name)}
    return only_given(
        {
            "parallelism": own.get("Parallelism"),
            "delay": duration(own["Delay"]) if own.get("Delay") else None,
            "failure_action": own.get("FailureAction"),
            "monitor": duration(own["Monitor"]) if own.get("Monitor") else None,
            "max_failure_ratio": own.get("MaxFailureRatio"),
            "order": own.get("Order"),
        }
    )


def _restart(given: Plain) -> dict[str, Any]:
    own = {name: value for name, value in given.items() if value != _RESTART.get(name)}
    return only_given(
        {
            "condition": own.get("Condition"),
            "delay": duration(own["Delay"]) if own.get("Delay") else None,
            "max_attempts": own.get("MaxAttempts"),
            "window": duration(own["Window"]) if own.get("Window") else None,
        }
    )


def _resources(given: Plain, key: str, around: Surroundings) -> dict[str, Any]:
    limits, reservations = given.get("Limits") or {}, given.get("Reservations") or {}
    generic = []
    for one in reservations.get("GenericResources") or ():
        discrete = one.get("DiscreteResourceSpec")
        if discrete is None:
            around.unsaid(key, "reserves a named generic resource, which a Compose file cannot say")
            continue
        generic.append({"discrete_resource_spec": {"kind": discrete["Kind"], "value": discrete["Value"]}})
    for name in ("SwapBytes", "MemorySwappiness"):
        if given.get(name):
            around.unsaid(key, f"has {name} in its resources, which a Compose file for Swarm cannot say")
    return only_given(
        {
            "limits": only_given({**_amounts(limits), "pids": limits.get("Pids") or None}),
            "reservations": only_given({**_amounts(reservations), "generic_resources": generic}),
        }
    )


def _amounts(given: Plain) -> dict[str, Any]:
    return {
        "cpus": str(processors(given["NanoCPUs"])) if given.get("NanoCPUs") else None,
        "memory": size_text(given["MemoryBytes"]) if given.get("MemoryBytes") else None,
    }
