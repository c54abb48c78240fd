"""python -m PromptOnceLib.cli, where the command promptonce is not on the path."""

from PromptOnceLib.cli import main

main()
