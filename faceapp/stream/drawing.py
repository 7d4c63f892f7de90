"""Boxes and names drawn into a frame, for videos that are written. (The window draws its own, with Qt.)"""

from __future__ import annotations

import unicodedata

from faceapp.live import FrameResult, TrackedFace, TrackState
from faceapp.types import Image

# BGR, by state; readable on light and dark by a dark outline.
COLOURS = {
    TrackState.SMALL: (160, 160, 160),
    TrackState.DECIDING: (0, 190, 255),
    TrackState.DECIDED: (80, 200, 80),
    TrackState.LOST: (120, 120, 120),
}
STRANGER = (200, 130, 60)
DARK = (20, 20, 20)


def draw(result: FrameResult) -> Image:
    """A copy of the frame with the faces that are seen in it."""
    from faceapp.opencv import cv2

    image = result.frame.image.copy()
    scale = max(0.4, min(image.shape[:2]) / 900)
    line = max(1, round(2 * scale))
    for face in result.faces:
        if face.state is TrackState.LOST:
            continue
        colour = _colour(face)
        corners = (round(face.box.x1), round(face.box.y1)), (round(face.box.x2), round(face.box.y2))
        cv2.rectangle(image, *corners, DARK, line + 2)
        cv2.rectangle(image, *corners, colour, line)
        place = corners[0][0], max(corners[0][1] - 6, round(22 * scale))
        for ink, width in ((DARK, line + 3), (colour, line)):
            cv2.putText(image, words(face), place, cv2.FONT_HERSHEY_SIMPLEX, scale, ink, width, cv2.LINE_AA)
    return image


def words(face: TrackedFace) -> str:
    """ "3 Ann Lee 0.04". OpenCV's font has plain letters alone, so accents go."""
    parts = [str(face.track_id), face.label]
    if face.decision is not None and face.decision.person is not None and face.decision.distance is not None:
        parts.append(f"{face.decision.distance:.2f}")
    text = " ".join(part for part in parts if part)
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return plain.strip()


def _colour(face: TrackedFace) -> tuple[int, int, int]:
    if face.decision is not None and face.decision.person is None:
        return STRANGER
    return COLOURS[face.state]
