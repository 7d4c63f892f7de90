"""Does the window stall while a 720p video is watched: the gaps between the ticks of a 16 ms timer.

`python -m benchmarks.live_window` measures on the platform of QT_QPA_PLATFORM and prints the gaps as JSON.
The benchmark runs it once for each platform, since a process has one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import photos
from benchmarks.report import Section
from benchmarks.ticks import row, shown_window

CLIP = "friends1"
TURNS = 4


def section() -> Section:
    rows = []
    for platform in ("xcb", "offscreen"):
        gaps = asked(platform)
        rows += [row(f"{platform}, {title}", values) for title, values in gaps.items()]
    return Section(
        "live-window",
        "The window while a 720p video is watched",
        "Milliseconds between two ticks of a 16 ms timer on the main thread, with the Live page open on"
        f" {CLIP}, {TURNS} times over, and the people of the clip enrolled. xcb is X11 (Xvfb where there is"
        " no display).",
        ("", "ticks", "median", "99th percentile", "longest"),
        rows,
    )


def asked(platform: str) -> dict[str, list[float]]:
    """The gaps on that platform; none where it cannot be had."""
    command = [sys.executable, "-m", "benchmarks.live_window"]
    if platform == "xcb" and not os.environ.get("DISPLAY"):
        if shutil.which("xvfb-run") is None:
            return {}
        command = ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24", *command]
    environment = {**os.environ, "QT_QPA_PLATFORM": platform}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    gaps: dict[str, list[float]] = json.loads(ended.stdout.splitlines()[-1])
    return gaps


def measure(folder: Path) -> dict[str, list[float]]:
    """Gaps in seconds without and with a video."""
    from faceapp.jobs import JobContext
    from faceapp.stream.status import SourceState

    video = longer(folder / "video.mp4")
    with shown_window(folder / "data") as shown:
        shown.services.enrolment.import_people(JobContext.silent(), photos.data() / "video" / "people")
        shown.window.live_action.trigger()
        page = shown.window.current_page
        idle = shown.idle()
        page.watch_text(str(video))
        watching = shown.gaps_while(lambda: page.feed.status.state is not SourceState.ENDED)
    return {"nothing open": idle, "a 720p video": watching}


def longer(target: Path) -> Path:
    """The clip some times over, in one file."""
    from faceapp.opencv import cv2

    writer = None
    for _ in range(TURNS):
        capture = cv2.VideoCapture(str(photos.data() / "video" / f"{CLIP}.mp4"))
        while (read := capture.read())[0]:
            if writer is None:
                height, width = read[1].shape[:2]
                writer = cv2.VideoWriter(str(target), cv2.VideoWriter.fourcc(*"mp4v"), 25, (width, height))
            writer.write(read[1])
        capture.release()
    assert writer is not None, "the clip cannot be read"
    writer.release()
    return target


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        print(json.dumps(measure(Path(scratch))), flush=True)
