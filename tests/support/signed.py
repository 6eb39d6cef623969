"""Signed requests to an S3-compatible store, sent from a container, since only containers reach it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

Keys = tuple[str, str]

# Reads what to ask from standard input, so that no key is in a list of processes. Signature version 4, as in
# https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
PROGRAM = """
import datetime, hashlib, hmac, http.client, json, sys
def ask(asked):
    host, body = asked["host"], asked["body"].encode()
    path, _, query = asked["path"].partition("?")
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    headers = {"host": host, "x-amz-content-sha256": digest, "x-amz-date": now}
    names = ";".join(sorted(headers))
    lines = [asked["method"], path, query, *(f"{name}:{headers[name]}" for name in sorted(headers)), "", names, digest]
    scope = [now[:8], "us-east-1", "s3", "aws4_request"]
    canonical = hashlib.sha256("\\n".join(lines).encode()).hexdigest()
    key = ("AWS4" + asked["secret_key"]).encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    text = "\\n".join(["AWS4-HMAC-SHA256", now, "/".join(scope), canonical])
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    if asked["access_key"]:
        credential = asked["access_key"] + "/" + "/".join(scope)
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
        )
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.request(asked["method"], asked["path"], body, headers)
    answer = connection.getresponse()
    return [answer.status, answer.read().decode()]
json.dump([ask(one) for one in json.load(sys.stdin)], sys.stdout)
"""


@dataclass(frozen=True, slots=True)
class Store:
    """A store as one sees it from a network of the engine, with a pair of keys."""

    network: str
    access_key: str
    secret_key: str
    host: str = "object-store:8333"

    def ask(self, method: str, path: str, body: str = "", *, keys: Sequence[Keys] = ()) -> list[tuple[int, str]]:
        """Send a request, once with each of ``keys`` (no access key: unsigned), else with the store's own.

        Returns the status and the body of each answer.
        """
        what = {"host": self.host, "method": method, "path": path, "body": body}
        pairs = keys or [(self.access_key, self.secret_key)]
        asked = [{**what, "access_key": access_key, "secret_key": secret_key} for access_key, secret_key in pairs]
        program = ["python:3.13-slim", "python", "-c", PROGRAM]
        done = subprocess.run(
            ["docker", "run", "--rm", "--interactive", "--network", self.network, *program],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return [(status, text) for status, text in json.loads(done.stdout)]

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """Return the names of the objects in ``bucket``."""
        [(status, text)] = self.ask("GET", f"/{bucket}?list-type=2&prefix={prefix}")
        assert status == 200, text
        return re.findall("<Key>(.*?)</Key>", text)
