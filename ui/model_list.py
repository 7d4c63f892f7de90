"""The models that the program knows: what each does, whether it is there, and what its licence says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from faceapp.errors import FaceAppError
from faceapp.jobs import JobContext
from faceapp.models.base import ModelSpec, Role
from faceapp.models.registry import State
from faceapp.services import Services
from ui.icons import icon
from ui.jobs_qt import JobsQt
from ui.memory import Memory

LANE = "models"
NOT_ACCEPTED = "licence_not_accepted"


@dataclass(frozen=True)
class KnownModel:
    """A row of the catalogue and what there is of it. lack: why the user's own swapper cannot be used yet."""

    spec: ModelSpec
    state: State
    lack: str = ""

    @property
    def usable(self) -> bool:
        return self.state not in ("missing", "broken") and not self.lack


def read_models(services: Services) -> tuple[KnownModel, ...]:
    """Every model with its state. Reads large files the first time: on a job's thread."""
    services.models.read_plugins()
    return tuple(
        KnownModel(spec, services.models.state(spec.key), _lack(services, spec.role))
        for spec in services.models.specs()
    )


def _lack(services: Services, role: Role) -> str:
    if role != "swapper":
        return ""
    try:
        services.models.plugins.require()
    except FaceAppError as error:
        return error.sentence
    return ""


class ModelList(QWidget):
    """All models, a button to add the file of one, and the licence where that needs to be accepted.

    Signals:
        changed: the `KnownModel`s, after they were read or something was added or removed.
        failed: a FaceAppError.
        told: a sentence about what was done.
    """

    changed = pyqtSignal(object)
    failed = pyqtSignal(object)
    told = pyqtSignal(str)

    def __init__(self, services: Services, jobs: JobsQt) -> None:
        super().__init__()
        self._services, self._jobs = services, jobs
        self._memory = Memory(services.paths)
        self._path: Path | None = None  # a network that waits for its licence to be accepted
        self._rows = QVBoxLayout()
        self._rows.setSpacing(0)
        self.add_button = QPushButton(icon("add"), self.tr("&Add a model file…"))
        self.licence = LicenceCard()
        self.licence.hide()
        help_text = QLabel(
            self.tr(
                "For a model whose file you have, and for your own swap networks: one that swaps faces and"
                " one that says who a face is (ONNX files). The file is copied; yours stays where it is."
            ),
            wordWrap=True,
        )
        help_text.setProperty("role", "quiet")
        frame = QFrame()
        frame.setProperty("role", "panel")
        frame.setLayout(self._rows)
        self._rows.setContentsMargins(16, 4, 8, 4)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(frame)
        column.addWidget(self.add_button, 0, Qt.AlignLeft)
        column.addWidget(help_text)
        column.addWidget(self.licence)
        self.add_button.setAutoDefault(False)
        self.add_button.clicked.connect(self._on_add_clicked)
        self.licence.accepted.connect(self._on_licence_accepted)
        self.licence.declined.connect(self._on_licence_declined)

    @property
    def rows(self) -> list[ModelRow]:
        widgets = [self._rows.itemAt(at).widget() for at in range(self._rows.count())]
        return [widget for widget in widgets if isinstance(widget, ModelRow)]

    def read(self) -> None:
        """Look at the models again."""
        self._jobs.run(
            self.tr("Models"), lambda _: read_models(self._services), self._show, self.failed.emit,
            resource=LANE, owner=self,
        )  # fmt: skip

    def _show(self, models: tuple[KnownModel, ...]) -> None:
        for row in self.rows:
            self._rows.removeWidget(row)
            row.deleteLater()
        analyser = self._services.analyser
        used = (analyser.detector_key, analyser.model_key)
        for model in models:
            row = ModelRow(model, model.spec.key in used)
            row.fetch_requested.connect(self._on_fetch)
            row.remove_requested.connect(self._on_remove)
            self._rows.addWidget(row)
        self.changed.emit(models)

    # -- adding and removing -----------------------------------------------------------------------

    def _on_add_clicked(self) -> None:
        title, kinds = self.tr("Add a model file"), self.tr("Models (*.onnx *.dat *.lz4);;All files (*)")
        name, _ = QFileDialog.getOpenFileName(self, title, self._memory.folder("models"), kinds)
        if name:
            self._memory.keep_folder("models", Path(name).parent)
            self.add(Path(name))

    def add(self, path: Path, accepted: bool = False) -> None:
        """Copy the file of a model; a swap network of the user's own asks for its licence first."""
        self._path = path
        self.licence.hide()
        self.add_button.setEnabled(False)

        def body(_: JobContext) -> ModelSpec:
            return self._services.upkeep.add(path, accepted)

        title = self.tr("Add {name}").format(name=path.name)
        self._jobs.run(title, body, self._on_added, self._on_add_failed, resource=LANE)

    def _on_added(self, spec: ModelSpec) -> None:
        self.add_button.setEnabled(True)
        name = self._path.name if self._path is not None else spec.title
        self.told.emit(self.tr("{name} was added: {title}.").format(name=name, title=spec.title))
        self.read()

    def _on_add_failed(self, error: FaceAppError) -> None:
        self.add_button.setEnabled(True)
        if error.code == NOT_ACCEPTED and self._path is not None:
            self.licence.ask(self._path.name, error.sentence)
        else:
            self.failed.emit(error)

    def _on_licence_accepted(self) -> None:
        if self._path is not None:
            self.add(self._path, accepted=True)

    def _on_licence_declined(self) -> None:
        self._path = None
        self.licence.hide()
        self.add_button.setFocus()

    def _on_remove(self, _: str) -> None:
        def body(_: JobContext) -> None:
            self._services.models.plugins.remove()

        self._jobs.run(
            self.tr("Remove the swapper"), body, self._on_removed, self.failed.emit, resource=LANE, owner=self
        )

    def _on_removed(self, _: None) -> None:
        self.told.emit(self.tr("Your own swapper was removed. The files that you added are where they were."))
        self.read()

    def _on_fetch(self, key: str) -> None:
        try:
            job = self._services.upkeep.start_fetch(key)
        except FaceAppError as error:
            self.failed.emit(error)
            return
        self._jobs.watch(job, self._on_fetched, self._on_fetch_failed, owner=self)

    def _on_fetched(self, spec: ModelSpec) -> None:
        self.told.emit(self.tr("{title} was downloaded.").format(title=spec.title))
        self.read()

    def _on_fetch_failed(self, error: FaceAppError) -> None:
        self.failed.emit(error)
        self.read()


