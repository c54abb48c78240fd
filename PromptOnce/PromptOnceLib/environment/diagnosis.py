"""What went wrong with an installation or a test, as a sentence, from the output of the installers and the system."""

from __future__ import annotations

import re
from collections.abc import Iterable

_REACH = "check the connection to the internet; behind a proxy set HTTPS_PROXY before starting"

# The first match counts, so the particular ones come before the general ones.
_INSTALLING = [
    (r"unsuitable Python", "it is none from 3.10 to 3.13: name another one"),
    (r"No space left on device|os error 28\b|Errno 28\b|os error 112\b|Disk quota exceeded|not enough space on the",
     "the disk is full. Free some space, or choose another folder, and start again"),
    (r"(?i)hash mismatch|do not match the hashes",
     "a package is not the one that belongs here (its checksum differs), so it was not installed: the download was "
     "damaged, or the package index of your network changed it; try again, then ask whoever runs that index"),
    (r"407\b.*Proxy|Proxy Authentication Required",
     "the proxy of your network wants a name and a password: set HTTPS_PROXY=http://name:password@host:port"),
    (r"\b40[13] (Forbidden|Unauthorized|Client Error)|(status|error|code):? \(?40[13]\b|Forbidden",
     "the package index refuses to give a package (403): your network may block it, or it wants a name and a password; "
     "ask whoever runs the network, or name another index"),
    (r"being used by another process|WinError 32\b|(?<!Broken pipe \()os error 32\b",
     "another program holds a file, most often a virus scanner, or Slicer with the engine running: close it and start "
     "again, or have the scanner leave the folder out"),
    (r"(?<!No such process \()os error (3|206)\b|WinError (3|206)\b|Long Path"
     r"|filename or extension is too long|name too long|os error 36\b",
     "the path of a file is too long for this system: choose a folder with a shorter path, or switch long paths on in "
     "Windows"),
    (r"CERTIFICATE_VERIFY_FAILED|invalid peer certificate|UnknownIssuer|self[- ]signed certificate",
     "a certificate on the way is not trusted, as in networks that look into encrypted connections: set SSL_CERT_FILE "
     "to the certificate file of your network"),
    (r"(Failed to|error).*python-build-standalone",
     "a Python could not be fetched from github.com: check the connection to the internet, or name a Python 3.10 to "
     "3.13 on this computer to make the environment from"),
    (r"(Failed to|error|HTTPSConnectionPool).*download\.pytorch\.org",
     f"download.pytorch.org cannot be reached: {_REACH}, or choose the build of PyTorch that your package index has "
     "(pypi)"),
    (r"dns error|Connection refused|Name or service not known|getaddrinfo failed|name resolution|Network is unreachable"
     r"|NewConnectionError|ConnectTimeout|Read ?timed out|operation timed out|client error \(Connect\)|Failed to fetch"
     r"|Max retries exceeded|ProxyError|Tunnel connection failed|Connection reset",
     f"the package index cannot be reached: {_REACH}"),
    (r"No solution found|No matching distribution|Could not find a version that satisfies",
     "the package index has no version of a package for this computer"),
    (r"No module named '?pip\b", "this Python has no pip to fetch uv with"),
    (r"No (virtual environment or system Python|interpreter|Python) .*found|Failed to inspect Python interpreter",
     "no Python to make the environment from was found: name one, 3.10 to 3.13"),
    (r"Permission denied|Access is denied|os error (5|13)\b|Errno 13\b|WinError 5\b",
     "a file cannot be written: close the programs that use the engine, or choose another folder"),
]  # fmt: skip

_RUNNING = [
    (r"GLIBC(XX)?_\d", "this Linux is too old for the PyTorch that was installed (its C library): use a newer one"),
    (r"incompatible architecture|Exec format error|wrong ELF class|not a valid Win32|Bad CPU type",
     "this Python, or PyTorch in it, is made for another kind of processor: choose another Python"),
    (r"DLL load failed|WinError (126|127|1114|193)",
     "a library of Windows is missing: install the Microsoft Visual C++ Redistributable, then test again"),
    (r"undefined symbol|cannot open shared object file|libcud|libnv",
     "the parts of PyTorch do not fit together"),
    (r"No module named '?PromptOnceLib", "the files of PromptOnce are not complete: install the extension again"),
    (r"SyntaxError", "this Python is too old: 3.10 or newer is needed"),
]  # fmt: skip

# Exit statuses of a process that the processor or the system ended: POSIX signals and their Windows counterparts.
_ENDED_BY = {
    -4: "the processor of this computer is too old for the PyTorch that was installed",
    0xC000001D: "the processor of this computer is too old for the PyTorch that was installed",
    -9: "the system ended it, probably because memory ran out",
    -11: "it crashed",
    0xC0000005: "it crashed",
}


def installation_reason(lines: Iterable[str], status: int | None) -> str:
    """Why a step of an installation failed, from its output and exit status; no full stop at the end."""
    if known := _first(_INSTALLING, lines) or _ENDED_BY.get(_unsigned(status)):
        return known
    return "its program could not be started" if status is None else f"it ended with status {status}"


def running_reason(lines: Iterable[str], status: int | None) -> str:
    """Why an interpreter or a package in it does not work, "" where that is not known."""
    known = _first(_RUNNING, lines) or _ENDED_BY.get(_unsigned(status), "")
    return known or ("it could not be started" if status is None else "")


def _first(patterns: list[tuple[str, str]], lines: Iterable[str]) -> str:
    text = "\n".join(lines)
    return next((sentence for pattern, sentence in patterns if re.search(pattern, text)), "")


def _unsigned(status: int | None) -> int:
    """Windows reports crashes as large numbers, Qt the same as negative ones."""
    if status is None:
        return 0
    return status + 2**32 if status < -255 else status
