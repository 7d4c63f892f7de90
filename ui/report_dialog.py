"""What became of an import: who came in, and every photo that did not, with its reason."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from PyQt5.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt, QUrl
from PyQt5.QtGui import QDesktopServices, QKeySequence
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QShortcut,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from faceapp.types import EnrolReport
from ui import words
from ui.icons import icon

COLUMN_FILE, COLUMN_OUTCOME, COLUMN_REASON = range(3)


class ReportModel(QAbstractTableModel):
    """One row for each photo that was left out or has a remark."""

    def __init__(self, report: EnrolReport, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.headers = (self.tr("File"), self.tr("Outcome"), self.tr("Reason"))
        left_out, remark = self.tr("left out"), self.tr("enrolled, with a remark")
        self.rows = [(item.path, left_out, item.reason) for item in report.skipped]
        self.rows += [(item.path, remark, item.reason) for item in report.warnings]

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 Qt's own signature
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 Qt's own signature
        return len(self.headers)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> object:
        if not index.isValid():
            return None
        text = self.rows[index.row()][index.column()]
        if role == Qt.DisplayRole and index.column() == COLUMN_FILE:
            place = Path(text)
            return f"{place.parent.name}/{place.name}" if place.parent.name else place.name
        return text if role in (Qt.DisplayRole, Qt.ToolTipRole) else None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.DisplayRole) -> object:
        if orientation == Qt.Horizontal and role == Qt.DisplayRole:
            return self.headers[section]
        return None

    def as_csv(self, rows: list[int] | None = None, delimiter: str = ",") -> str:
        """The rows (all of them by default) as text, with the full paths."""
        sheet = io.StringIO()
        writer = csv.writer(sheet, delimiter=delimiter, lineterminator="\n")
        writer.writerow(self.headers)
        writer.writerows(self.rows if rows is None else [self.rows[row] for row in rows])
        return sheet.getvalue()


class ReportDialog(QDialog):
    """The report of one import or enrolment."""

    def __init__(self, title: str, report: EnrolReport, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Report: {0}").format(title))
        self.setAttribute(Qt.WA_DeleteOnClose)
        self.resize(820, 520)
        self._model = ReportModel(report, self)
        self._rows = QSortFilterProxyModel(self, filterKeyColumn=-1)
        self._rows.setFilterCaseSensitivity(Qt.CaseInsensitive)
        self._rows.setSourceModel(self._model)
        self._filter = QLineEdit(clearButtonEnabled=True, placeholderText=self.tr("Filter by file or reason"))
        self._filter.setAccessibleName(self.tr("Filter"))
        self._filter.textChanged.connect(self._rows.setFilterFixedString)
        self._table = self._make_table()
        QShortcut(QKeySequence.Copy, self._table, self._on_copy_pressed)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        heading = QLabel(summary(report), wordWrap=True)
        heading.setProperty("role", "heading")
        column.addWidget(heading)
        if self._model.rows:
            column.addWidget(self._filter)
            column.addWidget(self._table, 1)
        else:
            column.addWidget(QLabel(self.tr("Every photo was enrolled without a remark.")))
            column.addStretch(1)
        column.addWidget(self._make_buttons())

    def _make_table(self) -> QTableView:
        table = QTableView(self)
        table.setModel(self._rows)
        table.setSortingEnabled(True)
        table.sortByColumn(COLUMN_FILE, Qt.AscendingOrder)
        table.setSelectionBehavior(QAbstractItemView.SelectRows)
        table.setEditTriggers(QAbstractItemView.NoEditTriggers)
        table.setWordWrap(False)
        table.setShowGrid(False)
        table.verticalHeader().hide()
        table.horizontalHeader().setStretchLastSection(True)
        table.horizontalHeader().setDefaultAlignment(Qt.AlignLeft | Qt.AlignVCenter)
        table.horizontalHeader().setHighlightSections(False)
        table.setColumnWidth(COLUMN_FILE, 260)
        table.setColumnWidth(COLUMN_OUTCOME, 150)
        table.setAccessibleName(self.tr("Photos that were left out or have a remark"))
        table.doubleClicked.connect(self._on_row_activated)
        table.setToolTip(self.tr("Double-click opens the photo."))
        return table

    def _make_buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.Close)
        buttons.rejected.connect(self.reject)
        if self._model.rows:
            copy = buttons.addButton(self.tr("Copy all"), QDialogButtonBox.ActionRole)
            copy.setIcon(icon("copy"))
            copy.clicked.connect(lambda: _copy(self._model.as_csv(delimiter="\t")))
            save = buttons.addButton(self.tr("Save as CSV…"), QDialogButtonBox.ActionRole)
            save.setIcon(icon("save"))
            save.clicked.connect(self._on_save_clicked)
            for button in (copy, save):
                button.setAutoDefault(False)
        return buttons

    def _on_copy_pressed(self) -> None:
        selected = self._table.selectionModel().selectedRows()
        rows = [self._rows.mapToSource(index).row() for index in selected]
        _copy(self._model.as_csv(rows, "\t"))

    def _on_save_clicked(self) -> None:
        place, _ = QFileDialog.getSaveFileName(
            self, self.tr("Save the report"), "faceapp-report.csv", self.tr("Tables (*.csv)")
        )
        if place:
            self.save(Path(place))

    def save(self, place: Path) -> None:
        """Write all rows as CSV, UTF-8 for spreadsheet programs; how it went is told below the table."""
        try:
            place.write_text(self._model.as_csv(), "utf-8-sig", newline="")
        except OSError as error:
            self._say(self.tr("The report could not be saved: {0}.").format(error.strerror))
        else:
            self._say(self.tr("Saved as {0}.").format(place.name))

    def _say(self, sentence: str) -> None:
        label = self.findChild(QLabel, "reportNotice")
        if label is None:
            label = QLabel(objectName="reportNotice")
            layout = self.layout()
            layout.insertWidget(layout.count() - 1, label)
        label.setText(sentence)

    def _on_row_activated(self, index: QModelIndex) -> None:
        path = self._model.rows[self._rows.mapToSource(index).row()][COLUMN_FILE]
        QDesktopServices.openUrl(QUrl.fromLocalFile(path))


def summary(report: EnrolReport) -> str:
    """ "2,138 people, 13,190 photos. 43 photos were left out, 12 remarks." """
    text = f"{words.people_count(report.people)}, {words.photo_count(report.photos)}."
    remarks = []
    if report.skipped:
        verb = "was" if len(report.skipped) == 1 else "were"
        remarks.append(f"{words.photo_count(len(report.skipped))} {verb} left out")
    if report.warnings:
        remarks.append(words.counted(len(report.warnings), "remark", "remarks"))
    return f"{text} {', '.join(remarks)}." if remarks else text


def _copy(text: str) -> None:
    clipboard = QApplication.clipboard()
    if clipboard is not None:
        clipboard.setText(text)
