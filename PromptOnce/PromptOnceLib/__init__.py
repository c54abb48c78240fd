"""PromptOnce: a whole volume segmented from one prompt with SAM 2. Not for clinical use."""

__version__ = "0.1.0"
