"""Small videos of the two portraits, and what is in a video."""

from __future__ import annotations

import hashlib
import math
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from faceapp.edit.frames import develop, open_clip, read_frames
from faceapp.opencv import cv2
from faceapp.types import Image

FPS = 25


def scene(astronaut: Image, hopper: Image, number: int, size: tuple[int, int]) -> Image:
    """Both portraits side by side, moving and growing a little."""
    width, height = size
    canvas = np.full((height, width, 3), 90, np.uint8)
    for index, portrait in enumerate((astronaut, hopper)):
        scale = (0.62 + 0.001 * number) * height / portrait.shape[0] * (1.25 if index else 1.0)
        small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        left = round(width * (0.04 + 0.5 * index) + 4 * math.sin(number / 5 + index))
        top = round(height * 0.05 + 3 * math.cos(number / 7))
        part = canvas[top : top + small.shape[0], left : left + small.shape[1]]
        part[:] = small[: part.shape[0], : part.shape[1]]
    return canvas


def write_clip(
    path: Path,
    pictures: list[Image],
    codec: str = "libx264",
    sound: bool = True,
    turned: int = 0,
    gaps: bool = False,
    start: float = 0.0,
    pixels: str = "yuv420p",
) -> Path:
    """A video of these pictures. gaps: at an uneven rate. start: the second at which they begin. pixels: how
    FFmpeg calls their format."""
    with av.open(str(path), "w") as output:
        video = output.add_stream(codec, rate=FPS)
        video.height, video.width = pictures[0].shape[:2]
        video.pix_fmt = pixels
        video.codec_context.time_base = Fraction(1, 1000)
        if turned:
            video.set_display_rotation(turned)
        audio = output.add_stream("aac", rate=44100, layout="mono") if sound else None
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = round(1000 * start) + number * 40 + (number % 3) * 7 * gaps
            frame.time_base = Fraction(1, 1000)
            for packet in video.encode(frame):
                output.mux(packet)
        for packet in video.encode():
            output.mux(packet)
        if audio is not None:
            samples = np.arange(44100 * len(pictures) // FPS) / 44100
            wave = (np.sin(2 * np.pi * 440 * samples) * 0.4).astype(np.float32)[None]
            tone = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            tone.sample_rate, tone.pts = 44100, round(44100 * start)
            tone.time_base = Fraction(1, 44100)
            for packet in [*audio.encode(tone), *audio.encode(None)]:
                output.mux(packet)
    return path


def decoded(path: Path) -> list[str]:
    """A hash of every frame."""
    clip = open_clip(path)
    return [hashlib.md5(develop(clip, raw).image).hexdigest() for raw in read_frames(clip)]


def times(path: Path) -> list[float]:
    clip = open_clip(path)
    return [float(raw.stamp * clip.time_base) for raw in read_frames(clip)]
