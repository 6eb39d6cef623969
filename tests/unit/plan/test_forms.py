"""What a document says and what an engine says of the same container, where the two use other words."""

from __future__ import annotations

from typing import Any

import pytest
from described import container

from envman.plan.actual import actual_form
from envman.plan.defined import defined_form
from envman.render.document import Document

MOUNTED = {"Type": "volume", "Name": "data", "Destination": "/data", "RW": True}


def compared(service: dict[str, Any], config: dict[str, Any], host: dict[str, Any], attribute: str, **more: Any) -> Any:
    image = {"Entrypoint": ["/run"]}
    document = Document("p", {"services": {"web": service}}, (), {}, (), {})
    described = {"Entrypoint": ["/run"], "Hostname": "", **config}
    defined = defined_form(document, service, image, "/project").get(attribute)
    actual = actual_form(container(config=described, host=host, **more), image).get(attribute)
    return defined, actual


@pytest.mark.parametrize(
    ("service", "config", "host", "attribute"),
    [
        ({"ipc": "service:db"}, {}, {"IpcMode": "container:0123"}, "ipc"),
        ({"pid": "service:db"}, {}, {"PidMode": "container:0123"}, "pid"),
        ({"security_opt": ["systempaths=unconfined"]}, {}, {"MaskedPaths": [], "ReadonlyPaths": []}, "security_opt"),
        ({"security_opt": ["seccomp=profile.json"]}, {}, {"SecurityOpt": ['seccomp={"a":1}']}, "security_opt"),
        ({"security_opt": ["seccomp=unconfined"]}, {}, {"SecurityOpt": ["seccomp:unconfined"]}, "security_opt"),
        ({"entrypoint": [""], "command": ["x"]}, {"Entrypoint": None, "Cmd": ["x"]}, {}, "entrypoint"),
    ],
)
def test_both_sides_mean_the_same(
    service: dict[str, Any], config: dict[str, Any], host: dict[str, Any], attribute: str
) -> None:
    defined, actual = compared(service, config, host, attribute)

    assert defined == actual


def test_another_profile_kind_is_another_definition() -> None:
    defined, actual = compared(
        {"security_opt": ["seccomp=unconfined"]}, {}, {"SecurityOpt": ['seccomp={"a":1}']}, "security_opt"
    )

    assert defined != actual


def test_what_comes_along_with_volumes_from_is_no_drift() -> None:
    found = actual_form(container(host={"VolumesFrom": ["0123"], "Binds": ["own:/own"]}, Mounts=[
        MOUNTED, {**MOUNTED, "Name": "own", "Destination": "/own"},
    ]), {})  # fmt: skip

    assert [name for name in found if name.startswith("volumes.")] == ["volumes./own"]
