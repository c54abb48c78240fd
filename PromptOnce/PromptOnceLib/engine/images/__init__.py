"""Slices segmented as single images, by SAM 2 and by SAM: embedded once, prompted as often as wanted."""
