"""Start the worker: python -m PromptOnceLib.worker."""

from PromptOnceLib.worker.server import main

main()
