"""Which images a bundle holds, by what the lock says."""

from __future__ import annotations

import pytest

from envman.bundle.wanted import platforms_of, tag_of, tags_by_image, wanted_images
from envman.diagnostics import EnvmanError
from envman.lock.lock import Lock, LockedBuild, LockedImage, LockedPlatform, Makers
from envman.lock.text import sealed
from envman.registry.reference import parse_reference

DIGEST = "sha256:" + "ab" * 32


def image(*used_by: str, platforms: tuple[str, ...] = ("linux/amd64",)) -> LockedImage:
    each = {one: LockedPlatform(manifest=DIGEST, image=DIGEST) for one in platforms}
    return LockedImage(digest=DIGEST, platforms=each, used_by=list(used_by))


def lock(images: dict[str, LockedImage], builds: dict[str, LockedBuild] | None = None) -> Lock:
    return sealed(environment="prod", document=DIGEST, made_with=Makers(envman="1"), images=images, builds=builds or {})


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("postgres:17", "postgres:17"),
        ("postgres", "postgres:latest"),
        (f"postgres:17@{DIGEST}", "postgres:17"),
        (f"postgres@{DIGEST}", "postgres:sha256-abababababab"),
        ("registry.example.com:5000/a/b:1", "registry.example.com:5000/a/b:1"),
    ],
)
def test_an_image_is_called_as_the_blueprint_calls_it(written: str, tag: str) -> None:
    reference = parse_reference(written)
    assert reference is not None
    assert tag_of(reference) == tag


def test_what_runs_is_in_a_bundle_and_what_a_build_starts_from_is_not() -> None:
    made = lock(
        {
            "docker.io/library/base:1": image("services.api.build"),
            "docker.io/library/both:1": image("services.api.build", "services.web"),
            "docker.io/library/hook:1": image("services.api.pre_start[0]"),
            "docker.io/library/mounted:1": image("services.api.volumes"),
        },
        {"api": LockedBuild(image="churn-prod-api", platforms={"linux/amd64": LockedPlatform(image=DIGEST)})},
    )
    assert tags_by_image(made) == {
        "docker.io/library/both:1": ("both:1",),
        "docker.io/library/hook:1": ("hook:1",),
        "docker.io/library/mounted:1": ("mounted:1",),
        "services.api": ("churn-prod-api:latest",),
    }
    assert [one.name for one in wanted_images(made, "linux/amd64")] == sorted(tags_by_image(made))


def test_a_service_called_build_is_no_build() -> None:
    assert tags_by_image(lock({"docker.io/library/a:1": image("services.build")}))


def test_a_platform_that_images_lack_is_named_for_each() -> None:
    made = lock({f"docker.io/library/{name}:1": image("services.x") for name in "ab"})
    with pytest.raises(EnvmanError) as raised:
        wanted_images(made, "linux/arm64")
    assert [one.code for one in raised.value.diagnostics] == ["EV682", "EV682"]
    assert raised.value.diagnostics[0].expected == "one of linux/amd64"


def test_the_platforms_of_a_lock_are_those_of_all_its_images() -> None:
    both = ("linux/amd64", "linux/arm64")
    made = lock(
        {
            "docker.io/library/a:1": image("services.a", platforms=both),
            "docker.io/library/b:1": image("services.b", platforms=("linux/arm64",)),
            "docker.io/library/c:1": image("services.c.build", platforms=("linux/riscv64",)),
        }
    )
    assert platforms_of(made) == ["linux/arm64"]
    assert platforms_of(lock({})) == []
