"""The worker of the worker's tests."""

from worker.conftest import shared_client, shared_segmenter, start_worker, temporary

__all__ = ["shared_client", "shared_segmenter", "start_worker", "temporary"]
