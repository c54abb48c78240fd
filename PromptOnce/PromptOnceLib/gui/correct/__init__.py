"""Correcting a result: the ribbon of its slices, reviewing, accepting, correcting, propagating what changed."""
