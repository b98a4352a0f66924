# SPDX-License-Identifier: LGPL-2.1-or-later
"""Specifications of the Container Device Interface: of fake machines, and where and how they are written."""

import json
import os
import re
import signal
import stat
import subprocess

import cdi
import debian
import jsonschema
import pytest
from command.machine import complete
from command.manager import Follower, send_as_kernel
from command.run import PCIPATH, pcipath
from command.test_faults import TRACE, traced
from command.test_faults import pytestmark as needs_strace
from synthetic.parts import given_away, node, uverbs
from trees import sandbox
from trees.machine import Disk, Machine, Net, Nodes, Port, Root, SubFunctions, VirtioBlk, function
from trees.sysfs import Tree

COVERS = {
    "schema": "Container: CDI: the output matches the schema",
    "write": "Container: CDI: the file is replaced as a whole, and removed with the last device",
    "follow": "Container: CDI: the files follow the devices, and are removed at the end",
    "rdma": "Container: CDI: the RDMA devices of a function and of its sub-functions",
    "interfaces": "Container: CDI: network interfaces",
    "alias": "Container: CDI: what aliases name",
    "odd_node": "Fault: device nodes with quotes and backslashes in their names, in JSON",
}

DISK = Machine([Root([function("02.0", function("00.0", VirtioBlk(Disk(1))))])])
TWO = Machine([Root([function("02.0", function("00.0", VirtioBlk())), function("02.1", function("00.0", VirtioBlk()))])])
NOTHING = Machine([Root([function("02.0")])])
FILES = {kind: f"/run/cdi/pcipath.dev-{kind}.json" for kind in cdi.KINDS}


def show(machine, nodes=()):
    sandbox.empty("/sys")
    complete(Tree(machine, "/sys"))
    for path in nodes:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.mknod(path, stat.S_IFCHR, os.makedev(10, 196))


def run(function_, *arguments):
    """In a sandbox whose /dev and /run are empty."""
    def inside():
        for directory in ("/dev", "/run"):
            sandbox.mount("tmpfs", directory, "tmpfs")
        return function_(*arguments)

    return sandbox.run(inside)


def printed(machine, *options, nodes=()):
    show(machine, nodes)
    return pcipath("cdi", *options)


def test_disk():
    """A disk has the place of its link in the container, and its node outside."""
    devices, common = cdi.read(run(printed, DISK).stdout, "disk")
    assert common == [] and devices == {
        f"02.0-00.0{part}": ("02.0/00.0", [{"path": f"/dev/disk/by-pci-path/02.0-00.0{part}", "hostPath": f"/dev/vda{number}",
                                            "type": "b", "permissions": "rw"}])
        for part, number in (("", ""), ("-part1", 1))}


def with_another_disk(*names):
    """Each of the names leads to a disk that is not the machine's."""
    show(DISK)
    for name in names:
        os.makedirs(os.path.dirname(name), exist_ok=True)
        os.mknod(name, stat.S_IFBLK, os.makedev(7, 0))
    return pcipath("cdi")


@pytest.mark.parametrize("name", ["/dev/vda1", "/dev/disk/by-pci-path/02.0-00.0-part1"])
def test_name_that_leads_to_another_disk(name):
    devices, _ = cdi.read(run(with_another_disk, name).stdout, "disk")
    assert "02.0-00.0" in devices and "02.0-00.0-part1" not in devices


def test_vfio():
    """Each function of a group has the group's node, by its own name, and what all users of VFIO open."""
    outcome = run(lambda: printed(given_away(), "--kind=vfio", nodes=["/dev/vfio/vfio"]))
    devices, common = cdi.read(outcome.stdout, "vfio")
    assert {name: [entry["path"] for entry in nodes] for name, (_, nodes) in devices.items()} == {
        "03.0-01.0": ["/dev/vfio/0"], "03.0-02.0": ["/dev/vfio/0"], "04.0-00.0": ["/dev/vfio/1"],
        "04.1-00.0": ["/dev/vfio/2"], "04.2-00.0": ["/dev/vfio/noiommu-3"]}
    assert common == [{"path": "/dev/vfio/vfio", "hostPath": "/dev/vfio/vfio", "type": "c", "permissions": "rw"}]


def test_vfio_node_of_its_own():
    """As Linux 6.6 and later have it, opened with /dev/iommu."""
    machine = Machine([Root([function("09.0", Nodes([node("vfio-dev/vfio0", "vfio-dev", "vfio/devices/by-pci-path/FLAT")]))])])
    devices, common = cdi.read(run(lambda: printed(machine, "-k", "vfio", nodes=["/dev/iommu"])).stdout, "vfio")
    assert [entry["hostPath"] for entry in devices["09.0"][1]] == ["/dev/vfio0"]
    assert [entry["hostPath"] for entry in common] == ["/dev/iommu"]


