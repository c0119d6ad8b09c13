"""Members as actors of Ray. Nothing of a photo goes through Ray: jobs are paths, and so is what is told of them."""

import logging
import os
import signal
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from glmha_cli.batch.cluster.options import Cluster
from glmha_cli.batch.jobs import Job
from glmha_cli.batch.places import Places
from glmha_cli.errors import GlmhaError, UsageError, first_line
from glmha_cli.inference.cpus import num_threads
from glmha_cli.installed import extra_command

if TYPE_CHECKING:
    from collections.abc import Callable

    from glmha_cli.batch.cluster.calls import Call
    from glmha_cli.batch.cluster.member import Order

STORE_BYTES = 80 << 20
"""Of Ray's store of objects, on a cluster of one's own: near the least that it takes, as nothing is put there."""
STOP_SECONDS = 10
HINT = "see `ray status` there; RAY_AUTH_MODE=token where it asks for a token"


@dataclass(frozen=True)
class Lost:
    """Instead of a member's reply: why there is none."""

    reason: str
    hint: str = "what Ray knows is in its logs, /tmp/ray/session_latest/logs; too little memory is the usual cause"


Reply: TypeAlias = "list[Call] | int | GlmhaError | Lost"


@dataclass(eq=False)
class Seat:
    """Of one member. call: what it is doing. room: for so many jobs, 0 until it has loaded the network.

    jobs: it has, by their outputs; fresh and answers: to be given with the next call.
    """

    actor: Any
    call: Any
    room: int = 0
    jobs: dict[Path, Job] = field(default_factory=dict)
    fresh: list[Job] = field(default_factory=list)
    answers: dict[int, Any] = field(default_factory=dict)

    @property
    def is_free(self) -> bool:
        return self.call is None

    def add(self, job: Job) -> None:
        self.jobs[job.target] = job
        self.fresh.append(job)


class Ray:
    """Ray, from `with` on; a cluster of one's own ends with it, and members do anyway."""

    def __init__(self, cluster: Cluster, order: "Order", say: "Callable[[str], None]") -> None:
        self.cluster, self.order, self.say = cluster, order, say

    def __enter__(self) -> "Ray":
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError as error:
            raise UsageError(f"--cluster ray needs the package {error.name or 'ray'}", extra_command("ray")) from error
        self.ray: Any = ray
        self.is_callers = ray.is_initialized()  # in Python somebody may use it for more
        if not self.is_callers:
            self._connect()
        return self

    def __exit__(self, *error: object) -> None:
        if not self.is_callers:
            self.ray.shutdown()

    @property
    def address(self) -> str | None:
        return self.cluster.address or os.environ.get("RAY_ADDRESS")

    def _connect(self) -> None:
        """To the cluster that was named, or to one of this machine that nothing else can reach."""
        address = self.address
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        if not address:
            options |= {"num_cpus": num_threads(), "include_dashboard": False, "object_store_memory": STORE_BYTES}
            options |= {"_node_ip_address": "127.0.0.1"}
        handler = signal.getsignal(signal.SIGTERM)
        try:
            with warnings.catch_warnings(action="ignore"):
                self._init(address, options)
        except Exception as error:  # of many classes
            where = f"the cluster at {address}" if address else "a cluster on this machine"
            raise UsageError(f"{where} cannot be used: {first_line(error)}", HINT if address else "") from error
        finally:
            if threading.current_thread() is threading.main_thread() and handler is not None:
                signal.signal(signal.SIGTERM, handler)  # Ray's ends with another code

    def _init(self, address: str | None, options: Mapping[str, Any]) -> None:
        try:
            self.ray.init(address=address or "local", **options)
        except Exception:
            if address:
                raise
            self.ray.shutdown()  # Ray gives its own processes 30 s to start, which a busy machine may miss
            self.ray.init(address="local", **options)

    def seats(self) -> list[Seat]:
        """One for each member asked for, or that there is room for."""
        nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        room = sum(map(self._room_on, nodes))
        if not room:
            needs = f"{self.cluster.cpus:g} CPUs" + (f" and {self.cluster.gpus:g} GPUs" if self.cluster.gpus else "")
            if not self.address and not self.is_callers:
                raise UsageError(f"this machine has not {needs} for an actor", "--cpus-per-actor 1 --gpus-per-actor 0")
            self.say(f"no machine of the cluster has {needs} for a worker; waiting for one that has")
        return [self.seat() for _ in range(self.cluster.actors or max(1, room))]

    def _room_on(self, node: dict[str, float]) -> int:
        wanted = {"CPU": self.cluster.cpus, "GPU": self.cluster.gpus}
        return int(min((node.get(name, 0) / share for name, share in wanted.items() if share), default=1))

    def seat(self) -> Seat:
        """A member, which begins to load the network."""
        from glmha_cli.batch.cluster.member import Member

        shares = {"num_cpus": self.cluster.cpus, "num_gpus": self.cluster.gpus}
        actor = self.ray.remote(Member).options(**shares, max_restarts=0, max_task_retries=0).remote()
        return Seat(actor, actor.start.remote(self.order))

    def exchange(self, seat: Seat, places: Places, seconds: float) -> None:
        """Give a member its jobs and answers, and ask what it has to tell, within so many seconds."""
        secret = {name: url for job in seat.fresh for name, url in places.secret(job).items()}
        seat.call = seat.actor.exchange.remote(seat.fresh, secret, seat.answers, seconds)
        seat.fresh, seat.answers = [], {}

    def replies(self, seats: Iterable[Seat], seconds: float) -> Iterator[tuple[Seat, Reply]]:
        """Of the members that have replied; waits so long for the first."""
        waiting = {seat.call: seat for seat in seats if seat.call is not None}
        if not waiting:
            return
        self.ray.wait(list(waiting), timeout=seconds)
        done, _ = self.ray.wait(list(waiting), num_returns=len(waiting), timeout=0)
        for call in done:
            waiting[call].call = None
            yield waiting[call], self._reply(waiting[call], call)

    def _reply(self, seat: Seat, call: Any) -> Reply:
        try:
            return self.ray.get(call)
        except Exception as error:  # each of Ray's reasons has a class of its own
            self.ray.kill(seat.actor)  # if it lives and was only out of reach, its jobs are no longer its own
            cause = getattr(error, "cause", None) or error
            return Lost(f"{type(cause).__name__}: {first_line(cause)}" if isinstance(cause, Exception) else str(cause))

    def stopped(self, seats: Sequence[Seat]) -> Iterator[tuple[Seat, "list[Call]"]]:
        """What members tell last, once they have ended, or will not."""
        last = [(seat, [*([seat.call] if seat.call else []), seat.actor.stop.remote()]) for seat in seats if seat.room]
        calls = [call for _, each in last for call in each]
        if calls:
            self.ray.wait(calls, num_returns=len(calls), timeout=STOP_SECONDS)
        for seat, each in last:
            for call in self.ray.wait(each, num_returns=len(each), timeout=0)[0]:
                reply = self._reply(seat, call)
                yield seat, reply if isinstance(reply, list) else []
        for seat in seats:
            self.ray.kill(seat.actor)
