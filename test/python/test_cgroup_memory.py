"""What control groups leave: files in folders, made here as the system makes them."""

from __future__ import annotations

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../python"))

from _python_interpreter_toolset.cgroup_memory import CgroupMemory

MB = 2**20


class CgroupMemoryTest(unittest.TestCase):
    def setUp(self) -> None:
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        self.folder = made.name

    def write(self, path: str, text: object) -> None:
        whole = os.path.join(self.folder, path)
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, "w") as file:
            file.write(f"{text}\n")

    def group(self, path: str, limit: object, used: int, cached: int = 0) -> None:
        self.write(f"mounts/{path}/memory.max", limit)
        self.write(f"mounts/{path}/memory.current", used)
        self.write(f"mounts/{path}/memory.stat", f"anon {used}\ninactive_file {cached}\nslab 0")

    def room(self, membership: str) -> int | None:
        self.write("membership", membership)
        return CgroupMemory(f"{self.folder}/membership", f"{self.folder}/mounts").left()

    def test_version_2(self) -> None:
        self.group("a/b", 100 * MB, 70 * MB, 10 * MB)
        self.assertEqual(self.room("0::/a/b"), 40 * MB)

    def test_the_strictest_of_the_groups_around_it_counts(self) -> None:
        self.group("a/b", 100 * MB, 10 * MB)
        self.group("a", 60 * MB, 40 * MB)
        self.assertEqual(self.room("0::/a/b"), 20 * MB)

    def test_in_a_container_the_group_is_the_root(self) -> None:
        self.group(".", 50 * MB, 20 * MB)
        self.assertEqual(self.room("0::/"), 30 * MB)
        self.assertEqual(self.room("0::/docker/0123"), 30 * MB)

    def test_version_1(self) -> None:
        for name, value in (
            ("limit_in_bytes", 100 * MB),
            ("usage_in_bytes", 80 * MB),
            ("stat", f"inactive_file 1\ntotal_inactive_file {5 * MB}"),
        ):
            self.write(f"mounts/memory/a/memory.{name}", value)
        self.write("mounts/memory/memory.limit_in_bytes", 9223372036854771712)
        self.write("mounts/memory/memory.usage_in_bytes", 90 * MB)
        self.assertEqual(self.room("5:cpu,cpuacct:/a\n4:memory:/a\n0::/"), 25 * MB)

    def test_no_limit(self) -> None:
        self.group("a", "max", 10 * MB)
        self.assertIsNone(self.room("0::/a"))
        self.assertIsNone(self.room("0::/none"))
        self.assertIsNone(self.room("nonsense"))

    def test_what_is_used_later_counts(self) -> None:
        self.group("a", 100 * MB, 10 * MB)
        self.write("membership", "0::/a")
        groups = CgroupMemory(f"{self.folder}/membership", f"{self.folder}/mounts")
        self.group("a", 100 * MB, 95 * MB)
        self.assertEqual(groups.left(), 5 * MB)

    def test_one_that_is_full_leaves_nothing(self) -> None:
        self.group("a", 10 * MB, 11 * MB)
        self.assertEqual(self.room("0::/a"), 0)


if __name__ == "__main__":
    unittest.main()
