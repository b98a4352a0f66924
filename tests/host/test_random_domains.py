# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domains made by chance: libvirt gives them addresses and makes QEMU's command line, and pcipath-host has to have the paths, names and ids
of that command line, device by device. Some are started, paused, and QEMU has to agree.

    --domains=N   how many (PCIPATH_TEST_DOMAINS, default 16, with --all 1000)
    --seed=N      the seed of the first of them
"""

import collections
import re
import shlex

import pytest
from host.qemu_arguments import Arguments
from host.random_domain import random_domain
from host.run import pcipath_host, run, table

COVERS = {
    "random_domains": "Host: random domains of libvirt, compared with the command lines of their QEMUs",
}

# By the type in the document, which is an element or what a controller is, what QEMU's driver is called.
DRIVERS = {
    "disk": "virtio-blk-pci|vhost-user-blk-pci|scsi-|ide-|usb-storage|usb-bot", "interface": "virtio-net|e1000|rtl8139|vmxnet3",
    "hostdev": "vfio-pci|scsi-", "video": ".*VGA|.*vga|virtio-gpu|qxl|bochs", "sound": "intel-hda|ich9-intel-hda|AC97|ES1370", "rng": "virtio-rng",
    "memballoon": "virtio-balloon", "filesystem": "virtio-9p|vhost-user-fs", "input": "virtio-", "serial": "pci-serial", "watchdog": "i6300esb",
    "shmem": "ivshmem", "memory": "virtio-pmem", "usb": ".*usb|.*hci", "scsi": "virtio-scsi|lsi|mega|mpt|pvscsi", "sata": "ahci|ich9-ahci",
    "virtio-serial": "virtio-serial", "pci-bridge": "pci-bridge", "pcie-root-port": "pcie-root-port", "pcie-to-pci-bridge": "pcie-pci-bridge",
    "dmi-to-pci-bridge": "i82801b11-bridge", "pcie-switch-upstream-port": "x3130-upstream", "pcie-expander-bus": "pxb-pcie",
    "pcie-switch-downstream-port": "xio3130-downstream", "pci-expander-bus": "pxb"}
# The guest's numbers are known, but not from the document.
NAMED_BY_QEMU_ALONE = ("pvscsi", "am53c974", "dc390")
COLUMNS = ("-o", "+MAC,SERIAL")


pytestmark = pytest.mark.xdist_group("libvirtd")  # one daemon, which has asked each QEMU once what it can do


def pytest_generate_tests(metafunc):
    first, many = metafunc.config.getoption("seed"), metafunc.config.getoption("domains")
    slices = [range(seed, min(seed + 50, first + many)) for seed in range(first, first + many, 50)]
    metafunc.parametrize("domain_seeds", slices, ids=[f"{s[0]}-{s[-1]}" for s in slices])


class Domain:
    """`runs`: libvirt starts a QEMU, or what looks like one (libvirtd.py), whose arguments are compared. Of the others it makes the same
    command line with domxml-to-native, which does not need what is passed through."""

    def __init__(self, libvirtd, seed, attempt):
        self.seed, self.name, self.runs = seed, f"random-{seed}", seed % 2 == 1
        self.monitor = libvirtd.directory / f"qmp-{seed}"
        self.kind, text = random_domain(f"{seed}.{attempt}", self.name, self.runs, libvirtd.directory, self.monitor)
        self.file = libvirtd.directory / f"{self.name}.xml"
        self.file.write_text(text)

    @property
    def commands(self):
        translate = "start --paused" if self.runs else "domxml-to-native qemu-argv --domain"
        return f"define {self.file}", f"dumpxml {self.name}", f"{translate} {self.name}"

    def is_taken(self, libvirtd, outputs):
        """By libvirt, with the outputs of the commands."""
        _, self.text, translated = outputs
        words = libvirtd.arguments(self.name) if self.runs else shlex.split(translated)
        if not words:
            return False
        self.arguments = Arguments(words, self.kind)
        return True


def take_domains(libvirtd, seeds):
    """libvirt refuses some domains, for example if it finds no bus for a device. Then the seed gives another one."""
    for attempt in range(10):
        domains = [Domain(libvirtd, seed, attempt) for seed in seeds]
        outputs = libvirtd.batch([command for domain in domains for command in domain.commands])
        for number, domain in enumerate(domains):
            if domain.is_taken(libvirtd, outputs[3 * number:3 * number + 3]):
                yield domain
        seeds = [domain.seed for domain in domains if not hasattr(domain, "arguments")]
        if not seeds:
            return
    raise AssertionError(f"libvirt refuses each domain of the seeds {seeds}: {libvirtd.errors}")


def pairs(devices):
    """Path and name of those that have one."""
    return collections.Counter((device.path, device.name) for device in devices if device.name)


def check_places(domain, rows):
    """The paths of all functions and of all disks, whatever the ids."""
    devices = domain.arguments.devices
    in_chipset = set(domain.arguments.chipset.values())
    assert {device.path for device in devices if device.path} - in_chipset == {row["path"] for row in rows if row["path"]} - in_chipset
    named = [device for device in devices if device.adapter not in NAMED_BY_QEMU_ALONE]
    names = collections.Counter((row["path"], row["name"]) for row in rows if row["name"])
    assert pairs(named) <= names <= pairs(devices)


def check_types(domain, rows):
    """No two functions are taken for each other."""
    drivers = {device.path: device.driver for device in domain.arguments.devices if device.is_function and device.path}
    for row in rows:
        if row["path"] in drivers and not row["name"]:
            types = ["usb"] if row["kind"] == "USB device" else [row["type"]]
            if row["type"] in ("disk", "hostdev"):
                types += ["usb", "scsi", "virtio-serial"]
            assert re.match("|".join(DRIVERS[name] for name in types), drivers[row["path"]]), row


def check_ids(domain):
    """The ids of QEMU's command line, which a domain has in its document only while it runs."""
    # Companions of a USB controller have no id in QEMU, and libvirt's is that of the controller.
    devices = [device for device in domain.arguments.devices if device.id and device.path
               and (device.is_function or device.name or device.driver.startswith("usb-"))
               and not any(device.id == other.properties.get("masterbus", "").partition(".")[0] for other in domain.arguments.devices)]
    printed = pcipath_host("of", "--libvirt=-", *(device.id for device in devices), stdin=domain.text)
    assert printed.stdout.splitlines() == [device.path for device in devices], (printed.stderr, [device.id for device in devices])


