"""The child process: TensorFlow, the generator and the search. Run with `python -m faceapp.latent.child`.

It reads requests from its standard input and answers on its standard output (see `messages`). It ends
when its input does, so it never outlives the program that started it.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from faceapp.errors import BadRequest, FaceAppError
from faceapp.latent import messages
from faceapp.latent.messages import Message
from faceapp.types import Floats, Image

if TYPE_CHECKING:
    from faceapp.latent.projector import Slope

PREVIEW_SIDE = 256
PREVIEW_EVERY = 0.5
GUESSES = 12
GUESS_PSI = 0.7
SPREAD_SAMPLES = 2000


class Inbox:
    """The requests, read on a thread of its own so that a cancel arrives while work is going on."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._requests: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.cancelled = threading.Event()
        threading.Thread(target=self._listen, name="inbox", daemon=True).start()

    def next(self) -> Message:
        return self._requests.get()

    def _listen(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while (message := messages.read(self._source)) is not None:
                if message.kind == "cancel":
                    self.cancelled.set()
                    continue
                self.cancelled.clear()
                self._requests.put(message)
        # Nobody is there any more: end at once, in the middle of whatever TensorFlow is doing.
        os._exit(0)


class Workshop:
    """The generator with what a search needs, answering one request after another."""

    def __init__(self, request: Message) -> None:
        """request: "open" with the paths of the weights, the face net and VGG. Raises ModelUnavailable."""
        from faceapp.latent.weights import mapped, read_weights
        from faceapp.models.store import sha256_of

        path = Path(request.fields["weights"])
        self._weights = read_weights(path)
        self.sha256 = sha256_of(path)
        design = self._weights.design
        random = np.random.default_rng(0)
        z = random.standard_normal((SPREAD_SAMPLES, design.z_dim)).astype(np.float32)
        self._mean = self._weights.arrays["latent_avg"]
        offsets = mapped(self._weights.arrays, design.layers, z) - self._mean
        self._spread = float(np.sqrt(np.mean(offsets**2)))
        from faceapp.latent.identity import FaceNet
        from faceapp.latent.perceptual import Vgg
        from faceapp.latent.stylegan2 import Mapping, Synthesis

        face, vgg = request.fields.get("face"), request.fields.get("vgg")
        self._face = FaceNet(Path(face)) if face else None
        self._vgg = Vgg(Path(vgg)) if vgg else None
        self._mapping = Mapping(self._weights)
        self._synthesis = Synthesis(self._weights)
        self._draw = _drawing(self._synthesis)
        self._latest: Slope | None = None

    def opened(self) -> Message:
        design = self._weights.design
        about = {
            "name": self._weights.name, "licence": self._weights.licence, "sha256": self.sha256,
            "resolution": design.resolution, "z_dim": design.z_dim, "w_dim": design.w_dim,
            "num_ws": design.num_ws,
        }  # fmt: skip
        return Message("opened", about)

    def mapping(self, request: Message) -> Message:
        w = self._mapping(request.arrays["z"]).numpy()
        ws = np.repeat(w[:, None], self._weights.design.num_ws, axis=1)
        return Message("ws", arrays={"ws": ws.astype(np.float32)})

    def synthesis(self, request: Message) -> Message:
        return Message("pictures", arrays={"pictures": self._pictures(request.arrays["ws"])})

    def encode(self, request: Message) -> Message:
        """The nearest of a few faces, the mean face among them."""
        from faceapp.latent.perceptual import pyramid_loss

        design = self._weights.design
        target = _signed(request.arrays["picture"])[None]
        z = np.random.default_rng(1).standard_normal((GUESSES, design.z_dim)).astype(np.float32)
        guesses = self._mean + GUESS_PSI * (self._mapping(z).numpy() - self._mean)
        best, nearest = self._mean, np.inf
        for w in [self._mean, *guesses]:
            ws = self._everywhere(w)
            loss = float(pyramid_loss(self._draw(ws[None]), target))
            if loss < nearest:
                best, nearest = w, loss
        return Message("ws", arrays={"ws": self._everywhere(best)})

    def slope(self, request: Message) -> Message:
        """The loss of a point, its parts, and the gradient of the loss."""
        import tensorflow as tf

        slope = self._slope(request)
        # One point is not worth the tracing.
        total, parts, steep = slope.once(tf.constant(request.arrays["ws"][None]), _target(slope, request))
        about = {"total": float(total), "losses": {name: float(part) for name, part in parts.items()}}
        return Message("slope", about, {"slope": steep.numpy()[0]})

    def describe(self, request: Message) -> Message:
        """What the identity loss sees of chips (N, 150, 150, 3) BGR: (N, 128), of any length."""
        if self._face is None:
            raise BadRequest("no_face_net", "This generator was started without a face net.")
        rgb = np.ascontiguousarray(request.arrays["chips"][..., ::-1]).astype(np.float32)
        return Message("descriptors", arrays={"descriptors": self._face(rgb).numpy()})

    def _slope(self, request: Message) -> Slope:
        """Made again only when the recipe is another one: tracing takes seconds, compiling longer."""
        from faceapp.latent.projector import Losses, Recipe, Slope

        recipe = Recipe(**request.fields["recipe"])
        if self._latest is None or self._latest.losses.recipe != recipe:
            losses = Losses(self._mean, self._spread, recipe, self._face, self._vgg)
            self._latest = Slope(self._synthesis, losses)
        return self._latest

    def project(self, request: Message, inbox: Inbox, sink: BinaryIO) -> Message:
        """Search, telling after every step how it goes; the best so far when it is cancelled."""
        from faceapp.latent.projector import search

        slope = self._slope(request)
        recipe, target = slope.losses.recipe, _target(slope, request)
        best = start = request.arrays.get("start", self._everywhere(self._mean))
        shown, drawn, identity, done = 0.0, False, None, 0
        for found in search(slope, target, start, self._spread, inbox.cancelled.is_set):
            best, done = found.best, found.step
            identity = found.losses.get("identity")
            drawn = drawn and not found.improved
            arrays: dict[str, Any] = {"best": best}
            if not drawn and time.monotonic() - shown >= PREVIEW_EVERY:
                arrays["preview"] = _smaller(self._pictures(best[None])[0])
                shown, drawn = time.monotonic(), True
            about = {
                "number": found.step, "steps": recipe.steps, "total": found.total, "losses": found.losses,
                "identity": identity,
            }  # fmt: skip
            messages.write(sink, Message("step", about, arrays))
        about = {"complete": done == recipe.steps, "identity": identity}
        return Message("projected", about, {"best": best, "picture": self._pictures(best[None])[0]})

    def _everywhere(self, w: Floats) -> Floats:
        return np.repeat(w[None], self._weights.design.num_ws, axis=0).astype(np.float32)

    def _pictures(self, ws: Floats) -> Image:
        """(N, R, R, 3) BGR; one after another, which needs the memory of one."""
        drawn = [np.asarray(self._draw(one[None]))[0, :, :, ::-1] for one in ws]
        side = self._weights.design.resolution
        pictures = np.stack(drawn) if drawn else np.zeros((0, side, side, 3), np.float32)
        return np.clip(np.rint((pictures + 1) * 127.5), 0, 255).astype(np.uint8)


def _drawing(synthesis: Any) -> Any:
    import tensorflow as tf

    from faceapp.latent.projector import COMPILED_FROM

    return tf.function(synthesis.call, jit_compile=synthesis.resolution >= COMPILED_FROM)


def _target(slope: Slope, request: Message) -> dict[str, Any]:
    return slope.losses.target(_signed(request.arrays["picture"]), request.arrays.get("chip"))


def _signed(picture: Image) -> Floats:
    """(R, R, 3) RGB from -1 to 1 of a BGR picture."""
    return np.ascontiguousarray(picture[:, :, ::-1]).astype(np.float32) / 127.5 - 1


def _smaller(picture: Image) -> Image:
    step = max(1, len(picture) // PREVIEW_SIDE)
    side = len(picture) // step
    blocks = picture.reshape(side, step, side, step, 3).astype(np.float32)
    return np.asarray(np.rint(blocks.mean((1, 3))), np.uint8)


def answer(workshop: Workshop, request: Message, inbox: Inbox, sink: BinaryIO) -> Message:
    """What a request is answered with. Raises BadRequest for one that nobody knows."""
    if request.kind == "mapping":
        return workshop.mapping(request)
    if request.kind == "synthesis":
        return workshop.synthesis(request)
    if request.kind == "encode":
        return workshop.encode(request)
    if request.kind == "slope":
        return workshop.slope(request)
    if request.kind == "describe":
        return workshop.describe(request)
    if request.kind == "project":
        return workshop.project(request, inbox, sink)
    raise BadRequest("latent_request", f"The generator knows no request {request.kind}.")


def main() -> None:
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # Whatever a library prints goes to the log, never among the messages.
    os.dup2(2, 1)
    # Ctrl+C reaches the whole terminal; the program that started this one says when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    inbox = Inbox(source)
    workshop: Workshop | None = None
    while True:
        request = inbox.next()
        try:
            if workshop is None:
                workshop = Workshop(request)
                reply = workshop.opened()
            else:
                reply = answer(workshop, request, inbox, sink)
        except FaceAppError as error:
            about = {"code": error.code, "sentence": error.sentence, "hint": error.hint}
            reply = Message("error", about)
        except MemoryError:
            reply = Message("error", {
                "code": "no_memory", "sentence": "There is not enough memory for this generator.",
                "hint": "Close other programs, or use a generator of a lower resolution.",
            })  # fmt: skip
        messages.write(sink, reply)


if __name__ == "__main__":
    main()
