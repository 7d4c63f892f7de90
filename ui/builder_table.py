"""Candidates and methods as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PyQt5.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt
from PyQt5.QtGui import QResizeEvent
from PyQt5.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from faceapp.build.card import Candidate, Row

SORT_ROLE = Qt.UserRole


class Table(QAbstractTableModel):
    """Rows of (text, value to sort by)."""

    def __init__(self, headers: Sequence[tuple[str, str]], parent: QWidget | None = None) -> None:
        """headers: (title, tooltip) of the columns."""
        super().__init__(parent)
        self._headers = tuple(headers)
        self._rows: list[tuple[tuple[str, Any], ...]] = []

    def show_rows(self, rows: Sequence[tuple[tuple[str, Any], ...]]) -> None:
        self.beginResetModel()
        self._rows = list(rows)
        self.endResetModel()

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 Qt's own signature
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 Qt's own signature
        return len(self._headers)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> object:
        if not index.isValid():
            return None
        text, value = self._rows[index.row()][index.column()]
        if role == Qt.TextAlignmentRole and not isinstance(value, str):
            return int(Qt.AlignRight | Qt.AlignVCenter)
        tip = value if isinstance(value, str) else text
        return {Qt.DisplayRole: text, Qt.ToolTipRole: tip, SORT_ROLE: value}.get(role)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.DisplayRole) -> object:
        if orientation == Qt.Horizontal and role in (Qt.DisplayRole, Qt.ToolTipRole):
            return self._headers[section][role == Qt.ToolTipRole]
        return None


class SortedTable(QTableView):
    """A table that is sorted by a click on a heading."""

    def __init__(self, headers: Sequence[tuple[str, str]], name: str, wide: int) -> None:
        """headers: (title, tooltip). wide: the column that takes the room that is left, if any is."""
        super().__init__()
        self._wide = wide
        self.table = Table(headers, self)
        proxy = QSortFilterProxyModel(self)
        proxy.setSourceModel(self.table)
        proxy.setSortRole(SORT_ROLE)
        self.setModel(proxy)
        self.setSortingEnabled(True)
        self.setAccessibleName(name)
        self.setSelectionBehavior(QAbstractItemView.SelectRows)
        self.setShowGrid(False)
        self.verticalHeader().hide()
        self.setHorizontalScrollMode(QAbstractItemView.ScrollPerPixel)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeToContents)
        self.horizontalHeader().setHighlightSections(False)
        self.table.modelReset.connect(self._fit)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """The wide column takes what is left; where nothing is left it is as wide as its words, and the
        table scrolls: words that are cut off tell nothing."""
        header = self.horizontalHeader()
        needed = [
            max(header.sectionSizeHint(column), self.sizeHintForColumn(column))
            for column in range(header.count())
        ]
        fits = sum(needed) <= self.viewport().width()
        mode = QHeaderView.Stretch if fits else QHeaderView.ResizeToContents
        if header.sectionResizeMode(self._wide) != mode:
            header.setSectionResizeMode(self._wide, mode)


def candidate_rows(candidates: Sequence[Candidate]) -> list[tuple[tuple[str, Any], ...]]:
    """Columns: number, accuracy, parameters, time for a face, what became of it, topology."""
    return [
        (
            (str(one.number), one.number),
            (f"{100 * one.accuracy:.2f} %", one.accuracy),
            (f"{one.parameters:,}", one.parameters),
            (f"{one.microseconds:.0f} µs", one.microseconds),
            (_fate(one), _fate(one)),
            (topology_words(one.topology), topology_words(one.topology)),
        )
        for one in candidates
    ]


def _fate(candidate: Candidate) -> str:
    if candidate.front:
        return "★ front"
    return "stopped" if candidate.stopped else ""


def method_rows(table: Sequence[Row]) -> list[tuple[tuple[str, Any], ...]]:
    """Columns: method, accuracy, known right, strangers refused, parameters, time for a face."""
    return [
        (
            # What kind of network it is stands in the tooltip.
            ("network" if row.method == "network" else row.title, row.title),
            (f"{100 * row.accuracy:.1f} %", row.accuracy),
            (f"{100 * row.known_right:.1f} %", row.known_right),
            (f"{100 * row.strangers_refused:.1f} %", row.strangers_refused),
            (f"{row.parameters:,}", row.parameters),
            (f"{row.microseconds:.0f} µs", row.microseconds),
        )
        for row in table
    ]


def topology_words(topology: dict[str, Any]) -> str:
    """A network in few words: its layers' widths, then what else was chosen."""
    widths = topology.get("widths") or topology.get("layers") or ()
    layers = "–".join(str(width) for width in widths) if isinstance(widths, list | tuple) else str(widths)
    rest = [_word(key, value) for key, value in topology.items() if key not in ("widths", "layers")]
    return ", ".join(part for part in (layers, *rest) if part)


def _word(key: str, value: object) -> str:
    """ "tanh", "batch normalisation", "dropout 0.2", "skip"; nothing for what was not chosen."""
    name = key.replace("_", " ")
    if value in (None, False, 0, "none"):
        return ""
    if value is True:
        return name
    if isinstance(value, str):
        return f"{value} {name}" if key == "normalisation" else value
    return f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