@pytest.mark.parametrize("kind", FILES)
def test_nothing(kind):
    """A specification without devices is none: the interface has it so."""
    outcome = run(printed, NOTHING, "--kind", kind)
    assert outcome.status == 3 and outcome.stderr == f"pcipath: no device of the kind pcipath.dev/{kind}\n"


def written():
    """The specification in each file, when there is no other."""
    present = {kind: path for kind, path in FILES.items() if os.path.exists(path)}
    assert sorted(os.listdir("/run/cdi")) == sorted(os.path.basename(path) for path in present.values())
    for path in present.values():
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o644
    return {kind: sorted(cdi.read(open(path).read(), kind)[0]) for kind, path in present.items()}


RDMA = Machine([Root([
    function("02.0", function("00.0", Nodes([
        node("infiniband_verbs/uverbs0", "infiniband_verbs"), node("infiniband_mad/umad0", "infiniband_mad"),
        node("infiniband_mad/issm0", "infiniband_mad")]), SubFunctions({88: [uverbs(1)]}))),
    function("02.1", function("00.0", VirtioBlk()))])])


def test_rdma():
    """The nodes of a function are one device, those of its sub-function another; what all users of RDMA open comes with each."""
    outcome = run(lambda: printed(RDMA, "--kind=rdma", nodes=["/dev/infiniband/rdma_cm"]))
    devices, common = cdi.read(outcome.stdout, "rdma")
    assert {name: (path, [entry["hostPath"] for entry in nodes]) for name, (path, nodes) in devices.items()} == {
        "02.0-00.0": ("02.0/00.0", ["/dev/issm0", "/dev/umad0", "/dev/uverbs0"]),
        "02.0-00.0-sf-88": ("02.0/00.0", ["/dev/uverbs1"])}
    assert [entry["path"] for entry in common] == ["/dev/infiniband/rdma_cm"]


INTERFACES = Machine([Root([
    function("02.0", Net()), function("02.1", function("00.0", Net(virtio=True))), function("03.0", Net([Port(), Port()])),
    function("04.0", Net([Port(0, "p0"), Port(1), Port(0, "p;$'"), Port(0, "p.")]), SubFunctions({88: [Net()]}))])])


def test_interfaces():
    """By their alternative names, if these can be the names of devices. Those that nothing tells apart have none."""
    devices, common = cdi.read(run(printed, INTERFACES, "-k", "net").stdout, "net")
    assert common == [] and {name: path for name, (path, _) in devices.items()} == {
        "02.0": "02.0", "02.1-00.0": "02.1/00.0", "04.0np0": "04.0", "04.0d1": "04.0", "04.0S88": "04.0"}
    interfaces = [edits for _, edits in devices.values()]
    assert all(len(edits) == 1 and edits[0]["hostInterfaceName"] == edits[0]["name"] for edits in interfaces)
    assert len({edits[0]["name"] for edits in interfaces}) == len(devices)


ALIASES = """\
database=02.1/00.0
root=02.1/00.0,part=1
uplink=06.0
storage=02.0/00.0
part-of=02.0/00.0,sf-88
card=03.0-01.0
nothing=05.0
second=06.0,d1
alone=07.0
named=07.0,np0
twice=02.1/00.0
twice=06.0
"""


def printed_aliases():
    given = given_away()
    given.roots[0].functions += [*RDMA.roots[0].functions[:1], function("02.1", function("00.0", VirtioBlk(Disk(1)))),
                                 function("05.0"), function("06.0", Net([Port(), Port(1)])), function("07.0", Net([Port(0, "p0")]))]
    os.makedirs("/run/pcipath/aliases.d")
    with open("/run/pcipath/aliases.d/host.conf", "w", encoding="utf-8") as file:
        file.write(ALIASES)
    return printed(given, "-k", "alias", nodes=["/dev/vfio/vfio", "/dev/infiniband/rdma_cm"])


