# SPDX-License-Identifier: LGPL-2.1-or-later
"""The scenes of `tests/demo`. Each name that it prints was read in the guest or computed on the host; the first word of the line says which."""

import os
import shutil
import sys
import tempfile
import textwrap
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from checks import interface_of, names_of  # noqa: E402
from guest import make_guest  # noqa: E402
from machine import Machine, card, disk, root_ports  # noqa: E402
from oracle import flat, interfaces, link_name, pci_path  # noqa: E402
from programs import BUILD, CACHE  # noqa: E402
from steps import Steps  # noqa: E402

COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
COLUMNS = shutil.get_terminal_size().columns
STEPS = Steps()
LINKS = "/dev/disk/by-pci-path"

EXTRA = {"driver": "pcie-root-port", "id": "extra", "bus": "pcie.0", "addr": "1.0", "chassis": 9}


def paint(text, code):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def say(text):
    STEPS.clear()
    print(text, flush=True)


def headline(text):
    say("\n" + paint(text, "1"))


def host(text):
    say(f"  {paint('host', '36')}   {text}")


def guest_says(text):
    say(f"  {paint('guest', '35')}  {text}")


def boot(machine, what, cmdline):
    STEPS.begin(f"boot: {what}")
    machine.boot(cmdline)
    STEPS.clear()


def name(text):
    return paint(text, "1;32")


def virtio(name_, bus):
    return disk("virtio-blk-pci", name_, bus=bus)


def show_link(machine, disk_name):
    link = f"{LINKS}/{link_name(machine.qmp, disk_name)}"
    machine.wait(link)
    guest_says(f"{name(link)} -> {machine.run(f'realpath {link}').strip()}")
    return link


def show_card(machine, device):
    """The interface of a network card, which is found by its MAC address."""
    names = interface_of(machine, device)
    assert names["by-pci-path"] == interfaces(machine.qmp)[device]
    guest_says(f"ip link show {name(names['by-pci-path'])} shows {names['ifname']}")


def power_on(machine):
    headline("Power-on: a q35 guest with a disk in port 1 and a network card in port 3")
    machine.start()
    root = f"{LINKS}/{link_name(machine.qmp, 'root')}"
    host(f"before the guest starts: {name(root)}")
    host(f"booting with root={root}")
    boot(machine, "q35 with root= by PCI path", f"root={root} intel_iommu=on")
    machine.settle()
    guest_says(f"dracut mounted {machine.run('findmnt -n -o SOURCE /').strip()} as /")
    show_link(machine, "root")
    show_card(machine, "cold")


def hotplug(machine):
    headline("Hotplug: a disk is plugged into port 2")
    machine.add_drive("data")
    machine.plug(virtio("data", "port1"))
    host(f"plugs in the disk at {name(pci_path(machine.qmp, 'data'))}")
    link = show_link(machine, "data")
    machine.run(f"echo 'type=linux' | sfdisk -q {link}")
    machine.wait(f"{link}-part1")
    machine.run(f"mkfs.ext4 -q {link}-part1 && mount {link}-part1 /mnt && echo hello >/mnt/file && umount /mnt")
    guest_says(f"formatted, mounted and wrote to {name(link + '-part1')}")
    machine.unplug("data")
    machine.wait(link, gone=True)
    host("unplugs the disk")
    guest_says(f"remaining links: {machine.run(f'ls {LINKS}').strip()}")

    headline("The same disk is plugged into port 4, and a network card into port 2")
    machine.plug(virtio("data", "port3"))
    host(f"plugs in the disk at {name(pci_path(machine.qmp, 'data'))}")
    link = show_link(machine, "data")
    machine.wait(f"{link}-part1")
    text = machine.run(f"mount {link}-part1 /mnt && cat /mnt/file && umount /mnt").strip()
    guest_says(f"read \"{text}\" from {name(link + '-part1')}")
    machine.plug(card("hot", "port1"))
    path = pci_path(machine.qmp, "hot")
    host(f"plugs in the card at {name(path)}")
    machine.run(f"pcipath wait {path}")
    show_card(machine, "hot")


def vfio(machine):
    headline("VFIO: the same card is bound to vfio-pci")
    path = pci_path(machine.qmp, "hot")
    machine.run("modprobe vfio-pci; cd /sys/bus/pci/devices/$(pcipath find -t pci " + path + ") && echo vfio-pci >driver_override"
                " && echo ${PWD##*/} >driver/unbind && echo ${PWD##*/} >/sys/bus/pci/drivers_probe")
    node = machine.run(f"pcipath wait -t vfio {path}").strip()
    link = f"/dev/vfio/by-pci-path/{flat(path)}"
    assert machine.run(f"realpath {link}").strip() == node
    guest_says(f"{name(link)} -> {node}")


