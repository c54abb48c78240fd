"""The worker process: its protocol, its server, and the client through which others use it."""
