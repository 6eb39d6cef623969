"""What images are called."""

import pytest

from envman.registry.reference import parse_reference


@pytest.mark.parametrize(
    ("written", "canonical", "familiar"),
    [
        ("python", "docker.io/library/python:latest", "python:latest"),
        ("python:3.13-slim", "docker.io/library/python:3.13-slim", "python:3.13-slim"),
        ("grafana/grafana:12", "docker.io/grafana/grafana:12", "grafana/grafana:12"),
        ("library/python:3", "docker.io/library/python:3", "python:3"),
        ("index.docker.io/library/python:3", "docker.io/library/python:3", "python:3"),
        ("localhost/a", "localhost/a:latest", "localhost/a:latest"),
        ("127.0.0.1:5000/team/api:1", "127.0.0.1:5000/team/api:1", "127.0.0.1:5000/team/api:1"),
        ("[::1]:5000/api", "[::1]:5000/api:latest", "[::1]:5000/api:latest"),
        ("ghcr.io/a/b_c/d-e.f:v1", "ghcr.io/a/b_c/d-e.f:v1", "ghcr.io/a/b_c/d-e.f:v1"),
    ],
)
def test_names_are_read_as_docker_reads_them(written: str, canonical: str, familiar: str) -> None:
    reference = parse_reference(written)

    assert reference is not None
    assert (reference.canonical, reference.familiar) == (canonical, familiar)


def test_a_digest_stands_beside_the_tag_or_alone() -> None:
    digest = "sha256:" + "a" * 64
    alone, both = parse_reference(f"python@{digest}"), parse_reference(f"python:3@{digest}")

    assert alone is not None
    assert both is not None
    assert alone.canonical == f"docker.io/library/python@{digest}"
    assert both.familiar == f"python:3@{digest}"
    assert both.pinned("sha256:" + "b" * 64).digest == "sha256:" + "b" * 64


@pytest.mark.parametrize(
    "text", ["", "a/B", "a b", "a:", "-a", "a" * 64, "sha256:" + "a" * 64, "a//b", "a:b:c", "x/../y"]
)
def test_what_is_no_name_of_an_image_is_none(text: str) -> None:
    # 64 hexadecimal digits are an ID to Docker, and "sha256:..." would be the tag of an image "sha256" of 64 digits.
    found = parse_reference(text)

    assert found is None or found.path == "library/sha256"
