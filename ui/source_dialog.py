"""Asks for the address of a camera in the network."""

from __future__ import annotations

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from faceapp.errors import FaceAppError
from faceapp.stream.sources import SourceSpec
from ui.messages import MessageBar


class SourceDialog(QDialog):
    """Modeless. The address is checked before the dialog closes.

    Signals:
        chosen: the `SourceSpec`, its name, and whether it is to be remembered.
    """

    chosen = pyqtSignal(object, str, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Camera in the network"))
        self.setModal(False)
        self.address = QLineEdit(placeholderText="rtsp://192.168.1.20:554/stream1")
        self.name = QLineEdit(placeholderText=self.tr("Front door"))
        self.kind = QComboBox()
        for label, before in (
            (self.tr("Find out from the address"), ""),
            (self.tr("One picture at a time (…/shot.jpg)"), "snapshot:"),
            (self.tr("A stream of pictures (MJPEG)"), "mjpeg:"),
        ):
            self.kind.addItem(label, before)
        self.remember = QCheckBox(self.tr("Remember this camera, and allow it for the REST port"))
        self.remember.setChecked(True)
        self.messages = MessageBar()
        self.buttons = QDialogButtonBox(QDialogButtonBox.Open | QDialogButtonBox.Cancel)
        help_text = QLabel(
            self.tr(
                "Most cameras write their address in their manual. A name and a password go before the host:"
                " rtsp://name:password@192.168.1.20/stream1. They stay on this computer."
            ),
            wordWrap=True,
        )
        help_text.setProperty("role", "quiet")
        form = QFormLayout()
        form.setVerticalSpacing(8)
        form.addRow(self.tr("Address"), self.address)
        form.addRow(self.tr("Name"), self.name)
        form.addRow(self.tr("Kind"), self.kind)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(self.messages)
        column.addLayout(form)
        column.addWidget(help_text)
        column.addWidget(self.remember)
        column.addWidget(self.buttons)
        self.setMinimumWidth(480)
        self.buttons.accepted.connect(self._on_accepted)
        self.buttons.rejected.connect(self.reject)

    def _on_accepted(self) -> None:
        text = self.address.text().strip()
        if "://" not in text:
            text = f"http://{text}"
        before = self.kind.currentData() if text.startswith("http") else ""
        try:
            spec = SourceSpec.parse(f"{before}{text}")
        except FaceAppError as error:
            self.messages.show_error(error)
            return
        name = self.name.text().strip() or spec.name
        self.accept()
        self.chosen.emit(SourceSpec(spec.kind, spec.address, name), name, self.remember.isChecked())
