"""Which images of a project may go, and which stay and why."""

from __future__ import annotations

from envman.plan.spare import Needs, ProjectImage, spare_images

OURS = frozenset({"docker.io/library/app-api"})


def image(identity: str, *names: str, made_here: bool = True) -> ProjectImage:
    return ProjectImage(identity, names, 100, 60, 0.0, made_here)


def decided(
    *images: ProjectImage, needs: Needs
) -> tuple[list[tuple[str, tuple[str, ...], int]], list[tuple[str, str]]]:
    spare, kept = spare_images(images, needs)
    return [(one.image.id, one.names, one.freed) for one in spare], [(one.name, one.why[0]) for one in kept]


def test_what_nobody_needs_goes() -> None:
    needs = Needs({}, {}, OURS)
    assert decided(image("a", "app-api:old"), image("b"), needs=needs) == (
        [("a", ("app-api:old",), 60), ("b", (), 60)],
        [],
    )


def test_what_another_checkout_made_stays_without_a_word() -> None:
    assert decided(image("a", "app-api:old", made_here=False), needs=Needs({}, {}, OURS)) == ([], [])


def test_an_environments_name_stays_and_a_further_one_frees_nothing() -> None:
    needs = Needs({"docker.io/library/app-api:v1": ("dev.api",)}, {}, OURS)
    assert decided(image("a", "app-api:v1", "app-api:old"), needs=needs) == (
        [("a", ("app-api:old",), 0)],
        [("app-api:v1", "dev.api")],
    )


def test_a_container_a_lock_or_a_snapshot_keeps_all_of_an_image() -> None:
    needs = Needs({}, {"a": ("container x",), "b": ("snapshot y of dev",)}, OURS)
    assert decided(image("a", "app-api:old"), image("b"), needs=needs) == (
        [],
        [("app-api:old", "container x"), ("b", "snapshot y of dev")],
    )


def test_a_name_that_is_not_the_projects_keeps_the_image() -> None:
    assert decided(image("a", "app-api:old", "mine:1"), needs=Needs({}, {}, OURS)) == (
        [("a", ("app-api:old",), 0)],
        [("mine:1", "the name is not one of this project's")],
    )
