"""The frame: tabs, menus, status bar, theme, and what is kept from one start to the next."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QPalette
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QAction, QApplication, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from db.store import open_store
from faceapp.errors import NotFound
from faceapp.rest.server import RestServer
from faceapp.services import Services
from faceapp.types import Person
from ui.commands_dialog import CommandsDialog
from ui.history_dialog import HistoryDialog
from ui.jobs_qt import JobsQt
from ui.main_window import MainWindow
from ui.people_page import PeoplePage
from ui.settings_dialog import SettingsDialog
from ui.theme import Theme, colour

Enrol = Callable[..., Person]
Settle = Callable[[], None]


@pytest.fixture
def make(
    qtbot: QtBot, qapp: QApplication, services: Services, jobs: JobsQt, settle: Settle
) -> Iterator[Callable[[], MainWindow]]:
    """Makes a window as `ui.app` does, on one library; they are closed in the end."""
    rest = RestServer(services)
    windows: list[MainWindow] = []

    def open_window() -> MainWindow:
        theme = Theme(qapp, services.settings.current.theme)
        window = MainWindow(services, jobs, rest, theme)
        qtbot.addWidget(window)
        windows.append(window)
        window.show()
        QApplication.setActiveWindow(window)
        settle()
        return window

    yield open_window
    for window in windows:
        window.close()
    settle()
    rest.stop()


@pytest.fixture
def window(make: Callable[[], MainWindow]) -> MainWindow:
    return make()


def people_page(window: MainWindow) -> PeoplePage:
    window.people_action.trigger()
    page = window.current_page
    assert isinstance(page, PeoplePage)
    return page


def test_a_page_is_made_when_its_tab_is_first_shown(window: MainWindow) -> None:
    assert list(window._pages) == [window.lookalike_tab]
    window.people_action.trigger()
    assert list(window._pages) == [window.lookalike_tab, window.people_tab]
    page = window.current_page
    window.lookalike_action.trigger()
    window.people_action.trigger()
    assert window.current_page is page


def test_the_models_are_ready_by_themselves(window: MainWindow, services: Services, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: window.models_label.text().startswith("Ready: "), timeout=60_000)
    assert services.models.spec(services.analyser.model_key).title in window.models_label.text()


def test_a_change_by_another_process_is_seen(
    window: MainWindow, services: Services, settle: Settle, qtbot: QtBot
) -> None:
    page = people_page(window)
    settle()
    with open_store(services.paths.library, services.paths.backups) as other:
        other.add_person("Ann")
    qtbot.waitUntil(lambda: [person.name for person in page.model.people] == ["Ann"], timeout=10_000)
    settle()
    assert window.library_label.text() == "1 person, 0 faces"


def test_undo_and_redo_say_what_they_did(
    window: MainWindow, enrol: Enrol, services: Services, settle: Settle
) -> None:
    enrol("Ann")
    page = people_page(window)
    settle()
    page.delete_selected()
    settle()
    assert page.notice.text == "Deleted Ann."
    QTest.keyClick(window, Qt.Key_Z, Qt.ControlModifier)
    settle()
    assert window.notice.text == "Taken back: Deleted Ann."
    assert page.notice.text == ""
    assert [person.name for person in page.model.people] == ["Ann"]
    QTest.keyClick(window, Qt.Key_Z, Qt.ControlModifier | Qt.ShiftModifier)
    settle()
    assert window.notice.text == "Done again: Deleted Ann."
    assert services.people.find() == []


def test_undo_of_nothing_says_so(window: MainWindow, settle: Settle) -> None:
    window.undo_action.trigger()
    settle()
    assert window.notice.text == "There is nothing to take back."


def test_undo_in_a_text_field_belongs_to_the_field(
    window: MainWindow, enrol: Enrol, settle: Settle, services: Services
) -> None:
    enrol("Ann")
    page = people_page(window)
    settle()
    page.field.setFocus()
    QTest.keyClicks(page.field, "abc")
    QTest.keyClick(page.field, Qt.Key_Z, Qt.ControlModifier)
    settle()
    assert page.field.text() == ""
    assert len(services.people.find()) == 1


def test_the_history_lists_every_change(
    window: MainWindow, enrol: Enrol, services: Services, settle: Settle
) -> None:
    person = enrol("Ann", photos=0)
    services.people.edit(person.id, "Anna")
    window.show_history()
    settle()
    history = window.findChild(HistoryDialog)
    texts = [history._list.item(row).text().splitlines()[0] for row in range(history._list.count())]
    assert texts == ["Renamed Ann to Anna.", "Added Ann."]
    history._undo.click()
    settle()
    assert services.people.get(person.id).name == "Ann"
    assert history._list.item(0).text().startswith("Renamed Ann to Anna. (taken back)")
    history.close()


def test_a_person_who_is_asked_for_is_shown(window: MainWindow, enrol: Enrol, settle: Settle) -> None:
    enrol("Ann")
    bob = enrol("Bob")
    window.current_page.people_requested.emit(bob.id)
    settle()
    assert window.tabs.currentWidget() is window.people_tab
    assert [person.name for person in people_page(window).list.selected] == ["Bob"]


def test_a_person_who_has_gone_is_an_error_in_place(window: MainWindow) -> None:
    window.show_person(99)
    assert window.notice.text.startswith("There is no person")


def test_the_theme_changes_at_once_and_is_kept(
    window: MainWindow, services: Services, qapp: QApplication
) -> None:
    window.dark_theme_action.trigger()
    assert qapp.palette().color(QPalette.Window).lightness() < 60
    dark = colour("text")
    window.light_theme_action.trigger()
    assert qapp.palette().color(QPalette.Window).lightness() > 200
    assert colour("text") != dark
    assert services.settings.current.theme == "light"


def test_the_rest_port_opens_and_closes(window: MainWindow, services: Services, settle: Settle) -> None:
    switch = window.rest_switch
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    switch._port.setValue(port)
    switch._switch.click()
    settle()
    assert str(port) in switch._state.text()
    with urllib.request.urlopen(f"{switch._state.text()}/is_alive", timeout=10) as answer:
        assert answer.status == 200
    assert services.settings.current.rest_enabled
    switch._copy.click()
    assert str(port) in QApplication.clipboard().text()
    switch._switch.click()
    settle()
    assert switch._state.text() == "off"
    assert not services.settings.current.rest_enabled


def test_a_port_that_is_taken_is_said_in_place(window: MainWindow, settle: Settle) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        window.rest_switch._port.setValue(taken.getsockname()[1])
        window.rest_switch._switch.click()
        settle()
    assert window.rest_switch._state.text().startswith("off: ")
    assert window.notice.text != ""
    assert not window.rest_switch._switch.isChecked()


def test_the_command_list_runs_what_was_typed(window: MainWindow, settle: Settle) -> None:
    QTest.keyClick(window, Qt.Key_K, Qt.ControlModifier)
    dialog = window.findChild(CommandsDialog)
    field = dialog.findChild(QLineEdit)
    assert "Import a folder of people…" in dialog.shown
    QTest.keyClicks(field, "peo")
    assert "People" in dialog.shown
    field.setText("people")
    QTest.keyClick(field, Qt.Key_Down)
    field.setText("history")
    assert dialog.shown == ["History of changes…"]
    QTest.keyClick(field, Qt.Key_Return)
    assert window.findChild(HistoryDialog).isVisible()
    window.findChild(HistoryDialog).close()
    settle()


def test_every_command_has_a_text_and_no_shortcut_is_given_twice(window: MainWindow) -> None:
    people_page(window)
    actions = [
        action for action in window.findChildren(QAction) if action.text() and not action.isSeparator()
    ]
    of_window = [
        action for action in actions if action.parent() is window and not action.shortcut().isEmpty()
    ]
    keys = [action.shortcut().toString() for action in of_window]
    assert len(keys) == len(set(keys))
    assert {
        "Ctrl+1",
        "Ctrl+2",
        "Ctrl+3",
        "Ctrl+4",
        "Ctrl+5",
        "Ctrl+6",
        "Ctrl+7",
        "Ctrl+8",
        "Ctrl+O",
        "Ctrl+V",
        "Ctrl+S",
        "Ctrl+Z",
        "Ctrl+Shift+Z",
        "F11",
        "Ctrl+K",
    } <= set(keys)


def test_saving_where_there_is_nothing_says_so(window: MainWindow) -> None:
    window.people_action.trigger()
    window.save_action.trigger()
    assert window.notice.text == "There is nothing to save on this page yet."


def test_the_first_start_says_what_is_kept_once(make: Callable[[], MainWindow], services: Services) -> None:
    first = make()
    assert str(services.paths.data) in first.welcome.text
    first.welcome.findChild(QPushButton, "messageAction").click()
    assert services.settings.current.welcomed
    assert make().welcome.text == ""


def test_the_window_comes_back_as_it_was(make: Callable[[], MainWindow], services: Services) -> None:
    first = make()
    first.resize(1010, 640)
    first.people_action.trigger()
    first.close()
    second = make()
    assert (second.width(), second.height()) == (1010, 640)
    assert second.tabs.currentWidget() is second.people_tab
    assert (services.paths.data / "window.ini").is_file()


def test_full_screen_and_back(window: MainWindow, qtbot: QtBot) -> None:
    window.full_screen_action.trigger()
    qtbot.waitUntil(window.isFullScreen)
    window.full_screen_action.trigger()
    qtbot.waitUntil(lambda: not window.isFullScreen())


def test_the_sample_people_come_with_one_click(window: MainWindow, settle: Settle) -> None:
    page = people_page(window)
    settle()
    sample = next(b for b in page.findChildren(QPushButton) if b.text() == "Try it with the sample people")
    sample.click()
    settle()
    settle()
    assert [person.name for person in page.model.people] == ["Eileen Collins", "Grace Hopper"]
    assert window.library_label.text() == "2 people, 2 faces"


def test_a_library_that_cannot_be_read_is_said_once(
    window: MainWindow, services: Services, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    said: list[object] = []

    def broken() -> int:
        raise NotFound("store", "The library has gone.", "Start again.")

    window.library.failed.connect(said.append)
    monkeypatch.setattr(services.people, "revision", broken)
    window.library.check()
    qtbot.wait(2500)
    assert len(said) == 1
    assert window.notice.text == "The library has gone."


def test_settings_are_changed_beside_the_window_and_the_status_bar_follows(
    window: MainWindow, settle: Settle
) -> None:
    window.settings_action.trigger()
    dialog = window._settings
    assert isinstance(dialog, SettingsDialog)
    assert dialog.isVisible()
    settle()
    dialog.port.setValue(9123)
    assert window.rest_switch._port.value() == 9123
    window.settings_action.trigger()
    assert window._settings is dialog, "one is enough"
