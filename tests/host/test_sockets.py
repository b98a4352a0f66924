# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sockets that do not answer as they should: each ends in its stated way, and in its stated time."""

import contextlib
import json
import os
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from host.qemu import paused
from host.run import PCIPATH_HOST, error, pcipath_host, table
from host.server import served
from programs import RUNNER

COVERS = dict.fromkeys(("silence", "monitor_of_another_client", "closes_early", "garbage", "never_stops_talking", "too_much"),
                       "Fault: monitors that are silent or slow, close early, send garbage or never stop")

DOCUMENTS = Path(__file__).parent / "documents"
VM_INFO = (DOCUMENTS / "cloud-hypervisor.json").read_bytes()
CONFIGURATION = (DOCUMENTS / "firecracker.json").read_bytes()
GREETING = b'{"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 7}, "package": ""}, "capabilities": ["oob"]}}\r\n'


def until_closed(connection):
    with contextlib.suppress(ConnectionError):
        while connection.recv(65536):
            pass


def http(body, status="200", header="Content-Length: {}\r\n"):
    return f"HTTP/1.1 {status}\r\nServer: API\r\n{header.format(len(body))}\r\n".encode() + body


def answering(*answers, at_once=True):
    """To each request the next answer, whole or byte by byte, and then the end."""
    left = list(answers)

    def serve(connection):
        connection.recv(65536)
        answer = left.pop(0)
        for part in [answer] if at_once else [answer[n:n + 1] for n in range(len(answer))]:
            connection.sendall(part)

    return serve


HELD = "; QEMU serves one client of a QMP socket at a time: close the other client, or start QEMU with a second QMP socket"
SOURCES = ["qmp", "cloud-hypervisor", "firecracker"]


@pytest.mark.parametrize("option, said", [*((option, b"") for option in SOURCES), ("qmp", GREETING[:9]), ("qmp", GREETING),
                                          ("firecracker", b"HTTP/1.1 200")], ids=range(6))
def test_silence(option, said):
    """Timed out is status 4; that it ends at all the timeout of pcipath_host() sees to."""
    def serve(connection):
        connection.sendall(said)
        until_closed(connection)

    with served(serve) as path:
        assert error("list", f"--{option}={path}", "--timeout=0.2") == (
            4, f"{path}: timed out after 0.2 s" + (HELD if option == "qmp" and said != GREETING else ""))


def test_nobody_accepts():
    """A listener whose queue is full: connect() itself would wait for ever."""
    with tempfile.TemporaryDirectory(prefix="pcipath-") as directory, socket.socket(socket.AF_UNIX) as listener:
        path = f"{directory}/socket"
        listener.bind(path)
        listener.listen(0)
        with socket.socket(socket.AF_UNIX) as first:
            first.connect(path)
            assert error("list", f"--qmp={path}", "--timeout=0.2")[0] == 4


@pytest.mark.parametrize("option", ["libvirt", "cloud-hypervisor", "firecracker"])
def test_timeout_of_a_file(option, tmp_path):
    """Of the whole run: a pipe that nobody writes to, and one that is never closed."""
    os.mkfifo(tmp_path / "pipe")
    assert error("list", f"--{option}={tmp_path}/pipe", "--timeout=0.2") == (4, f"{tmp_path}/pipe: timed out after 0.2 s")
    read, write = os.pipe()
    with open(read), open(write, "w"):
        done = subprocess.run([*RUNNER, PCIPATH_HOST, "list", f"--{option}=-", "--timeout=0.2"], stdin=read, capture_output=True,
                              timeout=60, check=False)
    assert (done.returncode, done.stderr) == (4, b"pcipath-host: -: timed out after 0.2 s\n")


def test_timeout_while_it_computes():
    """An answer that came in time, and takes longer to read."""
    with served(answering(http(b'{"config":' + b"[" + b"[]," * 5_000_000 + b"[]]}"))) as path:
        assert error("list", f"--cloud-hypervisor={path}", "--timeout=0.1")[0] == 4


