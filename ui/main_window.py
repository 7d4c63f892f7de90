"""The main window: places the pages of `faceapp.ui` and wires them to each other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

from PyQt5 import sip, uic
from PyQt5.QtCore import QByteArray, Qt, QTimer, QUrl
from PyQt5.QtGui import QCloseEvent, QDesktopServices, QKeySequence, QShowEvent
from PyQt5.QtWidgets import (
    QAction,
    QActionGroup,
    QDialog,
    QDockWidget,
    QFileDialog,
    QMainWindow,
    QMenuBar,
    QMessageBox,
    QStatusBar,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from faceapp.errors import FaceAppError
from faceapp.services import Services
from faceapp.types import Person, Photo
from ui.commands_dialog import CommandsDialog
from ui.history_dialog import HistoryDialog
from ui.icons import icon
from ui.jobs_dock import JobsPanel
from ui.jobs_qt import JobsQt
from ui.library import Library
from ui.memory import Memory
from ui.messages import NOTICE_SECONDS, MessageBar
from ui.page import Page
from ui.rest_switch import RestPort, RestSwitch
from ui.status_bar import LibraryLabel, ModelLabel
from ui.theme import Theme

FORM = Path(__file__).resolve().parent.parent / "faceapp.ui"
# The tabs in their order: the icon, and the page of that tab.
PAGES = {
    "lookalike": ("lookalike", "ui.lookalike_page", "LookalikePage"),
    "enrol": ("enrol", "ui.enrol_page", "EnrolPage"),
    "live": ("camera", "ui.live_page", "LivePage"),
    "swap": ("swap", "ui.swap_page", "SwapPage"),
    "morph": ("morph", "ui.morph_page", "MorphPage"),
    "people": ("people", "ui.people_page", "PeoplePage"),
    "sightings": ("sightings", "ui.sightings_page", "SightingsPage"),
    "builder": ("builder", "ui.builder_page", "BuilderPage"),
}
# Settings that change what a page shows of the library.
SHOWN_IN_PAGES = {"threshold", "one_person_once", "models"}


class MainWindow(QMainWindow):
    """The frame around the pages. Every page is made when its tab is first shown."""

    tabs: QTabWidget
    lookalike_tab: QWidget
    enrol_tab: QWidget
    live_tab: QWidget
    swap_tab: QWidget
    morph_tab: QWidget
    people_tab: QWidget
    sightings_tab: QWidget
    builder_tab: QWidget
    notice_layout: QVBoxLayout
    jobs_dock: QDockWidget
    jobs_layout: QVBoxLayout
    menus: QMenuBar
    status: QStatusBar
    open_action: QAction
    paste_action: QAction
    save_action: QAction
    import_action: QAction
    sample_action: QAction
    quit_action: QAction
    undo_action: QAction
    redo_action: QAction
    history_action: QAction
    commands_action: QAction
    settings_action: QAction
    lookalike_action: QAction
    enrol_action: QAction
    live_action: QAction
    swap_action: QAction
    morph_action: QAction
    people_action: QAction
    sightings_action: QAction
    builder_action: QAction
    system_theme_action: QAction
    light_theme_action: QAction
    dark_theme_action: QAction
    full_screen_action: QAction
    kept_action: QAction
    data_folder_action: QAction
    about_action: QAction

    def __init__(self, services: Services, jobs: JobsQt, rest: RestPort, theme: Theme) -> None:
        super().__init__()
        uic.loadUi(str(FORM), self)
        self._services = services
        self._jobs = jobs
        self._theme = theme
        self._memory = Memory(services.paths)
        self._pages: dict[QWidget, Page] = {}
        self._stale: set[Page] = set()
        self._titles: dict[QWidget, str] = {}
        self._started = False
        self._history: HistoryDialog | None = None
        self._settings: QDialog | None = None
        self.library = Library(services, jobs, self)
        self.welcome = MessageBar(self)
        self.notice = MessageBar(self)
        self.models_label = ModelLabel(services, jobs)
        self.library_label = LibraryLabel(services, jobs)
        self.rest_switch = RestSwitch(services, jobs, rest)
        self.jobs_panel = JobsPanel(jobs, self.jobs_dock)
        self._place()
        self._connect()
        self._restore()

    # -- pages ---------------------------------------------------------------------------------
    def page(self, tab: QWidget) -> Page:
        """The page of that tab, made now if it was never shown."""
        if tab not in self._pages:
            page = self._pages[tab] = self._make_page(tab.objectName().removesuffix("_tab"))
            layout = QVBoxLayout(tab)
            layout.setContentsMargins(0, 0, 0, 0)
            layout.addWidget(page)
            page.lookalike_requested.connect(self.show_lookalikes)
            page.enrol_requested.connect(self.show_enrolment)
            page.people_requested.connect(self.show_person)
            page.live_requested.connect(self.live_action.trigger)
            page.swap_requested.connect(self.show_swap)
            page.morph_requested.connect(self.show_morph)
            page.library_changed.connect(self.library.check)
            page.import_requested.connect(self.import_folder)
            page.sample_requested.connect(self.start_sample)
            page.noted.connect(lambda note, tab=tab: self._show_note(tab, note))
        return self._pages[tab]

    def _make_page(self, name: str) -> Page:
        """Imports the page's module as late as that: no page costs anything until it is looked at."""
        _, module, kind = PAGES[name]
        page: Page = getattr(import_module(module), kind)(self._services, self._jobs, self)
        return page

    @property
    def current_page(self) -> Page:
        return self.page(self.tabs.currentWidget())

    def show_lookalikes(self, photo: Photo) -> None:
        """Search the faces of a photo."""
        self.tabs.setCurrentWidget(self.lookalike_tab)
        self.current_page.open_photo(photo)

    def show_enrolment(self, what: Photo | Person | None) -> None:
        """Enrol from a photo, give a person more photos, or begin from nothing."""
        self.tabs.setCurrentWidget(self.enrol_tab)
        if isinstance(what, Photo):
            self.current_page.open_photo(what)
        elif isinstance(what, Person):
            self.current_page.open_person(what)

    def show_swap(self, photos: Sequence[Photo]) -> None:
        """Take photos to the Swap page: the first is the one whose faces are replaced."""
        self.tabs.setCurrentWidget(self.swap_tab)
        self.current_page.open_photos(photos)

    def show_morph(self, photos: Sequence[Photo]) -> None:
        """Morph between the faces of photos, in their order."""
        self.tabs.setCurrentWidget(self.morph_tab)
        self.current_page.open_photos(photos)

    def show_person(self, person_id: int) -> None:
        """Select a person on the People page."""
        try:
            person = self._services.people.get(person_id)
        except FaceAppError as error:
            self.notice.show_error(error)
            return
        self.tabs.setCurrentWidget(self.people_tab)
        self.current_page.open_person(person)

    # -- what the menus do -----------------------------------------------------------------------
    def import_folder(self) -> None:
        """Ask for a folder of people and import it."""
        title = self.tr("Choose a folder that holds one folder for each person")
        chosen = QFileDialog.getExistingDirectory(self, title, self._memory.folder("import"))
        if chosen:
            self._memory.keep_folder("import", Path(chosen).parent)
            self.start_import(Path(chosen))

    def start_import(self, folder: Path) -> None:
        """Import a folder of people; the jobs dock shows how it goes."""
        self._services.enrolment.start_import(folder)

    def start_sample(self) -> None:
        """Enrol the sample people."""
        job = self._services.enrolment.start_sample()
        self._jobs.watch(job, lambda _: self.library.check(), self.notice.show_error, owner=self)

    def show_history(self) -> None:
        """The list of changes, beside the window."""
        if self._history is None:
            self._history = HistoryDialog(self._services, self._jobs, self.library, self)
        self._history.show()
        self._history.raise_()

    def show_settings(self) -> None:
        """What can be set, beside the window."""
        # Imported when it is first asked for: the window's start does not wait for it.
        from ui.settings_dialog import SettingsDialog

        if self._settings is None or sip.isdeleted(self._settings):
            dialog = SettingsDialog(self._services, self._jobs, self)
            dialog.changed.connect(self._on_settings_changed)
            self._settings = dialog
        self._settings.show()
        self._settings.raise_()
        self._settings.activateWindow()

    def show_commands(self) -> None:
        """The command list."""
        menus = [action for menu in self.menus.actions() for action in _leaves(menu)]
        CommandsDialog([*menus, *self.current_page.findChildren(QAction)], self).open()

    def show_kept(self) -> None:
        """What is kept and where, once more."""
        self._tell(self.tr("What is kept, and where"), "\n\n".join(self._kept()))

    def show_about(self) -> None:
        """What this program is."""
        self._tell(
            self.tr("About faceapp"),
            self.tr(
                "faceapp finds and recognises faces on your own computer. Nothing is sent anywhere.\n\n"
                "A resemblance is a measurement, not a proof: look at the photos before you decide."
            ),
        )

    def show_error(self, error: FaceAppError) -> None:
        """Something that belongs to no page went wrong."""
        self.notice.show_error(error)

    # -- placing and wiring -----------------------------------------------------------------------
    def _place(self) -> None:
        self.tabs.tabBar().setDrawBase(False)
        self.notice_layout.addWidget(self.welcome)
        self.notice_layout.addWidget(self.notice)
        self.jobs_layout.addWidget(self.jobs_panel)
        self.status.addWidget(self.models_label)
        self.status.addPermanentWidget(self.library_label)
        self.status.addPermanentWidget(self.rest_switch)
        self.redo_action.setShortcuts([QKeySequence("Ctrl+Shift+Z"), QKeySequence("Ctrl+Y")])
        for name, (meaning, *_) in PAGES.items():
            self.tabs.setTabIcon(self.tabs.indexOf(self._tab(name)), icon(meaning))
            self._tab_action(name).setIcon(icon(meaning))
        icons = {
            self.open_action: "open",
            self.paste_action: "paste",
            self.save_action: "save",
            self.import_action: "folder",
            self.sample_action: "people",
            self.undo_action: "undo",
            self.redo_action: "redo",
            self.history_action: "history",
            self.commands_action: "find",
            self.settings_action: "settings",
            self.quit_action: "quit",
            self.full_screen_action: "full-screen",
            self.kept_action: "info",
            self.data_folder_action: "open",
            self.about_action: "help",
        }
        for action, name in icons.items():
            action.setIcon(icon(name))
        themes = QActionGroup(self)
        for action, choice in self._theme_choices().items():
            themes.addAction(action)
            action.setIcon(icon("theme"))
            action.setChecked(self._services.settings.current.theme == choice)

    def _tab(self, name: str) -> QWidget:
        tab: QWidget = getattr(self, f"{name}_tab")
        return tab

    def _tab_action(self, name: str) -> QAction:
        action: QAction = getattr(self, f"{name}_action")
        return action

    def _theme_choices(self) -> dict[QAction, str]:
        return {
            self.system_theme_action: "system",
            self.light_theme_action: "light",
            self.dark_theme_action: "dark",
        }

    def _connect(self) -> None:
        self.open_action.triggered.connect(self._on_open_triggered)
        self.paste_action.triggered.connect(self._on_paste_triggered)
        self.save_action.triggered.connect(self._on_save_triggered)
        self.import_action.triggered.connect(self.import_folder)
        self.sample_action.triggered.connect(self.start_sample)
        self.quit_action.triggered.connect(self.close)
        self.undo_action.triggered.connect(self.library.undo)
        self.redo_action.triggered.connect(self.library.redo)
        self.history_action.triggered.connect(self.show_history)
        self.commands_action.triggered.connect(self.show_commands)
        self.settings_action.triggered.connect(self.show_settings)
        for name in PAGES:
            show = partial(self.tabs.setCurrentWidget, self._tab(name))
            self._tab_action(name).triggered.connect(lambda _, show=show: show())
        for action, choice in self._theme_choices().items():
            action.triggered.connect(lambda _, choice=choice: self._on_theme_chosen(choice))
        self.full_screen_action.toggled.connect(self._on_full_screen_toggled)
        self.kept_action.triggered.connect(self.show_kept)
        self.data_folder_action.triggered.connect(self._on_data_folder_triggered)
        self.about_action.triggered.connect(self.show_about)
        self.library.changed.connect(self._on_library_changed)
        self.library.told.connect(self._on_library_told)
        self.library.failed.connect(self.notice.show_error)
        self.models_label.failed.connect(self.notice.show_error)
        self.rest_switch.failed.connect(self.notice.show_error)

    def _restore(self) -> None:
        geometry = self._memory.get("window/geometry")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        self.full_screen_action.setChecked(self.isFullScreen())
        self.tabs.setCurrentIndex(min(int(self._memory.get("window/tab", 0)), self.tabs.count() - 1))
        if not self._services.settings.current.welcomed:
            said, folder = self._kept()
            self.welcome.show_message(said, folder, action=(self.tr("Got it"), self._on_welcome_read))

    def _kept(self) -> tuple[str, str]:
        said = self.tr(
            "Names, face crops and face measurements of the people you enrol are kept on this computer,"
            " in {0}."
        )
        photos = self.tr("Your photo files are read, never changed or moved, and nothing is sent anywhere.")
        return said.format(self._services.paths.data), photos

    def _tell(self, title: str, text: str) -> None:
        box = QMessageBox(QMessageBox.NoIcon, title, text, QMessageBox.Close, self)
        box.setAttribute(Qt.WA_DeleteOnClose)
        box.open()

    # -- what happens ------------------------------------------------------------------------------
    def showEvent(self, event: QShowEvent) -> None:
        """The first page is made after the frame is on the screen, the models load after that."""
        super().showEvent(event)
        if not self._started:
            self._started = True
            QTimer.singleShot(0, self._on_first_shown)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Timers and cameras end first; `ui.app` ends the rest in its order."""
        for page in self._pages.values():
            page.stop()
        self.library.stop()
        self.models_label.stop()
        self._memory.put("window/geometry", self.saveGeometry())
        self._memory.put("window/tab", self.tabs.currentIndex())
        super().closeEvent(event)

    def _on_first_shown(self) -> None:
        self.tabs.currentChanged.connect(self._on_tab_changed)
        self._on_tab_changed(self.tabs.currentIndex())
        self.library.start()
        self.models_label.preload()
        self.rest_switch.start_if_wanted()

    def _on_tab_changed(self, _: int) -> None:
        page = self.current_page
        if page in self._stale:
            self._stale.discard(page)
            page.refresh()
        page.setFocus()

    def _show_note(self, tab: QWidget, note: str) -> None:
        """What goes on in a page is told by its tab, also while another one is shown."""
        index = self.tabs.indexOf(tab)
        title = self._titles.setdefault(tab, self.tabs.tabText(index))
        self.tabs.setTabText(index, f"{title} · {note}" if note else title)

    def _on_open_triggered(self) -> None:
        self.current_page.choose_photos()

    def _on_paste_triggered(self) -> None:
        self.current_page.paste()

    def _on_save_triggered(self) -> None:
        if not self.current_page.choose_place():
            self.notice.show_message(
                self.tr("There is nothing to save on this page yet."), seconds=NOTICE_SECONDS
            )

    def _on_library_changed(self) -> None:
        self.library_label.refresh()
        self._stale = set(self._pages.values())
        self._stale.discard(self.current_page)
        self.current_page.refresh()

    def _on_settings_changed(self, names: set[str]) -> None:
        self.rest_switch.follow()
        if names & SHOWN_IN_PAGES:
            self._on_library_changed()

    def _on_library_told(self, sentence: str) -> None:
        for page in self._pages.values():
            page.forget_undo()
        self.notice.show_message(sentence, seconds=NOTICE_SECONDS)

    def _on_theme_chosen(self, choice: str) -> None:
        self._theme.apply(choice)
        self._keep(theme=choice)

    def _on_full_screen_toggled(self, on: bool) -> None:
        if on:
            self.showFullScreen()
        elif self.isFullScreen():
            self.showNormal()

    def _on_data_folder_triggered(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._services.paths.data)))

    def _on_welcome_read(self) -> None:
        self._keep(welcomed=True)

    def _keep(self, **changes: object) -> None:
        try:
            self._services.settings.change(**changes)
        except FaceAppError as error:
            self.notice.show_error(error)


def _leaves(action: QAction) -> list[QAction]:
    menu = action.menu()
    return [action] if menu is None else [leaf for inner in menu.actions() for leaf in _leaves(inner)]
