"""Model, device, and the installation of the engine."""
