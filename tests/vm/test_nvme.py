# SPDX-License-Identifier: LGPL-2.1-or-later
"""NVMe multipath: a namespace has a link for each live controller that it is attached to, at every settled moment."""

import shlex

import pytest
from checks import HELPER, check_disks, check_functions, check_helper, lspci_paths
from machine import disk, root_ports
from oracle import link_names, pci_path, virtual_functions

LINKS = "/dev/disk/by-pci-path"

ALSO_WITHOUT_UDEVD = "exhaustive"

COVERS = {
    "minimal": "Boot: without udevd: a minimal image; all scenarios with disks",
    "cold": "Disk: NVMe multipath: one link for each live path",
    "shared_and_attached_to_one_controller": "Disk: NVMe namespaces: private, shared, and shared but attached to one controller",
    "controllers_come_and_go": "Hotplug: a controller of an NVMe subsystem moved to another port",
    "virtual_functions": "Function: SR-IOV NVMe: virtual functions with and without a driver",
}


def subsystem(name):
    return {"driver": "nvme-subsys", "id": name, "nqn": name}


def controller(name, bus, subsys=None, **properties):
    """QEMU wants one serial of all controllers of a subsystem."""
    of = {"subsys": f"/machine/peripheral/{subsys}"} if subsys else {}
    return {"driver": "nvme", "id": name, "bus": bus, "serial": subsys or name, **of, **properties}


def namespace(name, bus, nsid, **properties):
    return disk("nvme-ns", name, bus=bus, nsid=nsid, **properties)


TOPOLOGY = [
    *root_ports(6),
    subsystem("pair"),
    controller("first", "port0", "pair"),
    controller("second", "port1", "pair"),
    namespace("root", "first", 1),
    namespace("shared", "second", 2),
    namespace("private", "second", 7, shared=False),
    namespace("apart", "first", 9, detached=True),
    # The same namespace ids in other subsystems: of one controller, which has a head all the same, and of none's.
    subsystem("single"),
    controller("only", "port2", "single"),
    namespace("alone", "only", 1),
    namespace("alone-private", "only", 2, shared=False),
    controller("plain", "port3"),
    namespace("ordinary", "plain", 1),
]


def links(machine, name):
    return [f"{LINKS}/{link}" for link in link_names(machine.qmp, name, machine.buses[name])]


# The kernel's struct nvme_passthru_cmd, given to NVME_IOCTL_ADMIN_CMD by what every Debian has.
ADMIN = r"""
my ($node, $opcode, $nsid, $cdw10, $cdw11, @words) = @ARGV;
my $data = pack 'S2048', @words, (0) x (2048 - @words);
my $address = unpack 'Q', pack 'P', $data;
my $command = pack 'CCS L3 Q2 L10', $opcode, 0, 0, $nsid, 0, 0, 0, @words ? ($address, 0, 4096) : (0, 0, 0),
    $cdw10, $cdw11, (0) x 6;
open my $controller, '<', $node or die "$node: $!";
my $status = ioctl $controller, 0xc0484e41, $command;
$status == 0 or die "status $status: $!";
"""


def admin(machine, name, opcode, *words, nsid=0, cdw10=0, cdw11=0):
    """Send a controller an admin command; the words of 16 bits are its data."""
    node = machine.run(f"pcipath find -t nvme {pci_path(machine.qmp, name)}").strip()
    machine.run(shlex.join(["perl", "-e", ADMIN, *map(str, (node, opcode, nsid, cdw10, cdw11, *words))]))


def check_all(machine):
    machine.settle()
    check_functions(machine)
    check_disks(machine)
    check_helper(machine)


@pytest.fixture(scope="module")
def machine(make_machine):
    """The root file system is on a head, in an image that has udevd and no systemd; or there is no udevd at all."""
    with make_machine(TOPOLOGY, kind="nosystemd") as machine:
        machine.add_drives()
        machine.buses["apart"] = None
        machine.start()
        machine.boot(f"root={links(machine, 'root')[0]}")
        yield machine


def test_cold(machine):
    check_all(machine)
    assert [len(links(machine, name)) for name in ("root", "shared", "private", "alone", "ordinary")] == [2, 2, 1, 1, 1]
    heads = machine.run("basename -a /sys/devices/virtual/nvme-subsystem/*/nvme*n*").split()
    kernel = machine.disks()
    assert sorted(heads) == sorted(disk for name, disk in kernel.items() if name != "ordinary")
    for action in ("add", "change"):
        machine.trigger(action)
        check_disks(machine)


@pytest.mark.udevd
def test_helper_awaits_a_path(machine):
    """It sleeps (in ppoll, system call 271 of x86-64) while a controller has a namespace and no path of it, as before the kernel has
    found one; here an empty file system hides that."""
    address = machine.run(f"pcipath find -t pci {pci_path(machine.qmp, 'second')}").strip()
    printed = machine.run(f"""
        controller=$(realpath /sys/bus/pci/devices/{address}/nvme/*)
        mount -t tmpfs tmpfs $controller && echo live >$controller/state
        {HELPER} /sys/class/block/{machine.disks()["shared"]} >/run/awaited & helper=$!
        while grep -q '^State:.[^Z]' /proc/$helper/status && ! grep -q '^271 ' /proc/$helper/syscall; do :; done
        umount $controller
        wait $helper && cat /run/awaited""")
    assert printed == f"ID_PCI_PATH_LINKS={' '.join(links(machine, 'shared')).replace('/dev/', '')}\n"