def test_alias():
    """What an alias names, whatever it is; its partitions with the disk. An alias of two targets names nothing."""
    devices, common = cdi.read(run(printed_aliases).stdout, "alias")
    assert common == []
    given = {name: [(node.get("path") or node["name"], node.get("hostPath")) for node in edits]
             for name, (_, edits) in devices.items()}
    interfaces = [given.pop(name) for name in ("uplink", "second", "alone", "named")]
    assert all(len(interface) == 1 and interface[0][1] is None for interface in interfaces)
    assert len({interface[0][0] for interface in interfaces}) == 3 and interfaces[2] == interfaces[3]
    by_alias = "/dev/disk/by-pci-alias"
    assert given == {
        "database": [(f"{by_alias}/database", "/dev/vda")],
        "database-part1": [(f"{by_alias}/database-part1", "/dev/vda1")],
        "root": [(f"{by_alias}/root", "/dev/vda1")],
        "storage": [(name, name) for name in ("/dev/issm0", "/dev/umad0", "/dev/uverbs0", "/dev/infiniband/rdma_cm")],
        "part-of": [(name, name) for name in ("/dev/uverbs1", "/dev/infiniband/rdma_cm")],
        "card": [(name, name) for name in ("/dev/vfio/0", "/dev/vfio/vfio")]}


def write_each():
    states = []
    for machine, options in ((DISK, []), (TWO, []), (given_away(), ["-k", "vfio"]), (given_away(), []), (NOTHING, [])):
        show(machine)
        outcome = pcipath("cdi", "--write", *options)
        assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "", "")
        states.append(written())
    return states


def test_write():
    """A file for each kind that has a device, and no more; what is not asked for stays."""
    given = ["03.0-01.0", "03.0-02.0", "04.0-00.0", "04.1-00.0", "04.2-00.0"]
    assert run(write_each) == [{"disk": ["02.0-00.0", "02.0-00.0-part1"]}, {"disk": ["02.0-00.0", "02.1-00.0"]},
                               {"disk": ["02.0-00.0", "02.1-00.0"], "vfio": given}, {"vfio": given}, {}]


def unpack_schema(archive):
    archive.get("download", "golang-tags.cncf-container-device-interface-dev")
    [package] = archive.directory.glob("*.deb")
    subprocess.run(["dpkg-deb", "-x", package, archive.directory], check=True)


@pytest.fixture(scope="module")
def schema():
    """The interface's own, of its version 0.8.0. Its two files name each other."""
    [path] = debian.downloaded("cdi-schema", "trixie", unpack_schema).rglob("schema/schema.json")
    store = {name: json.loads((path.parent / name).read_text()) for name in ("schema.json", "defs.json")}
    resolver = jsonschema.RefResolver(base_uri="schema.json", referrer=store["schema.json"], store=store)
    return jsonschema.Draft7Validator(store["schema.json"], resolver=resolver)


def write_for_schema():
    texts = []
    for machine, nodes in ((DISK, []), (given_away(), ["/dev/vfio/vfio"])):
        show(machine, nodes)
        pcipath("cdi", "--write")
        texts += [open(path).read() for path in FILES.values() if os.path.exists(path)]
    return texts


def test_schema(schema):
    """Also that the schema is one: without what it requires, or with other types, it takes none of them."""
    for text in run(write_for_schema):
        specification = json.loads(text)
        schema.validate(specification)
        for spoilt in ({"devices": None}, {"kind": 1}, {"devices": [{"name": "02.0"}]},
                       {"devices": [device | {"containerEdits": {"deviceNodes": [{}]}} for device in specification["devices"]]}):
            assert not schema.is_valid(specification | spoilt), spoilt


def write_replaces():
    show(DISK)
    pcipath("cdi", "--write")
    with open(FILES["disk"]) as before:
        show(TWO)
        pcipath("cdi", "--write")
        return list(cdi.read(before.read(), "disk")[0])


def test_reader_of_the_old_file_has_it_whole():
    assert run(write_replaces) == ["02.0-00.0", "02.0-00.0-part1"]


def follow_devices():
    show(DISK)
    states = []
    follower = Follower()
    for machine in (DISK, TWO, given_away(), NOTHING, DISK):
        before = {kind: os.stat(path).st_ino for kind, path in FILES.items() if os.path.exists(path)}
        show(machine)
        send_as_kernel(follower, "change", "/devices/pci0000:00/0000:00:02.0", "pci")
        after = {kind: os.stat(path).st_ino for kind, path in FILES.items() if os.path.exists(path)}
        states.append((written(), before == after))
    return follower.told, states, follower.end(signal.SIGINT), os.listdir("/run/cdi"), os.listdir("/run/pcipath")


def test_follow():
    """Each event makes the files right; one that changes nothing leaves them. None is left at the end."""
    told, states, done, files, locks = run(follow_devices)
    given = ["03.0-01.0", "03.0-02.0", "04.0-00.0", "04.1-00.0", "04.2-00.0"]
    assert told == b"READY=1" and (done.returncode, done.stdout, done.stderr, files, locks) == (0, "", "", [], [])
    disk = {"disk": ["02.0-00.0", "02.0-00.0-part1"]}
    assert states == [(disk, True), ({"disk": ["02.0-00.0", "02.1-00.0"]}, False), ({"vfio": given}, False), ({}, False),
                      (disk, False)]


