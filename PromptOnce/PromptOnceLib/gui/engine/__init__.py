"""The engine in the panel: model, device, installation."""
