"""Qt helpers that know nothing of the module."""
