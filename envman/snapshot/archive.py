"""Archives: a tar stream compressed with zstd, an index with a checksum of each file, a checksum of the whole.

Everything streams: what is in memory at any time is a few pieces of ``PIECE`` bytes, whatever the size of the volume.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import IO, Any, Final

from envman.snapshot.content import Content, entries_of
from envman.snapshot.pieces import PieceFile
from envman.snapshot.tar import BrokenArchiveError, Entry, TarReader

# Half of what a pipe holds: a piece is still in the processor's cache when the other thread compresses it.
PIECE: Final = 1 << 19
# The compressor's own default is 3: a tenth smaller on a database, and half as fast.
_LEVEL: Final = 1
# Powers of two in bytes, and in entries: how far back something like it is looked for, and how much is remembered of
# it. Level 1 has 19 and 14; with what level 3 looks back, libraries are 2 % smaller at 0.95 of the speed, and what
# comes again after a megabyte is found at all.
_WINDOW: Final = 21
_REMEMBERED: Final = 15
_WAITING_PIECES: Final = 12
MODE: Final = 0o600
# How much is written before the kernel is told to bring it to the disk.
_WRITE_BACK: Final = 1 << 24


@dataclass(frozen=True, slots=True)
class Archive:
    """A file of a snapshot: its name, its size as it lies there and as it was read, and its SHA-256."""

    file: str
    size: int
    stored: int
    sha256: str


@dataclass(frozen=True, slots=True)
class FileArchive:
    """A volume's archive and the index beside it; ``content`` is the digest of its entries."""

    archive: Archive
    index: Archive
    entries: int
    bytes: int
    content: str


class _Sink:
    """A compressed file that is written by a thread of its own, so that reading and compressing go on together."""

    def __init__(self, path: Path) -> None:
        import zstandard

        self.path = path
        self.size = 0
        self._stored = 0
        self._written_back = 0
        self._digest = hashlib.sha256()
        self._failure: BaseException | None = None
        self._file: IO[bytes] = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "wb", 0)
        # No checksum of its own: the archive has one, and so has every file.
        how = zstandard.ZstdCompressionParameters.from_level(_LEVEL, window_log=_WINDOW, hash_log=_REMEMBERED)
        self._compressor = zstandard.ZstdCompressor(compression_params=how).compressobj()
        self._queue: Queue[bytes | None] = Queue(_WAITING_PIECES)
        self._thread = Thread(target=self._work, name=f"compress {path.name}", daemon=True)
        self._thread.start()

    def write(self, piece: bytes) -> None:
        """Take ``piece``; raises OSError where an earlier one could not be written."""
        if self._failure is not None:
            raise self._failure
        self.size += len(piece)
        self._queue.put(piece)

    def _work(self) -> None:
        while (piece := self._queue.get()) is not None:
            if self._failure is None:
                try:
                    self._put(self._compressor.compress(piece))
                except OSError as error:
                    self._failure = error

    def _put(self, data: bytes) -> None:
        self._digest.update(data)
        self._stored += len(data)
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) or 0 :]
        if self._stored - self._written_back >= _WRITE_BACK:
            self._write_back()

    def _write_back(self) -> None:
        """Have the disk begin with what was written, so that little is left to wait for at the end.

        It also lets go of what the disk has got: a snapshot does not push the database's pages out of memory.
        """
        if hasattr(os, "posix_fadvise"):
            span = self._stored - self._written_back
            os.posix_fadvise(self._file.fileno(), self._written_back, span, os.POSIX_FADV_DONTNEED)
        self._written_back = self._stored

    def finish(self) -> Archive:
        """Write the rest, wait until it is on the disk, and return what was written."""
        self._stop()
        if self._failure is not None:
            raise self._failure
        self._put(self._compressor.flush())
        os.fsync(self._file.fileno())
        self._file.close()
        return Archive(self.path.name, self.size, self._stored, self._digest.hexdigest())

    def abandon(self) -> None:
        """Give up; what was written is for the caller to remove."""
        self._stop()
        self._file.close()

    def _stop(self) -> None:
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()


class _Pieces:
    """Collects what comes in small parts into pieces."""

    def __init__(self, sink: _Sink) -> None:
        self._sink = sink
        self._buffer = bytearray()

    def write(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) >= PIECE:
            self.flush()

    def flush(self) -> None:
        if self._buffer:
            self._sink.write(bytes(self._buffer))
            self._buffer = bytearray()


def write_stream(folder: Path, stem: str, pieces: Iterable[bytes]) -> Archive:
    """Write ``pieces`` of anything (a dump) to ``folder/STEM.zst`` and return the archive; raises OSError."""
    sink = _Sink(folder / f"{stem}.zst")
    try:
        buffered = _Pieces(sink)
        for piece in pieces:
            buffered.write(piece)
        buffered.flush()
        return sink.finish()
    except BaseException:
        sink.abandon()
        raise