def check_labels(domain, rows):
    """What is the same on both sides without any id."""
    for label, key in (("mac", "mac"), ("serial", "serial")):
        places = {device.properties[key]: (device.path, device.name) for device in domain.arguments.devices if key in device.properties
                  and device.adapter not in NAMED_BY_QEMU_ALONE}
        found = {row[label]: (row["path"], row["name"]) for row in rows if row[label] in places}
        assert found == places


def check_started(libvirtd, domain):
    """libvirt starts it, paused: the live document, QEMU and its command line agree, each device by its id."""
    (libvirtd.directory / f"run-{domain.name}").touch()
    libvirtd.virsh("start", "--paused", domain.name)
    try:
        live = libvirtd.virsh("dumpxml", domain.name)
        arguments = Arguments(libvirtd.arguments(domain.name), domain.kind)
        expected = {device.id: (device.path, device.name) for device in arguments.devices
                    if device.id and device.path and (device.is_function or device.name) and device.adapter not in NAMED_BY_QEMU_ALONE}
        for source, text in ((f"--qmp={domain.monitor}", None), ("--libvirt=-", live)):
            rows = table("list", source, stdin=text)
            assert {row["id"]: (row["path"], row["name"]) for row in rows if row["id"] in expected} == expected
        changes = run("compare", "--libvirt=-", f"--qmp={domain.monitor}", stdin=live)
        assert (changes.status, changes.stdout) == (0, "")
    finally:
        libvirtd.virsh("destroy", domain.name)


def test_random_domains(libvirtd, domain_seeds):
    for domain in take_domains(libvirtd, domain_seeds):
        try:
            rows = table("list", "--libvirt=-", *COLUMNS, stdin=domain.text)
            check_places(domain, rows)
            check_types(domain, rows)
            check_ids(domain)
            check_labels(domain, rows)
            if domain.seed % 8 == 1:
                check_started(libvirtd, domain)
        except Exception as error:
            raise AssertionError(f"seed {domain.seed}: --domains=1 --seed={domain.seed} makes the domain again") from error
        libvirtd.virsh("undefine", domain.name)
