"""The worker process: reads requests from standard input, computes, answers on standard output.

One thread reads, one computes. The reader sees a cancel while the other computes, and the end of standard input, which
means that the parent is gone: the process then removes its folder and ends at once, whatever it was doing.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO

from PromptOnceLib.errors import BadMessageError, EngineMissingError, PromptOnceError, UnknownVersionError
from PromptOnceLib.worker import protocol
from PromptOnceLib.worker.protocol import MAX_MESSAGE_BYTES, PROTOCOL_VERSION

logger = logging.getLogger(__name__)


_NO_ENGINE = "PyTorch or SAM 2 cannot be loaded by {python}: install the engine, or choose another Python."


class MessageWriter:
    """Standard output of the worker; several threads may send."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, message: protocol.Message) -> None:
        """Write one line; a client that no longer listens is noticed by the reader, not here."""
        with self._lock:
            try:
                self._stream.write(protocol.encode(message))
                self._stream.flush()
            except (OSError, ValueError):
                logger.warning("the client no longer listens")

    def fail(self, request: int | None, error: BaseException) -> None:
        """Tell the client that a request failed."""
        if isinstance(error, PromptOnceError):
            failed = protocol.Failed(id=request, code=error.code, message=error.message, detail=error.detail)
        else:
            text = "Something went wrong in the worker; its log says more."
            failed = protocol.Failed(
                id=request, code="unexpected", message=text, detail=f"{type(error).__name__}: {error}"[:2000]
            )
        self.send(failed)


class Cancellations:
    """Ids of requests that should stop, set by the reader and looked at by the computing thread."""

    def __init__(self) -> None:
        self._ids: set[int] = set()
        self._lock = threading.Lock()

    def add(self, request: int) -> None:
        """Ask a request to stop."""
        with self._lock:
            self._ids.add(request)

    def __contains__(self, request: object) -> bool:
        with self._lock:
            return request in self._ids

    def forget(self, request: int) -> None:
        """Drop what has been answered."""
        with self._lock:
            self._ids.discard(request)


class Reader(threading.Thread):
    """Takes lines from standard input into a queue of requests."""

    def __init__(self, stream: IO[bytes], output: MessageWriter, cancellations: Cancellations, folder: Path) -> None:
        super().__init__(name="reader", daemon=True)
        self.requests: queue.SimpleQueue[protocol.AnyRequest] = queue.SimpleQueue()
        self._stream, self._output = stream, output
        self._cancellations, self._folder = cancellations, folder

    def run(self) -> None:
        """Read until the end of standard input, then end the whole process."""
        while line := self._stream.readline(MAX_MESSAGE_BYTES + 1):
            if len(line) > MAX_MESSAGE_BYTES and not line.endswith(b"\n"):
                self._skip_rest_of_line()
                error = BadMessageError("A message to the worker was too large.", f"over {MAX_MESSAGE_BYTES} bytes")
                self._output.fail(None, error)
            elif line.strip():
                self._take(line)
        remove_folder(self._folder)
        os._exit(0)

    def _take(self, line: bytes) -> None:
        try:
            request = protocol.decode_request(line)
        except Exception as error:  # whatever a line does to the parser, the next one must be heard
            self._output.fail(_id_of(line), error)
            return
        if isinstance(request, protocol.Cancel):
            self._cancellations.add(request.target)
            self._output.send(protocol.Done(id=request.id))
        else:
            self.requests.put(request)

    def _skip_rest_of_line(self) -> None:
        while chunk := self._stream.readline(MAX_MESSAGE_BYTES):
            if chunk.endswith(b"\n"):
                return


def _id_of(line: bytes) -> int | None:
    """The id of a request that is wrong otherwise, so that its sender gets to know."""
    try:
        value = json.loads(line)["id"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def remove_folder(folder: Path) -> None:
    """Remove the session folder; files another process still holds open (Windows) are left to the client."""
    shutil.rmtree(folder, ignore_errors=True)


def serve(stdin: IO[bytes], stdout: IO[bytes]) -> None:
    """Answer requests until the client says quit or its end of the pipe closes."""
    folder = Path(tempfile.mkdtemp(prefix="promptonce-"))  # mkdtemp makes it readable for this user alone
    output, cancellations = MessageWriter(stdout), Cancellations()
    reader = Reader(stdin, output, cancellations, folder)
    reader.start()
    try:
        _answer_all(reader.requests, output, cancellations, folder)
    finally:
        remove_folder(folder)


def _answer_all(
    requests: queue.SimpleQueue[protocol.AnyRequest], output: MessageWriter, cancellations: Cancellations, folder: Path
) -> None:
    try:
        from PromptOnceLib.worker.handlers import Handlers  # torch takes seconds; the reader already listens
    except Exception as error:  # a library of PyTorch that does not load is an OSError, one of another build may be any
        output.fail(requests.get().id, EngineMissingError(_NO_ENGINE.format(python=sys.executable), str(error)))
        raise
    handlers = Handlers(folder, output.send, cancellations)
    greeted = False
    while not isinstance(request := requests.get(), protocol.Quit):
        try:
            if isinstance(request, protocol.Hello):
                if request.protocol != PROTOCOL_VERSION:
                    raise UnknownVersionError(
                        "The program and its worker are of different versions: repair the installation.",
                        f"client {request.protocol}, worker {PROTOCOL_VERSION}",
                    )
                greeted = True
            elif not greeted:
                raise BadMessageError("The first message to the worker has to be a hello.")
            output.send(handlers.answer(request))
        except PromptOnceError as error:
            output.fail(request.id, error)
        except Exception as error:
            logger.exception("request %s failed", request.type)
            output.fail(request.id, error)
        finally:
            cancellations.forget(request.id)
    output.send(protocol.Done(id=request.id))


def main() -> None:
    """Entry point of the process."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the client, which then says cancel
    # Anything a library prints must not end up between the messages: file descriptor 1 becomes the log.
    messages = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        serve(sys.stdin.buffer, messages)
    except Exception:
        logger.exception("the worker cannot go on")
        _exit(1)
    _exit(0)


def _exit(status: int) -> None:
    """End at once: the reader may still be blocked on standard input, which Python's own shutdown does not survive."""
    sys.stderr.flush()
    os._exit(status)
