"""Who computes which case, where several runners on one or several computers share the folder of a run.

There is no server and no lock, only files on a disk that all of them see. A case's first lease is a file "1", the next
"2" and so on, each made so that only one runner can make it (O_EXCL, which network folders keep from NFS 3 on); the
highest number holds the case. Its time is renewed while its holder lives. A lease that is too old was left by a runner
that is gone: the next number takes the case over. No lease is removed or renamed while a run goes on, so nobody can
remove one that was just made. What is old is judged by the clock of the disk alone, for those of computers differ.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from PromptOnceLib.batch.events import CaseOutcome, Status

LEASES = "leases"
BEAT_SECONDS = 20.0
STALE_SECONDS = 180.0
"""Several beats, and the minute for which network folders may show an old time."""
_ENDED = ".end"
_DEATHS = 2  # runners that ended while they had a case, after which it is set aside

Claim = Literal["taken", "set aside", "elsewhere", "ended"]


class Leases:
    """The leases of one runner, renewed by a thread of its own until it is closed.

    folder: of the run. runner: a name that no other runner has. is_gone: whether the runner of this name is known to
    have ended, which saves the waiting. leads: whether this runner holds the lock of the run. All methods may raise
    OSError where the disk is full or gone.
    """

    def __init__(
        self,
        folder: Path,
        runner: str,
        is_gone: Callable[[str], bool] | None = None,
        leads: bool = False,
        beat_seconds: float = BEAT_SECONDS,
        stale_seconds: float = STALE_SECONDS,
    ) -> None:
        self._is_gone, self._leads = is_gone, leads
        self._folder, self._runner, self._stale = folder / LEASES, runner, stale_seconds
        self._held: dict[str, int] = {}
        self._lock, self._closed = threading.Lock(), threading.Event()
        self._folder.mkdir(exist_ok=True)
        self._clock = self._folder / f".clock-{runner}"
        self._clock.touch()
        self._thread = threading.Thread(target=self._beat, args=(beat_seconds,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Leases:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def take(self, case: str) -> Claim:
        """Take a case: "taken", to be computed; "set aside", to be given up, as those who computed it ended again and
        again; "elsewhere", another runner has it; "ended", nothing is left to do (see `outcome`).
        """
        place = self._folder / case
        place.mkdir(exist_ok=True)
        leases, ended = _listed(place)
        last = max(leases, default=0)
        if last in ended and _outcome(place, last, case) is not None:
            return "ended"
        if last and last not in ended and not self._is_stale(place / str(last)):
            return "elsewhere"
        try:
            descriptor = os.open(place / str(last + 1), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            return "elsewhere"  # another runner was faster
        holder = {
            "runner": self._runner,
            "leads": self._leads,
            "host": socket.gethostname(),
            "process": os.getpid(),
            "begun": time.time(),
        }
        with os.fdopen(descriptor, "w") as file:
            json.dump(holder, file)
        with self._lock:
            self._held[case] = last + 1
        return "set aside" if len(leases - ended) >= _DEATHS else "taken"

    def holds(self, case: str) -> bool:
        """Whether a case is still this runner's: one that was suspended for long may have lost it."""
        with self._lock:
            number = self._held.get(case)
        return number is not None and number == max(_listed(self._folder / case)[0], default=0)

    def end(self, case: str, status: Status, code: str = "", message: str = "") -> None:
        """Give a case back with how it ended; "cancelled" lets others take it again."""
        with self._lock:
            number = self._held.pop(case, None)
        if number is None:
            return
        outcome = CaseOutcome(case=case, status=status, code=code, message=message)
        place = self._folder / case / f"{number}{_ENDED}"
        temporary = place.with_name(f".{place.name}")
        temporary.write_text(outcome.model_dump_json(), encoding="utf-8")
        temporary.replace(place)

    def outcome(self, case: str) -> CaseOutcome | None:
        """How a case has ended, here or elsewhere; None where it has not."""
        place = self._folder / case
        last = max(_listed(place)[0], default=0)
        return _outcome(place, last, case) if last else None

    def forget(self) -> None:
        """Begin anew: keep only the leases of runners that live, as failed cases are to be tried again.

        For who holds the lock of the run: one that held it before is gone, however new its leases are.
        """
        for place in [entry for entry in self._folder.iterdir() if entry.is_dir()]:
            leases, ended = _listed(place)
            last = max(leases, default=0)
            lease = place / str(last)
            if not last or last in ended or self._is_stale(lease) or _said_by(lease).get("leads"):
                shutil.rmtree(place, ignore_errors=True)

    def remove(self) -> None:
        """Remove all leases, once all cases have ended."""
        self.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def close(self) -> None:
        """Give back what is held, for others to take."""
        if self._closed.is_set():
            return
        self._closed.set()
        for case in list(self._held):
            with suppress(OSError):
                self.end(case, "cancelled")
        with suppress(OSError):
            self._clock.unlink()

    def _is_stale(self, lease: Path) -> bool:
        try:
            with lease.open("rb") as file:  # opening has a network folder look at the file anew
                beaten = os.fstat(file.fileno()).st_mtime
        except FileNotFoundError:
            return True
        if self._is_gone is not None and self._is_gone(str(_said_by(lease).get("runner", ""))):
            return True
        os.utime(self._clock)
        return self._clock.stat().st_mtime - beaten > self._stale

    def _beat(self, seconds: float) -> None:
        while not self._closed.wait(seconds):
            with self._lock:
                held = dict(self._held)
            for case, number in held.items():
                with suppress(OSError):  # a disk that comes back finds the lease in time, or it is taken over
                    os.utime(self._folder / case / str(number))


def _said_by(lease: Path) -> dict[str, Any]:
    """What a lease says of its holder; nothing while it is being written."""
    try:
        found = json.loads(lease.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def runner_name() -> str:
    """A name for a runner that no other one has."""
    return f"{os.getpid()}-{os.urandom(4).hex()}"


def _listed(place: Path) -> tuple[set[int], set[int]]:
    """Numbers of a case's leases, and of those that have ended."""
    try:
        names = [path.name for path in place.iterdir()]
    except FileNotFoundError:
        return set(), set()
    ended = {int(name.removesuffix(_ENDED)) for name in names if name.endswith(_ENDED) and name[0] != "."}
    return {int(name) for name in names if name.isdigit()} | ended, ended


def _outcome(place: Path, number: int, case: str) -> CaseOutcome | None:
    """What a lease has ended with; None where it goes on or was given back."""
    try:
        found = CaseOutcome.model_validate_json((place / f"{number}{_ENDED}").read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return None if found.status == "cancelled" else found
