"""Stand-ins for Slicer's application: slicer.app, its main window, its modules."""
