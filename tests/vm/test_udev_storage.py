# SPDX-License-Identifier: LGPL-2.1-or-later
"""The scenarios of systemd's own test of disks (TEST-64-UDEV-STORAGE), written anew after what they do: all links are right at each settled
moment, and those of whole disks are never gone in between. test_volumes.py has the boots with volumes that were made before.

There are fewer rounds of simultaneous events than systemd has without emulation (100) and under it (10): ITERATIONS.
"""

import itertools

import pytest
from checks import check_disks, check_functions, check_helper, check_links, lspci_paths
from machine import Machine, disk, virtio
from oracle import link_name, pci_path
from recipes import guest
from release import HOST

LINKS = "/dev/disk/by-pci-path"

pytestmark = pytest.mark.exhaustive

COVERS = {
    "long_path_with_file_systems": "Disk: systemd's TEST-64: a disk behind 26 bridges, with swap and a file system",
    "odd_nvme_serials": "Disk: systemd's TEST-64: 12 NVMe controllers with blanks and slashes in their serial numbers",
    "shared_namespaces": "Disk: systemd's TEST-64: an NVMe subsystem with two controllers that share namespaces",
    "128_luns": "Disk: systemd's TEST-64: 128 LUNs of four adapters",
    "identically_named_partitions": "Disk: systemd's TEST-64: 16 disks with 8 partitions of one name each",
    "simultaneous_events": "Hotplug: systemd's TEST-64: the partitions of 10 disks made and deleted at the same time",
    "many_partitions_at_once": "Hotplug: systemd's TEST-64: the partitions of 10 disks made and deleted at the same time",
    "logical_volumes": "Disk: systemd's TEST-64: LVM on four disks, whose volumes come and go",
    "arrays": "Disk: systemd's TEST-64: md arrays of two, three and four disks, one with partitions",
    "many_disks_of_one_btrfs": "Disk: systemd's TEST-64: Btrfs on one, two and four disks",
    "paths_fail": "Disk: systemd's TEST-64: multipath of four paths, each of which fails, is unplugged and comes back",
}

ITERATIONS = 6


def check_all(machine):
    machine.settle()
    check_functions(machine)
    check_disks(machine)
    check_helper(machine)


def boot(machine):
    machine.add_drives()
    # The packages that the stacks need start these.
    machine.boot("root=LABEL=root systemd.mask=NetworkManager.service systemd.mask=networking.service")
    check_all(machine)


def partition(drive_link, *partitions):
    """A command that writes a partition table: each partition with its name and size in MiB. udevd does not look at the disk meanwhile."""
    table = "".join(f'name="{name}", size={size}MiB\\n' for name, size in partitions)
    return f"printf 'label: gpt\\n{table}' | udevadm lock --device={drive_link} sfdisk -q --wipe always {drive_link}"


def delete(drive_link):
    return f"udevadm lock --device={drive_link} sfdisk -q --delete {drive_link}"


def at_once(commands):
    """A command that runs all of them at the same time, and fails if one does."""
    return "\n".join(["set --", *(f"{{ {command}; }} & set -- \"$@\" $!" for command in commands),
                      "for pid; do wait \"$pid\" || exit; done"])


class Watched:
    """No link of a whole disk is gone, not even for a moment."""

    def __init__(self, machine):
        self.machine = machine
        self.links = {link for link in check_links(machine) if "-part" not in link}
        machine.run(f"""perl /usr/local/libexec/watch-links.pl {LINKS} /run/links </dev/null >/dev/null 2>&1 & echo $! >/run/watch.pid
            until [ -s /run/links ]; do :; done""")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if not any(error):
            _, *events = self.machine.run("cat /run/links && kill $(cat /run/watch.pid)").splitlines()
            assert {event for event in events if event.split()[1] in self.links} <= {f"replace {link}" for link in self.links}
            assert any(event.startswith("delete ") for event in events), "the links of partitions come and go"


def test_long_path_with_file_systems(make_machine):
    bridges = [{"driver": "pci-bridge", "id": f"bridge{n}", "bus": f"bridge{n - 1}" if n else "pci.0", "addr": f"{n % 31 + 1:x}.0" if n else "5.0",
                "chassis_nr": n + 1} for n in range(26)]
    with make_machine([virtio("root", "pci.0", addr="1d.0"), *bridges, virtio("far", "bridge25", addr="2.0")], machine="pc") as machine:
        boot(machine)
        link = f"{LINKS}/{link_name(machine.qmp, 'far')}"
        machine.run(partition(link, ("swap", 8), ("data", 16)))
        for number in (1, 2):
            machine.wait(f"{link}-part{number}")
        machine.run(f"mkswap -q -L swap_vol {link}-part1 && mkfs.ext4 -q -L data_vol {link}-part2")
        machine.settle()
        check_all(machine)
        machine.run(f"swapon {link}-part1 && mount {link}-part2 /mnt && swapoff {link}-part1 && umount /mnt")
        assert machine.run(f"realpath {link}-part2") == machine.run("realpath /dev/disk/by-label/data_vol")
        machine.trigger("change", "block")
        check_all(machine)


