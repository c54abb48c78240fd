"""A mask decoder trained further on a user's own cases; the encoders stay as they are."""
