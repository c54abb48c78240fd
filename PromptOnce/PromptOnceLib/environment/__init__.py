"""The private Python that the engine runs in: choosing, installing, checking, removing."""
