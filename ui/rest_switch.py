"""The REST port in the status bar: on or off, its port, its address."""

from __future__ import annotations

from typing import Protocol

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QApplication, QHBoxLayout, QLabel, QSpinBox, QToolButton, QWidget

from faceapp.errors import FaceAppError
from faceapp.jobs import JobContext
from faceapp.services import Services
from ui.icons import icon
from ui.jobs_qt import JobsQt

LANE = "rest"


class RestPort(Protocol):
    """What the window needs of `faceapp.rest.server.RestServer`."""

    @property
    def running(self) -> bool: ...

    @property
    def address(self) -> str: ...

    def start(self, port: int) -> object: ...

    def stop(self) -> object: ...


class RestSwitch(QWidget):
    """Signals:
    failed: a FaceAppError, such as a port that is taken.
    """

    failed = pyqtSignal(object)

    def __init__(self, services: Services, jobs: JobsQt, rest: RestPort) -> None:
        super().__init__()
        self._services = services
        self._jobs = jobs
        self._rest = rest
        self._switch = QToolButton(checkable=True, text=self.tr("REST port"))
        self._switch.setIcon(icon("port"))
        self._switch.setToolButtonStyle(Qt.ToolButtonTextBesideIcon)
        self._switch.setToolTip(
            self.tr("Other programs on this computer can search and enrol over HTTP. Nobody else reaches it.")
        )
        self._port = QSpinBox(minimum=1, maximum=65535, value=services.settings.current.rest_port)
        self._port.setButtonSymbols(QSpinBox.NoButtons)
        self._port.setAccessibleName(self.tr("Port number"))
        self._port.setToolTip(self.tr("Port number, 1 to 65535. Ports below 1024 need special rights."))
        self._port.setKeyboardTracking(False)
        self._state = QLabel()
        self._copy = QToolButton(toolTip=self.tr("Copy the address"))
        self._copy.setIcon(icon("copy"))
        self._copy.setAccessibleName(self.tr("Copy the address"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for widget in (self._switch, self._port, self._state, self._copy):
            row.addWidget(widget)
        self._switch.clicked.connect(self._on_switch_clicked)
        self._port.valueChanged.connect(self._on_port_changed)
        self._copy.clicked.connect(self._on_copy_clicked)
        self._show()

    def start_if_wanted(self) -> None:
        """Open the port when it was on at the end of the last session."""
        if self._services.settings.current.rest_enabled and not self._rest.running:
            self._start()

    def follow(self) -> None:
        """Take up a port that was set elsewhere; one that is open moves there."""
        self._port.setValue(self._services.settings.current.rest_port)

    def _on_switch_clicked(self, on: bool) -> None:
        if on:
            self._start()
        else:
            self._stop()

    def _on_port_changed(self, port: int) -> None:
        self._keep(rest_port=port)
        if self._rest.running:
            self._start()

    def _start(self) -> None:
        port = self._port.value()

        def body(context: JobContext) -> None:
            if self._rest.running:
                self._rest.stop()
            self._rest.start(port)

        self._busy(self.tr("opening…"))
        self._jobs.run(self.tr("Open the REST port"), body, self._on_started, self._on_failed, resource=LANE)

    def _stop(self) -> None:
        def body(context: JobContext) -> None:
            self._rest.stop()

        self._busy(self.tr("closing…"))
        self._jobs.run(self.tr("Close the REST port"), body, self._on_stopped, self._on_failed, resource=LANE)

    def _busy(self, text: str) -> None:
        self._switch.setEnabled(False)
        self._port.setEnabled(False)
        self._state.setText(text)

    def _on_started(self, _: object) -> None:
        self._keep(rest_enabled=True)
        self._show()

    def _on_stopped(self, _: object) -> None:
        self._keep(rest_enabled=False)
        self._show()

    def _on_failed(self, error: FaceAppError) -> None:
        self._show()
        self._state.setText(self.tr("off: {0}").format(error.sentence))
        self._state.setProperty("state", "error")
        self._restyle()
        self.failed.emit(error)

    def _keep(self, **changes: object) -> None:
        try:
            self._services.settings.change(**changes)
        except FaceAppError as error:
            self.failed.emit(error)

    def _show(self) -> None:
        running = self._rest.running
        self._switch.setEnabled(True)
        self._switch.setChecked(running)
        self._switch.setAccessibleName(self.tr("REST port, on") if running else self.tr("REST port, off"))
        self._port.setEnabled(True)
        self._state.setProperty("state", "")
        self._state.setText(self._rest.address if running else self.tr("off"))
        self._copy.setVisible(running)
        self._restyle()

    def _restyle(self) -> None:
        self._state.style().unpolish(self._state)
        self._state.style().polish(self._state)

    def _on_copy_clicked(self) -> None:
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(self._rest.address)
