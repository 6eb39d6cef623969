"""Questions to an engine over its socket, and every way in which the answer can be none."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from envman.diagnostics import EnvmanError
from envman.engine.connection import connect
from envman.engine.endpoint import Endpoint
from envman.engine.wire import Question, Stream


class Server:
    """Answers each request with what ``answer`` makes of its target; keeps the targets. Without a folder, over TCP."""

    def __init__(self, folder: Path | None) -> None:
        self.asked: list[str] = []
        self.bodies: list[object] = []
        self.answer: Callable[[str], bytes] = lambda _: response(200, {})
        self._socket = socket.socket(socket.AF_UNIX if folder else socket.AF_INET)
        self._socket.bind(str(folder / "s") if folder else ("127.0.0.1", 0))
        self._socket.listen()
        self.path = self._socket.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                request = connection.recv(65536)
                method, raw, _ = request.split(b" ", 2)
                body = request.partition(b"\r\n\r\n")[2]
                self.bodies.append(json.loads(body) if body else None)
                target = raw.decode()
                self.asked.append(target if method == b"GET" else f"{method.decode()} {target}")
                connection.sendall(self.answer(target))

    def close(self) -> None:
        self._socket.close()


def response(status: int, data: object) -> bytes:
    return f"HTTP/1.0 {status} X\r\nContent-Type: application/json\r\n\r\n".encode() + json.dumps(data).encode()


@pytest.fixture
def server() -> Iterator[Server]:
    # Paths of sockets are short, those of pytest's folders are not.
    folder = Path(tempfile.mkdtemp(prefix="wire"))
    made = Server(folder)
    yield made
    made.close()
    shutil.rmtree(folder)


def ask(server: Server, *questions: Question) -> list[object]:
    return connect(Endpoint(f"unix://{server.path}", None, "a test")).ask(*questions)


def refused(server: Server) -> tuple[str, str]:
    with pytest.raises(EnvmanError) as caught:
        ask(server, Question("/info"))
    return caught.value.diagnostics[0].code, caught.value.diagnostics[0].message


def test_answers_come_in_the_order_of_the_questions(server: Server) -> None:
    server.answer = lambda target: response(404, {"message": "no"}) if "none" in target else response(200, [target])
    questions = [Question("/a", {"filters": {"label": "x=y z", "event": ["a", "b"]}, "all": 1}), Question("/none")]
    first = "/v1.44/a?filters=%7B%22label%22%3A+%5B%22x%3Dy+z%22%5D%2C+%22event%22%3A+%5B%22a%22%2C+%22b%22%5D%7D&all=1"
    assert ask(server, *questions, Question("/images/a/b:1@c d/json")) == [
        [first],
        None,
        ["/v1.44/images/a/b:1@c%20d/json"],
    ]


def test_many_questions_do_not_wait_for_each_other_for_ever(server: Server) -> None:
    server.answer = lambda target: response(200, target)
    questions = [Question(f"/{number}") for number in range(100)]
    assert ask(server, *questions) == [f"/v1.44/{number}" for number in range(100)]


def test_what_the_engine_refuses_is_told_in_its_own_words(server: Server) -> None:
    server.answer = lambda _: response(500, {"message": "no space left on device."})
    assert refused(server) == ("EV410", "the engine refused: no space left on device")
    server.answer = lambda _: b"HTTP/1.0 502 X\r\n\r\nbad gateway"
    assert refused(server) == ("EV410", "the engine refused: bad gateway")


def tell(server: Server, path: str) -> bool:
    return connect(Endpoint(f"unix://{server.path}", None, "a test")).tell(Question(path))


@pytest.mark.parametrize(("status", "done"), [(200, True), (204, True), (304, True), (404, False)])
def test_an_order_is_done_or_what_it_is_about_is_not_there(server: Server, status: int, done: bool) -> None:
    server.answer = lambda _: f"HTTP/1.0 {status} X\r\n\r\n".encode()
    assert tell(server, "/containers/1/start") is done
    assert server.asked == ["POST /v1.44/containers/1/start"]


def test_an_order_that_is_refused_is_told_in_the_engines_words_and_given_once(server: Server) -> None:
    server.answer = lambda _: response(500, {"message": "port is already allocated"})
    with pytest.raises(EnvmanError, match="the engine refused: port is already allocated"):
        tell(server, "/containers/1/start")
    server.answer = lambda _: b""
    with pytest.raises(EnvmanError) as caught:
        tell(server, "/containers/2/start")
    assert caught.value.diagnostics[0].code in {"EV401", "EV408"}
    assert len(server.asked) == 2


def test_an_order_takes_its_words_along_and_brings_an_answer(server: Server) -> None:
    server.answer = lambda target: response(201, {"Id": "abc"}) if "create" in target else b"HTTP/1.0 204 X\r\n\r\n"
    engine = connect(Endpoint(f"unix://{server.path}", None, "a test"))
    assert engine.post("/containers/create", {"Image": "ü"}) == {"Id": "abc"}
    assert server.bodies[-1] == {"Image": "ü"}
    assert engine.order(Question("/containers/abc", {"v": "1"}), method="DELETE").is_done
    assert server.asked[-1] == "DELETE /v1.44/containers/abc?v=1"
    server.answer = lambda _: response(404, {"message": "exec: tar: executable file not found"})
    assert engine.order(Question("/containers/abc/start")).refusal().explanation.endswith("file not found")
    with pytest.raises(EnvmanError, match="the engine refused: exec: tar"):
        engine.post("/containers/create", {})
    server.answer = lambda _: b"HTTP/1.0 201 X\r\n\r\n{"
    with pytest.raises(EnvmanError) as caught:
        engine.post("/containers/create", {})
    assert caught.value.diagnostics[0].code == "EV408"


UPGRADED = b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"


def everything(stream: Stream) -> bytes:
    received = b""
    while piece := stream.receive(3):
        assert len(piece) <= 3
        received += piece
    stream.close()
    return received


def test_what_comes_with_the_head_of_a_stream_is_a_part_of_it(server: Server) -> None:
    server.answer = lambda _: UPGRADED + b"early and late"
    engine = connect(Endpoint(f"unix://{server.path}", None, "a test"))
    assert everything(engine.attach("abc")) == b"early and late"
    assert server.asked == ["POST /v1.44/containers/abc/attach?stdout=1&stderr=1&stream=1"]


def test_a_stream_that_is_refused_is_told_in_the_engines_words(server: Server) -> None:
    refusal = json.dumps({"message": "No such container: abc"}).encode()
    # What comes after it is not read: the engine does not close such a connection.
    head = b"HTTP/1.1 404 X\r\nContent-Length: " + str(len(refusal)).encode() + b"\r\n\r\n"
    server.answer = lambda _: head + refusal + b"more"
    engine = connect(Endpoint(f"unix://{server.path}", None, "a test"))
    with pytest.raises(EnvmanError, match="the engine refused: No such container: abc"):
        engine.attach("abc")
    old = "client version 1.44 is too old. Minimum supported API version is 1.60, please upgrade"
    server.answer = lambda target: UPGRADED + b"!" if "/v1.60/" in target else response(400, {"message": old})
    assert everything(engine.attach("abc")) == b"!"


def test_over_tcp_the_sdk_gives_it() -> None:
    server = Server(None)
    try:
        answers = {"version": response(200, {"ApiVersion": "1.50"}), "gone": response(404, {"message": "no"})}
        answers["taken"] = response(500, {"message": "port is already allocated"})
        server.answer = lambda target: answers.get(target.rsplit("/", 1)[1], b"HTTP/1.0 204 X\r\n\r\n")
        engine = connect(Endpoint(f"tcp://127.0.0.1:{server.path[1]}", None, "a test"))
        assert engine.tell(Question("/containers/1/start"))
        assert not engine.tell(Question("/gone"))
        with pytest.raises(EnvmanError, match="the engine refused: port is already allocated"):
            engine.tell(Question("/taken"))
        assert server.asked[-3:] == ["POST /v1.50/containers/1/start", "POST /v1.50/gone", "POST /v1.50/taken"]
        answers["create"] = response(201, {"Id": "abc"})
        assert engine.post("/containers/create") == {"Id": "abc"}
        assert engine.order(Question("/containers/abc", {"v": "1"}), method="DELETE").is_done
        assert server.asked[-2:] == ["POST /v1.50/containers/create", "DELETE /v1.50/containers/abc?v=1"]
        engine.client.close()
    finally:
        server.close()


def test_an_order_is_given_again_in_the_version_that_the_engine_wants(server: Server) -> None:
    message = "client version 1.44 is too old. Minimum supported API version is 1.60, please upgrade"
    server.answer = lambda target: response(200, 1) if "/v1.60/" in target else response(400, {"message": message})
    assert tell(server, "/containers/1/stop")
    assert server.asked == ["POST /v1.44/containers/1/stop", "POST /v1.60/containers/1/stop"]


def test_an_old_engine_is_refused(server: Server) -> None:
    message = "client version 1.44 is too new. Maximum supported API version is 1.41"
    server.answer = lambda _: response(400, {"message": message})
    assert refused(server) == ("EV406", f"the engine at unix://{server.path} speaks API 1.41")


def test_an_engine_that_no_longer_speaks_our_version_says_which_it_wants(server: Server) -> None:
    message = "client version 1.44 is too old. Minimum supported API version is 1.60, please upgrade"
    server.answer = lambda target: response(200, 1) if "/v1.60/" in target else response(400, {"message": message})
    assert ask(server, Question("/a"), Question("/b")) == [1, 1]
    assert server.asked[-1] == "/v1.60/b"


@pytest.mark.parametrize("answer", [b"", b"hello", b'HTTP/1.0 200 OK\r\n\r\n{"cut": '])
def test_half_an_answer_is_an_engine_that_went_away(server: Server, answer: bytes) -> None:
    server.answer = lambda _: answer
    assert refused(server)[0] in {"EV401", "EV408"}


def test_an_engine_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EnvmanError) as caught:
        connect(Endpoint(f"unix://{tmp_path}/none", None, "a test")).ask(Question("/info"))
    [diagnostic] = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.message) == (
        "EV401",
        f"no Docker engine at unix://{tmp_path}/none (a test): there is no such socket",
    )


def test_events_come_one_by_one_until_the_engine_ends_them(server: Server) -> None:
    server.answer = lambda _: b"HTTP/1.0 200 OK\r\n\r\n" + b'{"Action": "start"}\n{"Action": "die"}\n'
    engine = connect(Endpoint(f"unix://{server.path}", None, "a test"))
    found = [one["Action"] for one in engine.events({"type": "container"}, since="1")]
    assert found == ["start", "die"]
    server.answer = lambda _: response(400, {"message": "bad filter"})
    with pytest.raises(EnvmanError) as caught:
        list(engine.events({"type": "nonsense"}))
    assert caught.value.diagnostics[0].code == "EV410"