def write_archive(folder: Path, stem: str, pieces: Iterable[bytes]) -> FileArchive:
    """Write a volume's tar stream to ``folder/STEM.tar.zst`` and its index to ``folder/STEM.index.zst``.

    Raises:
        OSError: where the disk refuses, with its reason.
        BrokenArchiveError: where ``pieces`` are no whole tar stream.
    """
    sink = _Sink(folder / f"{stem}.tar.zst")
    index = _Sink(folder / f"{stem}.index.zst")
    try:
        content = Content()
        lines = _Pieces(index)
        reader = TarReader(lambda entry: lines.write(content.add(entry)))
        for piece in _regrouped(pieces):
            # Compressed in the other thread while this one takes its checksums.
            sink.write(piece)
            reader.feed(piece)
        reader.close()
        lines.flush()
        indexed = index.finish()
        written = sink.finish()
    except BaseException:
        sink.abandon()
        index.abandon()
        raise
    again = read_index(folder / indexed.file) if content.needs_second_look else ()
    return FileArchive(written, indexed, content.entries, content.bytes, content.finish(again))


def _regrouped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= PIECE:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


def measure(pieces: Iterable[bytes], scratch: IO[bytes]) -> Content:
    """Return the content of a volume's tar stream; its index is left in ``scratch``, at its beginning.

    Raises:
        BrokenArchiveError: where ``pieces`` are no whole tar stream.
    """
    content = Content()

    def found(entry: Entry) -> None:
        scratch.write(content.add(entry))

    reader = TarReader(found)
    for piece in pieces:
        reader.feed(piece)
    reader.close()
    scratch.seek(0)
    return content


class _Watched:
    """A file whose bytes go into a digest as they are read."""

    def __init__(self, file: IO[bytes], digest: Any) -> None:
        self._file = file
        self._digest = digest

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        if self._digest is not None:
            self._digest.update(data)
        return data


def decompressed(path: Path, digest: Any = None) -> Iterator[bytes]:
    """Yield what is in a compressed file, a piece at a time; ``digest`` is fed with the file as it lies there.

    A file that ends too early ends early here too: that is for its size and checksum to tell.

    Raises:
        OSError: where it cannot be read.
        BrokenArchiveError: where it is damaged.
    """
    import zstandard

    with path.open("rb", 0) as file:
        watched = _Watched(file, digest)
        # Its pieces are bounded: a megabyte of zeros takes 40 bytes.
        reader = zstandard.ZstdDecompressor().stream_reader(watched, read_size=PIECE)  # type: ignore[arg-type]
        try:
            while piece := reader.read(PIECE):
                yield piece
        except zstandard.ZstdError as error:
            raise BrokenArchiveError("it does not decompress") from error
        while watched.read(PIECE):
            pass


def read_index(path: Path) -> Iterator[Entry]:
    """Yield the entries of an index; raises BrokenArchiveError where it is damaged."""
    try:
        yield from entries_of(io.BufferedReader(PieceFile(decompressed(path))))
    except ValueError as error:
        raise BrokenArchiveError("its index is damaged") from error


def verify_stream(folder: Path, archive: Archive) -> None:
    """Read ``archive`` to its end.

    Raises:
        OSError: where it cannot be read.
        BrokenArchiveError: where it is not what was written.
    """
    for _ in _checked(folder, archive):
        pass


def verify_archive(folder: Path, made: FileArchive) -> None:
    """Read a volume's archive and its index to their ends, and compare every file with its checksum.

    Raises:
        OSError: where it cannot be read.
        BrokenArchiveError: where it is not what was written.
    """
    verify_stream(folder, made.index)
    indexed = read_index(folder / made.index.file)
    damaged: list[str] = []

    def compare(entry: Entry) -> None:
        expected = next(indexed, None)
        if expected != entry and not damaged:
            damaged.append(entry.path if expected is None or expected.path != entry.path else expected.path)

    reader = TarReader(compare)
    for piece in _checked(folder, made.archive):
        reader.feed(piece)
    reader.close()
    if damaged or next(indexed, None) is not None:
        raise BrokenArchiveError(f"{damaged[0] if damaged else 'its end'} is not what was stored")


def _checked(folder: Path, archive: Archive) -> Iterator[bytes]:
    path = folder / archive.file
    digest = hashlib.sha256()
    if path.stat().st_size != archive.stored:
        raise BrokenArchiveError(f"it has {path.stat().st_size} bytes, and was written with {archive.stored}")
    size = 0
    for piece in decompressed(path, digest):
        size += len(piece)
        yield piece
    if digest.hexdigest() != archive.sha256 or size != archive.size:
        raise BrokenArchiveError("its checksum is wrong")
