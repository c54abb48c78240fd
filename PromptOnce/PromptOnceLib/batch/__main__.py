"""python -m PromptOnceLib.batch: a batch for another program, see `background`."""

import os
import sys

from PromptOnceLib.batch.background import serve

status = serve(sys.stdin.buffer, sys.stdout.buffer)
# An ordinary exit would wait for the thread that listens to standard input, and abort over it.
os._exit(status)
