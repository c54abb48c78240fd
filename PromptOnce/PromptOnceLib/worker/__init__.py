"""The worker process, its protocol, and the client that talks to it."""
