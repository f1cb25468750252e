"""Several processes that learn one network together: each learns from its own crops, now and then they meet.

Where they meet, weights are averaged (local SGD). Two threads that wait for each other at every operation lose most of
a busy machine's time, and so do processes that meet at every step.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as processes
from torch import Tensor


def run(work: Callable[..., None], workers: int, *arguments: Any) -> None:
    """Call ``work(rank, *arguments)`` in so many processes that can ``average``; in this one where it is one."""
    if workers == 1:
        work(0, *arguments)
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes.spawn(  # type: ignore[attr-defined, no-untyped-call]
        _begin, args=(workers, port, work, arguments), nprocs=workers, join=True
    )


def _begin(rank: int, workers: int, port: int, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=rank, world_size=workers)
    try:
        work(rank, *arguments)
    finally:
        dist.destroy_process_group()


def average(values: Iterable[Tensor]) -> None:
    """Replace tensors by their mean over the processes, in place; nothing to do in a single one."""
    if not dist.is_initialized():
        return
    given = list(values)
    flat = torch.cat([value.detach().flatten() for value in given])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    begin = 0
    with torch.no_grad():
        for value in given:
            end = begin + value.numel()
            value.copy_(flat[begin:end].view_as(value))
            begin = end
