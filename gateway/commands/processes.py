"""For engineers: the processes of an installation, one by one or all at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Final

import rich_click as click

from gateway.commands.children import Child
from gateway.commands.common import installation, run
from gateway.commands.rules.common import vocabulary
from gateway.routing.loader import load as load_rules
from gateway.settings import Settings, load

announce_option = click.option(
    "--announce", type=click.Path(path_type=Path), help="Write URL and process id here when ready."
)

_RESTART_S: Final = 1.0

#: A working day: a simulator that is restarted has another port and has forgotten its books.
SIMULATOR_S_MAX: Final = 12 * 3600


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, help="Port; 0 takes a free one.")
@announce_option
def serve(host: str, port: int, announce: Path | None) -> None:
    """Run one gateway process: the API that channels call."""
    from gateway.serve import serve as start_serving

    start_serving(host, port, announce)


@click.command()
@announce_option
def work(announce: Path | None) -> None:
    """Run one worker process: it delivers what was accepted."""
    import uvloop

    from gateway.observe.logs import configure
    from gateway.serve import write_announcement
    from gateway.worker import work as run_worker

    configure()

    def ready() -> None:
        if announce is not None:
            write_announcement(announce, {"pid": os.getpid()})

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run_worker(load(), ready))


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def simulate(arguments: tuple[str, ...]) -> None:
    """Run a simulated ERP: `coexist simulate legacy|cloud [options]`; --help lists them."""
    # It becomes that process: a Ctrl-C or SIGTERM is the simulator's to handle.
    os.execv(sys.executable, [sys.executable, "-m", "simulators", *arguments])  # noqa: S606 -- our own module


@click.command()
@click.option("--gateways", default=1, show_default=True, help="Gateway processes.")
@click.option("--workers", default=1, show_default=True, help="Worker processes.")
@click.option("--port", default=8080, show_default=True, help="Port of the first gateway.")
@click.option("--simulators", is_flag=True, help="Start both simulated ERPs too, and use them.")
@click.option("--seed", default=1, show_default=True, help="Seed of the simulators.")
@click.option("--max-seconds", default=0, help="Stop by itself after so long; 0 runs on.")
def up(
    gateways: int, workers: int, port: int, seed: int, max_seconds: int, *, simulators: bool
) -> None:
    """Run a whole installation on this machine until Ctrl-C.

    If no rules are in force yet, those of the rules folder are applied.
    """
    settings = load()
    folder = settings.data_dir / "run"
    stopping = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopping.set())
    children: list[Child] = []
    try:
        environment = _start_simulators(children, folder, seed) if simulators else {}
        os.environ.update(environment)
        run(_first_rules(settings))
        for n in range(gateways):
            at = ["--port", str(port + n if port else 0)]
            children.append(Child(f"gateway-{n + 1}", ["gateway", "serve", *at], folder, {}))
        children += [
            Child(f"worker-{n + 1}", ["gateway", "work"], folder, {}) for n in range(workers)
        ]
        for child in children:
            _started(child)
        click.echo(f"up; logs in {folder}; Ctrl-C stops everything")
        _supervise(children, stopping, max_seconds)
    finally:
        for child in reversed(children):
            child.stop()


def _start_simulators(children: list[Child], folder: Path, seed: int) -> dict[str, str]:
    environment = {}
    for erp in ("legacy", "cloud"):
        options = ["simulators", erp, "--port", "0", "--seed", str(seed)]
        options += ["--max-seconds", str(SIMULATOR_S_MAX)]
        child = Child(f"simulated-{erp}", options, folder, {})
        _started(child)
        children.append(child)
        environment[f"COEXIST_ERPS__{erp.upper()}__URL"] = str(child.announced["url"])
    return environment


def _started(child: Child) -> None:
    if child.alive():
        return
    child.start()
    where = child.announced.get("url", f"process {child.announced['pid']}")
    click.echo(f"  {child.name}: {where}")


def _supervise(children: list[Child], stopping: threading.Event, max_seconds: int) -> None:
    waited_s = 0.0
    while not stopping.wait(_RESTART_S):
        waited_s += _RESTART_S
        if max_seconds and waited_s >= max_seconds:
            return
        for child in children:
            if not child.alive():
                click.echo(f"  {child.name} ended, starting it again: {child.last_words()}")
                child.start()


async def _first_rules(settings: Settings) -> None:
    from gateway.ruling import ruling

    async with installation() as parts:
        publication = await parts.book.publication()
        if publication.marker.version or publication.pending is not None:
            return
        rules = load_rules(settings.rules_dir, vocabulary(settings))
        marker = await ruling(parts).publisher.apply(rules, "coexist up", "first rules")
        click.echo(f"  rules: version {marker.version} of {settings.rules_dir} in force")
