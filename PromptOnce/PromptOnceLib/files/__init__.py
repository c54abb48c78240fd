"""Files of any kind: written completely or not at all, locked, safely named; masks as PNG text."""
