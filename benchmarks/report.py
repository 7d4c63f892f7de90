"""The tables of docs/benchmarks.md: one section a benchmark, replaced when that benchmark runs again."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"

HEAD = """# Benchmarks

Written by `make bench`; every peer runs in the same process time as ours, on the same photos.
Read the ratios: the times belong to one machine ({machine}).

"""


@dataclass(frozen=True)
class Section:
    """One table with what it shows. name: stable, used as the marker in the file."""

    name: str
    title: str
    protocol: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    remark: str = ""

    def markdown(self) -> str:
        head = "| " + " | ".join(self.columns) + " |\n|" + "---|" * len(self.columns) + "\n"
        body = "".join("| " + " | ".join(row) + " |\n" for row in self.rows)
        remark = f"\n{self.remark}\n" if self.remark else ""
        return f"## {self.title}\n\n{self.protocol}\n\n{head}{body}{remark}"


def write(sections: Sequence[Section], file: Path = FILE) -> None:
    """Put the sections into the file; those of other benchmarks stay as they are."""
    old = file.read_text("utf-8") if file.exists() else ""
    kept = dict(re.findall(r"<!-- (\S+) -->\n(.*?)(?=\n<!-- |\Z)", old, re.DOTALL))
    kept.update({section.name: section.markdown() for section in sections})
    text = "\n".join(f"<!-- {name} -->\n{body.rstrip()}\n" for name, body in sorted(kept.items()))
    file.write_text(HEAD.format(machine=machine()) + text, "utf-8")


def machine() -> str:
    """Cores, architecture and Python of this machine, in words."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
