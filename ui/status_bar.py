"""What the status bar says: the models in use, and how much the library holds."""

from __future__ import annotations

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import QLabel

from faceapp.errors import FaceAppError
from faceapp.jobs import JobContext
from faceapp.services import Services
from ui import words
from ui.jobs_qt import JobsQt
from ui.library import LIBRARY

DEVICE = "CPU"


class ModelLabel(QLabel):
    """Which models are at work, and whether they are ready. Listens from the start.

    Signals:
        failed: the ModelUnavailable of a model that could not be loaded.
    """

    failed = pyqtSignal(object)
    _told = pyqtSignal(str, str)

    def __init__(self, services: Services, jobs: JobsQt) -> None:
        super().__init__()
        self.setObjectName("modelLabel")
        self._services = services
        self._jobs = jobs
        self._titles = [services.models.spec(key).title for key in self._keys()]
        self._states: dict[str, str] = {}
        self._told.connect(self._on_told)
        # Called on whatever thread loads the model.
        self._leave = services.models.on_state(self._told.emit)
        self._say(self.tr("Models load soon"))

    def preload(self) -> None:
        """Load the models in the background, so that the first photo does not wait for them."""
        analyser = self._services.analyser

        def body(context: JobContext) -> None:
            analyser.preload()

        self._say(self.tr("Loading models…"))
        self._jobs.run(self.tr("Load the models"), body, self._on_loaded, self._on_failed, "models")

    def stop(self) -> None:
        """Listen no more."""
        self._leave()

    def _keys(self) -> tuple[str, str]:
        return self._services.analyser.detector_key, self._services.analyser.model_key

    def _on_loaded(self, _: None) -> None:
        """Nothing was told where the models had been loaded before."""
        self._states = dict.fromkeys(self._keys(), "loaded")
        self._show()

    def _on_told(self, key: str, state: str) -> None:
        self._states[key] = state
        self._show()

    def _on_failed(self, error: FaceAppError) -> None:
        self._say(error.sentence, "error")
        self.failed.emit(error)

    def _show(self) -> None:
        states = [self._states.get(key, "") for key in self._keys()]
        names = " + ".join(self._titles)
        if all(state == "loaded" for state in states):
            self._say(self.tr("Ready: {0}, {1}").format(names, DEVICE))
            tip = self.tr("{0} finds faces, {1} compares them. Both run on this computer's {2}.")
            self.setToolTip(tip.format(*self._titles, DEVICE))
        elif "broken" in states or "missing" in states:
            named = zip(self._titles, states, strict=True)
            bad = [title for title, state in named if state in ("broken", "missing")]
            self._say(self.tr("{0} cannot be used").format(words.listed(bad)), "error")
        elif "loading" in states:
            self._say(self.tr("Loading models…"))

    def _say(self, text: str, state: str = "") -> None:
        self.setText(text)
        if self.property("state") != state:
            self.setProperty("state", state)
            self.style().unpolish(self)
            self.style().polish(self)


class LibraryLabel(QLabel):
    """How many people and faces are enrolled."""

    def __init__(self, services: Services, jobs: JobsQt) -> None:
        super().__init__()
        self.setObjectName("libraryLabel")
        self._services = services
        self._jobs = jobs

    def refresh(self) -> None:
        """Count again."""
        self._jobs.run(self.tr("Count the library"), self._count, self._show, resource=LIBRARY, owner=self)

    def _count(self, context: JobContext) -> tuple[int, int, int]:
        return self._services.people.count()

    def _show(self, counts: tuple[int, int, int]) -> None:
        people, photos, faces = counts
        if not people:
            self.setText(self.tr("The library is empty"))
            return
        self.setText(f"{words.people_count(people)}, {words.face_count(faces)}")
        self.setToolTip(self.tr("{0} in the library").format(words.photo_count(photos)))
