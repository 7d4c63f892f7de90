"""StyleGAN2 as a generator, in a child process: TensorFlow and a window crash each other in one.

The child costs some five seconds to start and half a gigabyte; all of it is given back when it ends.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np

import faceapp
from faceapp.errors import Cancelled, FaceAppError, ModelUnavailable, UnusableFace
from faceapp.jobs import JobContext
from faceapp.latent import ffhq, messages
from faceapp.latent.generator import GeneratorInfo, Projection, Step, Subject, Watch, check_ws
from faceapp.latent.messages import Message
from faceapp.models.align import DLIB_TEMPLATE, similarity
from faceapp.types import Floats, Image

log = logging.getLogger(__name__)

# dlib's five points among the 68: right-most eye corner, its inner one, left-most, inner, base of the nose.
CHIP_POINTS = [45, 42, 36, 39, 33]
POLL = 0.1
# How long a cancelled search may take to come back by itself before its process is ended.
GRACE = 0.7
END = 1.0
LOG_TAIL = 4000
DEFAULT_STEPS = 300


class StyleGan2:
    """A generator from a file of weights. One thread at a time; `close` it, or use it in a `with`.

    After `project` was cancelled in the middle of a long step the process is gone: use a new one.
    """

    def __init__(
        self,
        context: JobContext,
        weights: Path,
        face: Path | None = None,
        vgg: Path | None = None,
        threads: int = 0,
        recipe: dict[str, float] | None = None,
    ) -> None:
        """Start the child and load the weights.

        face: dlib's face ResNet (`catalog.DLIB_RESNET`), for the identity loss; None goes without.
        vgg: a safetensors file of VGG16, for a perceptual loss with a network.
        threads: of TensorFlow; 0 for all cores. recipe: what to change of `projector.Recipe`.

        Raises:
            ModelUnavailable: the weights cannot be used, or TensorFlow cannot be started.
            Cancelled: by the context; nothing stays behind.
        """
        self._recipe: dict[str, float] = {"steps": DEFAULT_STEPS, **(recipe or {})}
        # What else than the weights and the photo a projection depends on.
        self.measure = f"face={face is not None} vgg={vgg is not None}"
        self._child = Child(threads)
        try:
            context.progress(0, None, "Starting TensorFlow")
            paths = {"weights": str(weights), "face": face and str(face), "vgg": vgg and str(vgg)}
            about = self._child.ask(Message("open", paths), context).fields
        except FaceAppError:
            self.close()
            raise
        self._info = GeneratorInfo(
            str(about["name"]), "stylegan2", int(about["resolution"]), int(about["z_dim"]),
            int(about["w_dim"]), int(about["num_ws"]), "ffhq", str(about["licence"]), str(about["sha256"]),
        )

    def __enter__(self) -> StyleGan2:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def info(self) -> GeneratorInfo:
        return self._info

    @property
    def pid(self) -> int:
        """The process of the child, for those who measure its memory."""
        return self._child.pid

    @property
    def closed(self) -> bool:
        return self._child.ended

    def mapping(self, z: Floats) -> Floats:
        if z.ndim != 2 or z.shape[1] != self._info.z_dim:
            raise ValueError(f"z: expected (N, {self._info.z_dim}), got {z.shape}")
        request = Message("mapping", arrays={"z": z.astype(np.float32)})
        return self._child.ask(request).arrays["ws"]

    def synthesis(self, ws: Floats, context: JobContext | None = None) -> Image:
        """context: may cancel it, which ends the process."""
        check_ws(self._info, ws)
        request = Message("synthesis", arrays={"ws": ws.astype(np.float32)})
        return self._child.ask(request, context).arrays["pictures"]

    def aligned(self, subject: Subject) -> Image:
        try:
            return ffhq.aligned(subject, self._info.resolution)
        except ValueError as error:
            raise UnusableFace(
                "no_shape", "The points of this face do not make a face.", "Place them by hand."
            ) from error

    def encode(self, subject: Subject, context: JobContext | None = None) -> Floats:
        request = Message("encode", arrays={"picture": self.aligned(subject)})
        return self._child.ask(request, context).arrays["ws"]

    def project(
        self, subject: Subject, context: JobContext, watch: Watch | None = None, start: Floats | None = None
    ) -> Projection:
        return self.project_picture(
            self.aligned(subject), context, watch, start, chip_matrix(subject, self._info.resolution)
        )

    def project_picture(
        self,
        picture: Image,
        context: JobContext,
        watch: Watch | None = None,
        start: Floats | None = None,
        chip: Floats | None = None,
    ) -> Projection:
        """The same for a picture (R, R, 3) that is aligned already.

        chip (2, 3): where the face's chip is in it (`chip_matrix`); None leaves the identity loss out.
        """
        side = self._info.resolution
        if picture.shape != (side, side, 3):
            raise ValueError(f"picture: expected ({side}, {side}, 3), got {picture.shape}")
        arrays: dict[str, Any] = {"picture": picture}
        if start is not None:
            check_ws(self._info, start[None])
            arrays["start"] = start.astype(np.float32)
        if chip is not None:
            arrays["chip"] = chip
        self._child.send(Message("project", {"recipe": self._recipe}, arrays))
        return self._follow(context, watch, picture)

    def slope(
        self, ws: Floats, picture: Image, chip: Floats | None = None
    ) -> tuple[float, dict[str, float], Floats]:
        """The loss of one point (num_ws, w_dim) against an aligned picture, its parts, and its gradient."""
        check_ws(self._info, ws[None])
        arrays: dict[str, Any] = {"ws": ws.astype(np.float32), "picture": picture}
        if chip is not None:
            arrays["chip"] = chip
        answer = self._child.ask(Message("slope", {"recipe": self._recipe}, arrays))
        parts = {str(name): float(value) for name, value in answer.fields["losses"].items()}
        return float(answer.fields["total"]), parts, answer.arrays["slope"]

    def describe(self, chips: Image) -> Floats:
        """(N, 128) what the identity loss compares, for dlib's chips (N, 150, 150, 3); of any length."""
        return self._child.ask(Message("describe", arrays={"chips": chips})).arrays["descriptors"]

    def close(self) -> None:
        self._child.end()

    def _follow(self, context: JobContext, watch: Watch | None, picture: Image) -> Projection:
        """Pass on the steps until the search has ended. Cancelling keeps the best point that was told."""
        curve: list[float] = []
        best: Floats | None = None
        shown, identity = picture, None
        began = time.monotonic()
        try:
            context.progress(0, int(self._recipe["steps"]), "Searching for the face")
            while (message := self._child.receive(context)).kind == "step":
                step = _step(message)
                curve.append(float(message.fields["total"]))
                best, identity = message.arrays["best"], step.identity
                shown = step.preview if step.preview is not None else shown
                if watch is not None:
                    watch(step)
                rate = step.number / max(1e-3, time.monotonic() - began)
                context.progress(step.number, step.total, "Searching for the face", rate)
        except Cancelled:
            last = self._stopped()
            if last is not None:
                return _projection(last, curve)
            if best is None:
                raise
            return Projection(best, shown, np.array(curve, np.float32), identity, complete=False)
        return _projection(message, curve)

    def _stopped(self) -> Message | None:
        """Ask the child to stop; its last word, or None when it took too long and was ended."""
        self._child.send(Message("cancel"))
        end = time.monotonic() + GRACE
        while (left := end - time.monotonic()) > 0:
            message = self._child.poll(left)
            if message is not None and message.kind == "projected":
                return message
        self.close()
        return None


