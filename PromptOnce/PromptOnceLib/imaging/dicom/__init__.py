"""DICOM images: the frames of files, and the volumes they make."""
