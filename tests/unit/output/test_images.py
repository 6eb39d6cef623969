"""Images and what becomes of them, as text."""

from __future__ import annotations

import time

from envman.operations.images import ServiceImage
from envman.operations.project_images import ImageUse, Removal
from envman.output.images import image_table, removal_data, removal_text, uses_table
from envman.plan.spare import Kept, ProjectImage, Spare

DIGEST = "sha256:" + "1" * 64
IMAGE = ProjectImage("sha256:0123456789abcdef", ("app:old",), 2_000_000, 500_000, 0.0, made_here=True)


def test_what_was_built_shows_the_digest_of_its_push_and_what_was_pulled_its_own() -> None:
    images = [
        ServiceImage("api", "app:v1", True, "sha256:0123456789ab", None, 1000, time.time() - 60, DIGEST),
        ServiceImage("web", "web:v1", True, "sha256:0123456789ab", DIGEST, 1000, time.time() - 60, None),
        ServiceImage("db", "db:1", False, "sha256:0123456789ab", DIGEST, 1000, time.time() - 60, None),
    ]
    shown = [line.endswith("sha256:111111111111") for line in image_table(images).splitlines()[1:]]
    assert shown == [True, False, True]


def test_who_needs_an_image() -> None:
    uses = [
        ImageUse("app:v1", "sha256:0123456789abcdef", 2_000_000, time.time() - 7200, DIGEST, ("dev.api",), True),
        ImageUse("app:old", "sha256:0123456789abcdef", 2_000_000, time.time() - 7200, None, (), True),
        ImageUse("", "sha256:fedcba9876543210", 1_000_000, time.time() - 7200, None, (), False),
        ImageUse("db:1", None, None, None, None, ("dev.db",), False),
    ]
    assert uses_table(uses).splitlines() == [
        "IMAGE      ID            SIZE  CREATED  IN REGISTRY          NEEDED BY",
        "app:v1     0123456789ab  2 MB  2 h ago  sha256:111111111111  dev.api",
        "app:old    0123456789ab  2 MB  2 h ago                       nobody: `envman rmi`",
        "(no name)  fedcba987654  1 MB  2 h ago                       nobody here",
        "db:1       not here                                          dev.db",
    ]
    assert uses_table([]) == "no images"


def test_what_is_removed_what_that_frees_and_what_stays() -> None:
    removal = Removal(
        (Spare(IMAGE, ("app:old",), whole=True), Spare(IMAGE, ("app:older",), whole=False)),
        (Kept(IMAGE, "app:v1", ("dev.api", "container x")),),
    )
    assert removal_text(removal, done=False).splitlines() == [
        "would be removed: app:old (0123456789ab, frees 500 kB)",
        "would be removed: app:older (0123456789ab, frees nothing: it keeps another name)",
        "would free at least 500 kB",
        "kept: app:v1: dev.api, container x",
    ]
    assert removal_text(removal, done=True).splitlines()[2] == "freed at least 500 kB"
    assert removal_data(removal, done=True)["freed"] == 500_000
    assert removal_text(Removal((), ()), done=False) == "nothing to remove"
