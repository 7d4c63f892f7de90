"""Corrects the 68 points of one face by hand, beside the window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QKeySequence
from PyQt5.QtWidgets import (
    QAction,
    QCheckBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from faceapp.errors import FaceAppError
from faceapp.jobs import JobContext
from faceapp.services import Services
from faceapp.types import Face, Floats, Photo
from ui.icons import icon
from ui.jobs_qt import JobsQt
from ui.library import LIBRARY
from ui.messages import MessageBar
from ui.photo_source import PhotoSource
from ui.picture import Picture
from ui.points_canvas import PointsCanvas

LANE = "points"
# Points that differ by less than this are the same, in pixels of the photo.
SAME = 0.01


@dataclass(frozen=True, eq=False)
class PlacedFace:
    """The biggest face of a photo. found, points (68, 2): where the program finds its points, and where they
    are placed now."""

    photo: Photo
    picture: Picture
    face: Face
    found: Floats
    points: Floats


def read_face(services: Services, source: PhotoSource, points: Floats | None) -> PlacedFace:
    """The face whose points are to be corrected; points: those placed earlier. On a job's thread.

    Raises NotFound, UnusablePhoto, UnusableFace.
    """
    from faceapp.pipeline.choice import no_face

    photo = source.read()
    faces = services.morphs.read(photo)
    if not faces:
        raise no_face()
    chosen = faces[0]
    found = services.morphs.found(photo, chosen.face)
    placed = chosen.points if points is None else points
    return PlacedFace(photo, Picture.of(photo.image), chosen.face, found, placed)


def keep_points(services: Services, photo: Photo, face: Face, points: Floats | None) -> str:
    """Keep points with the library's copy of this face (None: those that are found); the name of the person
    whose face it is, "" where it is not enrolled. On a job's thread."""
    enrolled = services.enrolment.stored(photo.sha256, face)
    if enrolled is None:
        return ""
    services.people.set_points(enrolled.id, points)
    return str(services.people.get(enrolled.person_id).name)


