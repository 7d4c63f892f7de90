"""What can be dropped, pasted and chosen, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PyQt5.QtCore import QByteArray, QMimeData, QPoint, QPointF, Qt, QUrl
from PyQt5.QtGui import QColor, QDragEnterEvent, QDropEvent, QImage
from PyQt5.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from faceapp.types import Image
from ui.jobs_qt import JobsQt
from ui.photo_list import ItemState
from ui.photo_source import PhotoSource, given
from ui.photo_well import PhotoWell


@pytest.fixture
def well(qtbot: QtBot, jobs: JobsQt) -> PhotoWell:
    widget = PhotoWell(jobs)
    qtbot.addWidget(widget)
    widget.show()
    return widget


def files(*places: Path) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(place)) for place in places])
    return mime


def drop(target: QWidget, mime: QMimeData) -> bool:
    """Drag over a widget and let go, as a window system would; whether it was taken."""
    enter = QDragEnterEvent(QPoint(9, 9), Qt.CopyAction, mime, Qt.LeftButton, Qt.NoModifier)
    QApplication.sendEvent(target, enter)
    if not enter.isAccepted():
        return False
    fall = QDropEvent(QPointF(9, 9), Qt.CopyAction, mime, Qt.LeftButton, Qt.NoModifier)
    QApplication.sendEvent(target, fall)
    return bool(fall.isAccepted())


def test_dropped_files_are_listed_and_the_first_is_current(
    well: PhotoWell, qtbot: QtBot, portrait_files: dict[str, Path]
) -> None:
    with qtbot.waitSignal(well.photos_added) as told:
        assert drop(well, files(*portrait_files.values()))
    names = [well.source(key).name for key in told.args[0]]
    assert names == [place.name for place in portrait_files.values()]
    assert well.list.current == told.args[0][0]


def test_a_file_that_is_listed_is_not_listed_twice(well: PhotoWell, portrait_files: dict[str, Path]) -> None:
    place = portrait_files["hopper"]
    first = well.add([PhotoSource.file(place)])
    assert well.add([PhotoSource.file(place)]) == first
    assert well.model.rowCount() == 1


def test_the_thumbnail_comes_by_itself(well: PhotoWell, until, portrait_files: dict[str, Path]) -> None:
    key = well.add([PhotoSource.file(portrait_files["hopper"])])[0]
    well.resize(260, 500)
    well.grab()
    until(lambda: well.model.item(key).thumbnail is not None)
    assert min(well.model.item(key).thumbnail.width(), well.model.item(key).thumbnail.height()) >= 128


def test_a_picture_from_a_browser_is_taken_with_its_own_bytes(portrait_files: dict[str, Path]) -> None:
    data = portrait_files["hopper"].read_bytes()
    mime = QMimeData()
    mime.setUrls([QUrl("https://example.org/hopper.jpg")])
    mime.setData("image/jpeg", QByteArray(data))
    gift = given(mime)
    assert gift.refused is None
    assert gift.sources[0].read().data == data


def test_a_web_address_alone_is_refused_with_a_way_out(well: PhotoWell, qtbot: QtBot) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl("https://example.org/hopper.jpg")])
    with qtbot.waitSignal(well.refused) as told:
        assert drop(well, mime)
    assert told.args[0].code == "web_address"
    assert "Copy" in told.args[0].hint
    assert well.model.rowCount() == 0


def test_text_is_not_taken(well: PhotoWell) -> None:
    mime = QMimeData()
    mime.setText("just words")
    assert not drop(well, mime)


def test_a_pasted_picture_is_read_with_its_transparent_parts_white(well: PhotoWell, qtbot: QtBot) -> None:
    picture = QImage(30, 20, QImage.Format_ARGB32)
    picture.fill(QColor(0, 0, 0, 0))
    picture.setPixelColor(3, 2, QColor(200, 100, 50))
    QApplication.clipboard().setImage(picture)
    with qtbot.waitSignal(well.photos_added) as told:
        well.paste()
    photo = well.source(told.args[0][0]).read()
    assert photo.image.shape == (20, 30, 3)
    assert photo.image[2, 3].tolist() == [50, 100, 200]
    assert photo.image[0, 0].tolist() == [255, 255, 255]


def test_pasting_nothing_says_so(well: PhotoWell, qtbot: QtBot) -> None:
    QApplication.clipboard().setText("just words")
    with qtbot.waitSignal(well.refused) as told:
        well.paste()
    assert told.args[0].code == "nothing_to_paste"


def test_pixels_become_the_photo_that_they_are(astronaut: Image) -> None:
    photo = PhotoSource("Webcam.png", picture=astronaut).read()
    assert np.array_equal(photo.image, astronaut)
    assert photo.name == "Webcam.png"


def test_a_folder_is_looked_into_behind_the_window(
    well: PhotoWell, qtbot: QtBot, tmp_path: Path, portrait_files: dict[str, Path]
) -> None:
    for name, place in portrait_files.items():
        (tmp_path / "people" / name).mkdir(parents=True)
        (tmp_path / "people" / name / place.name).write_bytes(place.read_bytes())
    with qtbot.waitSignal(well.folder_found, timeout=30_000) as told:
        assert drop(well, files(tmp_path / "people"))
    content = told.args[0]
    assert len(content.photos) == 2
    assert content.people == ("astronaut", "hopper")


def test_del_asks_to_take_the_selected_photos_out(
    well: PhotoWell, qtbot: QtBot, portrait_files: dict[str, Path]
) -> None:
    keys = well.add(PhotoSource.file(place) for place in portrait_files.values())
    well.list.selectAll()
    with qtbot.waitSignal(well.removal_wanted) as told:
        qtbot.keyClick(well.list, Qt.Key_Delete)
    assert sorted(told.args[0]) == sorted(keys)
    well.remove([keys[0]])
    assert well.model.keys() == [keys[1]]
    assert well.model.index_of(keys[1]).row() == 0
    with qtbot.waitSignal(well.current_changed) as told:
        well.remove([keys[1]])
    assert told.args == [-1], "an emptied list shows no photo"


def test_the_state_of_a_photo_is_told_by_a_sign(well: PhotoWell, portrait_files: dict[str, Path]) -> None:
    key = well.add([PhotoSource.file(portrait_files["hopper"])])[0]
    well.model.change(key, ItemState.REFUSED, "no face")
    assert "no face" in well.model.index_of(key).data(Qt.AccessibleTextRole)
    assert len({state.value for state in ItemState}) == len(ItemState)