def follow_after_others():
    show(DISK)
    first = Follower("--kind=disk")
    second = Follower()
    beside = Follower("--write=/run/other")
    refused = second.process.communicate(timeout=60)[1], second.process.returncode
    ends = [first.end(signal.SIGKILL).returncode, beside.end().returncode]
    third = Follower()
    state = written()
    open("/run/cdi/other.json", "w").close()
    return second.told, refused, ends, third.told, state, third.end().returncode, os.listdir("/run/cdi"), os.listdir("/run/other")


def test_followers():
    """One in a directory; after one that was killed, another can begin. Files of others stay."""
    told, refused, ends, third, state, end, files, beside = run(follow_after_others)
    assert told == b"" and refused == ("pcipath: /run/cdi: another 'pcipath cdi --follow' writes there\n", 1)
    assert ends == [-signal.SIGKILL, 0] and third == b"READY=1" and state == {"disk": ["02.0-00.0", "02.0-00.0-part1"]}
    assert end == 0 and files == ["other.json"] and beside == []


def write_with_umask():
    show(DISK)
    outcome = pcipath("cdi", "--write", umask=0o077)
    return outcome.status, stat.S_IMODE(os.stat("/run/cdi").st_mode), written()


def test_umask():
    """The directory, too, can be read by everybody; written() looks at the file."""
    assert run(write_with_umask) == (0, 0o755, {"disk": ["02.0-00.0", "02.0-00.0-part1"]})


def write_traced():
    show(DISK)
    done = traced([PCIPATH, "cdi", "--write"], "-y", "-e", "trace=fsync,fdatasync,rename,renameat,renameat2")
    with open(TRACE, encoding="utf-8") as trace:
        return done.returncode, [re.sub(r"^\d+ +|\d+(?=<)", "", line) for line in trace if "/run/cdi" in line]


@needs_strace
def test_synced_before_renamed():
    """And the directory after it: after a power failure there is the old file or the new one, whole."""
    status, (file, rename, directory) = run(write_traced)
    assert status == 0 and re.match(r"fsync\(</run/cdi/\.pcipath\.dev-disk\.\w+>\) += 0", file)
    assert rename.startswith("rename") and re.match(r"fsync\(</run/cdi>\) += 0", directory)


def write_killed():
    show(DISK)
    for directory in ("/run/cdi", "/run/pcipath"):  # their modes would be set first
        os.mkdir(directory)
    killed = subprocess.run(["strace", "-f", "-o", TRACE, "-e", "trace=fchmod", "-e", "inject=fchmod:signal=SIGKILL",
                             PCIPATH, "cdi", "--write"], capture_output=True, check=False)
    left = os.listdir("/run/cdi")
    return killed.returncode, left, pcipath("cdi", "--write").status, written()


@needs_strace
def test_killed_while_it_writes():
    """The next run removes what is left of it."""
    killed, left, status, after = run(write_killed)
    assert killed != 0 and len(left) == 1 and left[0].startswith(".")
    assert (status, after) == (0, {"disk": ["02.0-00.0", "02.0-00.0-part1"]})


def write_where_it_cannot_be():
    show(DISK)
    outcomes = []
    os.makedirs("/run/directory/pcipath.dev-disk.json")
    open("/run/file", "w").close()
    sandbox.mount("tmpfs", "/dev", "tmpfs", options="nr_inodes=1")
    for directory in ("/run/directory", "/run/file", "/run/no/such", "/proc", "/dev"):
        outcome = pcipath("cdi", f"--write={directory}")
        outcomes.append((outcome.status, outcome.stdout, outcome.stderr.count("\n")))
    return outcomes, os.listdir("/run/directory"), os.listdir("/dev")


def test_write_where_it_cannot_be():
    """A directory in its place, a file in the directory's, none above it, read-only, full: a line, and nothing left behind."""
    outcomes, beside, on_full = run(write_where_it_cannot_be)
    assert outcomes == [(1, "", 1)] * 5 and beside == ["pcipath.dev-disk.json"] and on_full == []


def test_odd_node():
    machine = Machine([Root([function("09.0", Nodes([node('vfio-dev/a"b\\c', "vfio-dev", None)]))])])
    devices, _ = cdi.read(run(printed, machine, "-k", "vfio").stdout, "vfio")
    assert devices["09.0"][1][0]["hostPath"] == '/dev/a"b\\c'
