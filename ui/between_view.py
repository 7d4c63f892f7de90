"""Who is in between: of which two enrolled people a face may be a mixture."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import QFileDialog, QLabel, QPushButton, QVBoxLayout, QWidget

from faceapp.jobs import JobContext
from faceapp.services import Services
from faceapp.services.recognition import Between
from ui.fold import Fold
from ui.icons import icon
from ui.jobs_qt import JobsQt

MOST = 5


class BetweenView(QWidget):
    """Signals:
    failed: a FaceAppError.
    """

    failed = pyqtSignal(object)

    def __init__(self, services: Services, jobs: JobsQt) -> None:
        super().__init__()
        self._services = services
        self._jobs = jobs
        self._button = QPushButton(icon("find"), self.tr("Choose a picture…"))
        self._button.setToolTip(self.tr("A morph, or a photo that you doubt"))
        self._words = QLabel(wordWrap=True)
        self._words.setProperty("role", "quiet")
        self._words.hide()
        inside = QWidget()
        body = QVBoxLayout(inside)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(8)
        body.addWidget(self._button)
        body.addWidget(self._words)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(Fold(self.tr("Who is in between?"), inside))
        self._button.clicked.connect(self._on_clicked)

    @property
    def text(self) -> str:
        return "" if self._words.isHidden() else self._words.text()

    def _on_clicked(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, self.tr("Choose a picture"))
        if name:
            self.look(Path(name))

    def look(self, path: Path) -> None:
        """Rank the pairs of enrolled people for the face of a picture."""

        def body(context: JobContext) -> tuple[Between, ...]:
            from faceapp.pipeline.photos import read_photo

            context.check()
            return self._services.morphs.between(read_photo(path), MOST)

        self._words.setText(self.tr("Comparing…"))
        self._words.show()
        self._jobs.run(self.tr("Who is in between"), body, self._on_found, self._on_failed, owner=self)

    def _on_found(self, pairs: tuple[Between, ...]) -> None:
        if not pairs:
            self._words.setText(self.tr("That needs two or more people in your library."))
            return
        lines = [
            self.tr("{one} and {other}, {share:.0f} % of the way").format(
                one=pair.person.name, other=pair.other.name, share=pair.share * 100
            )
            + (self.tr(": hardly by chance") if pair.suspicious else "")
            for pair in pairs
        ]
        self._words.setText("\n".join(lines))

    def _on_failed(self, error: object) -> None:
        self._words.hide()
        self.failed.emit(error)
