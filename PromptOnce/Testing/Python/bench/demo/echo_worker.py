"""A process that answers every JSON line with the same, and ends with its input."""

import json
import sys

for line in sys.stdin:
    message = json.loads(line)
    sys.stderr.write(f"got {message['id']}\n")
    sys.stdout.write(json.dumps({**message, "echo": True}) + "\n")
    sys.stdout.flush()