def test_never_stops_talking():
    """Events without an end: the deadline is that of the whole talk."""
    event = json.dumps({"event": "RTC_CHANGE", "data": {"offset": 1}, "timestamp": {"seconds": 1, "microseconds": 0}}).encode()

    def serve(connection):
        connection.sendall(GREETING)
        with contextlib.suppress(ConnectionError):
            while True:
                connection.sendall(event * 100)

    with served(serve) as path:
        assert error("list", f"--qmp={path}", "--timeout=0.1")[0] == 4


@pytest.mark.parametrize("option, said", [
    *((option, b"") for option in SOURCES), ("qmp", GREETING), ("qmp", GREETING + b'{"return": {}}'),
    ("cloud-hypervisor", http(VM_INFO)[:-1]), ("cloud-hypervisor", b"HTTP/1.1 200 \r\nContent-Length: 5\r\n")],
    ids=["qmp", "ch", "fc", "greeting", "first-reply", "body", "header"])
def test_closes_early(option, said):
    def serve(connection):
        connection.sendall(said)
        connection.shutdown(socket.SHUT_WR)
        until_closed(connection)

    with served(serve) as path:
        status, text = error("list", f"--{option}={path}")
        assert status == 1 and text.endswith("the connection was closed before the answer came")


@pytest.mark.parametrize("option, said", [
    ("qmp", b"\x7fELF\0\0\0"), ("qmp", b"QEMU 11.1.2 monitor - type 'help' for more information\r\n(qemu) "), ("qmp", b"[]"), ("qmp", b"null "), ("qmp", b"{}"), ("qmp", b'{"QMP":7}'),
    ("qmp", GREETING + b'{"return"}'), ("qmp", GREETING + b"{}"),
    ("qmp", GREETING + b'{"error": {"class": "CommandNotFound", "desc": "x"}}'), ("qmp", GREETING + b'{"return": 5}' * 4),
    ("cloud-hypervisor", b"\x7fELF" * 5000), ("cloud-hypervisor", b"HTTP/1.1 200\r\n\r\n"),
    ("cloud-hypervisor", http(b"{}", status="404")), ("cloud-hypervisor", http(b"", header="Content-Length: -1\r\n")),
    ("cloud-hypervisor", http(b"", header="Content-Length: 99999999999\r\n")),
    ("cloud-hypervisor", http(b"", header="Content-Length: 1\r\nContent-Length: 2\r\n")),
    ("cloud-hypervisor", http(b"0\r\n", header="Transfer-Encoding: chunked\r\n")), ("cloud-hypervisor", http(b"garbage")),
    ("firecracker", http(b"{}"))], ids=range(19))
def test_garbage(option, said):
    def serve(connection):
        connection.sendall(said)
        until_closed(connection)

    with served(serve) as path:
        status, text = error("list", f"--{option}={path}")
        assert status == 1 and (option != "qmp" or GREETING in said or text.endswith("use the socket of QEMU's option -qmp"))


def test_too_much():
    """An answer without an end is not kept."""
    def serve(connection):
        connection.sendall(GREETING + b'{"return": "')
        with contextlib.suppress(ConnectionError):
            for _ in range(70):
                connection.sendall(b"x" * (1 << 20))
        until_closed(connection)

    with served(serve) as path:
        status, text = error("list", f"--qmp={path}", "--timeout=100")
        assert status == 1 and text.endswith("the answer is larger than 64 MiB")


@pytest.mark.parametrize("at_once", [True, False])
def test_api_sockets(at_once):
    """In one piece, and byte by byte."""
    with served(answering(http(VM_INFO), at_once=at_once)) as path:
        assert pcipath_host("of", f"--cloud-hypervisor={path}", "data").stdout == "1f.0\n"
    state = http(b'{"id": "anonymous", "state": "Not started", "vmm_version": "1.14.0"}')
    with served(answering(state, http(CONFIGURATION), at_once=at_once)) as path:
        assert pcipath_host("of", f"--firecracker={path}", "rootfs").stdout == "02.0\n"


def test_running_firecracker():
    """Its answer has drives and interfaces in no order that means a slot: no path."""
    with served(answering(http(b'{"state": "Running"}'), http(CONFIGURATION))) as path:
        assert error("of", f"--firecracker={path}", "rootfs") == (
            3, "rootfs: a running Firecracker does not tell the slots of its devices: use its configuration before it starts")


