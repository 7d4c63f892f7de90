"""`evaluate`: accuracy on pairs of photos by the LFW protocol."""

from __future__ import annotations

import argparse

from faceapp import wire
from faceapp.cli import output
from faceapp.cli.progress import finish
from faceapp.search.evaluate import Evaluation
from faceapp.services import Services


def run(arguments: argparse.Namespace, services: Services) -> None:
    model = arguments.embedder or services.analyser.model_key
    job = services.upkeep.start_evaluation(
        arguments.pairs, arguments.images, arguments.detector, arguments.embedder
    )
    result: Evaluation = finish(services.jobs, job, "Stopped: nothing was measured.", "")
    if arguments.json:
        output.document(_shape(result, model))
    else:
        _show(result, model)


def _shape(result: Evaluation, model: str) -> wire.Json:
    return {
        "pairs": result.pairs,
        "accuracy": round(result.accuracy, 6),
        "accuracy_std": round(result.accuracy_std, 6),
        "tar_at_far_1e-2": round(result.tar_at_far_1e_2, 6),
        "tar_at_far_1e-3": round(result.tar_at_far_1e_3, 6),
        "threshold": round(result.threshold, 6),
        "undetected": result.undetected,
        "model": model,
    }


def _show(result: Evaluation, model: str) -> None:
    rows = [
        ["Model", model],
        ["Pairs", str(result.pairs)],
        ["Accuracy", f"{result.accuracy:.2%} ± {result.accuracy_std:.2%} over ten folds"],
        ["TAR at FAR 1e-2", f"{result.tar_at_far_1e_2:.2%}"],
        ["TAR at FAR 1e-3", f"{result.tar_at_far_1e_3:.2%}"],
        ["Best threshold", f"{result.threshold:.4f} (cosine distance)"],
        ["Pairs without a face", f"{result.undetected}, counted as errors"],
    ]
    output.table(rows)
