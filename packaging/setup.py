"""Makes .venv with everything for run, test and bench; `make` calls this, and where there is no make, you do.

    python packaging/setup.py                      install (again only when a requirement changed)
    python packaging/setup.py run  [arguments]     install, then main.py with the arguments
    python packaging/setup.py test [arguments]     install, then ruff, mypy and pytest with the arguments

Needs nothing but Python 3.11, 3.12 or 3.13.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
REQUIREMENTS = (
    "requirements.txt",
    "packaging/dev-requirements.txt",
    "packaging/constraints.txt",
    "packaging/dlib/pyproject.toml",
)
# Written last, so that an installation that was stopped is taken up again.
STAMP = VENV / "installed"


def main(words: list[str]) -> int:
    command = words[0] if words else "setup"
    if command not in ("setup", "run", "test"):
        sys.exit(__doc__)
    if not _is_installed():
        _install()
    if command == "run":
        return _call(PYTHON, "main.py", *words[1:])
    if command == "test":
        checks = (PYTHON, "-m", "ruff", "check", "."), (PYTHON, "-m", "mypy")
        return any(_call(*check) for check in checks) or _call(PYTHON, "-m", "pytest", *words[1:])
    return 0


def _is_installed() -> bool:
    return STAMP.is_file() and all(
        (ROOT / name).stat().st_mtime <= STAMP.stat().st_mtime for name in REQUIREMENTS
    )


def _install() -> None:
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        sys.exit(f"faceapp needs Python 3.11, 3.12 or 3.13; this is {sys.version.split()[0]}.")
    if not PYTHON.is_file():
        if importlib.util.find_spec("ensurepip") is None:  # Debian keeps it in a package of its own
            package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
            if not (_may_use_apt() and _apt_install(package)):
                sys.exit(f"This Python has no venv. Install it with: sudo apt-get install {package}")
        print(f"Making .venv with Python {sys.version.split()[0]}", flush=True)
        _must(sys.executable, "-m", "venv", str(VENV))
    _install_system_libraries()
    print("Installing requirements.txt into .venv (about 600 MB, once; some minutes)", flush=True)
    pip = PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--prefer-binary"
    pip += "-c", "packaging/constraints.txt"
    _must(*pip, "-r", "requirements.txt", "-r", "packaging/dev-requirements.txt")
    STAMP.touch()


def _install_system_libraries() -> None:
    """On Debian or Ubuntu as root, as in a fresh container; elsewhere the command is named.

    Nothing fails here: main.py says again what is missing when it matters.
    """
    sys.path.insert(0, str(ROOT))
    from faceapp.selfcheck import explain, missing_libraries, packages

    missing = missing_libraries("window")
    if missing and _may_use_apt():
        _apt_install(*packages(missing, "apt"))
        missing = missing_libraries("window")
    if missing:
        print(explain(missing), file=sys.stderr, flush=True)


def _may_use_apt() -> bool:
    return shutil.which("apt-get") is not None and os.geteuid() == 0


def _apt_install(*names: str) -> bool:
    print("Installing system packages:", *names, flush=True)
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    _call("apt-get", "update", "-qq")
    return _call("apt-get", "install", "-y", "-qq", "--no-install-recommends", *names) == 0


def _call(*words: str | Path) -> int:
    return subprocess.run(words, cwd=ROOT, check=False).returncode


def _must(*words: str | Path) -> None:
    if _call(*words) != 0:
        sys.exit("The installation stopped; the reason is above. Start it again to carry on.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