def _step(message: Message) -> Step:
    about = message.fields
    losses = {str(name): float(value) for name, value in about["losses"].items()}
    identity = None if about["identity"] is None else float(about["identity"])
    return Step(int(about["number"]), int(about["steps"]), losses, identity, message.arrays.get("preview"))


def _projection(message: Message, curve: list[float]) -> Projection:
    identity = message.fields["identity"]
    return Projection(
        message.arrays["best"], message.arrays["picture"], np.array(curve, np.float32),
        None if identity is None else float(identity), bool(message.fields["complete"]),
    )


def chip_matrix(subject: Subject, size: int) -> Floats:
    """(2, 3): from pixels of dlib's chip of the face to those of its FFHQ crop of that size."""
    matrix = ffhq.to_photo(subject.points, size)
    points = subject.points[CHIP_POINTS].astype(np.float64)
    in_crop = (points - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    return similarity(DLIB_TEMPLATE, in_crop).astype(np.float32)


class Child:
    """The process at the other end of two pipes. Ends with this one, whatever happens to it."""

    def __init__(self, threads: int = 0) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "faceapp.latent.child"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, env=_environment(threads),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )  # fmt: skip
        self._inbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._thread = threading.Thread(
            target=_listen, args=(self._process.stdout, self._inbox), name="latent-child", daemon=True
        )
        self._thread.start()
        self._finalizer = weakref.finalize(self, self._process.kill)
        self.ended = False

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: Message) -> None:
        """Raises ModelUnavailable when the process is gone."""
        if self.ended or self._process.stdin is None:
            raise _gone()
        try:
            messages.write(self._process.stdin, message)
        except OSError as error:
            raise self._died() from error

    def ask(self, message: Message, context: JobContext | None = None) -> Message:
        """Send a request and wait for its answer. Cancelling ends the process."""
        self.send(message)
        try:
            return self.receive(context or JobContext.silent())
        except Cancelled:
            self.end()
            raise

    def receive(self, context: JobContext) -> Message:
        """The next message. Raises what the child says went wrong, and Cancelled by the context."""
        while True:
            context.check()
            message = self.poll(POLL)
            if message is not None:
                return message

    def poll(self, timeout: float) -> Message | None:
        """The next message within `timeout` seconds, or None."""
        try:
            message = self._inbox.get(timeout=timeout)
        except queue.Empty:
            return None
        if message is None:
            raise self._died()
        if message.kind == "error":
            raise ModelUnavailable(*(str(message.fields[name]) for name in ("code", "sentence", "hint")))
        return message

    def end(self) -> None:
        """End the process; its memory is free when this comes back. May be called twice."""
        if self.ended:
            return
        self.ended = True
        if self._process.stdin is not None:
            # The child leaves when its input ends.
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._thread.join()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()
        self._finalizer.detach()

    def _died(self) -> ModelUnavailable:
        if not self.ended:
            self._errors.seek(0, os.SEEK_END)
            self._errors.seek(max(0, self._errors.tell() - LOG_TAIL))
            log.error("The generator's process ended: %s", self._errors.read().decode("utf-8", "replace"))
            self.end()
        return _gone()


def _listen(stream: IO[bytes] | None, inbox: queue.SimpleQueue[Message | None]) -> None:
    assert stream is not None, "the process was started with a pipe"
    try:
        while (message := messages.read(stream)) is not None:
            inbox.put(message)
    except (OSError, ValueError) as error:
        log.warning("The generator's process was cut off: %s", error)
    inbox.put(None)


def _gone() -> ModelUnavailable:
    return ModelUnavailable(
        "latent_ended", "The process of the generator has ended.",
        "It may have run out of memory: close other programs, or take a smaller generator. The log has more.",
    )


def _environment(threads: int) -> dict[str, str]:
    """The child imports the same faceapp, keeps to its threads, and says little."""
    root = str(Path(faceapp.__file__).resolve().parent.parent)
    known = os.environ.get("PYTHONPATH")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, known] if known else [root])}
    environment["TF_CPP_MIN_LOG_LEVEL"] = "2"
    if threads:
        environment["TF_NUM_INTRAOP_THREADS"] = environment["OMP_NUM_THREADS"] = str(threads)
        environment["TF_NUM_INTEROP_THREADS"] = "1"
    return environment
