"""Open a weight file as a network, from arrays to arrays, on ONNX Runtime, with its configuration."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import json
import logging
import os
import re
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np

from common.arrays import Floats, Network
from ocr.weights import WeightsError
from ocr.weights.file import present, read_file

_log = logging.getLogger(__name__)

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""Device name to ONNX Runtime's name for it."""


def available_cores() -> int:
    """Cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load_onnx(
    path: Path,
    threads: int | None = None,
    device: str = "cpu",
    *,
    content: bytes | None = None,
    beside: Path | None = None,
) -> tuple[Network, dict[str, Any]]:
    """Open an ONNX file as a network that any number of threads may call.

    Args:
        path: A file whose metadata holds JSON under the key "config".
        threads: Threads one call works with; all cores by default.
        device: "cpu" or "cuda".
        content: What is in the file, where it has been read already: what was checked is then what
            is run, even if the file is exchanged meanwhile.
        beside: The folder of files that it shares arrays with, if any; its own by default.

    Returns:
        The network, and the keyword arguments of the model's class from the metadata.

    Raises:
        ValueError: The device is unknown or not there, or threads is below 1.
        WeightsError: The file is no ONNX model, or one without a configuration.
    """
    if threads is not None and threads < 1:
        raise ValueError(f"threads is {threads}, expected 1 or more")
    if content is None:
        content = read_file(path)
    folder = str(beside or path.parent)
    network = OnnxNetwork(content, str(path), threads or available_cores(), device, folder)
    try:
        config = dict(json.loads(network.metadata().get("config", "")))
    except (ValueError, TypeError) as error:
        raise WeightsError(
            f'{path}: no JSON under the metadata key "config"; export it again'
        ) from error
    return network, config


class OnnxNetwork:
    """A network on ONNX Runtime, for any number of threads and processes.

    ONNX Runtime's threads do not come along into a forked process: there, calling or even deleting
    a session of the parent's waits for them without end. A child therefore leaves the parent's
    session alone for good, and opens its own at its first call. A copy that was sent to a spawned
    process opens its own, too.

    Args:
        content: The ONNX file's bytes.
        name: What messages call it.
        threads: Threads one call works with.
        device: "cpu" or "cuda".
        folder: The folder of files that it shares arrays with, if any.

    Raises:
        ValueError: The device is unknown or not there.
        WeightsError: It is no ONNX model.
    """

    def __init__(
        self, content: bytes, name: str, threads: int, device: str, folder: str = ""
    ) -> None:
        self._arguments = content, name, threads, device, folder
        self._lock = threading.Lock()
        self._session: Any = _open_session(*self._arguments)
        self._input = str(self._session.get_inputs()[0].name)
        _follow_forks()
        _networks.add(self)

    def __call__(self, images: Floats, **settings: Floats) -> tuple[Any, ...]:
        """Run the network on a batch; see `common.arrays.Network`. A file may have settings beside, with defaults."""
        return tuple(self._own_session().run(None, {self._input: images, **settings}))

    def __reduce__(self) -> tuple[type[OnnxNetwork], tuple[bytes, str, int, str, str]]:
        """Be sent to other processes as the file's content and the settings."""
        return OnnxNetwork, self._arguments

    def metadata(self) -> dict[str, str]:
        """The file's metadata."""
        return dict(self._own_session().get_modelmeta().custom_metadata_map)

    def _own_session(self) -> Any:  # noqa: ANN401
        session = self._session
        if session is None:
            if self._arguments[3] != "cpu":
                raise RuntimeError(
                    f"{self._arguments[1]}: a GPU cannot be used by a process that was forked after the model was "
                    'loaded; load it in the child, or start processes by "spawn"'
                )
            with self._lock:
                if self._session is None:
                    self._session = _open_session(*self._arguments)
                session = self._session
        return session

    def _forget_parent(self) -> None:
        """In a forked child: drop the parent's session without deleting it."""
        self._lock = threading.Lock()  # another thread of the parent may have held it
        session, self._session = self._session, None
        if session is not None:
            # One reference that nobody gives back, so that not even the interpreter's end deletes it.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(session))


class Chained:
    """A trunk that several models share, and what one of them does with its maps.

    Args:
        trunk: From pictures to (maps,).
        head: From those maps to the answers.
        colors: The trunk takes pictures in three colors; grey ones serve as all three.
    """

    def __init__(self, trunk: Network, head: Network, *, colors: bool = True) -> None:
        self._trunk, self._head, self._colors = trunk, head, colors

    def __call__(self, images: Floats) -> tuple[Any, ...]:
        """Run both on a batch."""
        if self._colors and images.shape[1] == 1:
            images = np.repeat(images, 3, axis=1)
        return self._head(self._trunk(images)[0])


_networks: weakref.WeakSet[OnnxNetwork] = weakref.WeakSet()


_in_child = threading.Event()
"""Set where this process was forked from one that had networks."""