def test_no_socket(tmp_path):
    assert error("list", f"--qmp={tmp_path}/none") == (1, f"{tmp_path}/none: cannot connect: No such file or directory")
    assert error("list", f"--qmp={'x' * 200}")[0] == 1
    assert error("list", f"--cloud-hypervisor={tmp_path}/none")[0] == 1
    (tmp_path / "file").touch()
    assert error("list", f"--qmp={tmp_path}/file") == (1, f"{tmp_path}/file: cannot connect: no monitor serves this socket")


def test_api_without_a_machine():
    with served(answering(http(b"{}", status="404"))) as path:
        assert error("list", f"--cloud-hypervisor={path}") == (
            1, f"{path}: GET /api/v1/vm.info: the server answers with status 404: use the API socket of the monitor, and create the machine first")


# -- QMP --

def requests(connection):
    """JSON objects one after the other."""
    text, decoder = "", json.JSONDecoder()
    while data := connection.recv(65536):
        text += data.decode()
        with contextlib.suppress(json.JSONDecodeError):
            while text:
                request, end = decoder.raw_decode(text)
                text = text[end:]
                yield request


LATER_GREETING = b'{"QMP": {"version": {"qemu": {"micro": 0, "minor": 1, "major": 10}, "package": ""}, "capabilities": []}}\r\n'


def qemu(objects, *, events=b"", list_get=None):
    """A QEMU of these objects: path to {property: (type, value)}. `events` come before each reply. `list_get` is that of a QEMU which
    has qom-list-get: it changes the answer."""
    def answer_list_get(paths):
        if not all(path in objects for path in paths):
            return None
        return list_get([{"properties": [{"name": name, "type": type_} | ({} if value is None else {"value": value})
                                         for name, (type_, value) in objects[path].items()]} for path in paths])

    def answer(command, arguments):
        if command == "qmp_capabilities":
            return {}
        if command == "qom-list-types":
            return [{"name": "q35-pcihost", "parent": "pcie-host-bridge"}]
        if command == "query-block":
            return []
        if command == "qom-list-get":
            return answer_list_get(arguments["paths"])
        found = objects.get(arguments["path"])
        if command == "qom-list" and found is not None:
            return [{"name": name, "type": type_} for name, (type_, _) in found.items()]
        if found and arguments.get("property") in found:
            return found[arguments["property"]][1]
        return None

    def serve(connection):
        connection.sendall(LATER_GREETING if list_get else GREETING)
        known = {"qmp_capabilities", "qom-list-types", "qom-list", "qom-get", "query-block"} | ({"qom-list-get"} if list_get else set())
        for request in requests(connection):
            assert request["execute"] in known  # it only reads
            value = answer(request["execute"], request["arguments"])
            reply = {"return": value} if value is not None else {"error": {"class": "GenericError", "desc": "no"}}
            connection.sendall(events + json.dumps(reply).encode() + b"\r\n")

    return serve


def machine_with(**devices):
    """q35 with devices on its root bus: id to (type, slot times eight)."""
    bus = "/machine/q35/pcie.0"
    objects = {
        "/machine/unattached/sysbus": {"child[0]": ("link<q35-pcihost>", "/machine/q35")},
        "/machine/q35": {"pcie.0": ("child<PCIE>", bus)},
        bus: {f"child[{n}]": (f"link<{type_}>", f"/machine/peripheral/{name}") for n, (name, (type_, _)) in enumerate(devices.items())},
    }
    objects["/machine/unattached/sysbus/child[0]"] = objects["/machine/q35"]
    for number, (name, (_, address)) in enumerate(devices.items()):
        objects[f"/machine/peripheral/{name}"] = objects[f"{bus}/child[{number}]"] = {"addr": ("int32", address)}
    return objects


EVENT = b'{"event": "RESUME", "timestamp": {"seconds": 1, "microseconds": 2}}\r\n'


def test_events_in_between():
    with served(qemu(machine_with(disk=("virtio-blk-pci", 0x20)), events=EVENT * 3)) as path:
        assert pcipath_host("of", f"--qmp={path}", "disk").stdout == "04.0\n"


