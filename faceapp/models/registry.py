"""The models of one process: each loaded once, when it is first asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, Literal, cast

from faceapp.errors import ModelUnavailable, NotFound
from faceapp.models.base import AntiSpoof, Detector, Embedder, Landmarker, ModelSpec, Role, Swapper
from faceapp.models.catalog import CATALOG
from faceapp.models.plugin import KEY, Plugins
from faceapp.models.store import ModelStore
from faceapp.paths import Paths

State = Literal["missing", "ready", "loading", "loaded", "broken"]
Listener = Callable[[str, State], None]


class Models:
    """Loads and keeps models. Every method may be called from any thread.

    Two threads that ask for one model wait for the same load; different models load side by side.
    """

    def __init__(
        self, paths: Paths, threads: int | None = None, catalog: Iterable[ModelSpec] = CATALOG
    ) -> None:
        """threads: for one call of a network; None for all cores of this process."""
        self.store = ModelStore(paths.models)
        self.plugins = Plugins(paths.models)
        self._threads = threads or 0
        self._specs = {spec.key: spec for spec in catalog}
        self._loaded: dict[str, Any] = {}
        self._locks = {key: threading.Lock() for key in self._specs}
        self._states: dict[str, State] = {}
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()
        self.read_plugins()

    def read_plugins(self) -> None:
        """Take up what the user added, here or in another process."""
        spec = self.plugins.spec()
        if spec == self._specs.get(KEY):
            return
        with self._lock:
            self._specs = {key: known for key, known in self._specs.items() if key != KEY}
            self._loaded.pop(KEY, None)
            self._states.pop(KEY, None)
            if spec is not None:
                self._specs = {**self._specs, KEY: spec}
                self._locks.setdefault(KEY, threading.Lock())

    def specs(self, role: Role | None = None) -> list[ModelSpec]:
        """The rows of the catalogue, of one role or all."""
        return [spec for spec in self._specs.values() if role is None or spec.role == role]

    def spec(self, key: str) -> ModelSpec:
        """The row with that key. Raises NotFound."""
        if key not in self._specs:
            known = ", ".join(self._specs)
            raise NotFound("no_such_model", f"There is no model {key}.", f"There are: {known}.")
        return self._specs[key]

    def default_key(self, role: Role) -> str:
        """The model of that role that is used where none is named."""
        return next(spec.key for spec in self.specs(role) if spec.default)

    def detector(self, key: str | None = None) -> Detector:
        """The named detector or the default one, loaded now if need be. Raises NotFound, ModelUnavailable."""
        return cast(Detector, self._get("detector", key))

    def landmarker(self, key: str | None = None) -> Landmarker:
        """The named landmarker or the default one. Raises NotFound, ModelUnavailable."""
        return cast(Landmarker, self._get("landmarker", key))

    def embedder(self, key: str | None = None) -> Embedder:
        """The named embedder or the default one. Raises NotFound, ModelUnavailable."""
        return cast(Embedder, self._get("embedder", key))

    def antispoof(self, key: str | None = None) -> AntiSpoof:
        """The named model or the default one. Raises NotFound, ModelUnavailable."""
        return cast(AntiSpoof, self._get("antispoof", key))

    def swapper(self) -> Swapper:
        """The user's own neural swapper. Raises ModelUnavailable where none was added, and Conflict
        (licence_not_accepted) until its licence was accepted."""
        self.plugins.require()
        self.read_plugins()
        return cast(Swapper, self._get("swapper", KEY))

    def state(self, key: str) -> State:
        """What there is of a model. Reads its files the first time. Raises NotFound."""
        spec = self.spec(key)
        with self._lock:
            known = self._states.get(key)
        return known if known in ("loading", "loaded", "broken") else self.store.state(spec)

    def on_state(self, listener: Listener) -> Callable[[], None]:
        """Call `listener(key, state)` on every change, on the thread that made it; returns the way out."""
        with self._lock:
            self._listeners.append(listener)

        def leave() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return leave

    def preload(self, keys: Iterable[str]) -> None:
        """Load these models now, one after the other. Raises NotFound, ModelUnavailable."""
        for key in keys:
            self._get(self.spec(key).role, key)

    def release(self) -> None:
        """Forget every loaded model; its memory is free when nobody uses it any more."""
        with self._lock:
            released = list(self._loaded)
            self._loaded.clear()
            self._states.clear()
        for key in released:
            self._tell(key, "ready")

    def _get(self, role: Role, key: str | None) -> Any:
        spec = self.spec(key or self.default_key(role))
        if spec.role != role:
            raise NotFound("no_such_model", f"{spec.title} is no {role}.")
        with self._locks[spec.key]:
            with self._lock:
                if spec.key in self._loaded:
                    return self._loaded[spec.key]
            return self._load(spec)

    def _load(self, spec: ModelSpec) -> Any:
        self._change(spec.key, "loading")
        outcome: State = "broken"
        try:
            model = spec.load(self.store.paths(spec), self.store.folder, self._threads)
            outcome = "loaded"
        except ImportError as error:
            raise ModelUnavailable(
                "model_package", f"{spec.title} cannot be used: {error}.", "Install the package."
            ) from error
        finally:
            if outcome == "broken":
                self._failed(spec)
        with self._lock:
            self._loaded[spec.key] = model
        self._change(spec.key, "loaded")
        return model

    def _failed(self, spec: ModelSpec) -> None:
        """A model whose files are at fault is not noted down: they may be put right at any time."""
        files = self.store.state(spec)
        with self._lock:
            self._states.pop(spec.key, None)
            if files == "ready":
                self._states[spec.key] = "broken"
        self._tell(spec.key, "broken" if files == "ready" else files)

    def _change(self, key: str, state: State) -> None:
        with self._lock:
            self._states[key] = state
        self._tell(key, state)

    def _tell(self, key: str, state: State) -> None:
        with self._lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener(key, state)
