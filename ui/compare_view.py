"""Two faces large, side by side."""

from __future__ import annotations

from dataclasses import dataclass

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QKeyEvent
from PyQt5.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from faceapp.errors import FaceAppError
from faceapp.services import Services
from faceapp.types import Box, Match
from ui import face_words
from ui.elided_label import ElidedLabel
from ui.face_canvas import FaceCanvas
from ui.face_mark import FaceMark
from ui.icons import icon
from ui.images import from_jpeg, to_bgr
from ui.picture import Picture
from ui.widgets import tool_button

# How much of its canvas a compared face fills.
SHARE = 0.6


@dataclass(frozen=True, eq=False)
class EnrolledPicture:
    """An enrolled face on its photo; whole is False where the photo is gone and only the crop is left."""

    picture: Picture
    box: Box
    whole: bool


def enrolled_picture(services: Services, face_id: int) -> EnrolledPicture:
    """Read the photo of an enrolled face, or its kept crop. On a job's thread. Raises NotFound."""
    from faceapp.pipeline.photos import read_photo

    stored = services.people.face(face_id)
    try:
        photo = read_photo(stored.photo.path)
    except FaceAppError:
        photo = None
    if photo is not None and photo.sha256 == stored.photo.sha256:
        return EnrolledPicture(Picture.of(photo.image), stored.box, True)
    crop = to_bgr(from_jpeg(services.people.crop(face_id)))
    height, width = crop.shape[:2]
    # A crop has half the face's side as margin on every side.
    face = Box(width / 4, height / 4, width * 3 / 4, height * 3 / 4)
    return EnrolledPicture(Picture.of(crop), face, False)


class CompareView(QWidget):
    """The searched face on the left, an enrolled one on the right, what the numbers say above.

    Signals:
        closed: back to the photo. step_wanted: -1 or 1, the match before or after.
    """

    closed = pyqtSignal()
    step_wanted = pyqtSignal(int)

    def __init__(self) -> None:
        super().__init__()
        self.match: Match | None = None
        self._back = QPushButton(icon("back"), self.tr("Back to the photo"))
        self._earlier = tool_button("previous", self.tr("The person before (←)"))
        self._later = tool_button("next", self.tr("The next person (→)"))
        self._name = QLabel()
        self._name.setProperty("role", "heading")
        self._name.setTextFormat(Qt.PlainText)
        self._badge = QLabel()
        self._numbers = ElidedLabel()
        self.left = FaceCanvas()
        self.right = FaceCanvas()
        self._under = QLabel(self.tr("The searched face"), alignment=Qt.AlignCenter)
        self._beneath = QLabel(alignment=Qt.AlignCenter)
        for label in (self._under, self._beneath):
            label.setProperty("role", "quiet")
        self._lay_out()
        self._back.clicked.connect(self.closed)
        self._earlier.clicked.connect(lambda: self.step_wanted.emit(-1))
        self._later.clicked.connect(lambda: self.step_wanted.emit(1))

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self._back)
        head.addStretch(1)
        head.addWidget(self._earlier)
        head.addWidget(self._later)
        words = QHBoxLayout()
        words.setSpacing(8)
        words.addWidget(self._name)
        words.addWidget(self._badge)
        words.addWidget(self._numbers, 1)
        grid = QGridLayout()
        grid.setSpacing(8)
        grid.addWidget(self.left, 0, 0)
        grid.addWidget(self.right, 0, 1)
        grid.addWidget(self._under, 1, 0)
        grid.addWidget(self._beneath, 1, 1)
        grid.setRowStretch(0, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(head)
        column.addLayout(words)
        column.addLayout(grid, 1)

    def show_query(self, picture: Picture, box: Box) -> None:
        if self.left.picture is not picture:
            self.left.set_picture(picture)
        self.left.set_marks([FaceMark(box)])
        self.left.zoom_to(0, SHARE)

    def show_match(self, match: Match, tip: str) -> None:
        """Name and numbers at once; the photo follows with `show_enrolled`."""
        self.match = match
        self._name.setText(match.person.name)
        face_words.show_badge(self._badge, match)
        self._badge.setToolTip(tip)
        self._numbers.setText(f"{face_words.resemblance(match)} · {face_words.distance(match)}")
        self._numbers.setToolTip(tip)
        self._beneath.setText(match.person.name)
        self.right.set_picture(None)
        self.right.set_busy(self.tr("Opening the photo…"))

    def show_enrolled(self, enrolled: EnrolledPicture) -> None:
        self.right.set_busy("")
        self.right.set_picture(enrolled.picture)
        self.right.set_marks([FaceMark(enrolled.box)] if enrolled.whole else [])
        if enrolled.whole:
            self.right.zoom_to(0, SHARE)
        elif self.match is not None:
            gone = self.tr("{name}: the photo is not where it was, this is the kept face")
            self._beneath.setText(gone.format(name=self.match.person.name))

    def show_failure(self, error: FaceAppError) -> None:
        self.right.set_busy("")
        self.right.empty.say("photo", error.sentence, error.hint)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key_Left: -1, Qt.Key_Right: 1}.get(event.key())
        if step is not None:
            self.step_wanted.emit(step)
        elif event.key() == Qt.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)
