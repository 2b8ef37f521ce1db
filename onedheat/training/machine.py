"""What the machine can do, and what it is asked to: precision, processes, requests to stop."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs, PartialState
from accelerate.state import AcceleratorState
from accelerate.utils import broadcast_object_list, parse_flag_from_env

PRECISIONS = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}  # ours → accelerate's


def fast_precision(device: torch.device) -> str:
    """``"bf16"`` where the hardware multiplies it faster than float32, else ``"fp32"``."""
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    abilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return "bf16" if abilities.get("avx512_bf16") or abilities.get("amx_bf16") else "fp32"


def make_accelerator(precision: str) -> Accelerator:
    """What puts a network on the devices there are, alone or with the other processes of a launch.

    Args:
        precision: ``"fp32"``, ``"bf16"``, ``"fp16"`` or ``"auto"``.

    Raises:
        ValueError: fp16 without a GPU.
    """
    # `accelerate launch --cpu` says it here, and only Accelerator itself would listen. And unless it is
    # told, processes of `notebook_launcher` on a machine with processors alone know nothing of each other.
    on_cpu = parse_flag_from_env("ACCELERATE_USE_CPU") or not torch.accelerator.is_available()
    device = PartialState(cpu=on_cpu).device
    if precision == "auto":
        precision = fast_precision(device)
    if precision == "fp16" and device.type != "cuda":
        raise ValueError(
            f"precision=fp16 needs a GPU, and this is {device.type}; use bf16 or fp32 here"
        )
    # accelerate keeps one precision per process; a notebook may start several runs.
    AcceleratorState._reset_state()
    # Each process keeps batch-norm statistics of its own, see `share_statistics`.
    apart = DistributedDataParallelKwargs(broadcast_buffers=False)
    return Accelerator(mixed_precision=PRECISIONS[precision], kwargs_handlers=[apart])


def share_statistics(accelerator: Accelerator, *networks: torch.nn.Module) -> None:
    """Gives all processes the mean of their batch-norm statistics.

    Running statistics, and their averages, are sums of what the batches had with fixed weights: the
    mean of all now is what one would have had that was shared at each step, which costs far more.
    """
    if accelerator.num_processes == 1:
        return
    for network in networks:
        for buffer in network.buffers():
            if buffer.is_floating_point():
                buffer.copy_(accelerator.reduce(buffer, "mean"))


def told_by_main(accelerator: Accelerator, work: Callable[[], Any]) -> Any:
    """Has the main process do something, and gives its result, or raises its error, in all of them."""
    if accelerator.num_processes == 1:
        return work()
    told: list[Any] = [None, None]
    if accelerator.is_main_process:
        try:
            told[0] = work()
        except Exception as error:  # raised below, in every process: none is left waiting
            told[1] = error
    broadcast_object_list(told)
    if told[1] is not None:
        raise told[1]
    return told[0]


@contextmanager
def stop_requests() -> Iterator[Callable[[], bool]]:
    """Turns Ctrl-C and SIGTERM into a question that the loop asks after each step.

    A second Ctrl-C interrupts at once. Outside the main thread, which alone hears signals, the answer
    is always no.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    asked = []

    def note(signum, frame):
        if asked and signum == signal.SIGINT:
            raise KeyboardInterrupt
        asked.append(signum)

    before = {which: signal.signal(which, note) for which in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)