@functools.cache
def _follow_forks() -> None:
    """Have every process that is forked from this one open its own sessions."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget_parents)


def _forget_parents() -> None:
    # Another thread of the parent may have been taking memory from the arena just then: its lock stays locked here.
    _shares_arena.cache_clear()
    _in_child.set()
    for network in list(_networks):
        network._forget_parent()


def import_onnxruntime() -> Any:  # noqa: ANN401
    """ONNX Runtime, kept from sending reports to its maker, which the published packages do by default.

    From version 1.29 on, it would otherwise start a thread that uploads what was run, and keep a database in the
    user's cache folder. The variable must be set before the first import in the process; the function stops what
    a program that imported it earlier has started, short of the first report.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime


@functools.cache
def _shares_arena() -> bool:
    """Let all networks of this process work in the same memory, which stays with it; say whether they do.

    Given back after each layer, memory would be fetched page by page from the system again and again, at a fifth of
    the time of reading. One after the other, networks need no more of it together than the largest of them.
    """
    if _in_child.is_set():
        return False
    onnxruntime = import_onnxruntime()
    powers_of_two = onnxruntime.OrtArenaCfg(
        0, 0, -1, -1
    )  # no limit: pages come in tiles and lines in batches
    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    try:
        onnxruntime.create_and_register_allocator(memory, powers_of_two)
    except Exception as error:  # ONNX Runtime's own classes have no common base but this one
        # The program that embeds this has an arena of its own.
        _log.debug("no arena for all networks: %s", error)
        return False
    return True


def _open_session(content: bytes, name: str, threads: int, device: str, folder: str) -> Any:  # noqa: ANN401
    onnxruntime = import_onnxruntime()
    if device not in PROVIDERS:
        raise ValueError(f"device is {device!r}, expected one of {', '.join(PROVIDERS)}")
    if PROVIDERS[device] not in onnxruntime.get_available_providers():
        raise ValueError(
            f"device {device!r} is not available: this onnxruntime has only "
            f"{', '.join(onnxruntime.get_available_providers())}; sh setup.sh installs the other"
        )
    providers = [PROVIDERS[device]] + ([PROVIDERS["cpu"]] if device != "cpu" else [])
    opened = functools.partial(onnxruntime.InferenceSession, content, providers=providers)
    options = functools.partial(
        _session_options, threads, device, folder, _compressed_beside(content, folder)
    )
    # ONNX Runtime's own classes have no common base but Exception.
    with contextlib.suppress(Exception):
        return opened(options(wide_sums=True))
    # It cannot widen a tensor that two layers share, as the attention's classifier and embedding do.
    try:
        return opened(options(wide_sums=False))
    except Exception as error:
        message = str(error).splitlines()[0]
        raise WeightsError(f"{name}: ONNX Runtime cannot open it ({message})") from error


_LOCATION = re.compile(rb"\n\x08location\x12([\x01-\x7f])", re.DOTALL)
"""How an ONNX file, a protocol buffer, begins to name a file that it shares arrays with; the name's length is last."""


def _compressed_beside(content: bytes, folder: str) -> dict[str, bytes]:
    """Read the files that a network shares arrays with if any is compressed, which ONNX Runtime cannot read itself."""
    if not folder:
        return {}
    found = {content[m.end() : m.end() + m[1][0]] for m in _LOCATION.finditer(content)}
    paths = [Path(folder) / Path(name.decode("utf-8", "replace")).name for name in found]
    if all(present(path) == path for path in paths):
        return {}
    return {path.name: read_file(path) for path in paths}


def _session_options(
    threads: int, device: str, folder: str, beside: dict[str, bytes], *, wide_sums: bool
) -> Any:  # noqa: ANN401
    """Make the options of a session.

    Args:
        threads: Of each layer.
        device: "cpu" or "cuda".
        folder: Of files that arrays are shared with; "" for none.
        beside: What is in those files, all or none of them; it must stay until the session is open.
        wide_sums: Where a processor lacks VNNI, sums of int8 products overflow and one character in sixty is read
            otherwise; this widens them there, and changes nothing elsewhere.
    """
    options = import_onnxruntime().SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that wait for work keep a core busy. Those of the network before would be in the way of the next one's,
    # and of what is done between the two, for longer than a small network takes.
    options.add_session_config_entry("session.intra_op.spin_duration_us", "100")
    options.add_session_config_entry("session.x64quantprecision", str(int(wide_sums)))
    if beside:
        lengths = [len(one) for one in beside.values()]
        options.add_external_initializers_from_files_in_memory(
            list(beside), list(beside.values()), lengths
        )
    elif folder:
        key = "session.model_external_initializers_file_folder_path"
        options.add_session_config_entry(key, folder)
    # Errors alone, of the last try: warnings are about the exporter's graph.
    options.log_severity_level = 4 if wide_sums else 3
    # Every page has its own size: remembered patterns, and an arena for each network, would keep the largest of each.
    options.enable_mem_pattern = False
    options.enable_cpu_mem_arena = device == "cpu" and _shares_arena()
    if options.enable_cpu_mem_arena:
        options.add_session_config_entry("session.use_env_allocators", "1")
    return options
