"""Stacks that envman did not make, for tests of `capture`."""

from __future__ import annotations

import secrets
import subprocess
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from stacks import docker

# A stack with every option set that an engine without special hardware, kernel or file system can run.
EVERYTHING = """\
services:
  db:
    image: busybox:1.37
    command: [sh, -c, "mkdir -p /data/inner && exec sleep 1000"]
    init: true
    environment: {POSTGRES_PASSWORD: "@NAME@-Value-1", PLAIN: "a$$b 1e3", EMPTY: "", API_URL: "http://u:@NAME@-Value-1@h/x"}
    healthcheck:
      {test: [CMD-SHELL, "test -d /data/inner"], interval: 1s, timeout: 1500ms, retries: 5, start_period: 2s,
       start_interval: 100ms}
    volumes:
      - data:/data
      - ./host:/host:ro
      - {type: volume, source: data, target: /nocopy, volume: {nocopy: true}}
    restart: on-failure:3
    stop_grace_period: 0s
  web:
    image: busybox:1.37
    entrypoint: [/bin/sh, -c]
    command: ["sleep 1000"]
    user: "1000:1000"
    working_dir: /tmp
    hostname: webhost
    domainname: example.test
    container_name: "@NAME@_custom"
    stop_signal: SIGKILL
    stop_grace_period: 7s
    expose: ["9000", "9001/udp"]
    ports: ["127.0.0.1:@PORT0@:80", "82", {target: 83, published: "@PORT1@", protocol: udp}, "@PORT2@-@PORT3@:84"]
    labels: {team: ml, "with.dot": "x$$y"}
    annotations: {note: hello}
    depends_on:
      db: {condition: service_healthy, restart: true}
      prepare: {condition: service_completed_successfully}
    networks:
      front:
        aliases: [www]
        ipv4_address: 10.@OCTET@.5.10
        mac_address: "02:42:ac:11:00:99"
        gw_priority: 5
        priority: 3
        interface_name: eth7
        link_local_ips: [169.254.8.8]
        driver_opts: {com.docker.network.endpoint.sysctls: "net.ipv4.conf.IFNAME.log_martians=1"}
      back:
    cpus: 0.5
    cpuset: "0-1"
    cpu_shares: 512
    mem_limit: 64m
    mem_reservation: 32m
    memswap_limit: 96m
    mem_swappiness: 10
    pids_limit: 50
    shm_size: 32m
    oom_score_adj: 100
    oom_kill_disable: true
    cap_add: [NET_ADMIN, SYS_TIME]
    cap_drop: [MKNOD]
    security_opt: ["no-new-privileges:true", "seccomp=seccomp.json", "apparmor=unconfined"]
    devices: ["/dev/null:/dev/xnull:r"]
    device_cgroup_rules: ["c 1:3 mr"]
    ulimits: {nofile: {soft: 1024, hard: 2048}, nproc: 100}
    sysctls: {net.core.somaxconn: 512}
    dns: [9.9.9.9]
    dns_search: [example.test]
    dns_opt: ["ndots:2"]
    extra_hosts: ["some:10.0.0.9", "six:::1"]
    init: true
    ipc: shareable
    cgroup: private
    cgroup_parent: /@NAME@
    read_only: true
    tmpfs: ["/run:size=8m,mode=755", /tmp2]
    group_add: ["44"]
    runtime: runc
    tty: true
    stdin_open: true
    logging: {driver: json-file, options: {max-size: 5m, max-file: "2"}}
    secrets: [filesec, {source: filesec, target: other}]
    configs: [{source: conf, target: /etc/conf.ini}]
    volumes:
      - {type: tmpfs, target: /scratch, tmpfs: {size: 1000000, mode: 0o1777}}
      - {type: bind, source: ./host, target: /private, bind: {propagation: private, create_host_path: false}}
      - {type: bind, source: ./host, target: /flat, read_only: true, bind: {recursive: disabled}}
      - {type: volume, target: /anonymous}
      - {type: volume, source: data, target: /sub, read_only: true, volume: {subpath: inner}}
      - {type: image, source: "busybox:1.37", target: /image}
      - {type: volume, source: outside, target: /outside}
  side:
    image: busybox:1.37
    command: [sleep, "1000"]
    init: true
    network_mode: service:db
    pid: service:db
    ipc: host
    uts: host
    privileged: true
    volumes_from: [db]
    secrets: [envsec]
  many:
    image: busybox:1.37
    command: [sleep, "1000"]
    stop_grace_period: 0s
    deploy:
      replicas: 2
      resources: {limits: {cpus: "0.3", memory: 32M, pids: 20}, reservations: {memory: 16M}}
    security_opt: ["systempaths=unconfined"]
    networks: [back]
    links: ["web:website"]
  hosty:
    image: busybox:1.37
    entrypoint: [""]
    command: [sleep, "1000"]
    stop_signal: SIGKILL
    healthcheck: {disable: true}
    network_mode: host
    pid: host
    userns_mode: host
    ipc: service:web
  bare: {image: "busybox:1.37", command: [sleep, "1000"], stop_signal: SIGKILL, network_mode: none, restart: always}
  timed:
    {image: "busybox:1.37", command: [sleep, "1000"], stop_signal: SIGKILL, cpu_period: 50000, cpu_quota: 20000,
     pids_limit: -1, mem_limit: 32m, memswap_limit: -1}
  prepare: {image: "busybox:1.37", command: ["true"]}
networks:
  front:
    ipam:
      config:
        - {subnet: 10.@OCTET@.5.0/24, gateway: 10.@OCTET@.5.1, ip_range: 10.@OCTET@.5.128/25, aux_addresses: {x: 10.@OCTET@.5.7}}
    driver_opts: {com.docker.network.bridge.name: "@NAME@br"}
    labels: {of: network}
  back: {internal: true, attachable: true}
volumes:
  data: {labels: {of: volume}}
  outside: {external: true, name: "@NAME@_outside"}
secrets:
  filesec: {file: ./secret.txt}
  envsec: {environment: ENVSEC}
configs:
  conf: {file: ./conf.ini}
"""
# What the engine itself uses, but shorter: everything allowed.
SECCOMP = '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["acct"], "action": "SCMP_ACT_ERRNO"}]}'


