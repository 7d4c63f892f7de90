"""What the window expects of a page, and what a page may ask of the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QKeySequence
from PyQt5.QtWidgets import QAction, QWidget

from faceapp.services import Services
from faceapp.types import Person, Photo
from ui.icons import icon
from ui.jobs_qt import JobsQt


class Page(QWidget):
    """One tab. It is made when it is first shown, and it never knows another page.

    Signals:
        lookalike_requested: a `Photo` whose faces shall be searched on the Lookalike page.
        enrol_requested: a `Photo` to enrol, a `Person` who shall get more photos, or None.
        swap_requested: `Photo`s for the Swap page, the one whose faces are replaced first.
        morph_requested: `Photo`s whose faces shall be morphed, in their order.
        people_requested: the id of a person whom the People page shall show.
        live_requested: show the Live page.
        library_changed: this page has written to the library; the window lets everybody look at once.
        import_requested: ask for a folder of people and import it.
        sample_requested: enrol the sample people.
        noted: a few words that the tab shows beside its title ("2 on"); "" for none.
    """

    lookalike_requested = pyqtSignal(object)
    enrol_requested = pyqtSignal(object)
    swap_requested = pyqtSignal(object)
    morph_requested = pyqtSignal(object)
    people_requested = pyqtSignal(int)
    live_requested = pyqtSignal()
    library_changed = pyqtSignal()
    import_requested = pyqtSignal()
    sample_requested = pyqtSignal()
    noted = pyqtSignal(str)

    def __init__(self, services: Services, jobs: JobsQt, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.services = services
        self.jobs = jobs

    def _action(
        self, text: str, name: str, slot: Callable[[], object], keys: str, *places: QWidget
    ) -> QAction:
        """A command whose shortcut works in `places`, and which stands in their context menus."""
        made = QAction(icon(name), text, self)
        made.setShortcut(QKeySequence(keys))
        made.setShortcutContext(Qt.WidgetWithChildrenShortcut)
        made.triggered.connect(lambda _: slot())
        for place in places:
            place.addAction(made)
        return made

    def open_photo(self, photo: str | Path | Photo) -> None:
        """Show a photo of the disk, or one that another page handed over."""

    def open_photos(self, photos: Sequence[Photo]) -> None:
        """Show photos that another page handed over together."""

    def open_person(self, person: Person) -> None:
        """Turn to a person: the People page selects them, the Enrol page adds photos to them."""

    def choose_photos(self) -> None:
        """Ctrl+O: let the user choose what this page opens."""

    def paste(self) -> None:
        """Ctrl+V outside a text field: take the picture or the files of the clipboard."""

    def choose_place(self) -> bool:
        """Ctrl+S: let the user choose where what this page has made goes; False where there is nothing."""
        return False

    def forget_undo(self) -> None:
        """The newest change has been taken back: a notice that offers to do so is out of date."""

    def refresh(self) -> None:
        """The library has changed (by this page, another one, or another process)."""

    def stop(self) -> None:
        """The window is closing: end timers, let devices go."""
