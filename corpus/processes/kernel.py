"""What Linux offers to hold processes that are not trusted, where Python has no function for it:
prctl(2) and unshare(2).
"""

from __future__ import annotations

import ctypes
import os
import signal
from pathlib import Path

__all__ = ["adopt_orphans", "die_with_parent", "leave_network"]

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000


def adopt_orphans() -> None:
    """Make this process the parent of its descendants whose own parent has ended, wherever they
    have gone: a session of their own does not take them out of reach.
    """
    _libc().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that forked it ends."""
    _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def leave_network() -> bool:
    """Move this process, and what it will start, into a network without any interface.

    Takes a user namespace where the user may not do it directly; many containers allow neither, and
    then nothing changes and the answer is False. The process must have one thread.
    """
    user, group = os.getuid(), os.getgid()
    if _libc().unshare(_CLONE_NEWNET) == 0:
        return True
    if _libc().unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        return False
    here = Path("/proc/self")
    (here / "setgroups").write_text("deny", encoding="ascii")
    (here / "uid_map").write_text(f"{user} {user} 1", encoding="ascii")
    (here / "gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    return True


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
