"""The messages between the worker and its client, by who sends them."""
