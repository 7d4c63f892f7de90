"""The one place that makes an onnxruntime session."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from faceapp.errors import ModelUnavailable

if TYPE_CHECKING:
    import onnxruntime


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def session(model: str | Path | bytes, threads: int = 0) -> onnxruntime.InferenceSession:
    """A CPU session for a model's path or its bytes. `run` may be called from several threads at once.

    threads: for one call of `run`; 0 for all cores of this process. Threads that wait do not spin: an
    idle session would keep a core busy otherwise. Raises ModelUnavailable.
    """
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as reasons

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or cores()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    name = "this model" if isinstance(model, bytes) else Path(model).name
    refusals = (
        reasons.Fail, reasons.InvalidArgument, reasons.InvalidGraph, reasons.InvalidProtobuf, reasons.NoModel,
        reasons.NoSuchFile, reasons.NotImplemented, reasons.RuntimeException, OSError,
    )  # fmt: skip
    try:
        return onnxruntime.InferenceSession(
            model if isinstance(model, bytes) else str(model), options, providers=["CPUExecutionProvider"]
        )
    except refusals as error:
        raise ModelUnavailable(
            "model_broken", f"The network of {name} cannot be loaded.", "Delete it, or get it again."
        ) from error