SERIALS = [form.format(n) for form, n in itertools.product(("deadbeef{}", "    deadbeef  {}", "    dead/beef/{}", "dead/../../beef/{}"), range(3))]
NVME = [
    virtio("root", "pcie.0", addr="3.0"),
    *({"driver": "pcie-root-port", "id": f"port{n}", "bus": "pcie.0", "addr": f"{4 + n // 8:x}.{n % 8}", "chassis": n + 1,
       "multifunction": n % 8 == 0} for n in range(14)),
    *(disk("nvme", f"nvme{n}", bus=f"port{n}") | {"serial": serial} for n, serial in enumerate(SERIALS)),
    {"driver": "nvme-subsys", "id": "subsystem"},
    *({"driver": "nvme", "id": f"of-subsystem{n}", "bus": f"port{n + 12}", "serial": "deadbeef", "subsys": "/machine/peripheral/subsystem"}
      for n in range(2)),
    *(disk("nvme-ns", f"shared{nsid}", bus="of-subsystem1", nsid=nsid) for nsid in (16, 17)),
]


@pytest.fixture(scope="module")
def machine(make_machine, request):
    topology, options = request.param if isinstance(request.param, tuple) else (request.param, {"memory": "1G"})
    with make_machine(topology, **options) as machine:
        boot(machine)
        yield machine


with_nvme = pytest.mark.parametrize("machine", [pytest.param(NVME, id="nvme")], indirect=True)


@with_nvme
def test_odd_nvme_serials(machine):
    links = check_links(machine)
    for n, serial in enumerate(SERIALS):
        node = links[link_name(machine.qmp, f"nvme{n}")]
        assert machine.run(f"cat /sys/class/block/{node}/device/serial").split() == serial.split()
    for action in ("change", "add"):
        machine.trigger(action, "block", "nvme")
        check_all(machine)


@with_nvme
def test_shared_namespaces(machine):
    """Two controllers, two namespaces: four links of two disks."""
    links = check_links(machine)
    for nsid in (16, 17):
        assert len([link for link in links if link.endswith(f"-nvme-{nsid}")]) == 2
        assert len({node for link, node in links.items() if link.endswith(f"-nvme-{nsid}")}) == 1


SCSI = [
    virtio("root", "pcie.0", addr="3.0"),
    *({"driver": "virtio-scsi-pci", "id": f"scsi{n}", "bus": "pcie.0", "addr": f"{4 + n:x}.0"} for n in range(4)),
    *(disk("scsi-hd", f"disk{n}", bus=f"scsi{n // 32}.0", channel=0, **{"scsi-id": n % 32}, lun=0) for n in range(128)),
]
with_luns = pytest.mark.parametrize("machine", [pytest.param(SCSI, id="scsi")], indirect=True)


def links_of(machine, names):
    return [f"{LINKS}/{link_name(machine.qmp, name)}" for name in names]


@with_luns
def test_128_luns(machine):
    assert len(check_links(machine)) == 129
    machine.trigger("change", "block")
    check_all(machine)


@with_luns
def test_identically_named_partitions(machine):
    """Each udev link by partition name has 128 claimants; ours have one."""
    disks = links_of(machine, [f"disk{n}" for n in range(0, 128, 8)])
    with Watched(machine):
        machine.run(at_once(partition(link, *(8 * [("Hello world", 1)])) for link in disks))
        machine.settle()
        assert len(check_links(machine)) == 129 + 128
        check_all(machine)
        machine.run(at_once(map(delete, disks)))
        machine.settle()
        assert len(check_links(machine)) == 129


@with_luns
def test_simultaneous_events(machine):
    """Half of the disks get partitions while the other half loses them, and so on. No wait in between."""
    disks = links_of(machine, [f"disk{n}" for n in range(10)])
    table = [(f"test{n}", 1) for n in range(1, 5)]
    with Watched(machine):
        for iteration in range(ITERATIONS):
            machine.run(at_once(partition(link, *table) if n % 2 == iteration % 2 else delete(link) if iteration else partition(link)
                                for n, link in enumerate(disks)))
            if iteration % 3 == 2:
                machine.settle()
                check_all(machine)
                assert len(check_links(machine)) == 129 + 5 * 4
        machine.run(at_once(delete(link) for n, link in enumerate(disks) if n % 2 != ITERATIONS % 2))
        machine.settle()
        assert len(check_links(machine)) == 129


