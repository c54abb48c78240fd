"""QSettings in a folder of this process, so that tests neither read nor change the user's own."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication, QSettings


def isolate(folder: Path) -> None:
    """Let every QSettings() of this process be an .ini file under `folder`."""
    QCoreApplication.setOrganizationName("NA-MIC")
    QCoreApplication.setOrganizationDomain("www.na-mic.org")
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    for scope in (QSettings.Scope.UserScope, QSettings.Scope.SystemScope):
        QSettings.setPath(QSettings.Format.IniFormat, scope, str(folder))


def clear() -> None:
    settings = QSettings()
    settings.clear()
    settings.sync()
