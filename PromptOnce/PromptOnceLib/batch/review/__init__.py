"""Which cases to look at first."""
