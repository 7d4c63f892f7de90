"""What the program itself says of a swapped face: would it recognise it, and what may show."""

from __future__ import annotations

from PyQt5.QtWidgets import QFrame, QGridLayout, QLabel, QSizePolicy, QVBoxLayout

from faceapp.edit.card import Card
from ui.widgets import clear_layout
from ui.wrapped_label import WrappedLabel


class CardView(QFrame):
    """The self-check of one face; says in words that there is none yet."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "panel")
        self._title = QLabel(self.tr("Self-check"))
        self._title.setProperty("role", "heading")
        self._words = WrappedLabel()
        self._numbers = QGridLayout()
        self._numbers.setHorizontalSpacing(8)
        self._numbers.setVerticalSpacing(2)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(4)
        column.addWidget(self._title)
        column.addWidget(self._words)
        column.addLayout(self._numbers)
        self.setSizePolicy(QSizePolicy.Preferred, QSizePolicy.Minimum)
        self.say("")

    @property
    def text(self) -> str:
        return self._words.text()

    def say(self, text: str) -> None:
        """A sentence instead of a card; "" hides everything."""
        clear_layout(self._numbers)
        self._words.setText(text)
        self.setVisible(bool(text))

    def show_card(self, card: Card) -> None:
        clear_layout(self._numbers)
        sign = "✓" if card.recognised else "!"
        self._words.setText(f"{sign} " + "\n".join(card.sentences))
        rows = (
            (self.tr("Distance to the new face"), f"{card.to_source:.3f}"),
            (self.tr("Distance to the old face"), f"{card.to_target:.3f}"),
            (self.tr("The same person up to"), f"{card.threshold:.3f}"),
            (self.tr("Expression differs by"), f"{card.expression * 100:.0f} %"),
            (self.tr("Edges at the border"), f"{card.seam:.2f}×"),
        )
        for place, (name, number) in enumerate(rows):
            for column, text in enumerate((name, number)):
                label = QLabel(text)
                label.setProperty("role", "quiet")
                self._numbers.addWidget(label, place, column)
        self._numbers.setColumnStretch(0, 1)
        self.show()
