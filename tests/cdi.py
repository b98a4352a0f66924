# SPDX-License-Identifier: LGPL-2.1-or-later
"""A reader of CDI specifications that takes only what their version of the interface has, as its library does, and only what
pcipath has a use for."""

import json
import re

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.:-]*[A-Za-z0-9])?")
KINDS = "disk", "vfio", "rdma", "net", "alias"
NODE = {"path": str, "hostPath": str, "type": str, "permissions": str}


def read_edits(edits):
    """All device nodes, then all interfaces."""
    assert edits and edits.keys() <= {"deviceNodes", "netDevices"} and all(edits.values())
    for interface in edits.get("netDevices", []):
        assert interface.keys() == {"hostInterfaceName", "name"} and all(0 < len(name) < 16 for name in interface.values())
    for node in edits.get("deviceNodes", []):
        assert {key: type(value) for key, value in node.items()} == NODE
        assert node["path"].startswith("/dev/") and node["hostPath"].startswith("/dev/")
        assert node["type"] in ("b", "c") and node["permissions"] == "rw"
    return edits.get("deviceNodes", []) + edits.get("netDevices", [])


def read(text, kind):
    """By name of each device its path (of the annotation) and nodes or interfaces; and the nodes that come with each of them."""
    pairs = []
    specification = json.loads(text, object_pairs_hook=lambda found: pairs.append([key for key, _ in found]) or dict(found))
    assert all(len(keys) == len(set(keys)) for keys in pairs)
    assert specification.keys() - {"containerEdits"} == {"cdiVersion", "kind", "devices"}
    assert specification["kind"] == f"pcipath.dev/{kind}"
    assert specification["cdiVersion"] == ("1.1.0" if "netDevices" in text else "0.6.0")
    devices = {}
    assert specification["devices"]
    for device in specification["devices"]:
        assert device.keys() == {"name", "annotations", "containerEdits"}
        assert NAME.fullmatch(device["name"]) and device["name"] not in devices
        assert device["annotations"].keys() == {"pcipath.dev/path"}
        devices[device["name"]] = device["annotations"]["pcipath.dev/path"], read_edits(device["containerEdits"])
    return devices, read_edits(specification["containerEdits"]) if "containerEdits" in specification else []
