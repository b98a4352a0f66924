# SPDX-License-Identifier: LGPL-2.1-or-later
"""What pcipath-host says of a machine before it runs holds while it runs, whatever the guest does; and where it says that a
device can be plugged in, the guest finds it there."""

import json
import subprocess

import pytest
from checks import PCIPATH_HOST, check_disks
from machine import disk, root_ports

COVERS = {
    "compared_in_the_guest": "Host: `pcipath compare` in the guest, with the list of the paused QEMU",
    "paused_is_running": "Host: QEMU, before it runs and while it runs",
    "plug_where_it_is_free": "Host: devices plugged in where `pcipath-host free` shows a free slot",
    "virtual_functions": "Function: SR-IOV NVMe: virtual functions with and without a driver",
    "bus_numbers_that_the_guest_writes": "Host: the guest writes bus numbers, and no answer changes",
}

TOPOLOGY = [*root_ports(5), disk("virtio-blk-pci", "root", bus="port0"), disk("virtio-blk-pci", "data", bus="port3"),
            {"driver": "pcie-pci-bridge", "id": "bridge", "bus": "port1"}, {"driver": "nvme-subsys", "id": "subsystem"},
            {"driver": "nvme", "id": "physical", "bus": "port4", "serial": "physical", "subsys": "subsystem", "sriov_max_vfs": 3,
             "sriov_vq_flexible": 6, "sriov_vi_flexible": 3}]


def ask(machine, verb, *arguments):
    """The rows of a verb."""
    output = subprocess.run([PCIPATH_HOST, verb, "-J", f"--qmp={machine.monitor}", *arguments], stdout=subprocess.PIPE, check=True).stdout
    [rows] = json.loads(output).values()
    return rows


def of_query_pci(machine, device_id):
    """The PCI address that query-pci has for a device; None if it does not show it."""
    def walk(devices):
        for device in devices:
            yield device["qdev_id"], f"{device['bus']:02x}:{device['slot']:02x}.{device['function']:x}"
            yield from walk(device.get("pci_bridge", {}).get("devices", []))

    return dict(pair for root in machine.qmp.execute("query-pci") for pair in walk(root["devices"])).get(device_id)


@pytest.fixture(scope="module")
def machine(make_machine):
    with make_machine(TOPOLOGY) as machine:
        machine.add_drives()
        machine.start("root=LABEL=root")
        machine.paused = ask(machine, "list")
        assert of_query_pci(machine, "data") is None, "what this program is for: query-pci sees nothing behind a bridge yet"
        machine.resume()
        machine.wait_agent()
        machine.settle()
        yield machine


def test_paused_is_running(machine):
    assert ask(machine, "list") == machine.paused
    check_disks(machine)


def compare(machine, rows):
    """In the guest: the exit status, and what changed."""
    done = machine.call(f"pcipath compare -J - <<'EOF'\n{json.dumps({'devices': rows})}\nEOF")
    assert done.stderr == "", done.stderr
    return done.status, [(row["change"], row["id"], row["old"], row["new"]) for row in json.loads(done.stdout)["changes"]]


def test_compared_in_the_guest(machine):
    """Before the machine ran the host listed what the guest has, and what it has no more after an unplug."""
    assert compare(machine, machine.paused) == (0, [])
    listed = ask(machine, "list", "-o", "+MAC,SERIAL")
    assert {row["serial"] for row in listed} > {"physical"} and compare(machine, listed) == (0, [])
    machine.add_drive("other")
    machine.plug(disk("virtio-blk-pci", "other", bus="port2", serial="number"))
    machine.wait("/dev/disk/by-pci-path/02.2-00.0")
    assert compare(machine, listed) == (1, [("came", None, None, "02.2/00.0")])
    with_other = ask(machine, "list", "-o", "+SERIAL")
    assert compare(machine, with_other) == (0, [])
    machine.unplug("other")
    machine.wait("/dev/disk/by-pci-path/02.2-00.0", gone=True)
    assert compare(machine, with_other) == (1, [("went", "other", "02.2/00.0", None)])
    assert compare(machine, listed) == (0, [])


def test_plug_where_it_is_free(machine):
    """One slot of each bus: a port's one, and one behind a conventional bridge, by ACPI."""
    free = {row["bus"]: row for row in ask(machine, "free")}
    assert set(free) == {"port2", "bridge"}
    for number, (bus, row) in enumerate(free.items()):
        machine.add_drive(f"new{number}")
        machine.plug(disk("virtio-blk-pci", f"new{number}", bus=bus, addr=row["slot"]))
        link = f"/dev/disk/by-pci-path/{row['path'].replace('/', '-')}"
        machine.wait(link)
        assert machine.run(f"realpath {link}") == f"/dev/{machine.disks()[f'new{number}']}\n"
    check_disks(machine)
    assert "port2" not in {row["bus"] for row in ask(machine, "free")}


def test_virtual_functions(machine):
    """They are numbered as the guest numbers them, and marked, for later QEMU has them when the guest has not."""
    def listed():
        return {row["path"] for row in ask(machine, "list") if row["absent"] and "v" in row["path"]}

    address = of_query_pci(machine, "physical")
    number = f"/sys/bus/pci/devices/0000:{address}/sriov_numvfs"
    first, all_of_them = {f"02.4/00.0v{n}" for n in range(2)}, {f"02.4/00.0v{n}" for n in range(3)}
    assert listed() in (set(), all_of_them)
    machine.run(f"echo 2 >{number} && udevadm settle")
    check_disks(machine)
    assert listed() in (first, all_of_them)
    machine.run(f"echo 0 >{number} && udevadm settle")
    check_disks(machine)


def test_bus_numbers_that_the_guest_writes(machine):
    """A guest with other ideas of its bus numbers fools query-pci, and not QEMU's objects."""
    before, address = ask(machine, "list"), of_query_pci(machine, "data")
    numbers = machine.run("setpci -s 00:02.3 SECONDARY_BUS SUBORDINATE_BUS").split()
    assert address == f"{numbers[0]}:00.0"
    machine.run("setpci -s 00:02.3 SUBORDINATE_BUS=2a SECONDARY_BUS=2a")
    try:
        assert of_query_pci(machine, "data") == "2a:00.0"
        assert ask(machine, "list") == before
    finally:
        machine.run(f"setpci -s 00:02.3 SECONDARY_BUS={numbers[0]} SUBORDINATE_BUS={numbers[1]}")
    check_disks(machine)
