"""Side-by-side runs against named peers; `python -m benchmarks` writes their tables to docs/benchmarks.md."""
