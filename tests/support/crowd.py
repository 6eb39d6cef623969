"""Containers of other Compose projects, made and removed many at a time."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor

import docker as sdk


class Crowd:
    """Created containers, ten to a project, all with a label by which they are removed."""

    def __init__(self) -> None:
        self._client = sdk.from_env()
        self._mark = f"envman-test-crowd={secrets.token_hex(4)}"

    def make(self, count: int) -> None:
        key, _, value = self._mark.partition("=")

        def create(number: int) -> None:
            self._client.api.create_container(
                "busybox:1.37",
                name=f"{value}-p{number // 10}-s{number}-1",
                labels={
                    key: value,
                    "com.docker.compose.project": f"{value}-p{number // 10}",
                    "com.docker.compose.service": f"s{number}",
                    "com.docker.compose.container-number": "1",
                },
            )

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(create, range(count)))

    def state(self) -> list[tuple[str, str, str]]:
        """Return ID, name and state of each."""
        found = self._client.api.containers(all=True, filters={"label": self._mark})
        return sorted((one["Id"], one["Names"][0], one["State"]) for one in found)

    def remove(self) -> None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda one: self._client.api.remove_container(one[0], force=True), self.state()))
        self._client.close()