class PointsDialog(QDialog):
    """Modeless: what is made of the points can be looked at in the window, and corrected again.

    Signals:
        chosen: the points (68, 2) float32 in pixels of the photo, or None for those that are found.
    """

    chosen = pyqtSignal(object)

    def __init__(
        self,
        services: Services,
        jobs: JobsQt,
        source: PhotoSource,
        points: Floats | None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Points of the face — {name}").format(name=source.name))
        self.setAttribute(Qt.WA_DeleteOnClose)
        self.setModal(False)
        self._services, self._jobs = services, jobs
        self._face: PlacedFace | None = None
        self._used: Floats | None = None  # what the window uses now
        self._shown: Floats = np.zeros((68, 2), np.float32)
        self._back: list[Floats] = []
        self._forth: list[Floats] = []
        self._busy = self._warned = False
        self.messages = MessageBar()
        self.canvas = PointsCanvas()
        self.symmetric = QCheckBox(self.tr("&Symmetric"))
        self.follow = QCheckBox(self.tr("&Neighbours follow"))
        self.along = QCheckBox(self.tr("Show the &face moved along"))
        self.undo_action = self._action("undo", self.tr("Undo"), QKeySequence("Ctrl+Z"))
        self.redo_action = self._action("redo", self.tr("Redo"), QKeySequence("Ctrl+Shift+Z"))
        self.reset_button = QPushButton(self.tr("&As found"))
        self.use_button = QPushButton(self.tr("&Use these points"))
        self._close = QPushButton(self.tr("Close"))
        self._where = QLabel()
        self._keys = QLabel(wordWrap=True)
        self._lay_out()
        self._connect()
        self._update()
        self.canvas.set_busy(self.tr("Finding the points…"))
        jobs.run(
            self.tr("Points of {name}").format(name=source.name),
            lambda _: read_face(services, source, points),
            self._on_read,
            self._on_read_failed,
            resource=LANE,
        )

    @property
    def points(self) -> Floats | None:
        """The points as they are shown, None until the photo has been read."""
        return self.canvas.points

    # -- placing and wiring ------------------------------------------------------------------------

    def _action(self, name: str, text: str, keys: QKeySequence) -> QAction:
        action = QAction(icon(name), text, self)
        action.setShortcut(keys)
        action.setToolTip(f"{text} ({keys.toString(QKeySequence.NativeText)})")
        self.addAction(action)
        return action

    def _lay_out(self) -> None:
        self.symmetric.setToolTip(self.tr("The point on the other side of the face moves as in a mirror"))
        self.follow.setToolTip(self.tr("Points close by move along with the one you drag"))
        self.follow.setChecked(True)
        self.along.setToolTip(
            self.tr("Shows what you moved since this was opened; the photo itself is not changed")
        )
        self.reset_button.setToolTip(self.tr("Put every point back to where the program finds it"))
        self.reset_button.setAutoDefault(False)
        self._close.setAutoDefault(False)
        self.use_button.setDefault(True)
        self.use_button.setProperty("role", "primary")
        self.redo_action.setShortcuts([QKeySequence("Ctrl+Shift+Z"), QKeySequence("Ctrl+Y")])
        self.canvas.setMinimumSize(320, 280)
        self.canvas.empty.say("landmarks", self.tr("There are no points to correct"))
        self._keys.setText(
            self.tr(
                "Drag a point, or choose one with [ and ] (Tab: next part of the face) and move it with the"
                " arrows (Shift: ten pixels). F shows the face, B hides the points while it is held."
            )
        )
        self._keys.setProperty("role", "quiet")
        tools = QHBoxLayout()
        tools.setSpacing(8)
        for action in (self.undo_action, self.redo_action):
            tools.addWidget(_tool(action))
        tools.addWidget(self.symmetric)
        tools.addWidget(self.follow)
        tools.addWidget(self.along)
        tools.addStretch(1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.reset_button)
        buttons.addStretch(1)
        buttons.addWidget(self._close)
        buttons.addWidget(self.use_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addWidget(self.messages)
        column.addLayout(tools)
        column.addWidget(self.canvas, 1)
        column.addWidget(self._where)
        column.addWidget(self._keys)
        column.addLayout(buttons)
        self.resize(720, 760)
        self.canvas.setFocus()

    def _connect(self) -> None:
        self.canvas.moved.connect(self._on_moved)
        self.canvas.point_chosen.connect(lambda _: self._update())
        self.symmetric.toggled.connect(self._on_symmetric_toggled)
        self.follow.toggled.connect(self._on_follow_toggled)
        self.along.toggled.connect(self._on_along_toggled)
        self.undo_action.triggered.connect(self.undo)
        self.redo_action.triggered.connect(self.redo)
        self.reset_button.clicked.connect(self.reset)
        self.use_button.clicked.connect(self.use)
        self._close.clicked.connect(self.reject)

    # -- reading -----------------------------------------------------------------------------------

    def _on_read(self, face: PlacedFace) -> None:
        self._face, self._used, self._shown = face, face.points, face.points
        self.canvas.set_busy("")
        self.canvas.set_picture(face.picture)
        self.canvas.set_points(face.points, face.found)
        self.canvas.show_face()
        self._update()

    def _on_read_failed(self, error: FaceAppError) -> None:
        self.canvas.set_busy("")
        self.messages.show_error(error)

    # -- changing ----------------------------------------------------------------------------------

    def _on_moved(self, points: Floats, goes_on: bool) -> None:
        assert self._face is not None
        if not (goes_on and self._back):
            self._back.append(self._shown)
        self._forth.clear()
        self._show(points)

    def undo(self) -> None:
        """Take the newest move back."""
        self._turn(self._back, self._forth)

    def redo(self) -> None:
        """Make the move again that was taken back."""
        self._turn(self._forth, self._back)

    def reset(self) -> None:
        """Put every point to where the program finds it."""
        if self._face is not None and not _same(self._shown, self._face.found):
            self._on_moved(self._face.found, False)

    def _turn(self, source: list[Floats], target: list[Floats]) -> None:
        if source:
            target.append(self._shown)
            self._show(source.pop())

    def _show(self, points: Floats) -> None:
        self._shown = points
        self._warned = False
        self.messages.clear()
        self.canvas.set_points(points)
        self._update()

    def _on_symmetric_toggled(self, on: bool) -> None:
        self.canvas.symmetric = on
        self.canvas.update()

    def _on_follow_toggled(self, on: bool) -> None:
        self.canvas.follow = on

    def _on_along_toggled(self, on: bool) -> None:
        assert self._face is not None
        self.canvas.move_along(self._face.points if on else None)

    @property
    def _pending(self) -> bool:
        """Whether something was moved that the window does not use yet."""
        return self._used is not None and not _same(self._shown, self._used)

    def _update(self) -> None:
        face, index = self._face, self.canvas.chosen
        self.undo_action.setEnabled(bool(self._back))
        self.redo_action.setEnabled(bool(self._forth))
        ready = face is not None and not self._busy
        self.reset_button.setEnabled(face is not None and not _same(self._shown, face.found))
        self.use_button.setEnabled(ready and self._pending)
        for widget in (self.symmetric, self.follow, self.along):
            widget.setEnabled(face is not None)
        if face is None or index < 0:
            self._where.setText(self.tr("No point is chosen"))
            return
        x, y = self._shown[index].tolist()
        self._where.setText(f"{self.canvas.describe(index)} · {x:.0f}, {y:.0f}")

    # -- using them --------------------------------------------------------------------------------

    def use(self) -> None:
        """Give the points to the window, and keep them with the library where the face is enrolled."""
        if self._face is None or not self.use_button.isEnabled():
            return
        self._busy = True
        self._update()
        face, shown = self._face, self._shown
        points = None if _same(shown, face.found) else shown

        def body(_: JobContext) -> str:
            return keep_points(self._services, face.photo, face.face, points)

        self._jobs.run(
            self.tr("Keep the points"),
            body,
            lambda name: self._on_kept(shown, points, name),
            self._on_keep_failed,
            resource=LIBRARY,
            owner=self,
        )

    def _on_kept(self, shown: Floats, points: Floats | None, name: str) -> None:
        self._busy = False
        self._used = shown
        self._update()
        self.chosen.emit(points)
        if points is None:
            sentence = self.tr("The points that are found are used again.")
        elif name:
            sentence = self.tr("Kept with the photo of {name}.").format(name=name)
        else:
            sentence = self.tr("Used until the window closes.")
        self.messages.show_message(sentence, kind="success")

    def _on_keep_failed(self, error: FaceAppError) -> None:
        self._busy = False
        self._update()
        self.messages.show_error(error)

    # -- closing -----------------------------------------------------------------------------------

    def reject(self) -> None:
        """Escape and every other way out: what was moved and is not used is given up the second time."""
        if self._pending and not self._warned:
            self._warned = True
            self.messages.show_message(
                self.tr("The points that you moved are not used yet."),
                self.tr("Use them, or close once more to give them up."),
                kind="warning",
                action=(self.tr("Give them up"), super().reject),
            )
            return
        super().reject()


def _same(one: Floats, other: Floats) -> bool:
    return bool(np.abs(one - other).max() < SAME)


def _tool(action: QAction) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setAccessibleName(action.text())
    return button
