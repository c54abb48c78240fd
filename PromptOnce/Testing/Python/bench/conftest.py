"""The bench for its own tests."""

from bench.fixtures import bench

__all__ = ["bench"]
