"""Registries: what images are there and what they are made of, as the engine would find it, and nothing is pulled."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from envman.diagnostics import Diagnostic, EnvmanError
from envman.diagnostics.diagnostic import Note, fail
from envman.engine.registry_access import Access
from envman.engine.registry_http import Conversation, Request
from envman.engine.registry_transport import Transport, chunks, read_whole
from envman.registry.challenge import scope
from envman.registry.manifest import (
    ACCEPTED,
    LARGEST,
    Descriptor,
    Manifest,
    ManifestError,
    PlatformManifest,
    config_of,
    digest_of,
    fits,
    is_digest,
    platform_manifest,
    platform_of,
    read_manifest,
)
from envman.registry.places import Places, mapped
from envman.registry.reference import Reference

if TYPE_CHECKING:
    import urllib3

    from envman.engine.connection import Engine
    from envman.engine.credentials import Credential

_AT_ONCE: Final = 8
_LARGEST_CONFIG: Final = 8 << 20
_Found = TypeVar("_Found")


class Registries:
    """What registries say, for one command: connections and tokens are kept. Thread-safe.

    Every reference is the one that the blueprint means; the registry map ``places`` says where it is looked for.
    """

    def __init__(self, access: Access, places: Places | None = None) -> None:
        self._places = places or {}
        self._access = access
        self._transport = Transport(access)
        self._conversations: dict[str, list[Conversation]] = {}
        self._homes: dict[str, Conversation] = {}
        self._lock = threading.Lock()

    @classmethod
    def of(cls, engine: Engine | None, environ: Mapping[str, str], *, places: Places | None = None) -> Registries:
        """Return registries as ``engine`` reaches them: its mirrors, and those that it needs no proof of.

        Raises:
            EnvmanError: as ``Engine.ask``.
        """
        return cls(Access.of(engine, environ), places)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    # Looking

    def resolve(self, reference: Reference) -> Manifest:
        """Return what ``reference`` leads to, with all its platforms and the IDs that the image has on them.

        Raises:
            EnvmanError: EV420 to EV426, EV429, EV430.
        """
        manifest = self.manifest(reference)
        if not manifest.is_index:
            config = config_of(manifest.raw)
            platform = platform_of(self.config(reference, config.digest))
            found = {platform: PlatformManifest(manifest.digest, config.digest)} if platform else {}
            return replace(manifest, platforms=found)
        digests = {name: one.digest for name, one in manifest.platforms.items()}
        read = _all(lambda digest: self._image(reference, digest), set(digests.values()))
        images = {digest: _raised(one) for digest, one in read.items()}
        platforms = {name: PlatformManifest(digest, images[digest]) for name, digest in digests.items()}
        return replace(manifest, platforms=platforms)

    def resolve_all(self, references: Iterable[Reference]) -> dict[Reference, Manifest | EnvmanError]:
        """Return what each of ``references`` leads to, or what is in the way; all are asked for together."""
        return _all(self.resolve, set(references))

    def manifest(self, reference: Reference) -> Manifest:
        """Return the manifest or index itself, by digest where ``reference`` has one, else by tag.

        An index says which manifests its platforms have; the IDs of images only ``resolve`` looks for.

        Raises:
            EnvmanError: as ``resolve``.
        """
        return self._read(reference, lambda site, place: self._manifest(site, reference, place))

    def platform(self, reference: Reference, manifest: Manifest, platform: str) -> PlatformManifest:
        """Return what ``manifest``, found as ``reference``, has for ``platform`` (``linux/arm64``).

        Raises:
            EnvmanError: EV427 where it has nothing for it.
        """
        found = platform_manifest(manifest, platform)
        if found is None:
            have = ", ".join(sorted(manifest.platforms)) or "none that can be named"
            raise fail(
                "EV427",
                f"{reference.familiar} has no image for {platform}",
                notes=(Note(f"it has {have}"),),
                help="name an image that has one, or `platform:` for the service",
            )
        return found

    def digest(self, reference: Reference) -> str:
        """Return the digest that the tag of ``reference`` leads to now. Raises as ``resolve``."""

        def look(site: Conversation, place: Reference) -> str:
            response = site.ask(_of_manifest("HEAD", place))
            response.drain_conn()
            if response.status == 404:
                raise _not_there(reference, place, site)
            digest = response.headers.get("Docker-Content-Digest", "")
            # A registry need not send the header, and HEAD has nothing to compute it from.
            return digest if is_digest(digest) else self._manifest(site, reference, place).digest

        return self._read(replace(reference, digest=None), look)

    def has(self, reference: Reference) -> bool:
        """Return whether the tag or digest is there. Raises as ``resolve``."""
        try:
            self._read(reference, lambda site, place: self._head(site, reference, place))
        except EnvmanError as error:
            if all(one.code == "EV421" for one in error.diagnostics):
                return False
            raise
        return True

    def config(self, reference: Reference, digest: str) -> dict[str, Any]:
        """Return the configuration ``digest`` of an image: ``created``, ``config`` with its labels, platform.

        Raises:
            EnvmanError: as ``resolve``.
        """
        content = bytearray()
        for chunk in self.blob(reference, digest):
            content += chunk
            if len(content) > _LARGEST_CONFIG:
                raise fail("EV425", f"the configuration of {reference.familiar} is larger than any image's")
        try:
            data = json.loads(bytes(content))
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            raise fail("EV425", f"{reference.familiar} has no configuration that can be read")
        return data

    def blob(self, reference: Reference, digest: str) -> Iterator[bytes]:
        """Yield the content of a blob as it comes. Nobody should believe it before the end: it is checked there.

        What breaks off is taken up again once where the registry can.

        Raises:
            EnvmanError: EV426 where it is not what ``digest`` says, else as ``resolve``.
        """
        import hashlib

        import urllib3.exceptions as of_urllib3

        if not is_digest(digest):
            raise fail("EV426", f'"{digest}" is not a digest that can be checked')
        algorithm, _, wanted = digest.partition(":")
        seen, read = hashlib.new(algorithm), 0
        for last in (False, True):
            response, site = self._blob(reference, digest, read)
            try:
                for chunk in chunks(response):
                    seen.update(chunk)
                    read += len(chunk)
                    yield chunk
            except (of_urllib3.HTTPError, OSError) as error:
                response.close()
                problem = site.problem(error)
                if last or problem is None:
                    raise (problem or error) from None
                continue
            except GeneratorExit:
                response.close()
                raise
            response.release_conn()
            break
        if seen.hexdigest() != wanted:
            raise fail(
                "EV426",
                f"{site.name} sent something else for {digest[:19]} of {reference.familiar}",
                help="the registry or something on the way to it is broken; nothing of this was used",
            )

    def _blob(self, reference: Reference, digest: str, offset: int) -> tuple[urllib3.BaseHTTPResponse, Conversation]:
        headers = {"Range": f"bytes={offset}-"} if offset else {}

        def look(site: Conversation, place: Reference) -> tuple[urllib3.BaseHTTPResponse, Conversation]:
            target = f"/v2/{place.path}/blobs/{digest}"
            response = site.ask(Request("GET", target, (scope(place.path, "pull"),), headers))
            if response.status == 404:
                response.drain_conn()
                raise _lacks(reference, digest, site)
            if offset and response.status != 206:
                response.close()
                raise fail("EV420", f"{site.name} broke off, and does not go on from there", help="try again")
            return response, site

        return self._read(reference, look)

    # Writing, which is never through a mirror

    def has_blob(self, reference: Reference, digest: str) -> bool:
        """Return whether the repository of ``reference`` holds the blob. Raises as ``resolve``."""
        place = mapped(reference, self._places)
        site = self._own(place)
        response = site.ask(Request("HEAD", f"/v2/{place.path}/blobs/{digest}", (scope(place.path, "pull"),)))
        response.drain_conn()
        return response.status == 200

    def put_manifest(self, reference: Reference, raw: bytes, media_type: str) -> str:
        """Put ``raw`` under the tag of ``reference`` (else its digest) and return its digest.

        Raises:
            EnvmanError: EV426 where the registry stored something else, EV430 where it takes it not, else as
                ``resolve``.
        """
        place = mapped(reference, self._places)
        site = self._own(place)
        target = f"/v2/{place.path}/manifests/{place.tag or digest_of(raw)}"
        request = Request("PUT", target, (scope(place.path, "pull", "push"),), {"Content-Type": media_type}, raw)
        response = site.ask(request)
        response.drain_conn()
        digest = digest_of(raw)
        if response.status not in {200, 201, 202}:
            raise _not_written(reference, site, response.status)
        if response.headers.get("Docker-Content-Digest", digest) != digest:
            raise fail("EV426", f"{site.name} stored {reference.familiar} as something else than was sent")
        return digest

    def mount_or_copy_blob(self, source: Reference, target: Reference, blob: Descriptor) -> str:
        """Bring ``blob`` from the repository of ``source`` into that of ``target``; return how.

        ``there`` where it was there, ``mounted`` where the registry took it from its own store, else ``copied``:
        streamed through this machine without being kept.

        Raises:
            EnvmanError: EV426 and others as ``blob``, EV430.
        """
        if self.has_blob(target, blob.digest):
            return "there"
        there, here = mapped(source, self._places), mapped(target, self._places)
        site = self._own(here)
        scopes: tuple[str, ...] = (scope(here.path, "pull", "push"),)
        start = f"/v2/{here.path}/blobs/uploads/"
        if there.host == here.host and there.path != here.path:
            scopes = (*scopes, scope(there.path, "pull"))
            start += f"?mount={blob.digest}&from={there.path}"
        begun = site.ask(Request("POST", start, scopes, {"Content-Length": "0"}, b""))
        begun.drain_conn()
        if begun.status == 201:
            return "mounted"
        where = begun.headers.get("Location")
        if begun.status != 202 or not where:
            raise _not_written(target, site, begun.status)
        joint = "&" if "?" in where else "?"
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(blob.size)}
        content = self.blob(source, blob.digest)
        done = site.ask(Request("PUT", f"{where}{joint}digest={blob.digest}", scopes, headers, content))
        done.drain_conn()
        if done.status != 201:
            raise _not_written(target, site, done.status)
        return "copied"

    def check_login(self, host: str, credential: Credential | None = None) -> bool:
        """Return whether the registry ``host`` asks for a login at all; with one, it lets ``credential`` in.

        Raises:
            EnvmanError: EV422 where it does not, else as ``resolve``.
        """
        site = Conversation(host, self._access.sites(host)[-1], self._transport, credential=credential)
        return site.check_login()

    # The parts

    def _manifest(self, site: Conversation, reference: Reference, place: Reference) -> Manifest:
        response = site.ask(_of_manifest("GET", place))
        if response.status == 404:
            response.drain_conn()
            raise _not_there(reference, place, site)
        raw = read_whole(response, site.name, LARGEST)
        told = response.headers.get("Docker-Content-Digest", "")
        for digest in filter(None, (place.digest, told if is_digest(told) else "")):
            if not fits(digest, raw):
                raise fail(
                    "EV426",
                    f"{site.name} says that {reference.familiar} is {digest[:19]}, and sends something else",
                    help="the registry or something on the way to it is broken; nothing of this was used",
                )
        try:
            manifest = read_manifest(reference.canonical, raw, response.headers.get("Content-Type", ""))
        except ManifestError as error:
            raise fail(
                "EV425", f"what {site.name} has as {place.familiar} is not an image: {error}", help="push it again"
            ) from None
        return replace(manifest, digest=place.digest) if place.digest else manifest

    def _head(self, site: Conversation, reference: Reference, place: Reference) -> None:
        response = site.ask(_of_manifest("HEAD", place))
        response.drain_conn()
        if response.status == 404:
            raise _not_there(reference, place, site)

    def _image(self, reference: Reference, digest: str) -> str:
        manifest = self.manifest(replace(reference, tag=None, digest=digest))
        return "" if manifest.is_index else config_of(manifest.raw).digest

    def _read(self, reference: Reference, look: Callable[[Conversation, Reference], _Found]) -> _Found:
        """Return what ``look`` finds at the first site that has it: mirrors, then the registry itself."""
        place = mapped(reference, self._places)
        problems: list[EnvmanError] = []
        home = self._homes.get(place.repository)
        for site in sorted(self._sites(place.host), key=lambda one: one is not home):
            try:
                found = look(site, place)
            except EnvmanError as error:
                problems.append(error)
                continue
            self._homes[place.repository] = site
            return found
        raise _joined(problems, reference, place)

    def _sites(self, host: str) -> list[Conversation]:
        with self._lock:
            if host not in self._conversations:
                sites = self._access.sites(host)
                self._conversations[host] = [Conversation(host, one, self._transport) for one in sites]
            return self._conversations[host]

    def _own(self, place: Reference) -> Conversation:
        return self._sites(place.host)[-1]


def _all(work: Callable[[Any], _Found], wanted: Iterable[Any]) -> dict[Any, _Found | EnvmanError]:
    """Return what ``work`` finds for each of ``wanted``, several at a time, or what is in the way."""
    keys = sorted(wanted, key=str)
    found: dict[Any, _Found | EnvmanError] = {}
    bugs: list[BaseException] = []
    waiting = iter(keys)

    def run() -> None:
        # A list's iterator gives each entry once, whoever asks.
        for key in waiting:
            try:
                found[key] = work(key)
            except EnvmanError as error:
                found[key] = error
            except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits for the answer
                bugs.append(error)

    # Daemons: who interrupts a command need not wait until a registry has answered.
    threads = [threading.Thread(target=run, daemon=True) for _ in range(min(len(keys), _AT_ONCE))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if bugs:
        raise bugs[0]
    return {key: found[key] for key in keys}


def _raised(found: _Found | EnvmanError) -> _Found:
    if isinstance(found, EnvmanError):
        raise found
    return found


def _of_manifest(method: str, place: Reference) -> Request:
    target = f"/v2/{place.path}/manifests/{place.digest or place.tag or 'latest'}"
    return Request(method, target, (scope(place.path, "pull"),), {"Accept": ACCEPTED})


def _not_there(reference: Reference, place: Reference, site: Conversation) -> EnvmanError:
    what = "image" if place.digest else "image or tag"
    return fail(
        "EV421",
        f"{site.name} has no {reference.familiar}" if site.site.mirror else f"there is no {what} {place.familiar}",
        help="it was deleted or never pushed; push it again, or name another tag or digest",
    )


def _lacks(reference: Reference, digest: str, site: Conversation) -> EnvmanError:
    return fail(
        "EV421",
        f"{site.name} lacks a part of {reference.familiar}: {digest[:19]}",
        help="part of it was deleted; push the image again",
    )


def _not_written(reference: Reference, site: Conversation, status: int) -> EnvmanError:
    return fail(
        "EV430",
        f"{site.name} does not take {reference.familiar}: status {status}",
        help="it may be read-only, or lack what the manifest leads to",
    )


def _joined(problems: list[EnvmanError], reference: Reference, place: Reference) -> EnvmanError:
    """Return the problem of the registry itself, with what its mirrors said and what the registry map made of it."""
    *mirrors, last = problems
    notes = [Note(error.diagnostics[0].message) for error in mirrors]
    if place.repository != reference.repository:
        notes.append(Note(f"the registry map takes {reference.familiar} from {place.familiar}"))
    first, *rest = last.diagnostics
    told: Diagnostic = replace(first, notes=(*first.notes, *notes))
    return EnvmanError(told, *rest)
