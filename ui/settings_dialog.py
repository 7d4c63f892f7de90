"""What the user can set, in one place. Every change counts at once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict

from PyQt5.QtCore import QEvent, QObject, Qt, QTimer, pyqtSignal
from PyQt5.QtGui import QStandardItemModel
from PyQt5.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from faceapp.config import Settings
from faceapp.errors import FaceAppError
from faceapp.models.base import Role
from faceapp.services import Services
from ui.jobs_qt import JobsQt
from ui.messages import MessageBar
from ui.model_list import KnownModel, ModelList
from ui.wrapped_label import WrappedLabel

# What this dialog sets: the rest of the settings belongs to the window and its pages.
SHOWN = (
    "detector", "embedder", "threshold", "one_person_once", "visible_mark", "content_credentials",
    "keep_sightings_days", "upload_limit_mb", "rest_port",
)  # fmt: skip
FURTHEST = 2.0
LONGEST_DAYS = 36_500
LARGEST_MB = 4096


class SettingsDialog(QDialog):
    """Modeless: what a change does can be looked at in the window.

    Signals:
        changed: the names of what was set, a set; "models" for a swapper that was added or removed.
    """

    changed = pyqtSignal(object)

    def __init__(self, services: Services, jobs: JobsQt, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Settings"))
        self.setAttribute(Qt.WA_DeleteOnClose)
        self.setModal(False)
        self._services, self._jobs = services, jobs
        self._models: tuple[KnownModel, ...] = ()
        self._enrolled: list[str] = []  # the models that the library's faces were measured with
        self.messages = MessageBar()
        self.detector, self.embedder = QComboBox(), QComboBox()
        self.detector_text, self.embedder_text = _note(), _note()
        self.restart = QLabel(wordWrap=True)
        self.threshold = QDoubleSpinBox(minimum=0, maximum=FURTHEST, decimals=4, singleStep=0.005)
        self.automatic = QCheckBox(self.tr("As &measured for the model"))
        self.once = QCheckBox(self.tr("A person is on a photo only &once"))
        self.mark = QCheckBox(self.tr("&Write “edited” visibly onto results"))
        self.credentials = QCheckBox(self.tr("&Sign results with content credentials (C2PA)"))
        self.days = QSpinBox(minimum=0, maximum=LONGEST_DAYS)
        self.port = QSpinBox(minimum=1, maximum=65535)
        self.upload = QSpinBox(minimum=1, maximum=LARGEST_MB)
        self.models = ModelList(services, jobs)
        self.defaults_button = QPushButton(self.tr("&Restore the defaults"))
        self._close = QPushButton(self.tr("Close"))
        self._lay_out()
        self._show()
        self._connect()
        self.models.read()
        jobs.run(
            self.tr("Models of the library"), lambda _: services.enrolment.store.model_keys(),
            self._on_enrolled, self.messages.show_error, owner=self,
        )  # fmt: skip

    # -- placing and wiring ------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.restart.setProperty("state", "warning")
        self.days.setSpecialValueText(self.tr("For good"))
        self.days.setSuffix(self.tr(" days"))
        self.upload.setSuffix(self.tr(" MB"))
        wheel = _WheelGuard(self)
        for field in (self.threshold, self.days, self.port, self.upload, self.detector, self.embedder):
            field.setFocusPolicy(Qt.StrongFocus)
            field.installEventFilter(wheel)
            if isinstance(field, QAbstractSpinBox):
                field.setKeyboardTracking(False)
                field.setButtonSymbols(QAbstractSpinBox.NoButtons)
        inside = QWidget()
        sections = QVBoxLayout(inside)
        sections.setContentsMargins(0, 0, 12, 0)
        sections.setSpacing(24)
        for title, body in (
            (self.tr("Finding and recognising faces"), self._recognition()),
            (self.tr("Results of Swap and Morph"), self._results()),
            (self.tr("Sightings"), self._sightings()),
            (self.tr("REST port"), self._rest()),
            (self.tr("Models"), self.models),
        ):
            sections.addWidget(_section(title, body))
        sections.addStretch(1)
        self.area = QScrollArea(widgetResizable=True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.area.setWidget(inside)
        buttons = QHBoxLayout()
        buttons.addWidget(self.defaults_button)
        buttons.addStretch(1)
        buttons.addWidget(self._close)
        self.defaults_button.setAutoDefault(False)
        self._close.setAutoDefault(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(self.messages)
        column.addWidget(self.area, 1)
        column.addLayout(buttons)
        self.resize(680, 720)

    def _recognition(self) -> QWidget:
        threshold = _note(
            self.tr(
                "The distance up to which two faces count as the same person. Smaller: fewer people are taken"
                " for somebody else, and more are not recognised. As measured, a large library is stricter."
            )
        )
        once = _note(self.tr("Switch it off for twins, mirrors and collages."))
        form = _form()
        form.addRow(self.tr("&Find faces with"), self.detector)
        form.addRow("", self.detector_text)
        form.addRow(self.tr("&Compare them with"), self.embedder)
        form.addRow("", self.embedder_text)
        form.addRow("", self.restart)
        distance = QHBoxLayout()
        distance.setSpacing(16)
        distance.addWidget(self.threshold)
        distance.addWidget(self.automatic)
        distance.addStretch(1)
        label = QLabel(self.tr("Same person &up to"))
        label.setBuddy(self.threshold)
        form.addRow(label, distance)
        form.addRow("", threshold)
        form.addRow("", self.once)
        form.addRow("", once)
        return _of(form)

    def _results(self) -> QWidget:
        always = _note(self.tr("Every result says in its metadata that it is edited, whatever is set here."))
        signer = _note(
            self.tr(
                "The signature says what was done and shows later changes. The key is made on this computer:"
                " other programs can read the statement and show its signer as not trusted."
            )
        )
        column = QVBoxLayout()
        column.setSpacing(8)
        for widget in (always, self.mark, self.credentials, signer):
            column.addWidget(widget)
        return _of(column)

    def _sightings(self) -> QWidget:
        form = _form()
        form.addRow(self.tr("&Keep sightings"), self.days)
        note = _note(self.tr("Who was seen when, on the Live page and by the REST port. Older ones go."))
        form.addRow("", note)
        return _of(form)

    def _rest(self) -> QWidget:
        form = _form()
        form.addRow(self.tr("&Port number"), self.port)
        form.addRow(self.tr("&Largest upload"), self.upload)
        form.addRow("", _note(self.tr("The switch that opens the port is in the status bar.")))
        return _of(form)

    def _connect(self) -> None:
        self.detector.activated.connect(lambda: self._keep(detector=self._chosen(self.detector, "detector")))
        self.embedder.activated.connect(lambda: self._keep(embedder=self._chosen(self.embedder, "embedder")))
        self.threshold.valueChanged.connect(lambda value: self._keep(threshold=round(value, 4)))
        self.automatic.toggled.connect(self._on_automatic_toggled)
        self.once.toggled.connect(lambda on: self._keep(one_person_once=on))
        self.mark.toggled.connect(lambda on: self._keep(visible_mark=on))
        self.credentials.toggled.connect(lambda on: self._keep(content_credentials=on))
        self.days.valueChanged.connect(lambda days: self._keep(keep_sightings_days=days))
        self.port.valueChanged.connect(lambda port: self._keep(rest_port=port))
        self.upload.valueChanged.connect(lambda size: self._keep(upload_limit_mb=size))
        self.defaults_button.clicked.connect(self.restore)
        self._close.clicked.connect(self.reject)
        self.models.changed.connect(self._on_models)
        self.models.failed.connect(self.messages.show_error)
        self.models.told.connect(lambda said: self.messages.show_message(said, kind="success"))
        # What asks for a decision must not stay below the edge.
        self.models.licence.asked.connect(lambda: QTimer.singleShot(0, self._show_licence))

    def _show_licence(self) -> None:
        self.area.ensureWidgetVisible(self.models.licence)

    # -- values ------------------------------------------------------------------------------------

    def _keep(self, **changes: object) -> None:
        try:
            self._services.settings.change(**changes)
        except FaceAppError as error:
            self.messages.show_error(error)
            self._show()
            return
        self.messages.clear()
        self._show()
        self.changed.emit(set(changes))

    def _on_automatic_toggled(self, on: bool) -> None:
        self._keep(threshold=0.0 if on else self._measured())

    def _measured(self) -> float:
        """The distance that the model in use was measured best with, on pairs of photos."""
        calibration = self._services.models.spec(self._services.analyser.model_key).calibration
        assert calibration is not None, "every embedder of the catalogue was measured"
        return calibration.threshold

    def restore(self) -> None:
        """All that this dialog shows as it was at first; theme and the like stay."""
        defaults = asdict(Settings())
        self._keep(**{name: defaults[name] for name in SHOWN})

    def _show(self) -> None:
        """What is set, without telling anybody."""
        now = self._services.settings.current
        fields: tuple[tuple[QWidget, object], ...] = (
            (self.threshold, now.threshold or self._measured()), (self.automatic, not now.threshold),
            (self.once, now.one_person_once), (self.mark, now.visible_mark),
            (self.credentials, now.content_credentials), (self.days, now.keep_sightings_days),
            (self.port, now.rest_port), (self.upload, now.upload_limit_mb),
        )  # fmt: skip
        for field, value in fields:
            field.blockSignals(True)
            if isinstance(field, QCheckBox):
                field.setChecked(bool(value))
            elif isinstance(field, (QSpinBox, QDoubleSpinBox)):
                field.setValue(value)
            field.blockSignals(False)
        self.threshold.setEnabled(bool(now.threshold))
        self._show_models()

    # -- models ------------------------------------------------------------------------------------

    def _on_models(self, models: tuple[KnownModel, ...]) -> None:
        before, self._models = self._models, models
        self._show()
        if before and _swappers(before) != _swappers(models):
            self.changed.emit({"models"})

    def _on_enrolled(self, keys: list[str]) -> None:
        self._enrolled = keys
        self._show()

    def _chosen(self, box: QComboBox, role: Role) -> str:
        """The key as the settings have it: nothing for the catalogue's own choice."""
        key = str(box.currentData())
        return "" if key == self._services.models.default_key(role) else key

    def _show_models(self) -> None:
        now = self._services.settings.current
        self._fill(self.detector, "detector", now.detector, self.detector_text)
        self._fill(self.embedder, "embedder", now.embedder, self.embedder_text)
        sentences = self._consequences()
        self.restart.setText(" ".join(sentences))
        self.restart.setVisible(bool(sentences))

    def _fill(self, box: QComboBox, role: Role, setting: str, text: QLabel) -> None:
        box.clear()
        box.setEnabled(bool(self._models))
        wanted = setting or self._services.models.default_key(role)
        for model in self._models:
            if model.spec.role != role:
                continue
            usable = model.usable or model.spec.key == wanted
            lacks = "" if model.usable else self.tr(" (its file is missing, see Models)")
            box.addItem(f"{model.spec.title}{lacks}", model.spec.key)
            items = box.model()
            if isinstance(items, QStandardItemModel):
                items.item(box.count() - 1).setEnabled(usable)
            if model.spec.key == wanted:
                box.setCurrentIndex(box.count() - 1)
                licence = self.tr("Licence: {licence}.").format(licence=model.spec.licence)
                text.setText(f"{licence} {model.spec.remark}".strip())

    def _consequences(self) -> list[str]:
        """What a choice of models means that is not in use yet."""
        services = self._services
        now, models, analyser = services.settings.current, services.models, services.analyser
        detector = now.detector or models.default_key("detector")
        embedder = now.embedder or models.default_key("embedder")
        sentences = []
        if (detector, embedder) != (analyser.detector_key, analyser.model_key):
            sentences.append(self.tr("This counts when the program is started again."))
        enrolled = [key for key in self._enrolled if key != embedder]
        if enrolled and embedder != analyser.model_key:
            titles = ", ".join(self._title(key) for key in enrolled)
            sentence = self.tr(
                "Your library was made with {titles}: {new} cannot compare its faces, and recognises nobody"
                " until they are enrolled again."
            )
            sentences.append(sentence.format(titles=titles, new=self._title(embedder)))
        return sentences

    def _title(self, key: str) -> str:
        with suppress(FaceAppError):  # a model that this version of the program does not know
            return self._services.models.spec(key).title
        return key


class _WheelGuard(QObject):
    """The wheel scrolls the dialog, and changes no value that it happens to pass."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False


def _swappers(models: tuple[KnownModel, ...]) -> list[tuple[str, bool]]:
    return [(model.spec.remark, model.usable) for model in models if model.spec.role == "swapper"]


def _note(text: str = "") -> QLabel:
    label = WrappedLabel(text)
    label.setProperty("role", "quiet")
    return label


def _form() -> QFormLayout:
    form = QFormLayout()
    form.setVerticalSpacing(8)
    form.setHorizontalSpacing(16)
    form.setLabelAlignment(Qt.AlignLeft)
    form.setFieldGrowthPolicy(QFormLayout.AllNonFixedFieldsGrow)
    return form


def _of(layout: QFormLayout | QVBoxLayout) -> QWidget:
    widget = QWidget()
    layout.setContentsMargins(0, 0, 0, 0)
    widget.setLayout(layout)
    return widget


def _section(title: str, body: QWidget) -> QWidget:
    heading = QLabel(title)
    heading.setProperty("role", "heading")
    column = QVBoxLayout()
    column.setSpacing(12)
    column.addWidget(heading)
    column.addWidget(body)
    return _of(column)
