"""What users see in 3D Slicer: qt and ctk."""
