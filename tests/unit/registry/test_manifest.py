"""Manifests: what registries send, also what they should not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from real_registry import DOCKER_MANIFEST, INDEX, MANIFEST, tiny_image, tiny_index

from envman.registry.manifest import (
    ManifestError,
    blobs_of,
    children,
    config_of,
    digest_of,
    fits,
    is_digest,
    platform_manifest,
    platform_of,
    read_manifest,
)

ONE = tiny_image("one")


def test_a_manifest_leads_to_its_configuration_and_layers() -> None:
    found = read_manifest("a", ONE.manifest, MANIFEST)
    assert (found.digest, found.is_index, dict(found.platforms)) == (ONE.digest, False, {})
    assert config_of(found.raw).digest == ONE.id
    assert {one.digest: one.size for one in blobs_of(found.raw)} == {name: len(one) for name, one in ONE.blobs.items()}


def test_an_index_names_its_platforms_and_no_attestations() -> None:
    index = tiny_index("two", "linux/amd64", "linux/arm64/v8", "linux/arm/v7", attested=True)
    found = read_manifest("a", index.manifest)
    assert found.is_index
    assert sorted(found.platforms) == ["linux/amd64", "linux/arm/v7", "linux/arm64"]
    assert found.platforms["linux/amd64"].digest == index.images[0].digest
    assert len(children(found.raw)) == 6


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm64", "linux/arm64"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/v7", "linux/arm/v7"),
        ("linux/s390x", None),
    ],
)
def test_a_platform_is_found_with_or_without_its_variant(wanted: str, found: str | None) -> None:
    index = read_manifest("a", tiny_index("x", "linux/arm64", "linux/arm/v6", "linux/arm/v7").manifest)
    assert platform_manifest(index, wanted) == (index.platforms[found] if found else None)


def changed(**values: Any) -> bytes:
    return json.dumps({**json.loads(ONE.manifest), **values}).encode()


@pytest.mark.parametrize(
    ("raw", "kind", "words"),
    [
        (b"<html>", MANIFEST, "not JSON"),
        (b"[" * 100_000, MANIFEST, "not JSON"),
        (b"[]", MANIFEST, "not a manifest"),
        (b'{"schemaVersion": 1}', "", "schema version 1"),
        (changed(mediaType="application/vnd.cncf.helm.chart"), MANIFEST, "helm"),
        (changed(manifests=[], mediaType=INDEX), MANIFEST, "at the same time"),
        (changed(config={"digest": "sha256:12", "size": 1}), MANIFEST, "without a digest"),
        (changed(config={"digest": "md5:" + "0" * 32, "size": 1}), MANIFEST, "without a digest"),
        (changed(config={"digest": "sha256:" + "0" * 64, "size": -1}), MANIFEST, "how large"),
        (changed(config=None), MANIFEST, "without a digest"),
        (changed(layers=[{}] * 2000), MANIFEST, "at most 1,000"),
        (b'{"schemaVersion": 2}', "text/html", "text/html"),
    ],
)
def test_what_is_no_image_is_refused(raw: bytes, kind: str, words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        blobs_of(read_manifest("a", raw, kind).raw)


def test_the_header_says_the_kind_where_the_manifest_does_not() -> None:
    bare = json.loads(ONE.manifest)
    del bare["mediaType"]
    raw = json.dumps(bare).encode()
    assert read_manifest("a", raw, f"{DOCKER_MANIFEST}; charset=utf-8").media_type == DOCKER_MANIFEST
    assert read_manifest("a", raw).media_type == MANIFEST


def test_digests_are_of_algorithms_that_can_be_checked() -> None:
    assert fits(digest_of(b"x"), b"x")
    assert not fits(digest_of(b"x"), b"y")
    assert not fits("md5:9dd4e461268c8034f5c8564e155c67a6", b"x")
    assert is_digest("sha512:" + "a" * 128)
    assert not is_digest("sha512:" + "a" * 64)
    assert not is_digest("../../x")


def test_what_has_no_platform_is_no_image() -> None:
    assert platform_of({"os": "unknown", "architecture": "unknown"}) is None
    assert platform_of({"os": "linux", "architecture": "arm", "variant": "v6"}) == "linux/arm/v6"
    assert platform_of({}) is None
