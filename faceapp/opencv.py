"""The one place that imports OpenCV.

On Linux `import cv2` points QT_QPA_PLATFORM_PLUGIN_PATH and QT_QPA_FONTDIR to the Qt that lies inside
the opencv-python wheel; PyQt5 then aborts on xcb. Both are put back here, before anybody makes a window.
"""

from __future__ import annotations

import os

_QT_VARIABLES = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR")
_before = {name: os.environ.get(name) for name in _QT_VARIABLES}

import cv2  # noqa: E402

for _name, _value in _before.items():
    if _value is None:
        os.environ.pop(_name, None)
    else:
        os.environ[_name] = _value

__all__ = ["cv2"]
