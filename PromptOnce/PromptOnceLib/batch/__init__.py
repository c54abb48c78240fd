"""Many cases from one prompt: planned, computed, kept so that a stopped run goes on, reported."""
