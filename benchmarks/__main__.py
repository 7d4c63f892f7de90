"""`python -m benchmarks [NAME ...]`: run all benchmarks, or the named ones, and write their tables."""

from __future__ import annotations

import argparse
import importlib
import warnings

from benchmarks import photos, report

NAMES = (
    "speed", "search", "accuracy", "folder", "window", "live", "morph", "swap-video", "swap", "latent",
    "builder",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}; all by default")
    names = parser.parse_args().names or NAMES
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}")
    if not photos.data().is_dir():
        parser.error("the benchmarks need the test data: set FACEAPP_TEST_DATA")
    # face_recognition_models imports pkg_resources, which warns at every import.
    warnings.filterwarnings("ignore", category=UserWarning, module="face_recognition_models")
    for name in names:
        print(f"{name} ...", flush=True)
        sections = importlib.import_module(f"benchmarks.{name.replace('-', '_')}").run()
        for section in sections:
            print(section.markdown(), flush=True)
        report.write(sections)


if __name__ == "__main__":
    main()
