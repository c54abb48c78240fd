"""PromptOnceLib for another Python than the one it is installed in.

In an installed wheel the package lies among packages that are compiled for that one Python, so the folder they share
cannot be put on another one's path. This folder can: nothing else lies in it.
"""

from pathlib import Path

__path__ = [str(Path(__file__).resolve().parents[3])]
exec(Path(__path__[0], "__init__.py").read_text(encoding="utf-8"))