@with_luns
def test_many_partitions_at_once(machine):
    """20 partitions of one name on each of 10 disks, all at the same time."""
    disks = links_of(machine, [f"disk{n}" for n in range(100, 110)])
    with Watched(machine):
        machine.run(at_once(partition(link, *(20 * [("testlabel", 1)])) for link in disks))
        machine.settle()
        check_all(machine)
        assert len(check_links(machine)) == 129 + 200
        machine.run(at_once(map(delete, disks)))
        machine.settle()
        check_all(machine)


class Stacked(Machine):
    """With drives that are large enough for Btrfs, and one that all paths lead to."""

    def add_drives(self):
        for n in range(4):
            self.add_drive(f"disk{n}", 256 + n << 20)
        self.add_drive("shared")

    def disks(self):
        """The paths of one drive are told by their adapters."""
        functions = lspci_paths(self)
        rows = self.run("cd /sys/bus/pci/devices; ls -d */virtio*/host*/target*/*/block/*").split()
        nodes = {functions[row.split("/")[0]]: row.rpartition("/")[2] for row in rows}
        return super().disks() | {path["id"]: nodes[pci_path(self.qmp, path["bus"].partition(".")[0])] for path in PATHS
                                  if pci_path(self.qmp, path["bus"].partition(".")[0]) in nodes}


PATHS = [disk("scsi-hd", f"path{n}", bus=f"adapter{n}.0", channel=0, **{"scsi-id": 0, "share-rw": True}, lun=0, wwn=0x5000c50000000001)
         | {"drive": "shared", "serial": "shared"} for n in range(4)]
STACKS = [
    virtio("root", "pcie.0", addr="3.0"),
    *(virtio(f"disk{n}", "pcie.0", addr=f"{4 + n:x}.0") for n in range(4)),
    *({"driver": "virtio-scsi-pci", "id": f"adapter{n}", "bus": "pcie.0", "addr": f"{8 + n:x}.0"} for n in range(4)),
    *PATHS,
]
with_stacks = pytest.mark.parametrize("machine", [pytest.param((STACKS, guest(HOST) | {"of": Stacked}), id="stacks")], indirect=True)
DISKS = [f"disk{n}" for n in range(4)]


def leads_to(machine, label, *nodes):
    """Is udev's link by label one to one of these nodes?"""
    found, *nodes = machine.run(f"realpath /dev/disk/by-label/{label} {' '.join(nodes)}").split()
    return found in nodes


@pytest.fixture
def four(machine):
    """The links of four disks, the first with one partition that is used in its place. Afterwards the disks are empty."""
    disks = links_of(machine, DISKS)
    with Watched(machine):
        machine.run(partition(disks[0], ("first", 200)))
        machine.wait(f"{disks[0]}-part1")
        yield [f"{disks[0]}-part1", *disks[1:]]
        machine.settle()
        machine.run(f"wipefs -q -a {disks[0]}-part1 {' '.join(disks[1:])} && {delete(disks[0])} && wipefs -q -a {disks[0]}")
        check_all(machine)


@with_stacks
def test_logical_volumes(machine, four):
    """Volumes over all disks, made, taken away and brought back. Nothing but disks has a link by PCI path."""
    machine.run(f"pvcreate -q -y {' '.join(four)} && vgcreate -q storage {' '.join(four)} && lvcreate -q -y -i 4 -L 32M -n striped storage && "
                "lvcreate -q -y -L 300M -n linear storage && mkfs.ext4 -q -L striped /dev/storage/striped && mkswap -q -L linear /dev/storage/linear")
    machine.settle()
    assert leads_to(machine, "striped", "/dev/storage/striped") and leads_to(machine, "linear", "/dev/storage/linear")
    for _ in range(ITERATIONS):
        machine.run("vgchange -q -an storage && vgchange -q -ay storage")
    machine.wait("/dev/disk/by-label/striped")
    check_disks(machine)
    for n in range(ITERATIONS):
        machine.run(f"lvcreate -q -y -L 4M -n more{n} storage")
    machine.settle()
    check_disks(machine)
    machine.run("vgremove -q -y storage")


def end_array(machine, name):
    """udev may be reading it."""
    machine.settle()
    machine.run(f"mdadm --quiet --stop /dev/md/{name}")
    machine.settle()


