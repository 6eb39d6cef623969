"""The results of commands with ``--format json``, as types: their JSON Schemas are made from these.

At run time nothing but `envman schema COMMAND` loads this package.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

from typing_extensions import TypedDict

from envman.output.results.blueprints import (
    Captured,
    Checked,
    Chosen,
    Created,
    Differences,
    DoctorCheck,
    Explained,
    Imported,
    Initialised,
    Page,
    RenderedFile,
    RenderedText,
    Updated,
    WrittenFile,
)
from envman.output.results.common import DiagnosticData
from envman.output.results.data import (
    BundleData,
    BundleLoaded,
    BundleMade,
    DamagedSnapshot,
    NetworkData,
    SecretData,
    SecretSet,
    SecretShown,
    SnapshotCreated,
    SnapshotData,
    SnapshotRestored,
    SnapshotRow,
    SnapshotsDeleted,
    VolumeData,
)
from envman.output.results.images import (
    Built,
    ImageUseData,
    Login,
    Logout,
    Promoted,
    Pulled,
    Pushed,
    Removal,
    ServiceImageData,
    Tagged,
)
from envman.output.results.locks import LockChecked, LockingData, Reproduced, Verified
from envman.output.results.stacks import (
    ContainerData,
    DownData,
    Planned,
    PublishedPort,
    RemovedData,
    Renamed,
    ServiceData,
    ServicesData,
    StatusData,
    SwitchAborted,
    Switched,
    UpData,
)

Result = TypeVar("Result")


class Document(TypedDict, Generic[Result]):
    """What a command writes; ``result`` is null where it failed."""

    exit_status: int
    diagnostics: list[DiagnosticData]
    result: Result | None


RESULTS: Final[Mapping[str, Any]] = {
    "new": Created,
    "init": Initialised,
    "update": Updated,
    "import": Imported,
    "capture": Captured,
    "check": Checked,
    "render": RenderedFile | RenderedText,
    "explain": Explained | Page,
    "diff": Differences,
    "schema": WrittenFile | dict[str, Any],
    "plan": Planned,
    "up": UpData,
    "down": DownData,
    "rm": RemovedData,
    "stop": ServicesData,
    "restart": ServicesData,
    "ps": list[ContainerData],
    "switch": Switched | SwitchAborted,
    "rename": Renamed,
    "status": list[StatusData] | list[ServiceData],
    "lock": list[LockingData] | list[LockChecked],
    "verify": Verified,
    "reproduce": Reproduced,
    "port": list[PublishedPort],
    "build": Built,
    "pull": Pulled,
    "push": Pushed,
    "tag": Tagged,
    "images": list[ServiceImageData] | list[ImageUseData],
    "rmi": Removal,
    "login": Login,
    "logout": Logout,
    "promote": Promoted,
    "volumes": list[VolumeData],
    "networks": list[NetworkData],
    "secrets list": list[SecretData],
    "secrets set": SecretSet,
    "secrets show": SecretShown,
    "snapshot create": SnapshotCreated,
    "snapshot list": list[SnapshotRow | DamagedSnapshot],
    "snapshot show": SnapshotData,
    "snapshot restore": SnapshotRestored,
    "snapshot delete": SnapshotsDeleted,
    "snapshot prune": SnapshotsDeleted,
    "bundle create": BundleMade,
    "bundle show": BundleData,
    "bundle load": BundleLoaded,
    "use": Chosen,
    "doctor": list[DoctorCheck],
}
"""What each command results in. Those that are not here leave standard output to another program."""


def result_schema(command: str) -> dict[str, Any]:
    """Return the JSON Schema of what ``command`` (one of ``RESULTS``) writes with ``--format json``."""
    from pydantic import TypeAdapter

    generic: Any = Document
    made: dict[str, Any] = TypeAdapter(generic[RESULTS[command]]).json_schema()
    title = f"envman {command} --format json"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": title}
