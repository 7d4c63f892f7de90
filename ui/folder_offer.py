"""Asks what is meant by a folder that holds folders."""

from __future__ import annotations

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout

from ui import words
from ui.icon_label import IconLabel
from ui.icons import icon
from ui.photo_well import FolderContent


class FolderOffer(QFrame):
    """Hidden until `ask`; goes when it is answered.

    Signals:
        import_chosen: the folder, one person for each folder in it. photos_chosen: its photos, of one person.
    """

    import_chosen = pyqtSignal(object)
    photos_chosen = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("messageBar")
        self._content: FolderContent | None = None
        picture = IconLabel("folder", 20)
        self._sentence = QLabel(objectName="messageSentence", wordWrap=True)
        self._hint = QLabel(objectName="messageHint", wordWrap=True)
        for label in (self._sentence, self._hint):
            label.setTextFormat(Qt.PlainText)
        self.import_button = QPushButton()
        self.import_button.setProperty("role", "primary")
        self.photos_button = QPushButton()
        close = QToolButton()
        close.setIcon(icon("close"))
        close.setToolTip(self.tr("Neither"))
        close.setAccessibleName(self.tr("Neither"))
        texts = QVBoxLayout()
        texts.setSpacing(0)
        texts.addWidget(self._sentence)
        texts.addWidget(self._hint)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 8, 8)
        row.setSpacing(8)
        row.addWidget(picture, 0, Qt.AlignTop)
        row.addLayout(texts, 1)
        for button in (self.import_button, self.photos_button, close):
            row.addWidget(button, 0, Qt.AlignVCenter)
        self.import_button.clicked.connect(self._on_import)
        self.photos_button.clicked.connect(self._on_photos)
        close.clicked.connect(self.hide)
        self.hide()

    def ask(self, content: FolderContent) -> None:
        """Offer both readings of the folder."""
        self._content = content
        people = words.counted(len(content.people), self.tr("folder"), self.tr("folders"))
        text = self.tr("“{folder}” holds {folders} with photos.")
        self._sentence.setText(text.format(folder=content.folder.name, folders=people))
        self._hint.setText(self.tr("Does each folder belong to one person, named as the folder is?"))
        self.import_button.setText(
            self.tr("Import {people}").format(people=words.people_count(len(content.people)))
        )
        self.photos_button.setText(
            self.tr("{photos} of one person").format(photos=words.photo_count(len(content.photos)))
        )
        self.show()

    def _on_import(self) -> None:
        self.hide()
        if self._content is not None:
            self.import_chosen.emit(self._content.folder)

    def _on_photos(self) -> None:
        self.hide()
        if self._content is not None:
            self.photos_chosen.emit(self._content.photos)
