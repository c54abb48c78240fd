"""Opening the module: nothing is imported, started or made that was not asked for."""

from __future__ import annotations

import sys

import pytest

from gui.user import MODULE, User


def test_opening_starts_nothing_and_makes_no_node_but_its_own_parameters(bench):
    bench.load_module(MODULE)
    before = {node.GetID() for node in scene_nodes(bench)}
    user = User(bench)
    made = [node for node in scene_nodes(bench) if node.GetID() not in before]
    assert [node.GetClassName() for node in made] == ["vtkMRMLScriptedModuleNode"]
    assert user.work.engine.session.client.welcome is None
    assert not user.work.engine.session.busy
    assert bench.dialogs.shown == []


def scene_nodes(bench):
    return [bench.scene.GetNthNode(index) for index in range(bench.scene.GetNumberOfNodes())]


def test_without_a_volume_the_panel_says_what_to_do(user):
    assert "Choose a volume" in user.panel.prompt.hint.text
    assert not user.panel.run.propagate.enabled
    assert not user.panel.prompt.tools["box"].enabled


def test_missing_packages_are_named_beside_a_button_and_the_panel_comes_after_installing(bench, monkeypatch):
    import slicer

    from PromptOnceLib import requirements

    missing = ["pydantic>=2.5", "platformdirs>=4"]
    monkeypatch.setattr(requirements, "missing_requirements", lambda: list(missing))
    monkeypatch.delitem(sys.modules, "PromptOnceLib.gui.requirements_notice", raising=False)
    asked = []

    def install(requirements):
        asked.append(requirements)
        missing.clear()

    monkeypatch.setattr(slicer.util, "pip_install", install, raising=False)
    user = User(bench)
    line = user.widget.requirements
    assert user.panel is None
    assert "pydantic>=2.5, platformdirs>=4" in line.text.text
    bench.click(line.install)
    assert asked == ["pydantic>=2.5 platformdirs>=4"], "one dialog, not one for each package"
    assert not line.widget.visible
    assert user.panel.volume.widget.visible
    monkeypatch.undo()
    sys.modules.pop("PromptOnceLib.gui.requirements_notice", None)


def test_where_slicer_manages_packages_they_are_installed_its_way_in_one_go(bench, monkeypatch):
    import importlib.machinery
    import types

    from PromptOnceLib import requirements

    missing, asked = ["pydantic>=2.5", "platformdirs>=4"], []
    packaging = types.ModuleType("slicer.packaging")
    packaging.__spec__ = importlib.machinery.ModuleSpec("slicer.packaging", None)

    def pip_ensure(wanted, prompt_install, requester):
        asked.append((list(wanted), prompt_install, requester))
        missing.clear()

    packaging.pip_ensure = pip_ensure
    monkeypatch.setitem(sys.modules, "slicer.packaging", packaging)
    monkeypatch.setattr(requirements, "missing_requirements", lambda: list(missing))
    monkeypatch.delitem(sys.modules, "PromptOnceLib.gui.requirements_notice", raising=False)
    user = User(bench)
    bench.click(user.widget.requirements.install)
    assert asked == [(["pydantic>=2.5", "platformdirs>=4"], False, "PromptOnce")]
    assert user.panel.volume.widget.visible
    monkeypatch.undo()
    sys.modules.pop("PromptOnceLib.gui.requirements_notice", None)


def test_packages_that_cannot_be_installed_leave_the_line_with_the_reason(bench, monkeypatch):
    import slicer

    from PromptOnceLib import requirements

    def fail(_requirement):
        raise RuntimeError("no network")

    monkeypatch.setattr(requirements, "missing_requirements", lambda: ["pydantic>=2.5"])
    monkeypatch.delitem(sys.modules, "PromptOnceLib.gui.requirements_notice", raising=False)
    monkeypatch.setattr(slicer.util, "pip_install", fail, raising=False)
    user = User(bench)
    bench.click(user.widget.requirements.install)
    assert "no network" in user.widget.requirements.text.text
    assert user.panel is None
    sys.modules.pop("PromptOnceLib.gui.requirements_notice", None)


def test_a_missing_environment_is_said_when_a_prompt_is_made_with_a_way_to_install_it(user, tmp_path):
    user.use_private_environment(tmp_path / "engine")
    user.choose(user.load_ball())
    assert user.panel.prompt.notice.text == ""
    user.draw_box(26, 17, 86, 79)
    user.bench.wait_until(lambda: "not installed" in user.panel.prompt.notice.text)
    assert user.panel.model.button.visible
    user.bench.click(user.panel.model.button)
    assert user.panel.engine.install.visible
    assert "to download" in user.panel.engine.status.text
    user.bench.click(user.panel.run.propagate)
    assert "not installed" in user.panel.run.notice.text
    assert not (tmp_path / "engine").exists()


def test_a_missing_checkpoint_is_said_with_its_size_and_a_way_to_download_it(user, tmp_path):
    user.work.engine.preferences.models_folder = str(tmp_path / "models")
    user.choose_model("tiny")
    user.choose(user.load_ball())
    user.draw_box(26, 17, 86, 79)
    user.bench.wait_until(lambda: "tiny is not on this computer" in user.panel.prompt.notice.text)
    user.bench.click(user.panel.model.button)
    assert user.panel.engine.download.visible
    assert user.panel.engine.download.text == "Download 156 MB"
    assert not user.panel.engine.delete.visible


def test_choices_for_this_computer_are_kept_in_slicers_settings(user):
    from PromptOnceLib.gui.preferences import load_preferences

    user.choose_model("large")
    assert load_preferences().model == "large"
    assert load_preferences().kind == "own"


@pytest.mark.parametrize("width", [400])
def test_the_panel_fits_a_narrow_column(user, width):
    user.choose(user.load_ball("a volume with quite a long name, as a DICOM series has it"))
    for panel in user.panel.panels:
        panel.widget.collapsed = False
    user.wait_for_panel()
    for panel in user.panel.panels:
        assert panel.widget.minimumSizeHint.width() <= width - 20, panel.part
