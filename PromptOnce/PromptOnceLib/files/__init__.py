"""Files of any kind: atomic writing, locks, safe names, PNG masks."""