@dataclass
class Foreign:
    """A Compose project in ``folder`` that plain Compose brings up."""

    folder: Path
    name: str = field(default_factory=lambda: f"f{secrets.token_hex(4)}")

    def write(self, text: str, ports: tuple[int, ...] = ()) -> Foreign:
        """Write the Compose file: @NAME@, @OCTET@ and @PORTn@ are filled in."""
        text = textwrap.dedent(text).replace("@NAME@", self.name).replace("@OCTET@", str(secrets.randbelow(60) + 180))
        for index, port in enumerate(ports):
            text = text.replace(f"@PORT{index}@", str(port))
        (self.folder / "host").mkdir(parents=True)
        (self.folder / "compose.yaml").write_text(text)
        (self.folder / "secret.txt").write_text(f"{self.name}-secret-2\n")
        (self.folder / "conf.ini").write_text("a = b\n")
        (self.folder / "seccomp.json").write_text(SECCOMP)
        return self

    def compose(self, *arguments: str, **environ: str) -> None:
        """Run Compose on it."""
        import os

        done = subprocess.run(
            ["docker", "compose", "--project-name", self.name, *arguments],
            cwd=self.folder, env={**os.environ, **environ}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def containers(self) -> dict[str, str]:
        """Return the names of its containers by service and number: ``web 1``."""
        lines = docker(
            "ps", "--all", "--filter", f"label=com.docker.compose.project={self.name}", "--format",
            '{{.Label "com.docker.compose.service"}} {{.Label "com.docker.compose.container-number"}}|{{.Names}}',
        ).splitlines()  # fmt: skip
        return dict(sorted(tuple(line.split("|", 1)) for line in lines))  # type: ignore[misc]