@pytest.mark.parametrize("address", [0x28, -1, 0x100, 1 << 40, "28", None, []])
def test_device_without_address(address):
    """One that QEMU is just making, or that went away: not listed, and no other is harmed."""
    with served(qemu(machine_with(disk=("virtio-blk-pci", 0x20), odd=("virtio-rng-pci", address)))) as path:
        listed = [row["id"] for row in table("list", f"--qmp={path}")]
        assert "disk" in listed and ("odd" in listed) == (address == 0x28)


@pytest.mark.parametrize("directory, host", [("/sys/bus/pci/devices/0000:3b:00.0", "0000:3b:00.0"), ("", None), (7, None),
                                             ("/sys/bus/mdev/devices/C2177883-f1bb-47f0-914d-32a22e3a8804/", "c2177883-f1bb-47f0-914d-32a22e3a8804")])
def test_device_passed_through(directory, host):
    """The test machine has no device for vfio-pci."""
    objects = machine_with(gpu=("vfio-pci", 0x20))
    objects["/machine/q35/pcie.0/child[0]"]["sysfsdev"] = ("str", directory)
    with served(qemu(objects)) as path:
        assert [row["host"] for row in table("list", f"--qmp={path}", "-o", "HOST")] == [host]
        assert not host or pcipath_host("of", f"--qmp={path}", host).stdout == "04.0\n"


def later_machine_with(**devices):
    """machine_with(), with what qom-list-get shows beside: the bus of a device, and a child."""
    objects = machine_with(**devices)
    objects["/machine/q35"] |= {"parent_bus": ("link<bus>", "/machine/unattached/sysbus")}
    for name in devices:
        path = f"/machine/peripheral/{name}"
        objects[path] |= {"parent_bus": ("link<bus>", "/machine/q35/pcie.0"), "memory[0]": ("child<memory-region>", f"{path}/memory[0]")}
    return objects


DISKS = {"first": ("virtio-blk-pci", 0x20), "second": ("virtio-blk-pci", 0x28)}
ANOTHER = "QEMU's answer about /machine/peripheral/{} is about another object: try again"
NUMBER = "QEMU's answer to qom-list-get is not a list of {} objects"


@pytest.mark.parametrize("change, text", [
    (lambda found: found[:-1], NUMBER.format(1)), (lambda found: [*found, found[0]], NUMBER.format(1)), (lambda _: [], NUMBER.format(1)),
    (lambda _: {}, NUMBER.format(1)), (lambda found: found[::-1], ANOTHER.format("first")),
    (lambda found: [found[0]] * len(found), ANOTHER.format("second")),
    (lambda found: [{} for _ in found], "QEMU's answer about /machine/unattached/sysbus is not a list"),
    (lambda found: [{"properties": 7} for _ in found], "QEMU's answer about /machine/unattached/sysbus is not a list"),
    (lambda found: [{"properties": [p for p in f["properties"] if p["name"] != "parent_bus"]} for f in found],
     "QEMU's answer about /machine/q35 is about another object: try again"),
], ids=["short", "long", "empty", "object", "reordered", "repeated", "no-properties", "number", "no-bus"])
def test_hostile_list_get(change, text):
    with served(qemu(later_machine_with(**DISKS), list_get=change)) as path:
        assert error("list", f"--qmp={path}") == (1, f"{path}: {text}")


@pytest.mark.parametrize("properties", [[], [7], [{}], [{"name": "addr"}], [{"name": "addr", "type": "int32"}]])
def test_list_get_without_values(properties):
    """A device whose address QEMU cannot tell is not listed; no other is harmed."""
    def change(found):
        for f in found:
            if {"name": "addr", "type": "int32", "value": 0x28} in f["properties"]:
                f["properties"] = [p for p in f["properties"] if p["name"] != "addr"] + properties
        return found

    with served(qemu(later_machine_with(**DISKS), list_get=change)) as path:
        assert [row["id"] for row in table("list", f"--qmp={path}")] == ["first"]


