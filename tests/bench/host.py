#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath-host list` over QMP on a paused machine with about 500 devices, with qom-list-get and without: round trips, bytes and CPU time.

    tests/bench/host.py [RUNS]

The QEMU is forky's. The times are the least of the runs, as other work on the machine adds to them. A relay, which is not used for the
timed runs, counts the round trips: how often the client sends after QEMU has answered. One query-pci is measured for comparison.
Then `list` reads documents with 20,000 devices.
"""

import json
import resource
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "vm")]

from host.qemu import as_older, paused  # noqa: E402
from host.run import cpu_time  # noqa: E402
from host.test_documents import many_disks  # noqa: E402
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


def spent(machine):
    """CPU seconds of all threads of QEMU so far."""
    tasks = Path(f"/proc/{machine.process.pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def query_pci(machine):
    """CPU seconds of one query-pci in QEMU, and the bytes of its answer."""
    begin = spent(machine)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(machine.socket)
        reader = connection.makefile("rb")
        reader.readline()
        connection.sendall(b'{"execute":"qmp_capabilities"}{"execute":"query-pci"}')
        reader.readline()
        size = len(reader.readline())
    return spent(machine) - begin, size


def pcipath_list(machine, path):
    """CPU seconds of `list` in QEMU and in pcipath-host, and the number of devices."""
    begin, children = spent(machine), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([PCIPATH_HOST, "list", "-J", "--timeout=100", f"--qmp={path}"], stdout=subprocess.PIPE, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = after.ru_utime + after.ru_stime - children.ru_utime - children.ru_stime
    return spent(machine) - begin, own, len(json.loads(done.stdout)["devices"])


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
        client = subprocess.Popen([PCIPATH_HOST, "list", "--timeout=100", f"--qmp={directory}/relay"], stdout=subprocess.DEVNULL)
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


def measure(machine, path, runs):
    lists = [pcipath_list(machine, path) for _ in range(runs)]
    (qemu, _, devices), own = min(lists), min(own for _, own, _ in lists)
    with tempfile.TemporaryDirectory() as directory:
        trips, commands, answers = count(path, directory)
    print(f"{devices} devices: {trips} round trips, {commands} commands, {answers >> 10} KiB, {qemu * 1000:.0f} ms in QEMU, "
          f"{own * 1000:.0f} ms in pcipath-host")
    return qemu


def many_luns(n):
    """A domain of libvirt with the disks of 20 adapters."""
    adapters = "".join(f"<controller type='scsi' index='{i}' model='virtio-scsi'>\n  <address type='pci' bus='0' slot='{i + 2}' function='0'/>\n"
                       "</controller>\n" for i in range(20))
    disks = "".join(f"<disk type='file' device='disk'>\n  <source file='/srv/{i}.img'/>\n  <target dev='sd{i}' bus='scsi'/>\n"
                    f"  <address type='drive' controller='{i % 20}' bus='0' target='{i // 20 % 256}' unit='{i // 5120}'/>\n</disk>\n" for i in range(n))
    return ("<domain type='kvm'><os><type machine='q35'/></os><devices><controller type='pci' index='0' model='pcie-root'/>\n"
            f"{adapters}{disks}</devices></domain>")


def measure_documents(runs, n=20000):
    text = many_disks(n)
    listed = subprocess.run([PCIPATH_HOST, "list", "-J", "--cloud-hypervisor=-"], input=text, text=True, stdout=subprocess.PIPE,
                            check=True).stdout
    for source, document in (("libvirt", many_luns(n)), ("cloud-hypervisor", text), ("list", listed)):
        seconds = cpu_time(document, "list", f"--{source}=-", runs=runs)
        print(f"--{source}=: {n} devices, {len(document) >> 10} KiB: {seconds:.2f} s of CPU time")


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    with paused("q35", topology(56), qemu="forky") as machine, as_older(machine) as (older, _):
        with_list_get, without = measure(machine, machine.socket, runs), measure(machine, older, runs)
        query, size = min(query_pci(machine) for _ in range(20 * runs))
    print(f"ratio in QEMU {with_list_get / without:.2f}; query-pci {size >> 10} KiB, {query * 1000:.2f} ms")
    measure_documents(runs)


if __name__ == "__main__":
    main()