def show_command(machine, command):
    """The command and its output, whatever its exit status. Messages are wrapped."""
    say(f"\n  {paint('guest#', '1')} {command}")
    result = machine.call(f"export COLUMNS={COLUMNS - 2} LC_ALL=C.UTF-8; {command}")
    lines = result.stdout.splitlines()
    for line in result.stderr.splitlines():
        lines += textwrap.wrap(line, COLUMNS - 2, subsequent_indent="    ")
    for line in lines:
        say(f"  {line}")


def command(machine):
    headline("The command: list devices, and wait for a device that is not there yet")
    show_command(machine, "pcipath list -o PATH,NAME,LINK")
    show_command(machine, "pcipath tree")
    show_command(machine, "pcipath wait 02.0/01.0 --timeout=1")
    show_command(machine, "pcipath wait 02.1 2.5/0 --timeout=1")
    machine.unplug("data")
    awaited = pci_path(machine.qmp, "port3") + "/00.0"
    machine.run(f"mkfifo /run/done; (pcipath wait {awaited} >/run/waited 2>&1; echo >/run/done) >/dev/null 2>&1 &")
    say(f"\n  {paint('guest#', '1')} pcipath wait {awaited}      # started while the slot is empty")
    machine.plug(virtio("data", "port3"))
    say(f"  {machine.run('read -r done </run/done; cat /run/waited').strip()}")


def stable_names(guest, directory):
    headline("Stable names: the same ports, without and with one more bridge")
    tables = []
    for number, topology in enumerate(([], [EXTRA])):
        place = directory / f"stable-names{number}"
        place.mkdir()
        machine = Machine(guest, place, [*topology, *root_ports(3), virtio("root", "port0"), virtio("data", "port1"), card("card", "port2")])
        machine.add_drive("data")
        boot(machine, f"with{'' if topology else 'out'} one more bridge", "root=LABEL=root")
        machine.settle()
        tables.append(names_of(machine, "root", "data") | {"card": interface_of(machine, "card")})
        machine.stop()
    without, with_extra = tables
    say(f"  {'':5} {'':12} {'without':24} {'with':24}")
    for device in without:
        for kind in without[device]:
            old, new = without[device][kind], with_extra[device][kind]
            verdict = name("same") if old == new else paint("changed", "1;31")
            say(f"  {device:5} {kind:12} {old:24} {new:24} {verdict}")


def without_udevd(guest, directory):
    size = guest.initrd("example").stat().st_size / 1e6
    headline(f"A guest without udevd and systemd: an initramfs of {size:.0f} MB")
    place = directory / "without-udevd"
    place.mkdir()
    machine = Machine(guest, place, [*root_ports(3), virtio("root", "port0")], kind="example")
    machine.add_drive("data")
    try:
        boot(machine, "without udevd and systemd", "volume=02.0/00.0")
        guest_says(f"process 1 mounted {name('volume=02.0/00.0')}: {machine.run('grep ext4 /proc/mounts').strip()}")
        guest_says(f"loaded drivers of disks: {drivers(machine)}")
        machine.plug(disk("nvme", "data", bus="port2"))
        host(f"plugs in an NVMe controller at {name(pci_path(machine.qmp, 'data'))}")
        show_link(machine, "data")
        guest_says(f"loaded drivers of disks: {drivers(machine)}")
    finally:
        machine.stop()


def drivers(machine):
    return " ".join(sorted(machine.run("cut -d' ' -f1 /proc/modules | grep -xE 'virtio_blk|nvme|ahci|sd_mod'").split()))


def main():
    STEPS.begin("guest: a Debian 12 with this package (the first run downloads it)")
    guest = make_guest(CACHE, BUILD)
    with tempfile.TemporaryDirectory(prefix="pcipath-demo-") as scratch:
        directory = Path(scratch)
        machine = Machine(guest, directory, [{"driver": "intel-iommu", "intremap": "off"}, *root_ports(4),
                                             virtio("root", "port0"), card("cold", "port2")])
        try:
            power_on(machine)
            hotplug(machine)
            vfio(machine)
            command(machine)
        finally:
            machine.stop()
        without_udevd(guest, directory)
        stable_names(guest, directory)


if __name__ == "__main__":
    main()
