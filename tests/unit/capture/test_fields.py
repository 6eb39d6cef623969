"""The table of everything that an engine says of a container."""

from __future__ import annotations

import pytest
from described import container

from envman.capture.fields import FIELDS, fields_of, is_set
from envman.model.container import Attachment, Mount
from envman.model.service import Service

# Fields of the engine's API 1.51 (api/types/container: Config, HostConfig with Resources, and what an inspection adds).
CONFIG = """Hostname Domainname User AttachStdin AttachStdout AttachStderr ExposedPorts Tty OpenStdin StdinOnce Env Cmd
Healthcheck ArgsEscaped Image Volumes WorkingDir Entrypoint NetworkDisabled MacAddress OnBuild Labels StopSignal
StopTimeout Shell"""
HOST = """Binds ContainerIDFile LogConfig NetworkMode PortBindings RestartPolicy AutoRemove VolumeDriver VolumesFrom
ConsoleSize Annotations CapAdd CapDrop CgroupnsMode Dns DnsOptions DnsSearch ExtraHosts GroupAdd IpcMode Cgroup Links
OomScoreAdj PidMode Privileged PublishAllPorts ReadonlyRootfs SecurityOpt StorageOpt Tmpfs UTSMode UsernsMode ShmSize
Sysctls Runtime Isolation CpuShares Memory NanoCpus CgroupParent BlkioWeight BlkioWeightDevice BlkioDeviceReadBps
BlkioDeviceWriteBps BlkioDeviceReadIOps BlkioDeviceWriteIOps CpuPeriod CpuQuota CpuRealtimePeriod CpuRealtimeRuntime
CpusetCpus CpusetMems Devices DeviceCgroupRules DeviceRequests KernelMemory KernelMemoryTCP MemoryReservation MemorySwap
MemorySwappiness OomKillDisable PidsLimit Ulimits CpuCount CpuPercent IOMaximumIOps IOMaximumBandwidth MaskedPaths
ReadonlyPaths Init"""
ENDPOINT = """Links Aliases MacAddress DriverOpts GwPriority NetworkID EndpointID Gateway IPAddress IPPrefixLen
IPv6Gateway GlobalIPv6Address GlobalIPv6PrefixLen DNSNames"""


@pytest.mark.parametrize(
    ("prefix", "names"),
    [("Config", CONFIG), ("HostConfig", HOST), ("NetworkSettings.Networks.*", ENDPOINT)],
)
def test_every_field_of_the_api_has_a_row(prefix: str, names: str) -> None:
    assert [name for name in names.split() if f"{prefix}.{name}" not in FIELDS] == []


def test_what_is_carried_goes_into_an_attribute_that_there_is() -> None:
    for path, row in FIELDS.items():
        if row.kind != "carried":
            continue
        attribute, _, below = row.into.partition(".")
        assert attribute in Service.model_fields, path
        if below and attribute == "networks":
            assert below in Attachment.model_fields, path
        if below and attribute == "volumes" and not below.startswith("*"):
            assert below.partition(".")[0] in Mount.model_fields, path


def test_a_field_is_walked_to_its_row() -> None:
    found = {field.path: field.row for field in fields_of(container(
        host={"Mounts": [{"Type": "tmpfs", "TmpfsOptions": {"Options": [["exec"]]}}], "Tmpfs": {"/a": "b"}},
        networks={"a.b": {"IPAMConfig": {"IPv4Address": "10.0.0.2"}, "New": 1}},
    ))}  # fmt: skip

    lost = found["HostConfig.Mounts[0].TmpfsOptions.Options"]
    assert lost is not None
    assert lost.kind == "lost"
    assert found["HostConfig.Tmpfs"] == FIELDS["HostConfig.Tmpfs"]
    assert found["NetworkSettings.Networks.a.b.IPAMConfig.IPv4Address"] is not None
    assert found["NetworkSettings.Networks.a.b.New"] is None


def test_what_is_not_set() -> None:
    assert [value for value in (None, "", 0, False, [], {}) if is_set(value)] == []
    assert is_set(-1)
