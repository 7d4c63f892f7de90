"""What is said about faces and matches: short sentences, every number with a meaning."""

from __future__ import annotations

from html import escape

from PyQt5.QtCore import QCoreApplication
from PyQt5.QtWidgets import QLabel

from faceapp.types import Face, FaceMatches, Match, Quality
from ui.face_mark import FaceMark, MarkState

# From here on a share is as good as certain, and the reference knows no finer steps.
FINEST = 99.99
TURNED = 12.0
STRAIGHT = 8.0


def _tr(text: str) -> str:
    return QCoreApplication.translate("FaceWords", text)


def share(percentile: float) -> str:
    """A percentile as people read it: fine near 100, coarse elsewhere."""
    if percentile >= 99.9:
        return f"{min(percentile, FINEST):.2f} %"
    return f"{percentile:.1f} %" if percentile >= 99 else f"{percentile:.0f} %"


def resemblance(match: Match) -> str:
    """ "Closer than 99.7 % of strangers"."""
    return _tr("Closer than {share} of strangers").format(share=share(match.percentile))


def distance(match: Match) -> str:
    return _tr("Distance {distance:.3f}").format(distance=match.distance)


def badge(match: Match) -> str:
    """The sign and the word that tell the same person from a lookalike."""
    return "✓ " + _tr("Same person") if match.same_person else "≈ " + _tr("Lookalike")


def show_badge(label: QLabel, match: Match) -> None:
    """Write the badge, in the colour that goes with it."""
    label.setText(badge(match))
    label.setProperty("badge", "same" if match.same_person else "alike")
    label.style().unpolish(label)
    label.style().polish(label)


def explanation(match: Match, source: str, threshold: float) -> str:
    """What the numbers of a match mean, for a hover."""
    strangers = _tr(
        "Of all pairs of people who are strangers to each other, {share} are further apart than these two."
    ).format(share=share(match.percentile))
    measure = _tr(
        "The distance is {distance:.3f}: 0 is the very same photo. Up to {threshold:.3f}, two faces count as"
        " the same person."
    ).format(distance=match.distance, threshold=threshold)
    measured = _tr("Measured on {source}.").format(source=escape(source.rstrip(".")))
    return f"<p>{strangers}</p><p>{measure}</p><p><i>{measured}</i></p>"


def headline(found: FaceMatches) -> tuple[str, str]:
    """Who this is, in a sentence, and what is to be said beside it."""
    if not found.matches:
        return _tr("Nobody enrolled looks like this."), _tr("Everybody else was said not to be this person.")
    best = found.matches[0]
    near = share(best.percentile)
    if found.person is not None:
        text = _tr("Closer than {share} of strangers.").format(share=near)
        return _tr("This is {name}.").format(name=best.person.name), text
    text = _tr("Most alike: {name}, closer than {share} of strangers.")
    return (
        _tr("Nobody enrolled is the same person."),
        text.format(name=best.person.name, share=near),
    )


def match_mark(found: FaceMatches) -> FaceMark:
    """How a searched face is drawn."""
    face = found.face
    best = found.matches[0] if found.matches else None
    if best is None:
        return FaceMark(face.box, tooltip=f"<p>{quality(face.quality)}</p>", spoken=quality(face.quality))
    name = best.person.name
    known = found.person is not None
    label = name if known else _tr("like {name}").format(name=name)
    about = (
        f"<p><b>{escape(name)}</b> · {badge(best)}<br>{resemblance(best)}<br>{distance(best)}</p>"
        f"<p>{quality(face.quality)}</p>"
    )
    spoken = f"{badge(best)[2:]}: {name}. {resemblance(best)}. {distance(best)}."
    return FaceMark(face.box, label, about, MarkState.KNOWN if known else MarkState.LOOKALIKE, spoken)


def face_mark(face: Face, label: str = "", state: MarkState = MarkState.PLAIN, remark: str = "") -> FaceMark:
    """How a face is drawn that was not searched. remark: plain text above its quality."""
    about = f"<p>{escape(remark)}</p>" if remark else ""
    spoken = " ".join(part for part in (label, remark, quality(face.quality)) if part)
    return FaceMark(face.box, label, f"{about}<p>{quality(face.quality)}</p>", state, spoken)


def quality(measured: Quality) -> str:
    """How good a face is: "182 pixels wide, sharp, well lit, turned to the left"."""
    words = [
        _tr("{size:.0f} pixels").format(size=measured.size),
        _sharpness(measured.sharpness),
        _light(measured.brightness),
        _pose(measured),
    ]
    return ", ".join(word for word in words if word)


def _sharpness(value: float) -> str:
    if value < 0.15:
        return _tr("blurred")
    return _tr("a little soft") if value < 0.35 else _tr("sharp")


def _light(value: float) -> str:
    if value < 0.2:
        return _tr("dark")
    return _tr("very bright") if value > 0.85 else _tr("well lit")


def _pose(measured: Quality) -> str:
    turned = _tr("{angle:.0f}° to the right") if measured.yaw > 0 else _tr("{angle:.0f}° to the left")
    tilted = abs(measured.roll) >= TURNED
    if abs(measured.yaw) >= TURNED:
        return _tr("turned {side}").format(side=turned.format(angle=abs(measured.yaw)))
    if tilted:
        return _tr("tilted {angle:.0f}°").format(angle=abs(measured.roll))
    return _tr("seen from the front") if abs(measured.yaw) < STRAIGHT else ""