@with_stacks
@pytest.mark.parametrize("level,number", [(1, 2), (5, 3), (10, 4)])
def test_arrays(machine, four, level, number):
    """Made, ended, and put together again: by udev, which sees the disks change, or by hand."""
    disks, array = " ".join(four[:number]), f"/dev/md/level{level}"
    machine.run(f"mdadm --quiet --create {array} --run --assume-clean --homehost=any --level={level} --raid-devices={number} {disks}")
    machine.settle()
    machine.run(f"printf 'label: gpt\nsize=16MiB\nsize=16MiB\n' | udevadm lock --device={array} sfdisk -q {array}")
    machine.wait(f"{array}p2")
    machine.run(f"udevadm lock --device={array} mkfs.ext4 -q -L level{level} {array}p2")
    machine.settle()
    for _ in range(2):
        check_disks(machine)
        assert leads_to(machine, f"level{level}", f"{array}p2")
        end_array(machine, f"level{level}")
        machine.run(f"[ -e {array} ] || mdadm --quiet --assemble {array} {disks}")
        machine.wait(f"{array}p2")
    end_array(machine, f"level{level}")
    machine.run(f"[ ! -e {array} ] || mdadm --quiet --stop {array}; mdadm --zero-superblock {disks}")


@with_stacks
@pytest.mark.parametrize("number,profile", [(1, "single"), (2, "raid1"), (4, "raid10")])
def test_many_disks_of_one_btrfs(machine, four, number, profile):
    """Each disk has the label; udev's link leads to one of them."""
    disks, others = four[:number], four[number:]
    machine.run(f"mkfs.btrfs -q -f -L {profile} -d {profile} -m {profile} {' '.join(disks)}")
    machine.settle()
    assert leads_to(machine, profile, *disks)
    check_disks(machine)
    machine.run(f"mount /dev/disk/by-label/{profile} /mnt && echo kept >/mnt/file")
    if others:
        machine.run(f"btrfs device add -f {others[0]} /mnt && btrfs device remove {others[0]} /mnt")
    machine.run("umount /mnt")
    machine.trigger("change", "block")
    check_disks(machine)
    assert machine.run(f"mount {disks[-1]} /mnt && cat /mnt/file && umount /mnt") == "kept\n"


CONFIG = """defaults {
    find_multipaths no
    path_grouping_policy multibus
    polling_interval 1
    max_polling_interval 1
    no_path_retry queue
}
blacklist {
    wwid ".*"
}
blacklist_exceptions {
    wwid "35000c50000000001"
}
multipaths {
    multipath {
        wwid 35000c50000000001
        alias shared
    }
}
"""


def await_paths(machine, active):
    """multipathd uses so many paths."""
    machine.run(f"until [ \"$(multipathd show paths raw format '%t %m' | grep -c '^active *shared')\" = {active} ]; do sleep 0.2; done")


@with_stacks
def test_paths_fail(machine):
    """What is written meanwhile gets to the disk. A path that fails keeps its links; one that is unplugged has none until it is back."""
    ids = [path["id"] for path in PATHS]
    paths, nodes = links_of(machine, ids), machine.disks()
    with Watched(machine):
        machine.run(partition(paths[0], ("first", 32)))
        machine.run(f"for path in {' '.join(paths[1:])}; do blockdev --rereadpt $path || exit; done")
        machine.wait(f"{paths[3]}-part1")
        machine.run(f"cat >/etc/multipath.conf <<'END'\n{CONFIG}END\nsystemctl restart multipathd.service")
        machine.wait("/dev/mapper/shared-part1")
        await_paths(machine, 4)
        check_disks(machine)
        machine.run("mkfs.ext4 -q -L shared /dev/mapper/shared-part1 && mount /dev/mapper/shared-part1 /mnt")
        for n, name in enumerate(ids):
            machine.run(f"echo offline >/sys/class/block/{nodes[name]}/device/state")
            await_paths(machine, 3)
            machine.run(f"echo {n} >/mnt/offline{n} && sync /mnt/offline{n}")
            check_disks(machine)
            machine.run(f"echo running >/sys/class/block/{nodes[name]}/device/state")
            await_paths(machine, 4)
        check_disks(machine)
    for n, path in enumerate(PATHS):
        machine.unplug(path["id"])
        machine.wait(paths[n], gone=True)
        await_paths(machine, 3)
        machine.run(f"echo {n} >/mnt/gone{n} && sync /mnt/gone{n}")
        check_disks(machine)
        machine.plug(path)
        machine.wait(paths[n])
        await_paths(machine, 4)
        check_disks(machine)
    machine.run("umount /mnt && fsck.ext4 -n /dev/mapper/shared-part1 && mount /dev/mapper/shared-part1 /mnt")
    assert machine.run("cd /mnt && cat offline? gone?").split() == 2 * ["0", "1", "2", "3"]
    machine.run("umount /mnt && multipath -f shared && systemctl stop multipathd.service multipathd.socket")
    check_all(machine)
