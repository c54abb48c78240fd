"""promptonce completion: the lines by which a shell completes commands, options and names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from PromptOnceLib.errors import InputError

EXAMPLES = """
\b
Once, and a new shell afterwards:
  bash:  promptonce completion bash >> ~/.bashrc
  zsh:   promptonce completion zsh >> ~/.zshrc
  fish:  promptonce completion fish > ~/.config/fish/completions/promptonce.fish
"""


@click.command(epilog=EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a script that lets SHELL complete commands, options, and the names of models, seeds, windows and
    structures.
    """
    found = get_completion_class(shell)
    if found is None:
        raise InputError(f"There is no completion for {shell}.")
    click.echo(found(context.find_root().command, {}, "promptonce", "_PROMPTONCE_COMPLETE").source())
