"""Candidates and methods as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PyQt5.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt
from PyQt5.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from faceapp.build.card import Candidate, Row

SORT_ROLE = Qt.UserRole


class Table(QAbstractTableModel):
    """Rows of (text, value to sort by)."""

    def __init__(self, headers: Sequence[str], parent: QWidget | None = None) -> None:
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
        return {Qt.DisplayRole: text, Qt.ToolTipRole: text, SORT_ROLE: value}.get(role)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.DisplayRole) -> object:
        if orientation == Qt.Horizontal and role == Qt.DisplayRole:
            return self._headers[section]
        return None


class SortedTable(QTableView):
    """A table that is sorted by a click on a heading."""

    def __init__(self, headers: Sequence[str], name: str, wide: int, parent: QWidget | None = None) -> None:
        """wide: the column that takes the room that is left."""
        super().__init__(parent)
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
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeToContents)
        self.horizontalHeader().setSectionResizeMode(wide, QHeaderView.Stretch)


def candidate_rows(candidates: Sequence[Candidate]) -> list[tuple[tuple[str, Any], ...]]:
    """Columns: number, accuracy, parameters, time for a face, topology, what became of it."""
    return [
        (
            (str(one.number), one.number),
            (f"{100 * one.accuracy:.2f} %", one.accuracy),
            (f"{one.parameters:,}", one.parameters),
            (f"{one.microseconds:.0f} µs", one.microseconds),
            (topology_words(one.topology), topology_words(one.topology)),
            (_fate(one), _fate(one)),
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
            (row.title, row.title),
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
    rest = [f"{key} {_short(value)}" for key, value in topology.items() if key not in ("widths", "layers")]
    return ", ".join(part for part in (layers, *rest) if part)


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
