"""The edge: runs the command line, turns every error into a diagnostic and an exit status."""

from __future__ import annotations

import atexit
import contextlib
import gc
import io
import os
import re
import signal
import sys
from collections.abc import Sequence
from itertools import pairwise
from types import FrameType
from typing import TYPE_CHECKING, Final, NoReturn

from envman.cli.invocation import Format, Invocation

if TYPE_CHECKING:
    from typer import TyperException

    from envman.diagnostics import Diagnostic

DONE: Final = 0
WRONG: Final = 1
BUG: Final = 4
INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ``envman`` and exit with its status."""
    _open_standard_streams()
    signal.signal(signal.SIGTERM, _end)
    # Under `nohup` it is to go on.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _end)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that knows no ✓ is no reason to fail.
        sys.stdout.reconfigure(errors="backslashreplace")
    # One run makes many objects that last and few cycles: looking for these more often costs a tenth of a render.
    gc.set_threshold(100_000, 20, 20)
    invocation = Invocation()
    _leave(run(invocation, sys.argv[1:] if arguments is None else list(arguments)))


def _open_standard_streams() -> None:
    """Put the null device in the place of each standard stream that is closed.

    Python has None for such a stream, and the next file that is opened would get its number, and its text.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def _leave(status: int) -> NoReturn:
    """End the process, without taking every module apart first: that takes Python up to 25 ms."""
    threading = sys.modules.get("threading")
    if threading is None or threading.active_count() == 1:
        atexit._run_exitfuncs()  # noqa: SLF001 - what os._exit leaves out
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OSError:
            sys.exit(status)  # Python has its own way to say that its output went nowhere
        os._exit(status)
    sys.exit(status)


def run(invocation: Invocation, arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status; nothing is raised."""
    from envman.diagnostics import EnvmanError

    try:
        status = _call(invocation, arguments)
    except EnvmanError as error:
        # Another program never began.
        invocation.handed_over = False
        invocation.warn(error.diagnostics)
        status = error.exit_status
    except KeyboardInterrupt:
        _say_interrupted(invocation)
        status = INTERRUPTED
    except (BrokenPipeError, SystemExit):
        # The reader has gone (`envman logs | head`): not an error, and nobody to tell. typer makes a SystemExit of it.
        _leave_quietly()
        status = DONE
    except Exception as error:  # noqa: BLE001 - the last resort: no traceback reaches a user
        known = _typer_status(invocation, error, arguments)
        if known is None:
            lost = _lost_output(error)
            invocation.warn([lost or _report_bug(error, arguments)])
            known = WRONG if lost else BUG
        status = known
    try:
        invocation.finish(status)
    except BrokenPipeError:
        _leave_quietly()
    except OSError as error:
        invocation.format = Format.HUMAN
        invocation.warn([_lost_output(error) or _report_bug(error, arguments)])
        status = status or WRONG
    return status


def _call(invocation: Invocation, arguments: Sequence[str]) -> int:
    from envman.cli.fast import COMPLETION, plain_render, plain_snapshot, plain_status, plain_switch, plain_up

    for way in (plain_render, plain_status, plain_switch, plain_snapshot):
        plain = way(invocation, arguments)
        if plain is not None:
            plain()
            return DONE
    at_rest = plain_up(invocation, arguments)
    if at_rest is not None and at_rest():
        return DONE

    from typer.main import get_command

    from envman.cli.app import app
    from envman.cli.everywhere import accept_everywhere
    from envman.cli.narrow import narrowed

    program = accept_everywhere(get_command(app if COMPLETION in invocation.environ else narrowed(app, arguments)))
    result = program(args=list(arguments), prog_name="envman", standalone_mode=False, obj=invocation)
    if result == INTERRUPTED:
        # typer makes an exit status of a KeyboardInterrupt.
        raise KeyboardInterrupt
    return result if isinstance(result, int) else DONE


def _typer_status(invocation: Invocation, error: Exception, arguments: Sequence[str]) -> int | None:
    """Show an error of typer's own, and return the exit status it asks for; None for any other error."""
    from typer import Abort, TyperException

    if isinstance(error, Abort):
        _say_interrupted(invocation)
        return INTERRUPTED
    if isinstance(error, TyperException):
        _show_usage(error, invocation, arguments)
        return error.exit_code
    return None


def _leave_quietly() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _lost_output(error: Exception) -> Diagnostic | None:
    """Return what to say where ``error`` is that the disk which standard output goes to is full.

    Files that envman writes itself are told of by name, and before.
    """
    import errno

    from envman.diagnostics import Diagnostic
    from envman.source.files import explain_os_error

    if not isinstance(error, OSError) or error.errno not in {errno.ENOSPC, errno.EDQUOT}:
        return None
    _leave_quietly()
    return Diagnostic("EV008", f"standard output: {explain_os_error(error)}", help="make room where it goes")


def _show_usage(error: TyperException, invocation: Invocation, arguments: Sequence[str]) -> None:
    from envman.diagnostics import Diagnostic

    # The options may not have been read to their end.
    invocation.format = _format_in(arguments)
    message = error.format_message()
    show = getattr(error, "show", None)
    instead = _instead(error, message)
    if invocation.format is Format.HUMAN and show is not None and not instead:
        show()
        return
    # Without any command the message is the whole help.
    message = "no command is given" if message.startswith("Usage:") else message
    if instead:
        message = message.partition(" (Possible")[0]
    advice = instead or "`--help` behind any command says what it takes"
    invocation.warn([Diagnostic("EV902", message, help=advice)])


def _instead(error: TyperException, message: str) -> str:
    """Return what to write instead of a command or an option of Docker Compose; empty for any other mistake."""
    from envman.cli.docker_words import COMMANDS, advice

    option, context = getattr(error, "option_name", None), getattr(error, "ctx", None)
    if option is not None and context is not None:
        return advice(context.info_name if context.parent is not None else "", option)
    unknown = re.match(r"No such command '([^']*)'", message)
    return COMMANDS.get(unknown[1], "") if unknown else ""


def _format_in(arguments: Sequence[str]) -> Format:
    """Return the format that a command line asks for, whatever else may be wrong with it."""
    for word, value in pairwise((*arguments, "")):
        if word == "--":
            break
        name, equals, own = word.partition("=")
        if name == "--format":
            asked = own if equals else value
            return next((one for one in Format if one.value == asked), Format.HUMAN)
    return Format.HUMAN


def _end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    raise KeyboardInterrupt


def _say_interrupted(invocation: Invocation) -> None:
    if invocation.format is Format.JSON:
        return
    # After a hang-up there is no terminal any more.
    with contextlib.suppress(OSError):
        sys.stderr.write("\ninterrupted; the same command again goes on from what is there\n")


def _report_bug(error: Exception, arguments: Sequence[str]) -> Diagnostic:
    import tempfile
    import traceback

    from envman.diagnostics import Diagnostic

    # Frames without their variables: a value among them could be a secret.
    lines = [
        f"envman {' '.join(arguments[:1])}\n",
        *traceback.format_tb(error.__traceback__),
        type(error).__name__ + "\n",
    ]
    with tempfile.NamedTemporaryFile("w", prefix="envman-bug-", suffix=".log", delete=False) as log:
        log.writelines(lines)
    return Diagnostic(
        "EV901",
        f"envman has a bug: {type(error).__name__}",
        help=f"please report it with the file {log.name} (it holds no values)",
    )