def test_list_get_of_a_removed_device():
    """The whole command fails, so each object is read by itself."""
    objects = later_machine_with(**DISKS)
    del objects["/machine/peripheral/second"]
    with served(qemu(objects, list_get=lambda found: found)) as path:
        assert [(row["id"], row["path"]) for row in table("list", f"--qmp={path}")] == [("first", "04.0")]


def test_list_get_of_a_device_that_was_moved():
    """The path is that of another device by now."""
    objects = later_machine_with(**DISKS)
    objects["/machine/peripheral/second"]["parent_bus"] = ("link<bus>", "/machine/q35/other")
    with served(qemu(objects, list_get=lambda found: found)) as path:
        assert error("list", f"--qmp={path}") == (1, f"{path}: {ANOTHER.format('second')}")


def test_objects_in_a_circle():
    """A bus below itself, over and over: it ends, at the latest with the time."""
    objects = machine_with()
    del objects["/machine/q35/pcie.0"]
    # Of this and of any other path the same listing.
    everywhere = {"port": ("child<PCIE>", ""), "child[0]": ("link<pcie-root-port>", "/machine/peripheral/port"), "addr": ("int32", 0)}

    class Endless(dict):
        def get(self, key, default=None):
            return super().get(key, everywhere)

    with served(qemu(Endless(objects))) as path:
        assert error("list", f"--qmp={path}", "--timeout=1")[0] in (1, 4)


def test_virtual_functions_of_two():
    """Each is named after the physical function that it can be of; which can be of both has no name."""
    objects = machine_with(a=("nvme", 0x20), b=("nvme", 0x28), of_b=("nvme", 0x2a), of_a=("nvme", 0x21), either=("nvme", 0x29))
    for index, vfs in enumerate([9, 2, 0, 0, 0]):
        found = objects[f"/machine/q35/pcie.0/child[{index}]"]
        found |= {"drive": ("str", ""), "subsys": ("link<nvme-subsys>", ""), "sriov_max_vfs": ("uint16", vfs)}
        if not vfs:
            objects["/machine/q35/pcie.0"][f"child[{index}]"] = ("link<nvme>", f"/machine/unattached/device[{index}]")
    with served(qemu(objects)) as path:
        rows = table("list", f"--qmp={path}")
        assert [row["path"] for row in rows] == ["04.0", "04.0v0", "05.0", "05.0v1", None]


def test_two_host_bridges():
    """Which of them is the guest's 0000:00 nobody says: the second has no name."""
    objects = machine_with(disk=("virtio-blk-pci", 0x20))
    objects["/machine/unattached/sysbus"]["child[1]"] = ("link<q35-pcihost>", "/machine/other")
    objects["/machine/unattached/sysbus/child[1]"] = {"pcie.1": ("child<PCIE>", "")}
    objects["/machine/other/pcie.1"] = {"child[0]": ("link<virtio-blk-pci>", "/machine/peripheral/second")}
    objects["/machine/other/pcie.1/child[0]"] = {"addr": ("int32", 0x28)}
    with served(qemu(objects)) as path:
        assert [(row["id"], row["path"]) for row in table("list", f"--qmp={path}")] == [("disk", "04.0"), ("second", None)]


@pytest.mark.parametrize("directory, hint", [
    ("", HELD), ("libvirt/qemu/domain-1-guest/", "; libvirt uses this monitor: use 'virsh dumpxml DOMAIN' and --libvirt= instead"),
    ("qemu-server/", "; Proxmox VE uses this monitor: add another with qm set ID --args '-qmp unix:SOCKET,server=on,wait=off'")],
    ids=["qemu", "libvirt", "proxmox"])
def test_monitor_of_another_client(directory, hint):
    """A real QEMU that has a client already. When that has gone, it answers."""
    with paused("q35", []) as machine, tempfile.TemporaryDirectory(prefix="pcipath-") as top:
        os.makedirs(f"{top}/{directory}", exist_ok=True)
        path = f"{top}/{directory}monitor.sock"
        os.symlink(machine.socket, path)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            assert client.recv(1)
            assert error("list", f"--qmp={path}", "--timeout=0.5") == (4, f"{path}: timed out after 0.5 s{hint}")
        assert table("list", f"--qmp={path}")
