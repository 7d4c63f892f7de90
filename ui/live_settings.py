"""How sources are watched, as a form; kept from one start to the next."""

from __future__ import annotations

from PyQt5.QtCore import QTimer, pyqtSignal
from PyQt5.QtWidgets import QCheckBox, QComboBox, QFormLayout, QWidget

from faceapp.live import LiveSettings
from ui.memory import Memory
from ui.widgets import number_box

CALM_MS = 700
DEFAULTS = LiveSettings()


class LiveSettingsForm(QWidget):
    """Signals:
    changed: the new `LiveSettings`, once the user has paused.
    """

    changed = pyqtSignal(object)

    def __init__(self, memory: Memory) -> None:
        super().__init__()
        self._memory = memory
        tr = self.tr
        self.min_face = number_box(12, 400, self._kept("min_face"), tr(" pixels"))
        self.min_face.setToolTip(tr("Smaller faces are followed, but nobody is recognised in them."))
        self.decide_after = number_box(1, 50, self._kept("decide_after"), tr(" faces"))
        self.decide_after.setToolTip(tr("So many good views of a face are compared before it gets a name."))
        self.method = QComboBox()
        self.method.addItem(tr("Vote"), "vote")
        self.method.addItem(tr("Fuse"), "fuse")
        self.method.setToolTip(
            tr("Vote: most of the views must be near to one person. Fuse: their mean must be.")
        )
        self.method.setCurrentIndex(max(0, self.method.findData(self._memory.get("live/method", "vote"))))
        self.detect_every = number_box(0, 30, self._kept("detect_every"), tr(" frames"))
        self.detect_every.setSpecialValueText(tr("as fits the machine"))
        self.detect_every.setToolTip(tr("Between two searches for faces, those that are known are followed."))
        self.once = QCheckBox(tr("A person is there only once"))
        self.once.setChecked(bool(self._kept("one_person_once")))
        self.once.setToolTip(tr("Switch this off for twins, mirrors and several pictures of one person."))
        self.liveness = QCheckBox(tr("Guess whether a face is live"))
        self.liveness.setChecked(bool(self._kept("liveness")))
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(8)
        form.addRow(tr("Smallest face"), self.min_face)
        form.addRow(tr("Decide after"), self.decide_after)
        form.addRow(tr("Decide by"), self.method)
        form.addRow(tr("Search every"), self.detect_every)
        form.addRow(self.once)
        form.addRow(self.liveness)
        self._calm = QTimer(self, singleShot=True, interval=CALM_MS)
        self._calm.timeout.connect(self._on_calm)
        for box in (self.min_face, self.decide_after, self.detect_every):
            box.valueChanged.connect(self._calm.start)
        self.method.currentIndexChanged.connect(self._calm.start)
        self.once.toggled.connect(self._calm.start)
        self.liveness.toggled.connect(self._calm.start)
        self.allow_liveness(False)

    def allow_liveness(self, there: bool) -> None:
        """there: whether there is a model for it."""
        self.liveness.setEnabled(there)
        self.liveness.setToolTip(
            self.tr("Says so where a face looks like a photo or a screen. It often errs and bars nobody.")
            if there
            else self.tr(
                "This needs the model MiniFASNet: add its two files with “main.py models add FILE”."
            )
        )

    @property
    def settings(self) -> LiveSettings:
        return LiveSettings(
            min_face=self.min_face.value(),
            decide_after=self.decide_after.value(),
            method=self.method.currentData(),
            detect_every=self.detect_every.value(),
            one_person_once=self.once.isChecked(),
            liveness=self.liveness.isChecked(),
        )

    def stop(self) -> None:
        self._calm.stop()

    def _kept(self, name: str) -> int:
        try:
            return int(self._memory.get(f"live/{name}", int(getattr(DEFAULTS, name))))
        except ValueError:
            return int(getattr(DEFAULTS, name))

    def _on_calm(self) -> None:
        chosen = self.settings
        for name in ("min_face", "decide_after", "detect_every", "one_person_once", "liveness"):
            self._memory.put(f"live/{name}", int(getattr(chosen, name)))
        self._memory.put("live/method", chosen.method)
        self.changed.emit(chosen)
