"""Rules for what a pass remembers, besides SAM 2's own."""
