"""Takes one photo with a webcam."""

from __future__ import annotations

import time

import numpy as np
from PyQt5.QtCore import QDateTime, QRectF, Qt, QTimer, pyqtSignal
from PyQt5.QtGui import QCloseEvent, QColor, QImage, QPainter, QPaintEvent, QShowEvent
from PyQt5.QtWidgets import (
    QApplication,
    QComboBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from faceapp.errors import FaceAppError
from faceapp.types import Image
from ui.cameras import CameraInfo, Cameras
from ui.empty_state import EmptyState
from ui.images import to_qimage
from ui.photo_source import PhotoSource
from ui.webcam_thread import CameraView, WebcamThread, camera_silent

LOOK_MS = 33
OPEN_SECONDS = 12.0
SILENT_SECONDS = 4.0
CLOSE_SECONDS = 2.0


class WebcamDialog(QDialog):
    """Shows a camera live, as a mirror would, and takes a photo of it, which is not mirrored.

    Signals:
        photo_taken: a `PhotoSource`.
    """

    photo_taken = pyqtSignal(object)

    def __init__(self, cameras: Cameras, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Take a photo"))
        self.setModal(False)
        self.resize(720, 560)
        self._cameras = cameras
        self._thread: WebcamThread | None = None
        self._known: tuple[CameraInfo, ...] = ()
        self._seen = 0
        self._since = 0.0
        self._frame: Image | None = None
        self._choice = QComboBox()
        self._choice.setAccessibleName(self.tr("Camera"))
        self._preview = Preview()
        self._trouble = EmptyState()
        self._stack = QStackedWidget()
        self._take = QPushButton(self.tr("Take photo"))
        self._cancel = QPushButton(self.tr("Cancel"))
        self._timer = QTimer(self, interval=LOOK_MS)
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        self._stack.addWidget(self._preview)
        self._stack.addWidget(self._trouble)
        self._take.setDefault(True)
        self._take.setProperty("role", "primary")
        top = QHBoxLayout()
        top.addWidget(QLabel(self.tr("Camera")))
        top.addWidget(self._choice, 1)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(self._cancel)
        foot.addWidget(self._take)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addLayout(top)
        column.addWidget(self._stack, 1)
        column.addLayout(foot)

    def _connect(self) -> None:
        self._timer.timeout.connect(self._on_look)
        self._take.clicked.connect(self._on_take)
        self._cancel.clicked.connect(self.reject)
        self._trouble.chosen.connect(self.start)
        self._choice.activated.connect(lambda _: self.start())
        self.finished.connect(self.stop)
        application = QApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.stop)

    # -- the camera ------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the chosen camera; the one before is let go first."""
        self.stop()
        number = self._choice.currentData()
        self._thread = WebcamThread(self._cameras, number)
        # A dialog that goes together with its window is not closed first.
        self.destroyed.connect(self._thread.stop)
        self._seen = 0
        self._since = time.monotonic()
        self._frame = None
        self._take.setEnabled(False)
        self._preview.show_text(self.tr("Opening the camera…"))
        self._stack.setCurrentWidget(self._preview)
        self._thread.start()
        self._timer.start()

    def stop(self) -> None:
        """Let the camera go. Waits for it briefly; a camera that hangs is given back when it answers."""
        self._timer.stop()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop()
            thread.wait(CLOSE_SECONDS)

    @property
    def trouble(self) -> str:
        """The sentence that stands in place of the picture; "" while there is a picture."""
        return self._trouble.title if self._stack.currentWidget() is self._trouble else ""

    def _on_look(self) -> None:
        if self._thread is None:
            return
        view = self._thread.view()
        self._list(view)
        now = time.monotonic()
        if view.error is not None:
            self._fail(view.error)
        elif view.frame is not None and view.count != self._seen:
            self._seen, self._since, self._frame = view.count, now, view.frame
            self._preview.show_frame(view.frame)
            self._take.setEnabled(True)
        elif now - self._since > (SILENT_SECONDS if view.live else OPEN_SECONDS):
            self._fail(camera_silent())

    def _list(self, view: CameraView) -> None:
        if view.cameras is None or view.cameras == self._known:
            return
        chosen = self._choice.currentData()
        self._known = view.cameras
        self._choice.clear()
        for camera in view.cameras:
            self._choice.addItem(camera.name, camera.number)
        self._choice.setCurrentIndex(max(0, self._choice.findData(chosen)))
        self._choice.setEnabled(len(view.cameras) > 1)

    def _fail(self, error: FaceAppError) -> None:
        self.stop()
        self._frame = None
        self._take.setEnabled(False)
        self._trouble.say("camera", error.sentence, error.hint, self.tr("Try again"))
        self._stack.setCurrentWidget(self._trouble)

    def _on_take(self) -> None:
        if self._frame is None:
            return
        frame = np.ascontiguousarray(self._frame)
        moment = QDateTime.currentDateTime().toString("yyyy-MM-dd HH-mm-ss")
        source = PhotoSource(self.tr("Webcam {moment}").format(moment=moment) + ".png", picture=frame)
        self.accept()
        self.photo_taken.emit(source)

    # -- events ------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._thread is None and not event.spontaneous():
            self.start()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.stop()
        super().closeEvent(event)


class Preview(QWidget):
    """The newest frame, mirrored, as large as it fits; or a line of text."""

    def __init__(self) -> None:
        super().__init__()
        self._image: QImage | None = None
        self._text = ""
        self.setMinimumSize(320, 240)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        self.setAccessibleName(self.tr("Camera picture"))

    def show_frame(self, frame: Image) -> None:
        self._image = to_qimage(frame[:, ::-1])
        self.update()

    def show_text(self, text: str) -> None:
        self._image, self._text = None, text
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor("#101214"))
        if self._image is None:
            painter.setPen(QColor("#e8eaed"))
            painter.drawText(self.rect(), Qt.AlignCenter, self._text)
            return
        size = self._image.size().scaled(self.size(), Qt.KeepAspectRatio)
        place = QRectF(0, 0, size.width(), size.height())
        place.moveCenter(QRectF(self.rect()).center())
        painter.setRenderHint(QPainter.SmoothPixmapTransform)
        painter.drawImage(place, self._image, QRectF(self._image.rect()))