def test_shared_and_attached_to_one_controller(machine):
    """A namespace that several could have, given to one: that one's link."""
    # NVMe 2.0, 5.18: Namespace Attachment, to a list of controllers, of which there is one.
    path = pci_path(machine.qmp, "second")
    [number] = machine.run(f"cat /sys/bus/pci/devices/$(pcipath find -t pci {path})/nvme/*/cntlid").split()
    admin(machine, "second", 0x15, 1, int(number), nsid=9)
    machine.buses["apart"] = "second"
    [link] = links(machine, "apart")
    machine.wait(link)
    check_all(machine)


def test_controllers_come_and_go(machine):
    """With a partition of the disk mounted. In another port the controller has the other port's name."""
    first, second = links(machine, "shared")
    machine.run(f"echo 'type=linux' | sfdisk -q {second}")
    for link in (first, second):
        machine.wait(f"{link}-part1")
    machine.run(f"mkfs.ext4 -q {second}-part1 && mount {second}-part1 /mnt && echo kept >/mnt/file && sync")
    check_all(machine)

    machine.unplug("second")
    machine.wait(f"{second}-part1", gone=True)
    check_all(machine)
    assert links(machine, "shared") == [first] and links(machine, "private") == []
    machine.run("echo more >>/mnt/file && sync && echo 3 >/proc/sys/vm/drop_caches")
    assert machine.run("cat /mnt/file") == "kept\nmore\n"

    # Another disk where the controller was.
    machine.add_drive("next")
    machine.plug(disk("nvme", "next", bus="port1"))
    machine.wait(f"{LINKS}/{link_names(machine.qmp, 'next')[0]}")
    check_all(machine)

    # Where udevd runs, whoever waits for the path of a head finds the link when the wait is over.
    machine.plug(controller("third", "port4", "pair"))
    path = pci_path(machine.qmp, "third")
    _, third = links(machine, "shared")
    machine.run(f"pcipath wait {path},nvme-2,part=1 && {f'readlink {third}-part1' if machine.has_udevd else 'true'}")
    check_all(machine)
    assert machine.run(f"pcipath of {third}").split() == [pci_path(machine.qmp, "first"), path]

    machine.unplug("first")
    machine.wait(first, gone=True)
    check_all(machine)
    machine.run("umount /mnt")


def test_reset(machine):
    """A controller that is reset is still there: its links stay."""
    machine.run("for c in /sys/class/nvme/*/reset_controller; do echo 1 >$c; done")
    check_all(machine)


SRIOV = [
    *root_ports(2),
    disk("virtio-blk-pci", "root", bus="pcie.0", addr="3.0"),
    subsystem("virtual"),
    # Of the primary controller's resources two queues and an interrupt are for each secondary one.
    controller("physical", "port1", "virtual", sriov_max_vfs=2, sriov_vq_flexible=4, sriov_vi_flexible=2),
    namespace("ns", "physical", 5),
]

# NVMe 2.0, 5.28: Virtualization Management.
VIRTUALIZATION_MANAGEMENT = 0x1c
QUEUES, INTERRUPTS = 0, 1
KEEP, GIVE, ONLINE = 1, 8, 9


def manage(machine, *commands):
    """Each (controller, resource, action, number)."""
    for controller_id, resource, action, number in commands:
        admin(machine, "physical", VIRTUALIZATION_MANAGEMENT, cdw10=action | resource << 8 | controller_id << 16, cdw11=number)


def test_virtual_functions(make_machine):
    """Named by their number, not by what lspci shows; and their controllers are paths of the namespace like any other."""
    with make_machine(SRIOV) as machine:
        machine.add_drives()
        machine.boot("root=LABEL=root")
        check_all(machine)

        # The primary controller gives up what is for the others, which a reset makes true.
        physical = machine.run("pcipath find -t pci " + pci_path(machine.qmp, "physical")).strip()
        bus = physical.rpartition(":")[0]
        device = f"/sys/bus/pci/devices/{physical}"
        manage(machine, (0, INTERRUPTS, KEEP, 0), (0, QUEUES, KEEP, 0))
        machine.run(f"echo 1 >{device}/reset && echo 0 >{device}/sriov_drivers_autoprobe && echo 2 >{device}/sriov_numvfs")
        functions = {f"{bus}:{address}": path for path, address in virtual_functions(machine.qmp).items()}
        machine.settle()
        assert sorted(functions.values()) == [pci_path(machine.qmp, "physical") + v for v in ("v0", "v1")]
        for address, path in functions.items():
            if machine.has_udevd:
                property = "udevadm info -q property --property=ID_PCI_PATH --value"
                assert machine.run(f"{property} /sys/bus/pci/devices/{address}").strip() == path
            assert machine.run(f"pcipath of {address}; pcipath find -t pci {path}").split() == [path, address]
        # lspci knows a virtual function by its routing id alone.
        by_lspci = lspci_paths(machine)
        assert {by_lspci[address].rpartition("/")[2] for address in functions} == {"00.1", "00.2"}

        machine.run(f"echo 1 >{device}/sriov_drivers_autoprobe")
        for number, address in enumerate(sorted(functions), 1):
            manage(machine, (number, INTERRUPTS, GIVE, 1), (number, QUEUES, GIVE, 2), (number, QUEUES, ONLINE, 0))
            machine.run(f"echo {address} >/sys/bus/pci/drivers/nvme/bind")
        assert len(links(machine, "ns")) == 3
        for link in links(machine, "ns"):
            machine.wait(link)
        check_all(machine)

        machine.run(f"echo 0 >{device}/sriov_numvfs")
        machine.wait(link, gone=True)
        assert len(links(machine, "ns")) == 1
        check_all(machine)
