"""What the module shows where Slicer's Python lacks packages: one line and a button."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import qt
import slicer

from PromptOnceLib.gui.qt.translation import tr as _
from PromptOnceLib.requirements import missing_requirements


class RequirementsNotice:
    """The packages that are missing, and a button that installs them.

    place: the layout it comes into, and is hidden in once nothing is missing; then on_installed is called.
    """

    def __init__(self, place: Any, on_installed: Callable[[], object]) -> None:
        self.widget = qt.QWidget()
        self._on_installed = on_installed
        self.text = qt.QLabel()
        self.text.wordWrap = True
        self.install = qt.QPushButton(_("Install"))
        layout = qt.QVBoxLayout()
        layout.addWidget(self.text)
        layout.addWidget(self.install)
        layout.addStretch(1)
        self.widget.setLayout(layout)
        place.addWidget(self.widget)
        self.install.connect("clicked(bool)", lambda _checked: self._install())
        self.show(missing_requirements())

    def show(self, missing: list[str], problem: str = "") -> None:
        """Say what is missing."""
        sentence = _("PromptOnce needs small packages in Slicer's Python: {packages}.")
        self.text.text = " ".join([sentence.format(packages=", ".join(missing)), problem]).strip()

    def _install(self) -> None:
        """Pressing the button is the user's consent: pip does not ask again."""
        missing = missing_requirements()
        try:
            _install_all(missing)
        except Exception as error:
            self.show(missing_requirements(), _("Installing failed: {reason}").format(reason=error))
            return
        missing = missing_requirements()
        if missing:
            self.show(missing, _("They are installed, but Slicer has to be restarted."))
        else:
            self.widget.hide()
            self._on_installed()


def _install_all(requirements: list[str]) -> None:
    """In one go, with one dialog that shows the progress; raises what Slicer raises."""
    if importlib.util.find_spec("slicer.packaging") is not None:  # from Slicer 5.12 on
        packaging = importlib.import_module("slicer.packaging")
        packaging.pip_ensure(requirements, prompt_install=False, requester="PromptOnce")
    else:
        slicer.util.pip_install(" ".join(requirements))
