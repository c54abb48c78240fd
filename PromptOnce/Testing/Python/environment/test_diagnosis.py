"""What installers and the system say, and the sentence made of it. The texts are theirs, shortened."""

from __future__ import annotations

import pytest

from PromptOnceLib.environment.diagnosis import installation_reason, running_reason

NO_NAME = """error: Request failed after 3 retries in 11.9s
  cause: Failed to fetch: https://pypi.org/simple/hydra-core/
  cause: error sending request for url (https://pypi.org/simple/hydra-core/)
  cause: client error (Connect)
  cause: dns error"""
NO_PYTORCH_SITE = """error: Request failed after 3 retries in 11.9s
  cause: Failed to fetch: https://download.pytorch.org/whl/cpu/torch/
  cause: client error (Connect)
  cause: dns error"""
NO_GITHUB = """error: Request failed after 3 retries in 11.9s
  cause: Failed to download `https://github.com/astral-sh/python-build-standalone/releases/download/cpython-3.12.16.tar.gz`
  cause: client error (Connect)"""
REFUSED = """error: Request failed after 3 retries in 10.2s
  cause: Failed to fetch: https://pypi.org/simple/attrs/
  cause: tunnel error: failed to create underlying connection
  cause: Connection refused (os error 111)"""
FULL = """error: Failed to download `numpy==2.4.6`
  cause: I/O operation failed during extraction
  cause: failed to write to file `/x/_multiarray_umath.so`: No space left on device (os error 28)"""
FULL_PIP = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
FULL_WINDOWS = "cause: There is not enough space on the disk. (os error 112)"
NO_VERSION = """error: No solution found when resolving dependencies
  cause: Because only torch<=2.2.2 is available and you require torch>=2.5.1"""
NO_VERSION_PIP = "ERROR: No matching distribution found for torch>=2.5.1"
PIP_OFFLINE = """WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError("Failed")'
ERROR: Could not find a version that satisfies the requirement uv (from versions: none)
ERROR: No matching distribution found for uv"""
PROXY = "ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407 Proxy Authentication Required'))"
CERTIFICATE = """error: Failed to fetch: `https://pypi.org/simple/torch/`
  cause: client error (Connect)
  cause: invalid peer certificate: UnknownIssuer"""
CERTIFICATE_PIP = "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"
NO_PIP = "/usr/bin/python3: No module named pip"
NO_PYTHON = "error: No interpreter found for Python 3.12 in managed installations or search path"
LOCKED = "error: failed to remove file `C:\\\\x\\\\torch_cpu.dll`: Access is denied. (os error 5)"
IN_USE = r"""Caused by: failed to rename file from a/c10.dll to b/c10.dll: The process cannot access the file because it
is being used by another process. (os error 32)"""
IN_USE_PIP = "PermissionError: [WinError 32] Der Prozess kann nicht auf die Datei zugreifen"
LONG = r"""failed to create directory `cache\.tmpAb\torch-2.13.0.dist-info\licenses\third_party\kineto`: The
system cannot find the path specified. (os error 3)"""
LONGER = "The filename or extension is too long. (os error 206)"
LONG_PIP = "HINT: This error might have occurred since this system does not have Windows Long Path support enabled."
FORBIDDEN = """error: Failed to fetch: `https://packages.example/simple/torch/`
Caused by: HTTP status client error (403 Forbidden) for url"""
FORBIDDEN_PIP = "ERROR: HTTP error 403 while getting https://packages.example/torch.whl"
BROKEN_PIPE = "error: Broken pipe (os error 32)"
OLD = "unsuitable Python 3.8"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (NO_NAME, "package index cannot be reached"),
        (NO_PYTORCH_SITE, "choose the build of PyTorch that your package index has"),
        (NO_GITHUB, "could not be fetched from github.com"),
        (REFUSED, "package index cannot be reached"),
        (PIP_OFFLINE, "package index cannot be reached"),
        (FULL, "disk is full"),
        (FULL_PIP, "disk is full"),
        (FULL_WINDOWS, "disk is full"),
        (NO_VERSION, "no version of a package for this computer"),
        (NO_VERSION_PIP, "no version of a package for this computer"),
        (PROXY, "wants a name and a password"),
        (CERTIFICATE, "SSL_CERT_FILE"),
        (CERTIFICATE_PIP, "SSL_CERT_FILE"),
        (NO_PIP, "no pip"),
        (NO_PYTHON, "no Python to make the environment from"),
        (LOCKED, "close the programs that use the engine"),
        (OLD, "none from 3.10 to 3.13"),
        (IN_USE, "another program holds a file"),
        (IN_USE_PIP, "another program holds a file"),
        (LONG, "too long"),
        (LONGER, "too long"),
        (LONG_PIP, "too long"),
        (FORBIDDEN, "refuses to give a package (403)"),
        (FORBIDDEN_PIP, "refuses to give a package (403)"),
        (BROKEN_PIPE, "it ended with status 2"),
        ("something else", "it ended with status 2"),
    ],
)
def test_a_failed_installation_says_why_and_what_to_do(said: str, told: str) -> None:
    assert told in installation_reason(said.splitlines(), 2)


def test_the_end_of_a_process_is_told_where_it_said_nothing() -> None:
    assert "could not be started" in installation_reason([], None)
    assert "memory" in installation_reason([], -9)


@pytest.mark.parametrize(
    ("said", "status", "told"),
    [
        ("ImportError: /lib/libc.so.6: version `GLIBC_2.28' not found", 0, "too old"),
        ("ImportError: dlopen(...): (mach-o file, but is an incompatible architecture (have 'arm64'", 0, "processor"),
        ("[Errno 8] Exec format error: '/x/python'", None, "processor"),
        ("OSError: [WinError 126] The specified module could not be found. Error loading c10.dll", 0, "Visual C++"),
        ("ImportError: DLL load failed while importing _C", 0, "Visual C++"),
        ("ImportError: libcudnn.so.9: cannot open shared object file: No such file", 0, "do not fit together"),
        ("/usr/bin/python: No module named PromptOnceLib", 1, "install the extension again"),
        ("SyntaxError: invalid syntax", 1, "too old"),
        ("", -4, "processor of this computer is too old"),
        ("", 0xC000001D, "processor of this computer is too old"),
        ("", 0xC000001D - 2**32, "processor of this computer is too old"),
        ("", -11, "crashed"),
        ("", None, "could not be started"),
        ("anything", 1, ""),
    ],
)
def test_a_python_that_does_not_work_says_why(said: str, status: int | None, told: str) -> None:
    reason = running_reason(said.splitlines(), status)
    assert told in reason
    assert bool(reason) is bool(told)
