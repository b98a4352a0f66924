# SPDX-License-Identifier: LGPL-2.1-or-later
"""A reader of CDI specifications that takes only what their version of the interface has, as its library does, and only what
pcipath has a use for."""

import json
import re

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.:-]*[A-Za-z0-9])?")
VERSIONS = {"disk": "0.6.0", "vfio": "0.6.0", "rdma": "0.6.0", "net": "1.1.0"}
NODE = {"path": str, "hostPath": str, "type": str, "permissions": str}


def read_interfaces(edits):
    assert edits.keys() == {"netDevices"} and edits["netDevices"]
    for interface in edits["netDevices"]:
        assert interface.keys() == {"hostInterfaceName", "name"} and all(0 < len(name) < 16 for name in interface.values())
    return edits["netDevices"]


def read_nodes(edits):
    assert edits.keys() == {"deviceNodes"} and edits["deviceNodes"]
    for node in edits["deviceNodes"]:
        assert {key: type(value) for key, value in node.items()} == NODE
        assert node["path"].startswith("/dev/") and node["hostPath"].startswith("/dev/")
        assert node["type"] in ("b", "c") and node["permissions"] == "rw"
    return edits["deviceNodes"]


def read(text, kind):
    """By name of each device its path (of the annotation) and nodes or interfaces; and the nodes that come with each of them."""
    pairs = []
    specification = json.loads(text, object_pairs_hook=lambda found: pairs.append([key for key, _ in found]) or dict(found))
    assert all(len(keys) == len(set(keys)) for keys in pairs)
    assert specification.keys() - {"containerEdits"} == {"cdiVersion", "kind", "devices"}
    assert (specification["cdiVersion"], specification["kind"]) == (VERSIONS[kind], f"pcipath.dev/{kind}")
    devices = {}
    assert specification["devices"]
    for device in specification["devices"]:
        assert device.keys() == {"name", "annotations", "containerEdits"}
        assert NAME.fullmatch(device["name"]) and device["name"] not in devices
        assert device["annotations"].keys() == {"pcipath.dev/path"}
        edits = (read_interfaces if kind == "net" else read_nodes)(device["containerEdits"])
        devices[device["name"]] = device["annotations"]["pcipath.dev/path"], edits
    return devices, read_nodes(specification["containerEdits"]) if "containerEdits" in specification else []
