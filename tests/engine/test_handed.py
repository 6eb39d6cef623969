"""Values that Compose looks up by itself: envman hands them over, and no file of the project has them."""

from __future__ import annotations

import json
from pathlib import Path

from stacks import Checkout, docker


def environment_of(container: str) -> dict[str, str]:
    pairs = json.loads(docker("inspect", "--format", "{{json .Config.Env}}", container))
    return dict(one.split("=", 1) for one in pairs)


def test_env_files_secrets_and_configs_get_the_environments_variables(checkout: Checkout, tmp_path: Path) -> None:
    checkout.write(
        dev="""
        variables:
          db_user: {type: string, default: declared}
        services:
          a:
            image: busybox:1.37
            init: true
            command: [sleep, infinity]
            env_file: [i.env]
            label_file: [l.txt]
            security_opt: ["seccomp=./profile.json"]
            secrets: [tok]
            configs: [{source: cfg, target: /cfg}]
        secrets: {tok: {environment: MY_TOKEN}}
        configs: {cfg: {environment: MY_CONFIG}}
        """
    )
    root = checkout.root
    (root / "i.env").write_text("USER_NAME=${db_user}\nURL=postgres://u:${DB_PASSWORD}@db\nK=pa$$word9\nALONE\n")
    (root / "l.txt").write_text("x=${db_user}\n")
    (root / "profile.json").write_text('{"defaultAction": "SCMP_ACT_ALLOW"}')
    # What `up` would refuse is said before.
    planned = checkout.run("plan", "dev", status=1)
    assert "error[EV203]: DB_PASSWORD has no value" in planned.err
    assert "i.env:2:18" in planned.err
    (root / ".env").write_text("DB_PASSWORD=low\nALONE=one\nMY_CONFIG=setting\n")
    (root / ".env.dev").write_text("DB_PASSWORD=hunter2\n")
    assert 'warning[EV504]: secret "tok" has no value: MY_TOKEN is not set' in checkout.run("plan", "dev").err
    refused = checkout.run("up", "dev", status=1)
    assert 'error[EV504]: secret "tok" has no value: MY_TOKEN is not set' in refused.err
    (root / ".env.dev").write_text("DB_PASSWORD=hunter2\nMY_TOKEN=opensesame\n")
    up = checkout.run("up", "dev")
    (container,) = checkout.containers("dev")
    found = environment_of(container)
    assert {key: found[key] for key in ("USER_NAME", "URL", "K", "ALONE")} == {
        "USER_NAME": "declared",
        "URL": "postgres://u:hunter2@db",
        "K": "pa$word9",
        "ALONE": "one",
    }
    assert docker("exec", container, "cat", "/run/secrets/tok", "/cfg") == "opensesamesetting"
    assert docker("inspect", "--format", '{{index .Config.Labels "x"}}', container) == "declared"
    # Nothing has drifted, nothing is to be done, and nothing was written down.
    assert "nothing to do" in checkout.run("plan", "dev").out
    assert checkout.run("diff", "dev", "running", "--exit-code").status == 0
    written = "".join(
        path.read_text(errors="replace") for path in root.rglob("*") if path.is_file() and path.name[:4] != ".env"
    )
    assert not any(value in written + up.out + up.err for value in ("hunter2", "opensesame"))
    # A changed value is a cause; so is a label.
    (root / ".env.dev").write_text("DB_PASSWORD=changed\nMY_TOKEN=another\n")
    (root / "l.txt").write_text("x=2\n")
    (root / "profile.json").write_text('{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}')
    out = checkout.run("plan", "dev").out
    assert "the value of DB_PASSWORD has changed (i.env:2:18)" in out
    assert "the value of secret tok has changed" in out
    assert "file ./profile.json has changed (blueprints/dev.yaml:11:" in out
    assert "labels.x declared -> 2 (l.txt:1:1)" in out
    checkout.run("up", "dev")
    (container,) = checkout.containers("dev")
    assert environment_of(container)["URL"] == "postgres://u:changed@db"
    assert docker("exec", container, "cat", "/run/secrets/tok") == "another"
