from __future__ import annotations

from envman.diagnostics import Source
from envman.operations.build_failure import BuildFailure, read_failure

RUN = """\
#7 [3/4] RUN echo hello &&     ls /nope
#7 0.400 ls: /nope: No such file or directory
#7 ERROR: process "/bin/sh -c echo hello &&     ls /nope" did not complete successfully: exit code: 1
------
 > [api 3/4] RUN echo hello &&     ls /nope:
0.400 ls: /nope: No such file or directory
0.400 hello
------
Dockerfile:4
--------------------
   3 |
   4 | >>> RUN echo hello && \\
   5 | >>>     ls /nope
   6 |     RUN echo no
--------------------
ERROR: failed to solve: process "/bin/sh -c echo hello &&     ls /nope" did not complete successfully: exit code: 1
"""
COPY = """\
 > [2/2] COPY nope /x:
------
Dockerfile:2
--------------------
   1 |     FROM busybox:1.37
   2 | >>> COPY nope /x
--------------------
target api: failed to solve: failed to compute cache key: failed to calculate checksum of ref 85fd::puc: "/nope": not found
"""
UNKNOWN = """\
Dockerfile:2
--------------------
   2 | >>> RUNN nope /x
--------------------
ERROR: failed to solve: dockerfile parse error on line 2: unknown instruction: RUNN (did you mean RUN?)
"""


def test_a_command_that_failed() -> None:
    found = read_failure(RUN)
    assert found == BuildFailure(4, 5, "exit status 1", ("ls: /nope: No such file or directory", "hello"))
    dockerfile = Source("app/Dockerfile", "FROM b\nRUN a\n\n  RUN echo hello && \\\n    ls /nope\n")
    assert (str(found.span(dockerfile)), found.span(dockerfile).end_line) == ("app/Dockerfile:4:3", 5)


def test_other_instructions() -> None:
    assert read_failure(COPY) == BuildFailure(2, 2, '"/nope": not found', ())
    assert read_failure(UNKNOWN) == BuildFailure(2, 2, "unknown instruction: RUNN (did you mean RUN?)", ())


def test_a_failure_without_an_instruction_is_none_of_these() -> None:
    assert read_failure("") is None
    assert read_failure("ERROR: failed to solve: no route to host") is None
    assert read_failure("Dockerfile:2\n--------------------\n") is None
