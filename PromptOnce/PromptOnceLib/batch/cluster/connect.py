"""To a Dask cluster: one made on this computer, one that runs already, or one of SLURM jobs."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from PromptOnceLib.errors import InputError

LOCAL, SLURM = "dask", "dask-slurm"
_ADDRESS = re.compile(r"dask://(?P<place>[^/\s]+:\d+)")
_SECONDS = 30  # to find the scheduler


def check_engine(engine: str) -> str:
    """The name of a cluster: dask, dask://HOST:PORT or dask-slurm. Raises InputError for any other text."""
    if engine in (LOCAL, SLURM) or _ADDRESS.fullmatch(engine):
        return engine
    raise InputError(f"{engine} is no cluster: dask (this computer), dask://SCHEDULER:PORT, or dask-slurm.")


@contextmanager
def connected(engine: Any, workers: int, jobs: Mapping[str, Any] | None = None) -> Iterator[Any]:
    """A distributed.Client for `engine`, which may be one already.

    workers: of a cluster that is made here; those of SLURM come and go between 1 and this many. jobs: what a SLURM job
    is given, as dask_jobqueue.SLURMCluster takes it; what is not named comes from Dask's own configuration. A cluster
    on this computer listens on the local interface alone; for others TLS is set by Dask's configuration.
    Raises InputError where a package is missing or nobody answers.
    """
    if not isinstance(engine, str):
        yield engine
        return
    check_engine(engine)
    _need("distributed")
    with ExitStack() as held:
        try:
            client = _client(engine, workers, dict(jobs or {}), held)
        except (OSError, TimeoutError) as error:
            raise InputError(f"Nobody answers at {engine}: is the scheduler running?") from error
        yield client


def _client(engine: str, workers: int, jobs: dict[str, Any], held: ExitStack) -> Any:
    import distributed

    if engine == LOCAL:
        cluster = distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
        )
        return held.enter_context(distributed.Client(held.enter_context(cluster)))
    if engine == SLURM:
        cluster = held.enter_context(_slurm(jobs))
        cluster.adapt(minimum=1, maximum=workers)
        return held.enter_context(distributed.Client(cluster))
    encrypted = distributed.Security().get_connection_args("client").get("ssl_context") is not None
    address = f"{'tls' if encrypted else 'tcp'}://{engine.removeprefix('dask://')}"
    return held.enter_context(distributed.Client(address, timeout=_SECONDS))


def _slurm(jobs: dict[str, Any]) -> Any:
    _need("dask_jobqueue")
    cluster: Any = importlib.import_module("dask_jobqueue").SLURMCluster
    return cluster(processes=1, **{"cores": 1, "memory": "16GB", **jobs})


def _need(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise InputError(f"A Dask cluster needs the package {module}: pip install promptonce[cluster].")
