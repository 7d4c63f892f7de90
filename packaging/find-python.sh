#!/bin/sh
# Prints the Python that .venv is to be made with: $PYTHON, else the first of 3.11 to 3.13 on the PATH.
suits='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
for python in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
    if "$python" -c "$suits" >/dev/null 2>&1; then
        command -v "$python"
        exit 0
    fi
done
found=$(${PYTHON:-python3} --version 2>/dev/null | head -1 | grep Python || echo 'none')
echo "faceapp needs Python 3.11, 3.12 or 3.13 (found: $found)." >&2
echo "Install one (Debian, Ubuntu: sudo apt-get install python3 python3-venv; macOS: brew install python@3.12)," >&2
echo "or name one: make setup PYTHON=/path/to/python3.12" >&2
exit 1
