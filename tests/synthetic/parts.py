# SPDX-License-Identifier: LGPL-2.1-or-later
"""Parts of synthetic machines: short names for what many of them have, and machines that several tests build."""

from trees.machine import Disk, Group, Machine, Namespace, Node, Nodes, Nvme, NvmeSubsystem, Root, VirtioBlk, function


def blk(partitions=0):
    return VirtioBlk(Disk(partitions))


def nvme(*nsids):
    return Nvme([Namespace(nsid) for nsid in nsids])


def multipath():
    """Namespaces of a subsystem that have three live paths (a dead and a deleted one beside them), two, one, and none."""
    subsystem = NvmeSubsystem()
    three, two, one, none = Namespace(1, Disk(2)), Namespace(4, Disk(1)), Namespace(2), Namespace(3, Disk(1))
    controllers = [([three, two], "live"), ([three, one], "resetting"), ([three, one, none], "dead"),
                   ([three, two], "connecting"), ([three, none], "deleting")]
    return Machine([Root([function(f"02.{number}", function("00.0", Nvme(namespaces, subsystem, state)))
                          for number, (namespaces, state) in enumerate(controllers)])])


def multipath_elsewhere():
    """Namespaces with a path over a fabric: beside one below PCI, beside one that is lost, and alone."""
    beside, lost, alone = Namespace(1, Disk(1)), Namespace(2), Namespace(3, Disk(1))
    subsystem = NvmeSubsystem([beside, lost, alone])
    return Machine([Root([function("03.0", Nvme([beside, lost], subsystem, lost=[lost])), function("04.0", nvme(1))])],
                   [NvmeSubsystem([Namespace(1, Disk(1))])])


def chain(length, *below):
    """A function behind length - 1 bridges, all of them 00.0."""
    top = function("00.0", *below)
    for _ in range(length - 1):
        top = function("00.0", top)
    return top


def node(where, subsystem, link=None, *above, **attributes):
    return Node([*above, (where, subsystem, None, attributes)], link)


def usb(port, *more):
    return [("usb99", "usb", "usb_device"), (f"99-{port}", "usb", "usb_device"), (f"99-{port}:1.0", "usb", "usb_interface"), *more]


def tape(name, link):
    return node(f"scsi_tape/{name}", "scsi_tape", link, ("host99", "scsi", "scsi_host"), ("target99:0:0", "scsi", "scsi_target"),
                ("99:0:0:0", "scsi", "scsi_device"))


def uverbs(number):
    return Nodes([node(f"infiniband_verbs/uverbs{number}", "infiniband_verbs", "infiniband/by-pci-path/FLAT")])


def given_away():
    """An IOMMU: two functions behind a conventional bridge are one group with it, two behind ports are two."""
    bridge = function("03.0", function("01.0"), function("02.0"), function("03.0"))
    ports = [function(f"04.{n}", function("00.0")) for n in range(3)]
    groups = [Group([bridge, *bridge.below], bridge.below[:2]), *(Group(port.below, port.below) for port in ports[:2]),
              Group(ports[2].below, ports[2].below, noiommu=True), Group(ports, [])]
    return Machine([Root([bridge, *ports])], groups=groups)
