#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares `pcipath-host list` over QMP with one query-pci, on a paused machine with about 500 devices: round trips, bytes and time.

    tests/bench/host.py [RUNS]

The ratio is that of the medians. Both times are from the connection to its end; that of `list` is of the whole process. A relay, which
is not used for the timed runs, counts the round trips: how often the client sends after QEMU has answered.
"""

import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "vm")]

from host.qemu import paused  # noqa: E402
from programs import BUILD  # noqa: E402

PCIPATH_HOST = BUILD / "helper/host/pcipath-host"


def topology(ports):
    """Root ports as functions of slots, and eight virtio disks behind each."""
    devices = []
    for n in range(ports):
        devices.append({"driver": "pcie-root-port", "id": f"rp{n}", "bus": "pcie.0", "addr": f"{n // 8 + 2:x}.{n % 8}",
                        "chassis": n + 1, "multifunction": n % 8 == 0})
        devices += [{"driver": "virtio-blk-pci", "id": f"disk{n}-{f}", "bus": f"rp{n}", "addr": f"0.{f}", "drive": f"disk{n}-{f}",
                     "multifunction": f == 0} for f in range(8)]
    return devices


def query_pci(path):
    """Seconds of one query-pci, and the bytes of its answer."""
    begin = time.monotonic()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        reader = connection.makefile("rb")
        reader.readline()
        connection.sendall(b'{"execute":"qmp_capabilities"}{"execute":"query-pci"}')
        reader.readline()
        size = len(reader.readline())
    return time.monotonic() - begin, size


def pcipath_list(path):
    begin = time.monotonic()
    listed = json.loads(subprocess.run([PCIPATH_HOST, "list", "-J", f"--qmp={path}"], stdout=subprocess.PIPE, check=True).stdout)
    return time.monotonic() - begin, len(listed["devices"])


def count(path, directory):
    """Round trips, commands and bytes of one list."""
    said = []

    def relay(source, target, who):
        while data := source.recv(1 << 16):
            said.append((who, data))
            target.sendall(data)
        if who == "client":
            target.shutdown(socket.SHUT_WR)

    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as qemu:
        listener.bind(f"{directory}/relay")
        listener.listen()
        client = subprocess.Popen([PCIPATH_HOST, "list", f"--qmp={directory}/relay"], stdout=subprocess.DEVNULL)
        with listener.accept()[0] as connection:
            qemu.connect(path)
            back = threading.Thread(target=relay, args=(qemu, connection, "qemu"), daemon=True)
            back.start()
            relay(connection, qemu, "client")
        client.wait()
    # A long batch is answered while it is still being sent: a round trip begins when all that was asked has been answered.
    trips, asked, answered = 0, 0, -1  # the greeting is no answer
    for who, data in said:
        if who == "client":
            trips += asked == answered
            asked += data.count(b'"execute"')
        else:
            answered += data.count(b"\r\n")
    return trips, asked, sum(len(data) for who, data in said if who == "qemu")


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    with paused("q35", topology(56)) as machine, tempfile.TemporaryDirectory() as directory:
        pairs = [(query_pci(machine.socket), pcipath_list(machine.socket)) for _ in range(runs)]
        (_, size), (_, devices) = pairs[0]
        seconds = [statistics.median(times) for times in zip(*((a[0], b[0]) for a, b in pairs))]
        trips, commands, answers = count(machine.socket, directory)
    print(f"{devices} devices: list {trips} round trips, {commands} commands, {answers >> 10} KiB, {seconds[1] * 1000:.1f} ms; "
          f"query-pci 1 round trip, {size >> 10} KiB, {seconds[0] * 1000:.1f} ms; ratio {seconds[1] / seconds[0]:.2f}")


if __name__ == "__main__":
    main()