class ModelRow(QWidget):
    """One model. Signals carry its key."""

    fetch_requested = pyqtSignal(str)
    remove_requested = pyqtSignal(str)

    def __init__(self, model: KnownModel, used: bool) -> None:
        super().__init__()
        self.model = model
        spec = model.spec
        title = QLabel(spec.title)
        title.setProperty("role", "heading")
        self.state = QLabel(self._state_words(used))
        if model.state == "broken" or model.lack or (used and not model.usable):
            self.state.setProperty("state", "warning")
        what = QLabel(f"{self._role_words()} · {self.tr('Licence')}: {spec.licence}", wordWrap=True)
        what.setProperty("role", "quiet")
        words = QVBoxLayout()
        words.setSpacing(0)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(title)
        head.addWidget(self.state, 1)
        words.addLayout(head)
        words.addWidget(what)
        for text in (spec.remark, model.lack):
            if text:
                words.addWidget(QLabel(text, wordWrap=True))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 8, 0, 8)
        row.addLayout(words, 1)
        self.button: QPushButton | None = None
        if spec.role == "swapper":
            self._add_button(row, self.tr("Remove"), self.remove_requested)
        elif self._can_be_fetched():
            self._add_button(row, self.tr("Download"), self.fetch_requested)

    def _add_button(self, row: QHBoxLayout, text: str, signal: pyqtSignal) -> None:
        key = self.model.spec.key
        self.button = QPushButton(text)
        self.button.setAutoDefault(False)
        self.button.setAccessibleName(f"{text}: {self.model.spec.title}")
        self.button.clicked.connect(lambda: self._on_clicked(signal, key))
        row.addWidget(self.button, 0, Qt.AlignTop)

    def _on_clicked(self, signal: pyqtSignal, key: str) -> None:
        assert self.button is not None
        self.button.setEnabled(False)
        signal.emit(key)

    def _can_be_fetched(self) -> bool:
        spec = self.model.spec
        return self.model.state == "missing" and all(file.package or file.url for file in spec.files)

    def _state_words(self, used: bool) -> str:
        if used and self.model.usable:
            return self.tr("in use")
        if self.model.lack:
            return self.tr("not complete")
        if self.model.state == "missing":
            return self.tr("not downloaded") if self._can_be_fetched() else self.tr("its file is missing")
        return {
            "ready": self.tr("ready"),
            "loading": self.tr("is being loaded"),
            "loaded": self.tr("ready"),
            "broken": self.tr("its file is damaged"),
        }[self.model.state]

    def _role_words(self) -> str:
        return {
            "detector": self.tr("Finds faces"),
            "landmarker": self.tr("Places points on faces"),
            "embedder": self.tr("Compares faces"),
            "antispoof": self.tr("Guesses whether a face is live"),
            "swapper": self.tr("Swaps faces"),
        }[self.model.spec.role]


class LicenceCard(QFrame):
    """A licence that has to be accepted before a file is added."""

    asked = pyqtSignal()
    accepted = pyqtSignal()
    declined = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "panel")
        self.title = QLabel()
        self.title.setProperty("role", "heading")
        self.text = QLabel(wordWrap=True)
        self.text.setTextInteractionFlags(Qt.TextSelectableByMouse | Qt.TextSelectableByKeyboard)
        self.agreed = QCheckBox(self.tr("&I have read this and accept it"))
        self.add_button = QPushButton(self.tr("Add it"))
        self.add_button.setProperty("role", "primary")
        cancel = QPushButton(self.tr("Do not add it"))
        buttons = QHBoxLayout()
        buttons.addWidget(self.agreed, 1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.add_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        column.addWidget(self.title)
        column.addWidget(self.text)
        column.addLayout(buttons)
        for button in (self.add_button, cancel):
            button.setAutoDefault(False)
        self.agreed.toggled.connect(self.add_button.setEnabled)
        self.add_button.clicked.connect(self.accepted)
        cancel.clicked.connect(self.declined)

    def ask(self, name: str, licence: str) -> None:
        """Show the licence of the file with that name."""
        self.title.setText(self.tr("Before {name} is added").format(name=name))
        self.text.setText(licence)
        self.agreed.setChecked(False)
        self.add_button.setEnabled(False)
        self.show()
        self.agreed.setFocus()
        self.asked.emit()
