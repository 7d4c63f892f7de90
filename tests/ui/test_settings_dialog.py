"""The settings, and the models that can be added there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from made_networks import write_arcface, write_swapper
from PyQt5.QtCore import QPoint, QPointF, Qt
from PyQt5.QtGui import QStandardItemModel, QWheelEvent
from PyQt5.QtWidgets import QApplication, QComboBox, QWidget
from pytestqt.qtbot import QtBot

from faceapp.config import Settings, SettingsFile
from faceapp.models.plugin import LICENCE
from faceapp.pipeline.photos import read_photo
from faceapp.services import Services
from faceapp.types import PersonName
from ui.jobs_qt import JobsQt
from ui.model_list import ModelRow
from ui.settings_dialog import SHOWN, SettingsDialog


@pytest.fixture
def open_dialog(qtbot: QtBot, services: Services, jobs: JobsQt, settle) -> Iterator:
    def make() -> SettingsDialog:
        dialog = SettingsDialog(services, jobs)
        dialog.setAttribute(Qt.WA_DeleteOnClose, False)
        qtbot.addWidget(dialog)
        dialog.show()
        QApplication.setActiveWindow(dialog)
        qtbot.waitExposed(dialog)
        settle()
        assert dialog.models.rows
        return dialog

    yield make
    # The models folder is the one of all tests.
    services.models.plugins.remove()
    services.models.read_plugins()


def choose(box: QComboBox, title: str) -> None:
    """Choose a row as a user does, by its words."""
    index = next(index for index in range(box.count()) if box.itemText(index).startswith(title))
    box.setCurrentIndex(index)
    box.activated.emit(index)


def row(dialog: SettingsDialog, title: str) -> ModelRow:
    return next(each for each in dialog.models.rows if each.model.spec.title == title)


def kept(services: Services) -> Settings:
    """What another start of the program would read."""
    return SettingsFile(services.paths.settings).current


def test_every_change_is_on_the_disk_at_once(open_dialog, services: Services) -> None:
    dialog = open_dialog()
    told = []
    dialog.changed.connect(told.append)
    dialog.mark.setChecked(True)
    dialog.credentials.setChecked(True)
    dialog.once.setChecked(False)
    dialog.days.setValue(30)
    dialog.port.setValue(9000)
    dialog.upload.setValue(128)
    now = kept(services)
    assert (now.visible_mark, now.content_credentials, now.one_person_once) == (True, True, False)
    assert (now.keep_sightings_days, now.rest_port, now.upload_limit_mb) == (30, 9000, 128)
    assert told == [
        {"visible_mark"}, {"content_credentials"}, {"one_person_once"}, {"keep_sightings_days"},
        {"rest_port"}, {"upload_limit_mb"},
    ]  # fmt: skip
    again = open_dialog()
    assert again.days.value() == 30
    assert not again.once.isChecked()


def test_the_threshold_is_the_models_own_until_it_is_set(open_dialog, services: Services) -> None:
    dialog = open_dialog()
    assert dialog.automatic.isChecked()
    assert not dialog.threshold.isEnabled()
    calibration = services.models.spec(services.analyser.model_key).calibration
    assert dialog.threshold.value() == calibration.threshold
    dialog.automatic.setChecked(False)
    dialog.threshold.setValue(0.07)
    assert kept(services).threshold == 0.07
    assert services.recognition.threshold == 0.07, "it counts at once"
    dialog.automatic.setChecked(True)
    assert kept(services).threshold == 0.0
    assert dialog.threshold.value() == calibration.threshold


def test_another_detector_counts_after_a_restart_and_that_is_said(open_dialog, services: Services) -> None:
    dialog = open_dialog()
    assert dialog.restart.isHidden()
    choose(dialog.detector, "dlib HOG")
    assert kept(services).detector == "dlib-hog"
    assert "started again" in dialog.restart.text()
    assert "non-commercial" in dialog.detector_text.text()
    choose(dialog.detector, "MTCNN")
    assert kept(services).detector == ""
    assert dialog.restart.isHidden()


def test_another_embedder_than_the_librarys_is_warned_of(
    open_dialog, services: Services, photo_files: dict[str, Path]
) -> None:
    services.enrolment.enrol(read_photo(photo_files["hopper"]), PersonName("Grace", "Hopper"))
    dialog = open_dialog()
    choose(dialog.embedder, "dlib ResNet, eight bits")
    assert "made with dlib ResNet:" in dialog.restart.text()
    assert "recognises nobody" in dialog.restart.text()


def test_a_model_without_its_file_cannot_be_chosen(open_dialog) -> None:
    dialog = open_dialog()
    items = dialog.embedder.model()
    assert isinstance(items, QStandardItemModel)
    usable = {items.item(at).text(): items.item(at).isEnabled() for at in range(items.rowCount())}
    assert usable.pop("MobileFace (its file is missing, see Models)") is False
    assert usable["dlib ResNet"] is True
    assert row(dialog, "YuNet").button.text() == "Download"
    assert row(dialog, "MobileFace").button is None, "there is no address to download it from"
    assert row(dialog, "MTCNN").state.text() == "in use"


def test_the_defaults_come_back_and_the_theme_stays(open_dialog, services: Services, qtbot: QtBot) -> None:
    services.settings.change(
        theme="dark", rest_enabled=True, detector="dlib-hog", threshold=0.1, visible_mark=True, rest_port=9000
    )
    dialog = open_dialog()
    qtbot.mouseClick(dialog.defaults_button, Qt.LeftButton)
    now = kept(services)
    assert all(getattr(now, name) == getattr(Settings(), name) for name in SHOWN)
    assert (now.theme, now.rest_enabled) == ("dark", True)
    assert not dialog.mark.isChecked()
    assert dialog.detector.currentText() == "MTCNN"


def test_a_settings_file_that_cannot_be_read_is_not_written_over(
    open_dialog, services: Services, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("threshold = [")
    services.settings = SettingsFile(broken)
    dialog = open_dialog()
    dialog.mark.setChecked(True)
    assert "cannot be read" in dialog.messages.text
    assert not dialog.mark.isChecked(), "the dialog shows what counts"
    assert broken.read_text() == "threshold = ["


def test_the_wheel_changes_no_field_that_it_passes(open_dialog) -> None:
    dialog = open_dialog()
    dialog.defaults_button.setFocus()
    assert not turn_wheel(dialog.port), "the field leaves it to the dialog, which scrolls"
    assert dialog.port.value() == Settings().rest_port
    dialog.port.setFocus()
    assert turn_wheel(dialog.port)
    assert dialog.port.value() == Settings().rest_port - 1


def turn_wheel(widget: QWidget) -> bool:
    """One step down over a widget; whether it took that."""
    place = widget.rect().center()
    turn = QWheelEvent(
        QPointF(place), QPointF(widget.mapToGlobal(place)), QPoint(), QPoint(0, -120), Qt.NoButton,
        Qt.NoModifier, Qt.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, turn)
    return bool(turn.isAccepted())


def test_every_field_is_reached_with_the_tab_key_in_its_order(open_dialog, qtbot: QtBot) -> None:
    dialog = open_dialog()
    dialog.automatic.setChecked(False)
    fields: list[QWidget] = [
        dialog.detector, dialog.embedder, dialog.threshold, dialog.automatic, dialog.once, dialog.mark,
        dialog.credentials, dialog.days, dialog.port, dialog.upload,
    ]  # fmt: skip
    fields[0].setFocus()
    for field in fields:
        assert field.hasFocus(), field
        qtbot.keyClick(field, Qt.Key_Tab)


def test_a_network_of_ones_own_is_added_after_its_licence_was_accepted(
    open_dialog, services: Services, tmp_path: Path, qtbot: QtBot, until
) -> None:
    dialog = open_dialog()
    models = dialog.models
    models.add(write_swapper(tmp_path / "mine.onnx"))
    until(models.licence.isVisible)
    assert models.licence.text.text() == LICENCE
    assert not models.licence.add_button.isEnabled(), "the licence comes first"
    assert services.models.plugins.files() == {}
    qtbot.mouseClick(models.licence.agreed, Qt.LeftButton, pos=QPoint(8, models.licence.agreed.height() // 2))
    qtbot.mouseClick(models.licence.add_button, Qt.LeftButton)
    until(lambda: any(each.model.spec.role == "swapper" for each in models.rows))
    assert services.models.plugins.files()["swapper"].accepted
    assert row(dialog, "Your own swapper").state.text() == "not complete"
    models.add(write_arcface(tmp_path / "who.onnx"), accepted=True)
    until(lambda: row(dialog, "Your own swapper").state.text() == "ready")
    qtbot.mouseClick(row(dialog, "Your own swapper").button, Qt.LeftButton)
    until(lambda: all(each.model.spec.role != "swapper" for each in models.rows))
    assert services.models.plugins.files() == {}
    assert (tmp_path / "mine.onnx").is_file(), "the user's own file stays"


def test_a_licence_that_is_not_accepted_adds_nothing(open_dialog, services, tmp_path: Path, until) -> None:
    dialog = open_dialog()
    dialog.models.add(write_swapper(tmp_path / "mine.onnx"))
    until(dialog.models.licence.isVisible)
    dialog.models.licence.declined.emit()
    assert dialog.models.licence.isHidden()
    assert services.models.plugins.files() == {}


def test_a_file_that_is_no_model_is_refused_with_a_reason(open_dialog, tmp_path: Path, until) -> None:
    dialog = open_dialog()
    other = tmp_path / "holiday.onnx"
    other.write_bytes(b"not a network")
    dialog.models.add(other)
    until(lambda: dialog.messages.text)
    assert "holiday.onnx" in dialog.messages.text
    assert dialog.models.add_button.isEnabled()
