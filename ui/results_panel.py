"""The right side of the Lookalike page: who the selected face is, and whom it resembles."""

from __future__ import annotations

from PyQt5.QtCore import Qt, QTimer, pyqtSignal
from PyQt5.QtGui import QImage
from PyQt5.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from faceapp.types import FaceMatches
from ui import face_words
from ui.empty_state import EmptyState
from ui.icons import icon
from ui.match_row import MatchRow
from ui.widgets import tool_button

MOST = 100
# So many rows are made at once; the rest follow while the window stays alive.
ROWS_AT_ONCE = 8


class ResultsPanel(QWidget):
    """Either a state in words (`notice`) or the results of one face.

    Signals:
        top_changed: how many people shall be shown.
        step_wanted: -1 or 1: the face before or after this one.
        enrol_wanted, copy_wanted, save_wanted: for the face that is shown.
        compare_wanted, morph_wanted, people_wanted, rejected: a `Match`.
    """

    top_changed = pyqtSignal(int)
    step_wanted = pyqtSignal(int)
    enrol_wanted = pyqtSignal()
    copy_wanted = pyqtSignal()
    save_wanted = pyqtSignal()
    compare_wanted = pyqtSignal(object)
    morph_wanted = pyqtSignal(object)
    people_wanted = pyqtSignal(object)
    rejected = pyqtSignal(object)

    def __init__(self, top: int) -> None:
        super().__init__()
        self._found: FaceMatches | None = None
        self._query = QImage()
        self._pictures: dict[int, QImage] = {}
        self._explain = ("", 0.0)
        self._rows: list[MatchRow] = []
        self._pending: list[int] = []
        self.notice = EmptyState()
        self._which = QLabel()
        self._which.setProperty("role", "quiet")
        self._earlier = tool_button("previous", self.tr("The face before"))
        self._later = tool_button("next", self.tr("The next face"))
        self._headline = QLabel(wordWrap=True)
        self._headline.setProperty("role", "title")
        self._beside = QLabel(wordWrap=True)
        self._top = QSpinBox(minimum=1, maximum=MOST, value=min(top, MOST), keyboardTracking=False)
        self.enrol_button = QPushButton(icon("enrol"), self.tr("Enrol this face…"))
        self._copy = tool_button("copy", self.tr("Copy the results"))
        self._save = tool_button("save", self.tr("Save the results as JSON or CSV…"))
        self._list = QVBoxLayout()
        self._area = QScrollArea(widgetResizable=True)
        self._stack = QStackedWidget()
        self._later_rows = QTimer(self, singleShot=True, interval=0)
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        faces = QHBoxLayout()
        faces.addWidget(self._which, 1)
        faces.addWidget(self._earlier)
        faces.addWidget(self._later)
        controls = QHBoxLayout()
        controls.setSpacing(8)
        label = QLabel(self.tr("Show"))
        label.setBuddy(self._top)
        self._top.setAccessibleName(self.tr("How many people are shown"))
        self._top.setToolTip(
            self.tr("How many people are shown, the most alike first: type it, or use the wheel or ↑ and ↓")
        )
        self._top.setButtonSymbols(QSpinBox.NoButtons)
        self._top.setFixedWidth(56)
        self._top.setAlignment(Qt.AlignCenter)
        for widget in (label, self._top, QLabel(self.tr("people"))):
            controls.addWidget(widget)
        controls.addStretch(1)
        controls.addWidget(self._copy)
        controls.addWidget(self._save)
        inside = QWidget()
        self._list.setContentsMargins(0, 0, 8, 0)
        self._list.setSpacing(8)
        self._list.addStretch(1)
        inside.setLayout(self._list)
        self._area.setWidget(inside)
        self._area.setFrameShape(QFrame.NoFrame)
        self._area.setFocusPolicy(Qt.NoFocus)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        results = QWidget()
        column = QVBoxLayout(results)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(faces)
        column.addWidget(self._headline)
        column.addWidget(self._beside)
        column.addWidget(self.enrol_button)
        column.addLayout(controls)
        column.addWidget(self._area, 1)
        self._stack.addWidget(self.notice)
        self._stack.addWidget(results)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._stack)

    def _connect(self) -> None:
        self._top.valueChanged.connect(self.top_changed)
        self._earlier.clicked.connect(lambda: self.step_wanted.emit(-1))
        self._later.clicked.connect(lambda: self.step_wanted.emit(1))
        self.enrol_button.clicked.connect(self.enrol_wanted)
        self._copy.clicked.connect(self.copy_wanted)
        self._save.clicked.connect(self.save_wanted)
        self._later_rows.timeout.connect(self._make_rows)

    # -- what is shown -------------------------------------------------------------------------

    def show_notice(self) -> None:
        """Show `notice` in place of results."""
        self._found = None
        self._stack.setCurrentIndex(0)

    def show_face(
        self, found: FaceMatches, query: QImage, number: int, count: int, explain: tuple[str, float]
    ) -> None:
        """Show one face's matches.

        Args:
            number, count: which of how many faces, from 0.
            explain: what the percentile is measured on, and the threshold.
        """
        again = self._found is not None and self._found.face is found.face
        self._found, self._query, self._explain = found, query, explain
        several = count > 1
        self._which.setText(self.tr("Face {number} of {count}").format(number=number + 1, count=count))
        for widget in (self._which, self._earlier, self._later):
            widget.setVisible(several)
        sentence, beside = face_words.headline(found)
        self._headline.setText(sentence)
        self._beside.setText(beside)
        self._beside.setVisible(bool(beside))
        tip = face_words.explanation(found.matches[0], *explain) if found.matches else ""
        self._beside.setToolTip(tip)
        self._pending = list(range(len(found.matches)))
        for row in self._rows[len(found.matches) :]:
            row.hide()
        self._make_rows()
        # Somebody who reads stays where they read when the same face was searched again.
        if not again:
            self._area.verticalScrollBar().setValue(0)
        self._stack.setCurrentIndex(1)

    def show_pictures(self, pictures: dict[int, QImage]) -> None:
        """The faces of enrolled people, by face id, as they arrive."""
        self._pictures.update(pictures)
        for row in self._rows:
            if row.match is not None and row.match.face_id in pictures:
                row.show_person(pictures[row.match.face_id])

    def forget_pictures(self) -> None:
        self._pictures.clear()

    @property
    def found(self) -> FaceMatches | None:
        """The face whose results are shown."""
        return self._found

    @property
    def rows(self) -> list[MatchRow]:
        """The rows that are shown, best first."""
        count = len(self._found.matches) if self._found else 0
        return self._rows[:count]

    @property
    def sentence(self) -> str:
        """What stands at the top: who this is, or what there is to say."""
        return self.notice.title if self._stack.currentIndex() == 0 else str(self._headline.text())

    @property
    def top(self) -> int:
        return int(self._top.value())

    def _make_rows(self) -> None:
        """Fill the next few rows, then let the window breathe."""
        for place in self._pending[:ROWS_AT_ONCE]:
            self._fill(place)
        del self._pending[:ROWS_AT_ONCE]
        if self._pending:
            self._later_rows.start()

    def _fill(self, place: int) -> None:
        assert self._found is not None
        if place == len(self._rows):
            row = MatchRow()
            row.compare_wanted.connect(self.compare_wanted)
            row.morph_wanted.connect(self.morph_wanted)
            row.people_wanted.connect(self.people_wanted)
            row.rejected.connect(self.rejected)
            self._rows.append(row)
            self._list.insertWidget(place, row)
        row, match = self._rows[place], self._found.matches[place]
        row.show_match(match, face_words.explanation(match, *self._explain))
        row.show_query(self._query)
        if match.face_id in self._pictures:
            row.show_person(self._pictures[match.face_id])
        row.show()
