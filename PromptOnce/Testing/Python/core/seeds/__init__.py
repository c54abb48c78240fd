"""Tests of the seed library."""
